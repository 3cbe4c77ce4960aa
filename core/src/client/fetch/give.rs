//! What others get from here: to whom a slot is granted, and which chunks are on their way to them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::link::is_greeted;
use super::swarm::tell_got;
use super::{Fetch, Hands, OFFERED_MAX};
use crate::client::asked::Misfit;
use crate::client::file::FileOrder;
use crate::id::ConnId;
use crate::name::Name;
use crate::seed::Dice;
use crate::swarm::slots::OUTSTANDING_MAX;
use crate::swarm::{Bid, Bitmap, Content, ContentId, Fresh, Layout, Manifest, Neighbours};
use crate::wire::{HASHES_MAX, Refused, Request, Share, Transfer};

/// Chunks that one person has under way from us at most, whatever he was granted.
const UPLOADS_MAX: usize = 64;
/// Grants to one person that may still be answered. Answers to older ones will not come.
const ANSWERS_MAX: usize = OUTSTANDING_MAX as usize;
/// People who wait for the hashes of one content at most.
const LISTS_MAX: usize = 256;

/// A content of which others get something.
#[derive(Clone, Debug)]
pub(super) struct Source {
    layout: Layout,
    pub(super) neighbours: Neighbours<Name>,
    pub(super) fresh: Fresh<Name>,
    /// What was suggested, in the order of the grants that have no answer.
    suggested: VecDeque<(Name, Option<u32>)>,
}

/// A chunk on its way to somebody.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) content: Content,
    who: Name,
    /// Which it is, until it is read: he waits for the hashes, and they come first.
    unread: Option<u32>,
}

impl Source {
    pub(super) fn new(layout: Layout, held: &Bitmap, dice: &mut Dice) -> Source {
        let (neighbours, suggested) = (Neighbours::default(), VecDeque::new());
        Source { layout, neighbours, fresh: Fresh::new(held, dice), suggested }
    }

    /// Somebody takes no part any more.
    pub(super) fn left(&mut self, who: Name) {
        self.suggested.retain(|(other, _)| *other != who);
        self.fresh.left(who);
    }

    /// What to suggest with a grant.
    fn suggest(&mut self, who: Name) -> Option<u32> {
        if self.suggested.iter().filter(|(other, _)| *other == who).count() >= ANSWERS_MAX
            && let Some(unanswered) = self.take_suggestion(who)
        {
            self.fresh.spurned(unanswered);
        }
        let suggested = self.fresh.suggest();
        self.suggested.push_back((who, suggested));
        suggested
    }

    /// Takes the suggestion that went with the oldest unanswered grant to somebody.
    fn take_suggestion(&mut self, who: Name) -> Option<u32> {
        let place = self.suggested.iter().position(|(other, _)| *other == who)?;
        self.suggested.remove(place)?.1
    }
}

impl Fetch {
    /// Somebody wants something of a content.
    pub(super) fn is_bid(
        &mut self,
        who: Name,
        content: Content,
        wants: u8,
        has: u32,
        later: bool,
        hands: &mut Hands<'_, '_>,
    ) {
        match self.sources.get(&content).filter(|source| source.neighbours.contains(who)) {
            Some(source) => {
                let chunk_bytes = source.layout.chunk_bytes();
                let bid = Bid { user: who, wants: wants.into(), has, later, chunk_bytes };
                self.slots.bid((who, content), bid);
            }
            None => hands.tell(who, Transfer::Lacks { content }),
        }
    }

    /// Grants what is free.
    pub(super) fn grant(&mut self, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        let (wanted, offered) = (&self.wanted, &self.offered);
        let is_something = |(who, content): (Name, Content)| {
            let has_for = wanted.get(&content).is_none_or(|wanted| wanted.download.has_for(who));
            has_for || offered.contains(&content)
        };
        while let Some((who, content)) = self.slots.grant(now, &mut self.dice, is_something) {
            let Some(source) = self.sources.get_mut(&content) else { continue };
            let suggested = source.suggest(who);
            // Whoever chooses knows all that there is to choose from, also what others hear of in a moment.
            if let Some(wanted) = wanted.get(&content).filter(|_| is_greeted(&self.links, who, content)) {
                tell_got(who, content, wanted.gained.waiting(), hands);
            }
            hands.tell(who, Transfer::Grant { content, suggested });
        }
    }

    /// Somebody has chosen.
    ///
    /// # Errors
    /// [`Misfit`]: he uses a number twice.
    pub(super) fn is_chosen(
        &mut self,
        who: Name,
        content: Content,
        transfer: u32,
        chunk: u32,
        hands: &mut Hands<'_, '_>,
    ) -> Result<(), Misfit> {
        let now = hands.cx.now();
        let Some(peer) = hands.peers.link_with(who) else { return Ok(()) };
        if self.uploads.contains_key(&(peer, transfer)) {
            return Err(Misfit);
        }
        let refuse = |why| Transfer::Refuse { transfer, why };
        let has = self.held(content).is_some_and(|held| held.contains(chunk));
        let is_room = self.uploads.values().filter(|upload| upload.who == who).count() < UPLOADS_MAX;
        let Some(source) = self.sources.get_mut(&content) else {
            hands.tell(who, refuse(Refused::BrokenOff));
            return Ok(());
        };
        if let Some(spurned) = source.take_suggestion(who).filter(|suggested| *suggested != chunk) {
            source.fresh.spurned(spurned);
        }
        if !self.slots.chosen((who, content), now) {
            hands.tell(who, refuse(Refused::BrokenOff));
        } else if has && is_room {
            source.fresh.given(chunk, who);
            let waits = self
                .lists
                .get(&content)
                .is_some_and(|waiting| waiting.iter().any(|(other, _)| *other == who));
            self.uploads.insert((peer, transfer), Upload { content, who, unread: waits.then_some(chunk) });
            if !waits {
                hands.file(FileOrder::Upload { peer, transfer, content, chunk });
            }
        } else {
            self.slots.sent((who, content), 0, now);
            hands.tell(who, refuse(Refused::Lacking));
        }
        Ok(())
    }

    pub(super) fn is_returned(&mut self, who: Name, content: Content, hands: &mut Hands<'_, '_>) {
        let Some(source) = self.sources.get_mut(&content) else { return };
        if let Some(spurned) = source.take_suggestion(who) {
            source.fresh.spurned(spurned);
        }
        self.slots.returned((who, content), hands.cx.now());
    }

    pub(super) fn is_cancelled(&mut self, who: Name, transfer: u32, hands: &mut Hands<'_, '_>) {
        let Some(peer) = hands.peers.link_with(who) else { return };
        self.stop_upload(peer, transfer, hands);
    }

    fn stop_upload(&mut self, peer: ConnId, transfer: u32, hands: &mut Hands<'_, '_>) {
        if let Some(Upload { content, who, unread }) = self.uploads.remove(&(peer, transfer)) {
            if unread.is_none() {
                hands.file(FileOrder::Stop { peer, transfer });
            }
            self.slots.sent((who, content), 0, hands.cx.now());
        }
    }

    /// Somebody gets nothing more of a content.
    pub(super) fn stop_uploads(&mut self, who: Name, content: Content, hands: &mut Hands<'_, '_>) {
        let is_his = |upload: &Upload| (upload.who, upload.content) == (who, content);
        let his: Vec<(ConnId, u32)> =
            self.uploads.iter().filter(|(_, upload)| is_his(upload)).map(|(key, _)| *key).collect();
        his.into_iter().for_each(|(peer, transfer)| self.stop_upload(peer, transfer, hands));
    }

    /// A chunk was sent, or cannot be.
    pub(super) fn uploaded(
        &mut self,
        peer: ConnId,
        transfer: u32,
        bytes: u64,
        whole: bool,
        hands: &mut Hands<'_, '_>,
    ) {
        let Some(Upload { content, who, .. }) = self.uploads.remove(&(peer, transfer)) else { return };
        if let Some(link) = self.links.get_mut(&who) {
            link.used_at = hands.cx.now();
        }
        self.slots.sent((who, content), bytes, hands.cx.now());
        if !whole {
            hands.tell(who, Transfer::Refuse { transfer, why: Refused::BrokenOff });
            self.withdraw(content, hands);
        }
    }

    /// A file that was offered is not what it was.
    pub(super) fn withdraw(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        if !self.offered.remove(&content) {
            return;
        }
        if self.wanted.contains_key(&content) {
            // It is being fetched under another name: others get what of that is here.
            let held = self.held(content);
            let share = held.map(|held| Share { content, watches: true, held });
            share.into_iter().for_each(|share| hands.cx.send(Request::Share(share).frame()));
            return;
        }
        self.leave(content, hands);
        self.part_from_all(content, hands);
        self.sources.remove(&content);
    }

    /// Makes room for one more file that is offered: one of which nobody gets anything is not offered until it is asked
    /// for again.
    pub(super) fn make_room(&mut self, hands: &mut Hands<'_, '_>) {
        if self.offered.len() >= OFFERED_MAX {
            let idle = self.offered.iter().find(|content| !self.sources.contains_key(content));
            if let Some(other) = idle.or(self.offered.first()).copied() {
                self.withdraw(other, hands);
            }
        }
    }

    /// Nobody gets anything of a content any more.
    pub(super) fn part_from_all(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        for (who, link) in &mut self.links {
            if link.greeted.remove(&content) {
                hands.tell(*who, Transfer::Lacks { content });
            }
        }
        let all = self.sources.get(&content).map(|source| source.neighbours.list()).unwrap_or_default();
        for who in all {
            self.stop_uploads(who, content, hands);
            self.slots.left((who, content));
        }
    }

    // --- Hashes ---

    pub(super) fn list_asked(&mut self, who: Name, content: Content, from: u32, hands: &mut Hands<'_, '_>) {
        if let Some(manifest) = self.wanted.get(&content).and_then(|wanted| wanted.hashes.manifest()) {
            return tell_hashes(who, content, from, Some(manifest), hands);
        }
        let waiting = self.lists.get(&content).map_or(0, Vec::len);
        if !self.offered.contains(&content) || waiting >= LISTS_MAX {
            return tell_hashes(who, content, from, None, hands);
        }
        self.lists.entry(content).or_default().push((who, from));
        if waiting == 0 {
            hands.file(FileOrder::List { content });
        }
    }

    /// What was read of a content's hashes.
    pub(super) fn listed(
        &mut self,
        content: Content,
        manifest: Option<&Manifest>,
        hands: &mut Hands<'_, '_>,
    ) {
        for (who, from) in self.lists.remove(&content).unwrap_or_default() {
            tell_hashes(who, content, from, manifest, hands);
        }
        if manifest.is_none() {
            return self.withdraw(content, hands);
        }
        for ((peer, transfer), upload) in &mut self.uploads {
            if let Some(chunk) = upload.unread.take_if(|_| upload.content == content) {
                hands.file(FileOrder::Upload { peer: *peer, transfer: *transfer, content, chunk });
            }
        }
    }
}

/// So many hashes as fit; none if there are none.
fn tell_hashes(
    who: Name,
    content: Content,
    from: u32,
    manifest: Option<&Manifest>,
    hands: &mut Hands<'_, '_>,
) {
    let list = manifest.map(|manifest| manifest.list().clone()).unwrap_or_default();
    let start = list.len().min((from as usize).saturating_mul(ContentId::BYTES));
    let end = list.len().min(start + HASHES_MAX * ContentId::BYTES);
    hands.tell(who, Transfer::Hashes { content, from, hashes: list.slice(start..end) });
}
