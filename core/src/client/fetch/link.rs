//! With whom there is a connection, and in which contents the two take part.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use super::give::Source;
use super::{Fetch, Hands};
use crate::client::file::FileOrder;
use crate::client::peers::Told;
use crate::id::ConnId;
use crate::name::Name;
use crate::swarm::{Bitmap, Content, Layout};
use crate::time::Time;
use crate::wire::Transfer;

/// How long after a call that led to nothing the next one is made.
const CALL_AGAIN: Duration = Duration::from_secs(1);
/// How long after one for which there were too many.
const CALL_SOON: Duration = Duration::from_millis(50);

/// How often one who has nobody to fetch from asks anew who offers the file.
const SEEK_LONELY: Duration = Duration::from_secs(2);
/// How long a connection is kept over which nothing goes.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) conn: ConnId,
    /// When something of a file was said on it last.
    pub(super) used_at: Time,
    /// The last number that was given to a transfer.
    pub(super) transfers: u32,
    /// In which contents he knows that we take part.
    pub(super) greeted: BTreeSet<Content>,
}

/// Whether somebody knows that we take part in a content.
pub(super) fn is_greeted(links: &BTreeMap<Name, Link>, who: Name, content: Content) -> bool {
    links.get(&who).is_some_and(|link| link.greeted.contains(&content))
}

impl Fetch {
    /// Something happened between this person and another.
    pub(in crate::client) fn on_told(&mut self, told: Told, hands: &mut Hands<'_, '_>) {
        match told {
            Told::Linked(who) => self.linked(who, hands),
            Told::Unlinked(who) => self.unlinked(who, hands),
            Told::Unreached(who) => self.unreached(who, hands),
            Told::Refused(who) => self.refused_by_server(who),
            Told::Said(who, transfer) => {
                if let Some(link) = self.links.get_mut(&who) {
                    link.used_at = hands.cx.now();
                }
                if self.on_transfer(who, transfer, hands).is_err() {
                    hands.peers.unlink(who, hands.cx);
                }
            }
        }
        self.settle(hands);
    }

    fn linked(&mut self, who: Name, hands: &mut Hands<'_, '_>) {
        let Some(conn) = hands.peers.link_with(who) else { return };
        self.links
            .insert(who, Link { conn, used_at: hands.cx.now(), transfers: 0, greeted: BTreeSet::new() });
        for content in self.contents() {
            if self.sources.get(&content).is_some_and(|source| source.neighbours.contains(who)) {
                self.greet(who, content, hands);
            }
        }
    }

    /// Somebody is told that we take part, and what he is said to have is bid for at once.
    pub(super) fn greet(&mut self, who: Name, content: Content, hands: &mut Hands<'_, '_>) {
        let Some(held) = self.held(content) else { return };
        let Some(link) = self.links.get_mut(&who) else { return };
        if link.greeted.insert(content) {
            hands.tell(who, Transfer::Has { content, held });
        }
        let now = hands.cx.now();
        if let Some(wanted) = self.wanted.get_mut(&content) {
            if let Some(has) = wanted.claims.remove(&who) {
                wanted.download.owner_joined(who, has, now, &mut wanted.orders);
            }
            self.ask_for_hashes(content, hands);
        }
    }

    /// What there is here of a content; nothing if we take no part in it.
    pub(super) fn held(&self, content: Content) -> Option<Bitmap> {
        if self.offered.contains(&content) {
            let layout = Layout::new(content.size, self.terms.chunks)?;
            return Some(Bitmap::all(layout.count()));
        }
        self.wanted.get(&content).map(|wanted| wanted.download.held().clone())
    }

    fn unlinked(&mut self, who: Name, hands: &mut Hands<'_, '_>) {
        self.drop_incoming(who, |_| true, hands);
        let Some(link) = self.links.remove(&who) else { return };
        self.uploads.retain(|(conn, _), _| *conn != link.conn);
        let took_part = |source: &Source| source.neighbours.contains(who);
        let contents =
            self.sources.iter().filter(|(_, source)| took_part(source)).map(|(content, _)| *content);
        for content in contents.collect::<Vec<_>>() {
            self.part_from(who, content, hands);
        }
    }

    /// Nothing more comes of some contents from somebody; what has come whole is verified all the same.
    pub(super) fn drop_incoming(
        &mut self,
        who: Name,
        of: impl Fn(Content) -> bool,
        hands: &mut Hands<'_, '_>,
    ) {
        let Some(conn) = self.links.get(&who).map(|link| link.conn) else { return };
        let broken: Vec<(ConnId, u32)> = self
            .incoming
            .iter()
            .filter(|((peer, _), one)| *peer == conn && of(one.content) && !one.is_whole())
            .map(|(key, _)| *key)
            .collect();
        broken.into_iter().for_each(|(peer, transfer)| self.forget_incoming(peer, transfer, hands));
    }

    /// Somebody takes no part in a content any more, or is gone: he may come again.
    pub(super) fn part_from(&mut self, who: Name, content: Content, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        self.slots.left((who, content));
        let Some(source) = self.sources.get_mut(&content) else { return };
        source.left(who);
        match self.wanted.get_mut(&content) {
            Some(wanted) => {
                wanted.download.owner_left(who, now, &mut wanted.orders);
                wanted.early.retain(|(other, _)| *other != who);
                wanted.hashes_left(who);
                source.neighbours.put_off(who);
                wanted.call_at.get_or_insert(now + CALL_AGAIN);
            }
            None => {
                source.neighbours.forget(who);
                self.remove_if_left(content);
            }
        }
        self.ask_for_hashes(content, hands);
    }

    /// A source of which nobody gets anything is none.
    pub(super) fn remove_if_left(&mut self, content: Content) {
        if self.sources.get(&content).is_some_and(|source| source.neighbours.iter().next().is_none()) {
            self.sources.remove(&content);
        }
    }

    fn unreached(&mut self, who: Name, hands: &mut Hands<'_, '_>) {
        let again = hands.cx.now() + CALL_AGAIN;
        let all = self.sources.iter().filter(|(_, source)| source.neighbours.contains(who));
        for content in all.map(|(content, _)| *content).collect::<Vec<_>>() {
            let Some(source) = self.sources.get_mut(&content) else { continue };
            match self.wanted.get_mut(&content) {
                Some(wanted) => {
                    source.neighbours.put_off(who);
                    wanted.call_at.get_or_insert(again);
                }
                None => {
                    source.neighbours.forget(who);
                    self.remove_if_left(content);
                }
            }
        }
    }

    /// He is not to be had. If he ever is, the server will tell.
    fn refused_by_server(&mut self, who: Name) {
        for (content, source) in &mut self.sources {
            source.neighbours.forget(who);
            if let Some(wanted) = self.wanted.get_mut(content) {
                wanted.claims.remove(&who);
            }
        }
    }

    /// Connections over which nothing has gone for a while are closed, unless something is fetched over them.
    pub(super) fn close_idle(&mut self, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        let is_idle = |link: &Link| link.used_at + IDLE_MAX <= now && self.is_quiet(link);
        let idle: Vec<Name> =
            self.links.iter().filter(|(_, link)| is_idle(link)).map(|(who, _)| *who).collect();
        idle.into_iter().for_each(|who| hands.peers.unlink(who, hands.cx));
    }

    /// When to look for such connections.
    pub(super) fn idle_at(&self) -> Option<Time> {
        self.links.values().filter(|link| self.is_quiet(link)).map(|link| link.used_at + IDLE_MAX).min()
    }

    /// Nothing is fetched over a connection, and nothing is on its way: while a chunk goes to somebody who is slow, he says
    /// nothing.
    fn is_quiet(&self, link: &Link) -> bool {
        let all = (link.conn, u32::MIN)..=(link.conn, u32::MAX);
        self.uploads.range(all).next().is_none()
            && !link.greeted.iter().any(|one| self.wanted.contains_key(one))
    }

    /// Calls those who take part, as many as there should be.
    pub(super) fn call_some(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        if self.wanted.get(&content).is_none_or(|wanted| wanted.end.is_some()) {
            return;
        }
        while let Some(who) =
            self.sources.get_mut(&content).and_then(|source| source.neighbours.call(&mut self.dice))
        {
            if self.links.contains_key(&who) {
                self.greet(who, content, hands);
            } else if !hands.call(who) {
                let soon = hands.cx.now() + CALL_SOON;
                if let (Some(wanted), Some(source)) =
                    (self.wanted.get_mut(&content), self.sources.get_mut(&content))
                {
                    source.neighbours.put_off(who);
                    wanted.call_at.get_or_insert(soon);
                }
                return;
            }
        }
    }

    /// What a download does by itself when it is time.
    pub(super) fn wake(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        let Some(wanted) = self.wanted.get_mut(&content).filter(|wanted| wanted.end.is_none()) else {
            return;
        };
        if wanted.download.deadline().is_some_and(|at| at <= now) {
            wanted.download.chime(now, &mut wanted.orders);
        }
        if wanted.note_stranded(now) || wanted.download.is_lonely() {
            // Somebody may have come of whom nobody has asked.
            let soon = now + SEEK_LONELY;
            wanted.seek_at = Some(wanted.seek_at.map_or(soon, |at| at.min(soon)));
        }
        if wanted.seek_at.take_if(|at| *at <= now).is_some() {
            self.seek_more(content, hands);
        }
        let Some(wanted) = self.wanted.get_mut(&content) else { return };
        let may_meet = wanted.meet_at.take_if(|at| *at <= now).is_some();
        if may_meet && let Some(source) = self.sources.get_mut(&content) {
            let all = core::mem::take(&mut wanted.empty_handed);
            all.into_iter().for_each(|who| source.neighbours.met(who));
        }
        let may_call = wanted.call_at.take_if(|at| *at <= now).is_some();
        if may_meet || may_call {
            self.call_some(content, hands);
        }
        self.ask_for_hashes(content, hands);
    }

    /// A source that was not there: somebody wants something of a content that is whole here.
    pub(super) fn source(&mut self, content: Content, layout: Layout) -> &mut Source {
        let (held, dice) = (Bitmap::all(layout.count()), &mut self.dice);
        self.sources.entry(content).or_insert_with(|| Source::new(layout, &held, dice))
    }

    /// A transfer to us is thrown away.
    pub(super) fn forget_incoming(&mut self, peer: ConnId, transfer: u32, hands: &mut Hands<'_, '_>) {
        let Some(incoming) = self.incoming.remove(&(peer, transfer)) else { return };
        if let Some(wanted) = self.wanted.get(&incoming.content)
            && incoming.got > 0
        {
            hands.file(FileOrder::Forget { name: wanted.name.clone(), peer, transfer });
        }
    }
}
