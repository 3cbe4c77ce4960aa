//! The chunks of a download: what is asked of whom, and what comes.

use super::{Fetch, Hands};
use crate::client::asked::Misfit;
use crate::client::file::{FileOrder, FileTrouble};
use crate::id::ConnId;
use crate::name::Name;
use crate::swarm::{Content, Order};
use crate::wire::{Refused, Report, Transfer};

use super::wanted::End;

/// A chunk that comes, or is being verified.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) content: Content,
    who: Name,
    chunk: u32,
    pub(super) got: u64,
    pub(super) bytes: u64,
}

impl Incoming {
    /// Everything of it has come.
    pub(super) const fn is_whole(&self) -> bool {
        self.got == self.bytes
    }
}

impl Fetch {
    /// Performs what a download wants.
    pub(super) fn perform(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        while let Some(wanted) = self.wanted.get_mut(&content).filter(|wanted| !wanted.orders.is_empty()) {
            for order in core::mem::take(&mut wanted.orders) {
                self.perform_one(content, order, hands);
            }
        }
    }

    fn perform_one(&mut self, content: Content, order: Order<Name>, hands: &mut Hands<'_, '_>) {
        let Some(wanted) = self.wanted.get_mut(&content) else { return };
        match order {
            Order::Bid { owner, wants, has, later } => {
                let wants = u8::try_from(wants).unwrap_or(u8::MAX);
                hands.tell(owner, Transfer::Bid { content, wants, has, later });
            }
            Order::Choose { owner, chunk } => {
                wanted.news.add(Report::Started(chunk));
                self.choose(content, owner, chunk, hands);
            }
            Order::Return { owner } => hands.tell(owner, Transfer::Return { content }),
            Order::Cancel { owner, chunk } => {
                let is_it = |one: &Incoming| {
                    (one.content, one.who, one.chunk) == (content, owner, chunk) && !one.is_whole()
                };
                let found = self.incoming.iter().find(|(_, one)| is_it(one)).map(|(key, _)| *key);
                if let Some((peer, transfer)) = found {
                    hands.tell(owner, Transfer::Cancel { transfer });
                    self.forget_incoming(peer, transfer, hands);
                }
            }
            Order::Dropped { chunk } => wanted.news.add(Report::Dropped(chunk)),
            Order::Doubt { owner, chunk } => wanted.news.add(Report::Doubted(owner, chunk)),
            Order::Bar { owner } => {
                wanted.claims.remove(&owner);
                self.dismiss(owner, content, hands);
                if let Some(source) = self.sources.get_mut(&content) {
                    source.neighbours.forget(owner);
                }
                self.call_some(content, hands);
            }
            Order::Replace { owner } => {
                self.dismiss(owner, content, hands);
                self.call_some(content, hands);
            }
            Order::GiveUp => _ = wanted.end.get_or_insert(End::Lonely),
        }
    }

    fn choose(&mut self, content: Content, who: Name, chunk: u32, hands: &mut Hands<'_, '_>) {
        let Some(range) = self.wanted.get(&content).and_then(|wanted| wanted.layout.range(chunk)) else {
            return;
        };
        let Some(link) = self.links.get_mut(&who) else { return };
        link.transfers += 1;
        let (conn, transfer) = (link.conn, link.transfers);
        let incoming = Incoming { content, who, chunk, got: 0, bytes: range.end - range.start };
        self.incoming.insert((conn, transfer), incoming);
        hands.tell(who, Transfer::Choose { content, transfer, chunk });
    }

    /// A slot was granted to us.
    pub(super) fn granted(
        &mut self,
        who: Name,
        content: Content,
        suggested: Option<u32>,
        hands: &mut Hands<'_, '_>,
    ) {
        let now = hands.cx.now();
        let Some(wanted) = self.wanted.get_mut(&content).filter(|wanted| wanted.end.is_none()) else {
            return hands.tell(who, Transfer::Return { content });
        };
        let suggested = suggested.filter(|chunk| *chunk < wanted.layout.count());
        if wanted.hashes.manifest().is_none() && !wanted.hashes.come_first_from(who, wanted.layout) {
            // He has granted no more than was bid for, or is answered at once.
            if wanted.early.len() < EARLY_MAX {
                return wanted.early.push((who, suggested));
            }
            return hands.tell(who, Transfer::Return { content });
        }
        wanted.download.granted(who, suggested, now, &mut wanted.orders);
    }

    /// A piece of a chunk has come.
    ///
    /// # Errors
    /// [`Misfit`]: it was never asked for, or is longer than the chunk.
    pub(super) fn piece(
        &mut self,
        who: Name,
        transfer: u32,
        bytes: bytes::Bytes,
        hands: &mut Hands<'_, '_>,
    ) -> Result<(), Misfit> {
        let Some(link) = self.links.get(&who) else { return Ok(()) };
        let (peer, is_known) = (link.conn, transfer <= link.transfers);
        let Some(incoming) = self.incoming.get_mut(&(peer, transfer)) else {
            // What was not needed any more was on its way.
            return if is_known { Ok(()) } else { Err(Misfit) };
        };
        let (content, chunk) = (incoming.content, incoming.chunk);
        let count = bytes.len() as u64;
        if incoming.got + count > incoming.bytes {
            return Err(Misfit);
        }
        let now = hands.cx.now();
        let Some(wanted) = self.wanted.get_mut(&content) else { return Ok(()) };
        let Some(hash) = wanted.hash(chunk) else {
            // The hashes that should have come before it have not, or were wrong.
            wanted.download.broken_off(who, chunk, now, &mut wanted.orders);
            self.forget_incoming(peer, transfer, hands);
            hands.tell(who, Transfer::Cancel { transfer });
            return Ok(());
        };
        incoming.got += count;
        let last = incoming.is_whole();
        wanted.download.piece(who, chunk, count, now);
        let name = wanted.name.clone();
        hands.file(FileOrder::Write { name, peer, transfer, chunk, hash, bytes, last });
        if last {
            wanted.download.arrived(who, chunk, now, &mut wanted.orders);
        }
        Ok(())
    }

    /// A chunk was verified, or cannot be written.
    pub(super) fn written(
        &mut self,
        peer: ConnId,
        transfer: u32,
        result: Result<bool, FileTrouble>,
        hands: &mut Hands<'_, '_>,
    ) {
        let Some(incoming) = self.incoming.remove(&(peer, transfer)) else { return };
        let Incoming { content, who, chunk, .. } = incoming;
        let now = hands.cx.now();
        let Some(wanted) = self.wanted.get_mut(&content) else { return };
        match result {
            Ok(right) => {
                let was_held = wanted.download.held().contains(chunk);
                wanted.download.verified(who, chunk, right, now, &mut wanted.orders);
                if !was_held && wanted.download.held().contains(chunk) {
                    wanted.gained.add(chunk);
                    wanted.news.add(Report::Gained(chunk));
                    if let Some(source) = self.sources.get_mut(&content) {
                        source.fresh.gained(chunk, &mut self.dice);
                    }
                    self.slots.got(|(_, other)| other == content);
                }
            }
            Err(FileTrouble::Failed(reason)) => _ = wanted.end.get_or_insert(End::Failed(reason)),
            Err(FileTrouble::Taken(_)) => _ = wanted.end.get_or_insert(End::Taken),
        }
    }

    /// A chunk does not come.
    pub(super) fn refused(&mut self, who: Name, transfer: u32, why: Refused, hands: &mut Hands<'_, '_>) {
        let Some(peer) = self.links.get(&who).map(|link| link.conn) else { return };
        let Some(incoming) = self.incoming.get(&(peer, transfer)).filter(|incoming| !incoming.is_whole())
        else {
            return;
        };
        let (content, chunk) = (incoming.content, incoming.chunk);
        self.forget_incoming(peer, transfer, hands);
        let now = hands.cx.now();
        let Some(wanted) = self.wanted.get_mut(&content) else { return };
        match why {
            Refused::Lacking => wanted.download.refused(who, chunk, now, &mut wanted.orders),
            Refused::BrokenOff => wanted.download.broken_off(who, chunk, now, &mut wanted.orders),
        }
    }
}

/// Slots that are kept while it is not known what the chunks must be.
const EARLY_MAX: usize = 256;
