//! What the server knows of those who take part in a content, and is told.

use alloc::vec::Vec;
use core::time::Duration;

use super::link::is_greeted;
use super::{ASKED_MAX, Fetch, Hands};
use crate::name::Name;
use crate::pattern::Pattern;
use crate::swarm::{Bitmap, Content, Layout};
use crate::wire::{GOT_MAX, News, Offer, Report, Request, Share, SwarmPage, Transfer};

/// While we have nothing, how long others who have nothing wait to be called: the first chunk is not to wait until all have
/// shaken hands with each other.
const CALL_EMPTY_HANDED: Duration = Duration::from_millis(20);

impl Fetch {
    /// The server asks for files: if it means a single one, it will hear of it as a part of a swarm, too.
    pub(in crate::client) fn on_ask(&mut self, question: u32, pattern: &Pattern) {
        if pattern.exact().is_some() && self.asked.len() < ASKED_MAX {
            self.asked.push_back(question);
        }
    }

    /// What this client answers.
    pub(in crate::client) fn on_looked(
        &mut self,
        question: u32,
        offers: &[Offer],
        hands: &mut Hands<'_, '_>,
    ) {
        let Some(place) = self.asked.iter().position(|asked| *asked == question) else { return };
        self.asked.remove(place);
        for offer in offers {
            self.offer(Content { id: offer.content, size: offer.size }, hands);
        }
    }

    /// A content is whole here, and others may fetch it.
    pub(super) fn offer(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        let Some(layout) = Layout::new(content.size, self.terms.chunks) else { return };
        if self.wanted.contains_key(&content) || self.offered.contains(&content) {
            return;
        }
        self.make_room(hands);
        if self.offered.insert(content) {
            let held = Bitmap::all(layout.count());
            hands.cx.send(Request::Share(Share { content, watches: false, held }).frame());
        }
    }

    /// The server tells of others.
    pub(in crate::client) fn on_page(&mut self, page: SwarmPage, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        let Some(wanted) = self.wanted.get_mut(&page.content) else { return };
        let Some(source) = self.sources.get_mut(&page.content) else { return };
        let chunks = wanted.layout.count();
        for (who, held) in page.came {
            if who == self.own || held.chunks() != chunks || wanted.download.is_barred(who) {
                continue;
            }
            if wanted.is_introduced && !self.links.contains_key(&who) {
                // He has come anew: where he was before, nobody is met.
                hands.peers.stop_calling(who, hands.cx);
                source.neighbours.put_off(who);
            }
            if held.held() == 0 && wanted.download.held().held() == 0 {
                wanted.empty_handed.insert(who);
                wanted.meet_at.get_or_insert(now + CALL_EMPTY_HANDED);
            } else {
                source.neighbours.met(who);
            }
            if !wanted.is_introduced && held.held() > 0 {
                wanted.owners.insert(who);
            }
            if !self.links.contains_key(&who) {
                wanted.claims.insert(who, held);
            }
        }
        for who in page.left {
            wanted.claims.remove(&who);
            wanted.empty_handed.remove(&who);
            if !self.links.contains_key(&who) {
                source.neighbours.forget(who);
            }
        }
        wanted.download.copies(&page.copies);
        wanted.is_introduced |= page.last;
        self.call_some(page.content, hands);
        self.settle(hands);
    }

    /// Tells what has come and what has changed, if it is time.
    pub(super) fn tell_news(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        let Some(wanted) = self.wanted.get_mut(&content) else { return };
        if let Some(chunks) = wanted.gained.take(now) {
            let Some(source) = self.sources.get(&content) else { return };
            let to = source.neighbours.iter().filter(|who| is_greeted(&self.links, *who, content));
            to.for_each(|who| tell_got(who, content, &chunks, hands));
        }
        if let Some(items) = wanted.news.take(now) {
            tell_server(content, items, hands);
        }
    }

    /// Says that nothing is fetched or given of a content any more.
    pub(super) fn leave(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        hands.cx.send(Request::Leave { content }.frame());
    }
}

/// Tells somebody of chunks that have come.
pub(super) fn tell_got(who: Name, content: Content, chunks: &[u32], hands: &mut Hands<'_, '_>) {
    for chunks in chunks.chunks(GOT_MAX) {
        hands.tell(who, Transfer::Got { content, chunks: chunks.to_vec() });
    }
}

fn tell_server(content: Content, items: Vec<Report>, hands: &mut Hands<'_, '_>) {
    for items in items.chunks(News::MAX) {
        hands.cx.send(Request::News(News { content, items: items.to_vec() }).frame());
    }
}
