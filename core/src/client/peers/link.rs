//! Connections over which files travel: one with each person, in both directions, for whatever the two have in common.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::line::Tie;
use super::{CALLS_MAX, Peers};
use crate::client::asked::Misfit;
use crate::client::context::Context;
use crate::client::replies::Replies;
use crate::client::view::Complaint;
use crate::direct::Purpose;
use crate::id::{ConnId, RequestId};
use crate::name::Name;
use crate::wire::{Outcome, PeerFrame, Request, Transfer};

/// Calls that the server has not answered.
const UNANSWERED_MAX: usize = 32;

/// What happens between two people who exchange files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) enum Told {
    /// There is a connection, whoever has called.
    Linked(Name),
    /// There is none any more.
    Unlinked(Name),
    /// A call has led to nothing, this time.
    Unreached(Name),
    /// The server does not introduce him.
    Refused(Name),
    /// Something was said.
    Said(Name, Transfer),
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    conns: BTreeMap<Name, ConnId>,
    /// Calls that have led to nothing yet.
    calls: BTreeMap<RequestId, Name>,
    told: VecDeque<Told>,
}

impl Links {
    /// Whom a call was for that has led to nothing yet.
    pub(super) fn called(&self, request: RequestId) -> Option<Name> {
        self.calls.get(&request).copied()
    }

    pub(super) fn has(&self, peer: ConnId) -> bool {
        self.conns.values().any(|conn| *conn == peer)
    }

    /// # Errors
    /// [`Misfit`]: nothing has been agreed upon for this connection.
    pub(super) fn said(&mut self, who: Name, peer: ConnId, transfer: Transfer) -> Result<(), Misfit> {
        if self.conns.get(&who) != Some(&peer) {
            return Err(Misfit);
        }
        self.told.push_back(Told::Said(who, transfer));
        Ok(())
    }

    /// A connection is no more.
    pub(super) fn lost(&mut self, who: Name, peer: ConnId) {
        if self.conns.get(&who) == Some(&peer) {
            self.conns.remove(&who);
            self.told.push_back(Told::Unlinked(who));
        }
    }

    /// A call, or an introduction, has come to nothing.
    pub(super) fn unreached(&mut self, who: Name) {
        self.end_calls(who, Told::Unreached(who));
    }

    fn end_calls(&mut self, who: Name, told: Told) {
        self.calls.retain(|_, other| *other != who);
        if !self.conns.contains_key(&who) {
            self.told.push_back(told);
        }
    }

    pub(super) fn check(&self, is_there: impl Fn(ConnId) -> bool) {
        assert!(self.conns.values().all(|conn| is_there(*conn)), "a link has its connection");
        assert!(self.calls.len() <= CALLS_MAX, "calls are bounded");
    }
}

impl Peers {
    /// The server is asked for somebody. False if too much is under way.
    pub(in crate::client) fn call(&mut self, whom: Name, request: RequestId, cx: &mut Context<'_>) -> bool {
        let is_unanswered = |who: &&Name| !self.openings.contains_key(&Tie::fetch(**who));
        let unanswered = self.links.calls.values().filter(is_unanswered).count();
        let is_room = self.links.calls.len() < CALLS_MAX && unanswered < UNANSWERED_MAX && !self.parted;
        if is_room {
            self.links.calls.insert(request, whom);
            self.note_call(request);
            cx.send(Request::Call { request, purpose: Purpose::Fetch, whom }.frame());
        }
        is_room
    }

    /// Somebody is being called, or is introduced already.
    pub(in crate::client) fn is_calling(&self, whom: Name) -> bool {
        self.openings.contains_key(&Tie::fetch(whom)) || self.links.calls.values().any(|other| *other == whom)
    }

    /// Whatever introduction to somebody there is, it leads to nobody.
    pub(in crate::client) fn stop_calling(&mut self, who: Name, cx: &mut Context<'_>) {
        self.links.calls.retain(|_, other| *other != who);
        self.forget_opening(Tie::fetch(who), cx);
    }

    /// The connection with somebody, if there is one.
    pub(in crate::client) fn link_with(&self, who: Name) -> Option<ConnId> {
        self.links.conns.get(&who).copied()
    }

    /// Something is said to somebody. Nothing if there is no connection with him.
    pub(in crate::client) fn tell(&mut self, who: Name, transfer: Transfer, cx: &mut Context<'_>) {
        let conn = self.links.conns.get(&who);
        if let Some(line) = conn.and_then(|conn| self.lines.get_mut(conn)) {
            line.send(&PeerFrame::Transfer(transfer), cx);
        }
    }

    /// The connection with somebody is closed.
    pub(in crate::client) fn unlink(&mut self, who: Name, cx: &mut Context<'_>) {
        let Some(conn) = self.links.conns.get(&who).copied() else { return };
        // What was said on it before the other one has agreed was said on nothing: the introduction is over, too.
        let is_chosen = |opening: &super::Opening| opening.chosen == Some(conn);
        if self.openings.get(&Tie::fetch(who)).is_some_and(is_chosen) {
            self.forget_opening(Tie::fetch(who), cx);
        }
        self.drop_line(conn, cx);
        self.links.lost(who, conn);
    }

    /// Every such connection is closed.
    pub(super) fn unlink_all(&mut self, cx: &mut Context<'_>) {
        self.links.conns.keys().copied().collect::<Vec<_>>().into_iter().for_each(|who| self.unlink(who, cx));
    }

    /// What has happened since the last time.
    pub(in crate::client) fn next_told(&mut self) -> Option<Told> {
        self.links.told.pop_front()
    }

    /// A connection is there. An older one with the same person is one that he no longer has.
    pub(super) fn link(&mut self, who: Name, peer: ConnId, cx: &mut Context<'_>) {
        self.links.calls.retain(|_, other| *other != who);
        if self.links.conns.get(&who) == Some(&peer) {
            return;
        }
        self.unlink(who, cx);
        self.links.conns.insert(who, peer);
        self.links.told.push_back(Told::Linked(who));
    }

    /// The server has answered a call.
    pub(super) fn on_link_call_done(
        &mut self,
        who: Name,
        request: RequestId,
        outcome: Outcome,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) -> Result<(), Misfit> {
        let tie = Tie::fetch(who);
        match outcome {
            // The other one has called; if that is over, this call was not on its way at the same time.
            Outcome::Accepted if !self.openings.contains_key(&tie) => {
                cx.send(Request::Call { request, purpose: Purpose::Fetch, whom: who }.frame());
            }
            Outcome::Accepted => {}
            Outcome::Refused(_) => {
                self.links.end_calls(who, Told::Refused(who));
                self.end_opening(tie, Complaint::Unreached(who), replies, cx);
            }
            _ => return Err(Misfit),
        }
        Ok(())
    }
}
