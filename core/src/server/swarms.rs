//! Who takes part in which content: what clients say they have, and what those who fetch are told of it.
//!
//! What is known here was told by sessions and ends with them. Nobody is told of somebody whom he blocks or who blocks
//! him: for him it is as if that one had nothing.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::cx::{Cx, Sleeper};
use super::envelope::{Hidden, ToSwarms, Told};
use crate::id::{ConnId, UserId};
use crate::name::Name;
use crate::seed::Dice;
use crate::swarm::{Bitmap, Content, Layout, Notice, Snapshot, Tracker, TrackerLimits};
use crate::time::Time;
use crate::wire::{Frame, ServerFrame, Share, SwarmPage};

/// Of so many others somebody is told when he comes, at most: more than he connects with.
const OWNERS_MAX: usize = 64;
/// Bytes of their bitmaps: with the numbers of copies they must not fill what a connection may leave unread.
const OWNERS_BYTES_MAX: usize = 32 * 1024;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Swarms {
    tracker: Tracker,
    /// Everybody whose client has said what it has in this session.
    participants: BTreeMap<UserId, Participant>,
    /// What everybody is called who was ever one: a name outlives its session in the notice that its user has left.
    names: BTreeMap<UserId, Name>,
    picks: Dice,
    armed: Option<Time>,
}

#[derive(Clone, Debug)]
struct Participant {
    conn: ConnId,
    /// Whom he must not see, ascending.
    hidden: Vec<UserId>,
}

impl Swarms {
    pub(crate) fn new(limits: TrackerLimits, picks: Dice) -> Swarms {
        Swarms {
            tracker: Tracker::new(limits),
            participants: BTreeMap::new(),
            names: BTreeMap::new(),
            picks,
            armed: None,
        }
    }

    pub(crate) fn told(&mut self, letter: ToSwarms, cx: &mut Cx<'_>) {
        match letter {
            ToSwarms::Share { user, name, conn, hidden, share } => {
                self.names.insert(user, name);
                self.participants.insert(user, Participant { conn, hidden: union(&hidden) });
                self.share(user, conn, &share, cx);
            }
            ToSwarms::News { user, content, items } => {
                items.into_iter().for_each(|item| self.news(user, content, item));
            }
            ToSwarms::Leave { user, content } => self.tracker.withdraw(user, content),
            ToSwarms::Hide { user, hidden } => self.hide(user, &hidden),
            ToSwarms::Left { user } => {
                self.tracker.gone(user);
                self.participants.remove(&user);
            }
        }
        self.arm(cx);
    }

    /// Whoever watches is answered in any case; what cannot be is as if nobody had anything.
    fn share(&mut self, user: UserId, conn: ConnId, share: &Share, cx: &mut Cx<'_>) {
        let Share { content, watches, held } = share;
        let chunks = chunks_of(*content, cx);
        if held.chunks() == chunks && self.tracker.register(user, *content, held).is_ok() && !watches {
            self.tracker.unwatch(user, *content);
        }
        if *watches {
            let Snapshot { owners, copies } = match held.chunks() == chunks {
                true => self.watch(user, *content, chunks),
                false => Snapshot::default(),
            };
            for frame in self.pages(*content, chunks, owners, &[], copies) {
                cx.send(conn, frame);
            }
        }
    }

    fn watch(&mut self, user: UserId, content: Content, chunks: u32) -> Snapshot {
        let hidden = self.hidden_from(user);
        let owner_bytes = 1 + Name::MAX + chunks.div_ceil(8) as usize;
        let owners_max = OWNERS_MAX.min(OWNERS_BYTES_MAX / owner_bytes);
        self.tracker.watch(user, content, &hidden, owners_max, &mut self.picks).unwrap_or_default()
    }

    fn news(&mut self, user: UserId, content: Content, item: Told) {
        match item {
            Told::Gained(chunk) => self.tracker.gained(user, content, &[chunk]),
            Told::Started(chunk) => self.tracker.flying(user, content, &[chunk], &[]),
            Told::Dropped(chunk) => self.tracker.flying(user, content, &[], &[chunk]),
            Told::Doubted(owner, chunk) => self.tracker.doubt(user, content, owner, chunk),
        }
    }

    /// From now on somebody must not see these; whom he could see until now has left for him, and the other way round.
    fn hide(&mut self, user: UserId, hidden: &Hidden) {
        let Some(participant) = self.participants.get_mut(&user) else { return };
        let after = union(hidden);
        let before = core::mem::replace(&mut participant.hidden, after.clone());
        let is_in = |set: &[UserId], whom: &UserId| set.binary_search(whom).is_ok();
        for whom in before.iter().filter(|whom| !is_in(&after, whom)) {
            self.tracker.sees(user, *whom, true);
        }
        for whom in after.iter().filter(|whom| !is_in(&before, whom)) {
            self.tracker.sees(user, *whom, false);
        }
    }

    /// Something is to be told.
    pub(crate) fn woken(&mut self, cx: &mut Cx<'_>) {
        self.armed = None;
        let participants = &self.participants;
        let notices = self.tracker.take(cx.now, |user| hidden_from(participants, user));
        for Notice { to, content, copies, came, left } in notices {
            let conns =
                to.iter().filter_map(|user| Some(self.participants.get(user)?.conn)).collect::<Vec<_>>();
            for frame in self.pages(content, chunks_of(content, cx), came, &left, copies) {
                cx.send_many(conns.clone(), frame);
            }
        }
        self.arm(cx);
    }

    fn arm(&mut self, cx: &mut Cx<'_>) {
        if let Some(due) = self.tracker.deadline() {
            cx.alarms.arm(Sleeper::Swarms, &mut self.armed, due.max(cx.now));
        }
    }

    fn hidden_from(&self, user: UserId) -> Vec<UserId> {
        hidden_from(&self.participants, user)
    }

    fn pages(
        &self,
        content: Content,
        chunks: u32,
        came: Vec<(UserId, Bitmap)>,
        left: &[UserId],
        copies: Vec<(u32, u32)>,
    ) -> impl Iterator<Item = Frame> {
        let name = |user: &UserId| self.names.get(user).copied();
        let came = came.into_iter().filter_map(|(user, held)| Some((name(&user)?, held))).collect();
        let left = left.iter().filter_map(name).collect();
        let all = SwarmPage { content, last: true, chunks, came, left, copies };
        all.pages().map(|page| ServerFrame::Swarm(page).frame())
    }

    /// Who takes part, and on which connection.
    pub(crate) fn participants(&self) -> impl Iterator<Item = (UserId, ConnId)> {
        self.participants.iter().map(|(user, participant)| (*user, participant.conn))
    }

    pub(crate) fn check(&self) {
        self.tracker.check();
        for user in self.tracker.users() {
            assert!(self.participants.contains_key(&user), "who has something has a session");
        }
        assert!(self.participants.keys().all(|user| self.names.contains_key(user)), "everybody has a name");
        assert!(self.tracker.deadline().is_none() || self.armed.is_some(), "what has changed is told");
    }
}

/// How many chunks a content has, whatever anybody says.
fn chunks_of(content: Content, cx: &Cx<'_>) -> u32 {
    Layout::new(content.size, cx.config.chunks).map_or(0, |layout| layout.count())
}

fn hidden_from(participants: &BTreeMap<UserId, Participant>, user: UserId) -> Vec<UserId> {
    participants.get(&user).map(|participant| participant.hidden.clone()).unwrap_or_default()
}

/// Both sets as one.
fn union(hidden: &Hidden) -> Vec<UserId> {
    let mut all: Vec<UserId> = hidden.iter().flatten().flat_map(|set| set.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}
