//! Other clients, without the server between: introductions, connections, private sessions.
//!
//! An introduction is an [`Opening`] until one of its connections is agreed upon: the caller chooses, the one who is
//! called says yes. From then on there is a [`Session`], or a link for files (`link.rs`). Whatever else was dialed for it
//! is closed.

mod known;
mod line;
mod link;
mod number;
mod open;
mod session;
mod talk;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use bytes::Bytes;

pub use known::KnownKey;
pub use number::SafetyNumber;

use super::action::Action;
use super::asked::{Answer, Misfit};
use super::context::Context;
use super::replies::Replies;
use super::view::{Complaint, Line};
use crate::device::DeviceKey;
use crate::direct::{Pass, Purpose, Role};
use crate::id::{ConnId, RequestId};
use crate::name::Name;
use crate::time::Time;
use crate::wire::PeerFrame;
use known::Known;
use line::{PeerLine, STRANGER_MAX, Stage, Tie};
use link::Links;
pub(super) use link::Told;
use session::Session;

/// Connections to other clients at once; further ones are closed.
const LINES_MAX: usize = 256;
/// Of those, connections with one key that have not said what for: nobody needs more than the places at which he is
/// looked for, and one person must not take everybody's.
const STRANGERS_MAX: usize = 16;
/// Introductions that are waited for at once; a server that makes more is not heard.
const OPENINGS_MAX: usize = 1_024;
/// Calls whose late answers are recognised.
const CALLS_MAX: usize = 1_024;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Peers {
    /// Who this is, if its device has a key.
    own: Option<(Name, DeviceKey)>,
    known: Known,
    /// Whom the person has blocked since he logged in. Before that there is no session with them.
    blocked: BTreeSet<Name>,
    lines: BTreeMap<ConnId, PeerLine>,
    openings: BTreeMap<Tie, Opening>,
    sessions: BTreeMap<Name, Session>,
    links: Links,
    /// The command to start a session that has no answer yet; the next line waits for it.
    starting: Option<Starting>,
    /// The requests of such commands: the server may say of any of them that it was refused after all.
    calls: VecDeque<RequestId>,
    /// The person goes: no further session begins.
    parted: bool,
}

/// The server has vouched for somebody, and no connection is agreed upon.
#[derive(Clone, Debug)]
struct Opening {
    pass: Pass,
    role: Role,
    key: DeviceKey,
    until: Time,
    /// Which connection the caller has chosen.
    chosen: Option<ConnId>,
    /// The key is not the one that was known before.
    changed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Starting {
    who: Name,
    request: RequestId,
}

/// What the person did, beyond the server's knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Blocked(Name),
    Unblocked(Name),
}

impl Peers {
    /// Nobody yet.
    pub(super) fn new(
        own: Option<(Name, DeviceKey)>,
        known: impl IntoIterator<Item = (Name, KnownKey)>,
    ) -> Peers {
        Peers {
            own,
            known: Known::recall(known),
            blocked: BTreeSet::new(),
            lines: BTreeMap::new(),
            openings: BTreeMap::new(),
            sessions: BTreeMap::new(),
            links: Links::default(),
            starting: None,
            calls: VecDeque::new(),
            parted: false,
        }
    }

    /// A connection is there. `pass` says for which introduction, if it was dialed.
    pub(super) fn on_opened(
        &mut self,
        peer: ConnId,
        key: DeviceKey,
        pass: Option<Pass>,
        replies: &Replies,
        cx: &mut Context<'_>,
    ) {
        let now = cx.now();
        let fits = |opening: &Opening| opening.key == key && pass.is_none_or(|pass| opening.pass == pass);
        let expected = self.openings.iter().find(|(_, opening)| fits(opening));
        let is_stranger = |line: &&PeerLine| line.key == key && matches!(line.stage, Stage::Stranger { .. });
        let strangers = self.lines.values().filter(is_stranger).count();
        let is_room = self.lines.len() < LINES_MAX && (pass.is_some() || strangers < STRANGERS_MAX);
        let Some((&tie, opening)) = expected.filter(|_| is_room) else {
            return cx.order(Action::ClosePeer { peer });
        };
        let stage = match pass {
            Some(pass) => Stage::Dialed { tie, pass },
            None => Stage::Stranger { until: now + STRANGER_MAX },
        };
        let mut line = PeerLine::new(peer, key, stage, now);
        if let Some(pass) = pass {
            line.send(&PeerFrame::meet(pass, opening.role), cx);
        }
        self.lines.insert(peer, line);
        self.choose(tie, replies, cx);
    }

    /// Bytes came from another client.
    pub(super) fn on_received(
        &mut self,
        peer: ConnId,
        bytes: Bytes,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) {
        let now = cx.now();
        let Some(line) = self.lines.get_mut(&peer) else { return };
        line.feed(bytes, now);
        while let Some(line) = self.lines.get_mut(&peer) {
            let done = match line.next() {
                Ok(None) => return,
                Ok(Some(frame)) => self.on_frame(peer, frame, replies, cx),
                Err(_fault) => Err(Misfit),
            };
            if done.is_err() {
                self.close(peer, cx);
                self.gone(peer, replies, cx);
            }
        }
    }

    /// A connection to another client is over.
    pub(super) fn on_closed(&mut self, peer: ConnId, replies: &mut Replies, cx: &mut Context<'_>) {
        if self.lines.contains_key(&peer) {
            self.gone(peer, replies, cx);
        }
    }

    fn on_frame(
        &mut self,
        peer: ConnId,
        frame: PeerFrame,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) -> Result<(), Misfit> {
        let Some(line) = self.lines.get_mut(&peer) else { return Ok(()) };
        match (line.stage, frame) {
            (_, PeerFrame::Ping { nonce }) => line.send(&PeerFrame::Pong { nonce }, cx),
            (_, PeerFrame::Pong { .. }) => {}
            (Stage::Stranger { .. } | Stage::Dialed { .. }, PeerFrame::Meet { pass, role, .. }) => {
                return self.met(peer, pass, role, replies, cx);
            }
            (Stage::Met { tie, pass }, PeerFrame::Open) => return self.agree(tie, pass, peer, replies, cx),
            (Stage::Met { tie, pass }, PeerFrame::Opened) => {
                return self.agreed(tie, pass, peer, replies, cx);
            }
            (Stage::Met { tie: Tie { who, purpose: Purpose::Talk }, .. }, frame) => {
                return self.on_talk(who, peer, frame, replies, cx);
            }
            (Stage::Met { tie, .. }, PeerFrame::Transfer(transfer)) => {
                return self.links.said(tie.who, peer, transfer);
            }
            (Stage::Met { .. }, _) => return Err(Misfit),
            (Stage::Stranger { .. } | Stage::Dialed { .. }, _) => return Err(Misfit),
        }
        Ok(())
    }

    /// A connection is no more: what it was for goes on without it, or ends.
    fn gone(&mut self, peer: ConnId, replies: &mut Replies, cx: &mut Context<'_>) {
        let Some(line) = self.lines.remove(&peer) else { return };
        let Some((tie, pass)) = line.stage.introduction() else { return };
        let is_session = self.sessions.get(&tie.who).is_some_and(|session| session.conn == peer);
        if tie.purpose == Purpose::Talk && is_session {
            return self.session_lost(tie.who, replies, cx);
        }
        self.links.lost(tie.who, peer);
        if let Some(opening) = self.openings.get_mut(&tie).filter(|opening| opening.pass == pass)
            && opening.chosen == Some(peer)
        {
            opening.chosen = None;
            self.choose(tie, replies, cx);
        }
    }

    /// Closes a connection once what was said on it is out.
    fn close(&self, peer: ConnId, cx: &mut Context<'_>) {
        if self.lines.contains_key(&peer) {
            cx.order(Action::ClosePeer { peer });
        }
    }

    /// Forgets a connection, and closes it.
    fn drop_line(&mut self, peer: ConnId, cx: &mut Context<'_>) {
        let Some(line) = self.lines.remove(&peer) else { return };
        if let Some((Tie { who, purpose: Purpose::Fetch }, _)) = line.stage.introduction() {
            self.links.lost(who, peer);
        }
        cx.order(Action::ClosePeer { peer });
    }

    /// When something has to happen by itself.
    pub(super) fn deadline(&self) -> Option<Time> {
        let lines = self.lines.values().map(PeerLine::deadline);
        let openings = self.openings.values().map(|opening| opening.until);
        let partings =
            self.sessions.values().filter_map(|session| session.leaving).map(|leaving| leaving.until);
        lines.chain(openings).chain(partings).min()
    }

    /// The deadline came, or another one did.
    pub(super) fn on_chime(&mut self, replies: &mut Replies, cx: &mut Context<'_>) {
        let now = cx.now();
        let over: Vec<ConnId> =
            self.lines.iter().filter(|(_, line)| line.is_over(now)).map(|(peer, _)| *peer).collect();
        for peer in over {
            self.close(peer, cx);
            self.gone(peer, replies, cx);
        }
        self.lines.values_mut().for_each(|line| line.keep_alive(cx));
        self.end_late_openings(replies, cx);
        self.end_late_partings(replies, cx);
    }

    /// What the person has changed bears upon who may reach him.
    pub(super) fn on_change(&mut self, change: Change, replies: &mut Replies, cx: &mut Context<'_>) {
        match change {
            Change::Unblocked(who) => _ = self.blocked.remove(&who),
            Change::Blocked(who) => {
                self.blocked.insert(who);
                self.end_opening(Tie::talk(who), Complaint::YouHaveBlocked(who), replies, cx);
                self.end_opening(Tie::fetch(who), Complaint::YouHaveBlocked(who), replies, cx);
                self.unlink(who, cx);
            }
        }
    }

    pub(super) fn check(&self, now: Time) {
        self.lines.values().for_each(|line| line.check(now));
        self.sessions.values().for_each(Session::check);
        for (who, session) in &self.sessions {
            let line = self.lines.get(&session.conn).expect("a session has its connection");
            assert!(
                matches!(line.stage, Stage::Met { tie, .. } if tie == Tie::talk(*who)),
                "and it leads to its person"
            );
        }
        assert!(self.openings.len() <= OPENINGS_MAX, "introductions are bounded");
        for opening in self.openings.values() {
            assert!(
                opening.chosen.is_none_or(|chosen| self.lines.contains_key(&chosen)),
                "what is chosen is there"
            );
        }
        let is_open = |(tie, pass)| self.openings.get(&tie).is_some_and(|opening| opening.pass == pass);
        let of_an_opening = |line: &PeerLine| line.stage.introduction().is_none_or(is_open);
        let of_a_session = |peer| self.sessions.values().any(|session| session.conn == peer);
        self.links.check(|peer| self.lines.contains_key(&peer));
        for (peer, line) in &self.lines {
            let is_linked = self.links.has(*peer);
            assert!(
                of_an_opening(line) || of_a_session(*peer) || is_linked,
                "every connection is for something"
            );
        }
    }
}

/// A command is answered with a line.
fn tell(replies: &mut Replies, request: RequestId, line: Line) {
    replies.known(request, Answer::Line(line));
}

/// A command is refused.
fn refuse(replies: &mut Replies, request: RequestId, complaint: Complaint) {
    tell(replies, request, Line::Refused(complaint));
}
