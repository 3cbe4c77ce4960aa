//! From a wish to a private session: the server's word, connections, and the choice among them.

use alloc::vec::Vec;

use super::known::Opinion;
use super::line::{PeerLine, Stage, Tie};
use super::session::Session;
use super::{CALLS_MAX, OPENINGS_MAX, Opening, Peers, Starting, refuse, tell};
use crate::client::action::Action;
use crate::client::asked::{Answer, Misfit};
use crate::client::context::Context;
use crate::client::replies::Replies;
use crate::client::view::{Complaint, Line};
use crate::direct::{Pass, Purpose, Role};
use crate::id::{ConnId, RequestId};
use crate::limits::CALL_MAX;
use crate::name::Name;
use crate::wire::{Outcome, PeerFrame, Refusal, Request, Vouch};

impl Peers {
    /// Whether there is a session with somebody that has not been ended on this side.
    pub(in crate::client) fn is_talking_with(&self, who: Name) -> bool {
        self.sessions.get(&who).is_some_and(|session| session.leaving.is_none())
    }

    /// The server is asked for somebody.
    pub(in crate::client) fn start(&mut self, who: Name, request: RequestId) {
        self.starting = Some(Starting { who, request });
        self.note_call(request);
    }

    pub(super) fn note_call(&mut self, request: RequestId) {
        self.calls.push_back(request);
        if self.calls.len() > CALLS_MAX {
            self.calls.pop_front();
        }
    }

    /// Whether the server's answer to `request` belongs here.
    pub(in crate::client) fn is_call(&self, request: RequestId) -> bool {
        self.calls.contains(&request)
    }

    /// The server has answered a call. It may refuse one that it has granted before: then a block came in between, and
    /// what is not open by now does not open.
    pub(in crate::client) fn on_call_done(
        &mut self,
        request: RequestId,
        outcome: Outcome,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) -> Result<(), Misfit> {
        if let Some(who) = self.links.called(request) {
            return self.on_link_call_done(who, request, outcome, replies, cx);
        }
        let starting = self.starting.filter(|starting| starting.request == request);
        match (starting, outcome) {
            // The other one has called: his introduction is meant, and it came before this. If it is over, this
            // one was not on its way at the same time, and asks for another.
            (Some(Starting { who, request }), Outcome::Accepted)
                if !self.openings.contains_key(&Tie::talk(who)) =>
            {
                cx.send(Request::Call { request, purpose: Purpose::Talk, whom: who }.frame());
            }
            (_, Outcome::Accepted) => {}
            (None, Outcome::Refused(_)) => {}
            (Some(Starting { who, .. }), Outcome::Refused(refusal)) => {
                self.end_opening(Tie::talk(who), complaint(who, refusal)?, replies, cx);
            }
            (_, _) => return Err(Misfit),
        }
        Ok(())
    }

    /// The server vouches for somebody.
    pub(in crate::client) fn on_vouch(&mut self, vouch: Vouch, replies: &mut Replies, cx: &mut Context<'_>) {
        let Vouch { pass, role, purpose, request, name: who, key, candidates } = vouch;
        let tie = Tie { who, purpose };
        let asked = match purpose {
            Purpose::Talk => {
                self.starting.is_some_and(|starting| starting.who == who && starting.request == request)
            }
            Purpose::Fetch => self.links.called(request) == Some(who),
        };
        let wanted = match role {
            Role::Caller => asked,
            Role::Called => !self.blocked.contains(&who),
        };
        let is_room = self.openings.len() < OPENINGS_MAX || self.openings.contains_key(&tie);
        if !wanted || !is_room || self.own.is_none() || self.parted {
            return;
        }
        let opinion = self.known.opinion(who, key);
        if opinion == Opinion::Refused {
            self.remember(who, key, cx);
            if role == Role::Caller {
                self.end_opening(tie, Complaint::KeyChanged(who), replies, cx);
            }
            return;
        }
        self.forget_opening(tie, cx);
        let until = cx.now() + CALL_MAX;
        let changed = opinion == Opinion::Changed;
        self.openings.insert(tie, Opening { pass, role, key, until, chosen: None, changed });
        cx.order(Action::Expect { key, until });
        cx.order(Action::Dial { pass, role, key, candidates });
    }

    /// The other side has said what for it is here.
    pub(super) fn met(
        &mut self,
        peer: ConnId,
        pass: Pass,
        role: Role,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) -> Result<(), Misfit> {
        let Some(line) = self.lines.get_mut(&peer) else { return Ok(()) };
        let fits = |opening: &Opening| {
            opening.pass == pass && opening.key == line.key && opening.role == role.other()
        };
        let Some((tie, opening)) = self.openings.iter().find(|(_, opening)| fits(opening)) else {
            return Err(Misfit);
        };
        match line.stage {
            Stage::Stranger { .. } => line.send(&PeerFrame::meet(pass, opening.role), cx),
            Stage::Dialed { pass: dialed, .. } if dialed == pass => {}
            Stage::Dialed { .. } | Stage::Met { .. } => return Err(Misfit),
        }
        let tie = *tie;
        line.stage = Stage::Met { tie, pass };
        self.choose(tie, replies, cx);
        Ok(())
    }

    /// Answers were shown: a session may begin that waited for its turn.
    pub(in crate::client) fn go_on(&mut self, replies: &Replies, cx: &mut Context<'_>) {
        if let Some(starting) = self.starting {
            self.choose(Tie::talk(starting.who), replies, cx);
        }
    }

    /// The caller takes the first connection on which both have said what for, once all that he has asked before is
    /// answered: what is said in the session must not be shown before its beginning. For files, to have said it himself is
    /// enough: the other one's key is proven, and if he knows nothing of it, he closes.
    pub(super) fn choose(&mut self, tie: Tie, replies: &Replies, cx: &mut Context<'_>) {
        let Some(opening) = self.openings.get_mut(&tie) else { return };
        let is_next = |starting: Starting| starting.who == tie.who && replies.is_first(starting.request);
        let turn = tie.purpose == Purpose::Fetch || self.starting.is_some_and(is_next);
        if opening.role != Role::Caller || opening.chosen.is_some() || !turn {
            return;
        }
        let met = Stage::Met { tie, pass: opening.pass };
        let dialed = Stage::Dialed { tie, pass: opening.pass };
        let fits = |stage| stage == met || tie.purpose == Purpose::Fetch && stage == dialed;
        if let Some((peer, line)) = self.lines.iter_mut().find(|(_, line)| fits(line.stage)) {
            opening.chosen = Some(*peer);
            line.send(&PeerFrame::Open, cx);
            if tie.purpose == Purpose::Fetch {
                // Nothing depends on the answer: what is said of files now is heard after it, or not at all.
                let peer = *peer;
                self.link(tie.who, peer, cx);
            }
        }
    }

    /// The caller has chosen: the one who is called agrees.
    pub(super) fn agree(
        &mut self,
        tie: Tie,
        pass: Pass,
        peer: ConnId,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) -> Result<(), Misfit> {
        let fits = |opening: &Opening| opening.pass == pass && opening.role == Role::Called;
        if !self.openings.get(&tie).is_some_and(fits) {
            return Err(Misfit);
        }
        if let Some(line) = self.lines.get_mut(&peer) {
            line.send(&PeerFrame::Opened, cx);
        }
        self.begin(tie, peer, replies, cx);
        Ok(())
    }

    /// The one who is called has agreed.
    pub(super) fn agreed(
        &mut self,
        tie: Tie,
        pass: Pass,
        peer: ConnId,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) -> Result<(), Misfit> {
        let fits = |opening: &Opening| opening.pass == pass && opening.chosen == Some(peer);
        if !self.openings.get(&tie).is_some_and(fits) {
            return Err(Misfit);
        }
        self.begin(tie, peer, replies, cx);
        Ok(())
    }

    /// What the introduction was for begins.
    fn begin(&mut self, tie: Tie, peer: ConnId, replies: &mut Replies, cx: &mut Context<'_>) {
        let Some(opening) = self.openings.remove(&tie) else { return };
        cx.order(Action::Abandon { pass: opening.pass });
        match tie.purpose {
            Purpose::Talk => self.begin_session(tie.who, peer, &opening, replies, cx),
            Purpose::Fetch => self.link(tie.who, peer, cx),
        }
        self.drop_lines(tie, opening.pass, Some(peer), cx);
    }

    /// The session begins. An older one with the same person is one that he no longer has.
    fn begin_session(
        &mut self,
        who: Name,
        peer: ConnId,
        opening: &Opening,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) {
        if let Some(older) = self.sessions.get(&who).map(|session| session.conn) {
            self.close(older, cx);
            self.lines.remove(&older);
            self.session_lost(who, replies, cx);
        }
        self.sessions.insert(who, Session::new(peer));
        if opening.changed {
            cx.show(Line::KeyChanged(who));
        }
        self.remember(who, opening.key, cx);
        match self.starting.take_if(|starting| starting.who == who) {
            Some(Starting { request, .. }) if replies.is_first(request) => {
                tell(replies, request, Line::PrivateStarted(who));
                replies.show_known(cx);
            }
            // The other one was first, and an earlier answer is missing: his beginning is told as his.
            Some(Starting { request, .. }) => {
                replies.known(request, Answer::Silence);
                cx.show(Line::PrivateStartedBy(who));
            }
            None => cx.show(Line::PrivateStartedBy(who)),
        }
    }

    fn remember(&mut self, who: Name, key: crate::device::DeviceKey, cx: &mut Context<'_>) {
        if let Some(known) = self.known.note(who, key) {
            cx.order(Action::Remember { user: who, known });
        }
    }

    /// Nothing comes of it: whoever has asked for it is told why.
    pub(super) fn end_opening(
        &mut self,
        tie: Tie,
        why: Complaint,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) {
        self.forget_opening(tie, cx);
        let who = tie.who;
        if tie.purpose == Purpose::Fetch {
            return self.links.unreached(who);
        }
        if let Some(starting) = self.starting.take_if(|starting| starting.who == who) {
            refuse(replies, starting.request, why);
        }
    }

    /// Whoever is introduced and does not meet is not waited for any longer.
    pub(super) fn end_late_openings(&mut self, replies: &mut Replies, cx: &mut Context<'_>) {
        let now = cx.now();
        let late = self.openings.iter().filter(|(_, opening)| now >= opening.until);
        for tie in late.map(|(tie, _)| *tie).collect::<Vec<_>>() {
            self.end_opening(tie, Complaint::Unreached(tie.who), replies, cx);
        }
    }

    /// Nothing that is not open opens any more.
    pub(super) fn end_openings(&mut self, cx: &mut Context<'_>) {
        for tie in self.openings.keys().copied().collect::<Vec<_>>() {
            self.forget_opening(tie, cx);
        }
    }

    pub(super) fn forget_opening(&mut self, tie: Tie, cx: &mut Context<'_>) {
        if let Some(opening) = self.openings.remove(&tie) {
            cx.order(Action::Abandon { pass: opening.pass });
            self.drop_lines(tie, opening.pass, None, cx);
        }
    }

    /// Closes every connection of an introduction but one. A server may have given the same pass to others, too.
    fn drop_lines(&mut self, tie: Tie, pass: Pass, but: Option<ConnId>, cx: &mut Context<'_>) {
        let is_of_it = |line: &PeerLine| line.stage.introduction() == Some((tie, pass));
        let of_it = self.lines.iter().filter(|(peer, line)| is_of_it(line) && Some(**peer) != but);
        for peer in of_it.map(|(peer, _)| *peer).collect::<Vec<_>>() {
            self.drop_line(peer, cx);
        }
    }
}

fn complaint(who: Name, refusal: Refusal) -> Result<Complaint, Misfit> {
    Ok(match refusal {
        Refusal::UnknownUser => Complaint::UnknownUser(who.as_str().into()),
        Refusal::Yourself => Complaint::PrivateYourself,
        Refusal::BlockedBy => Complaint::HasBlockedYou(who),
        Refusal::BlockedByYou => Complaint::YouHaveBlocked(who),
        Refusal::Offline => Complaint::Offline(who),
        Refusal::Unreachable => Complaint::Unreached(who),
        _ => return Err(Misfit),
    })
}
