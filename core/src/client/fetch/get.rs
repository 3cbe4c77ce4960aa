//! What others say about files, and the hashes that they are asked for.

use core::time::Duration;

use bytes::Bytes;

use super::link::is_greeted;
use super::wanted::{Hashes, Wanted};
use super::{Fetch, Hands};
use crate::client::asked::Misfit;
use crate::name::Name;
use crate::swarm::{Bitmap, Content, Layout, Manifest};
use crate::wire::Transfer;

/// How long somebody may take to send hashes before another is asked.
const LIST_MAX: Duration = Duration::from_secs(2);

impl Fetch {
    /// # Errors
    /// [`Misfit`]: nobody says that who keeps to the protocol.
    pub(super) fn on_transfer(
        &mut self,
        who: Name,
        transfer: Transfer,
        hands: &mut Hands<'_, '_>,
    ) -> Result<(), Misfit> {
        match transfer {
            Transfer::Piece { transfer, bytes } => return self.piece(who, transfer, bytes, hands),
            Transfer::Has { content, held } => return self.has(who, content, held, hands),
            Transfer::Lacks { content } => self.lacks(who, content, hands),
            Transfer::Got { content, chunks } => {
                let now = hands.cx.now();
                if let Some(wanted) = self.wanted.get_mut(&content) {
                    wanted.download.owner_has(who, &chunks, now, &mut wanted.orders);
                }
                self.ask_for_hashes(content, hands);
            }
            Transfer::List { content, from } => self.list_asked(who, content, from, hands),
            Transfer::Hashes { content, from, hashes } => self.hashes(who, content, from, &hashes, hands),
            Transfer::Bid { content, wants, has, later } => {
                self.is_bid(who, content, wants, has, later, hands);
            }
            Transfer::Grant { content, suggested } => self.granted(who, content, suggested, hands),
            Transfer::Choose { content, transfer, chunk } => {
                self.is_chosen(who, content, transfer, chunk, hands)?;
            }
            Transfer::Return { content } => self.is_returned(who, content, hands),
            Transfer::Cancel { transfer } => self.is_cancelled(who, transfer, hands),
            Transfer::Refuse { transfer, why } => self.refused(who, transfer, why, hands),
        }
        Ok(())
    }

    /// Somebody takes part in a content.
    fn has(
        &mut self,
        who: Name,
        content: Content,
        held: Bitmap,
        hands: &mut Hands<'_, '_>,
    ) -> Result<(), Misfit> {
        let layout = Layout::new(content.size, self.terms.chunks).ok_or(Misfit)?;
        if held.chunks() != layout.count() {
            return Err(Misfit);
        }
        let is_barred = self.wanted.get(&content).is_some_and(|wanted| wanted.download.is_barred(who));
        if is_barred || self.held(content).is_none() || !self.welcomes(who, content, layout, hands) {
            hands.tell(who, Transfer::Lacks { content });
            return Ok(());
        }
        self.greet(who, content, hands);
        let now = hands.cx.now();
        if let Some(wanted) = self.wanted.get_mut(&content) {
            wanted.download.owner_joined(who, held, now, &mut wanted.orders);
        }
        self.ask_for_hashes(content, hands);
        Ok(())
    }

    /// Whether there is room for one more. Who only gives parts from one who wants nothing of him.
    fn welcomes(&mut self, who: Name, content: Content, layout: Layout, hands: &mut Hands<'_, '_>) -> bool {
        let fetches = self.wanted.contains_key(&content);
        let source = self.source(content, layout);
        if source.neighbours.is_welcome(who) {
            return true;
        }
        if fetches {
            return false;
        }
        let all = source.neighbours.list();
        let Some(idle) = all.into_iter().find(|other| !self.slots.is_bidder((*other, content))) else {
            return false;
        };
        self.dismiss(idle, content, hands);
        self.source(content, layout).neighbours.is_welcome(who)
    }

    /// Somebody takes no part in a content, or not with us.
    fn lacks(&mut self, who: Name, content: Content, hands: &mut Hands<'_, '_>) {
        if let Some(link) = self.links.get_mut(&who) {
            link.greeted.remove(&content);
        }
        self.end_with(who, content, hands);
    }

    /// We take no part in a content any more with somebody.
    pub(super) fn dismiss(&mut self, who: Name, content: Content, hands: &mut Hands<'_, '_>) {
        if self.links.get_mut(&who).is_some_and(|link| link.greeted.remove(&content)) {
            hands.tell(who, Transfer::Lacks { content });
        }
        self.end_with(who, content, hands);
    }

    /// Nothing of a content goes to somebody or comes from him any more.
    fn end_with(&mut self, who: Name, content: Content, hands: &mut Hands<'_, '_>) {
        self.stop_uploads(who, content, hands);
        self.drop_incoming(who, |one| one == content, hands);
        self.part_from(who, content, hands);
    }

    // --- Hashes ---

    /// Asks somebody for the hashes that are missing, if nobody is asked.
    pub(super) fn ask_for_hashes(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        let (Some(wanted), Some(source)) = (self.wanted.get_mut(&content), self.sources.get(&content)) else {
            return;
        };
        let Hashes::Coming(coming) = &mut wanted.hashes else { return };
        if let Some((who, until)) = coming.asked {
            if now < until {
                return;
            }
            coming.asked = None;
            coming.fails(who);
        }
        if coming.rests_until.take_if(|until| *until <= now).is_some() {
            coming.not.clear();
        }
        // Who has a chunk has the hashes; who has most has them most likely; whoever has begun goes on.
        let can_be_asked = source
            .neighbours
            .iter()
            .filter(|who| is_greeted(&self.links, *who, content) && !coming.not.contains(who));
        let holds = can_be_asked.map(|who| (coming.sender == Some(who), wanted.download.chunks_of(who), who));
        let holds = holds.filter(|(_, chunks, _)| *chunks > 0);
        let Some((.., who)) = holds.max_by_key(|(has_begun, chunks, _)| (*has_begun, *chunks)) else {
            // All have failed once. They are asked again in a while, somebody who comes at once.
            if !coming.not.is_empty() {
                coming.rests_until.get_or_insert(now + LIST_MAX);
            }
            return;
        };
        let from = coming.ask(who, now + LIST_MAX);
        hands.tell(who, Transfer::List { content, from });
    }

    /// Hashes have come. Of a list that is wrong nothing is kept: all begins anew, with another.
    fn hashes(&mut self, who: Name, content: Content, from: u32, more: &Bytes, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        let Some(wanted) = self.wanted.get_mut(&content) else { return };
        let whole = Hashes::bytes(wanted.layout);
        let Hashes::Coming(coming) = &mut wanted.hashes else { return };
        if !coming.take(who, from, more, whole) {
            return;
        }
        if coming.list.len() == whole {
            match Manifest::check(content.id, wanted.layout, &coming.list) {
                Some(manifest) => wanted.hashes = Hashes::Known(manifest),
                None => coming.fails(who),
            }
        }
        if wanted.hashes.manifest().is_some() {
            for (owner, suggested) in core::mem::take(&mut wanted.early) {
                wanted.download.granted(owner, suggested, now, &mut wanted.orders);
            }
        }
        self.ask_for_hashes(content, hands);
    }
}

impl Wanted {
    /// Somebody is gone who may have been asked for hashes. That he lied is not forgotten.
    pub(super) fn hashes_left(&mut self, who: Name) {
        if let Hashes::Coming(coming) = &mut self.hashes {
            coming.asked.take_if(|(other, _)| *other == who);
        }
    }
}
