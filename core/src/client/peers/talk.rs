//! What is said in private sessions, and how they end.

use alloc::vec::Vec;

use super::session::{Leaving, PARTING_MAX};
use super::{Peers, refuse, tell};
use crate::client::asked::{Answer, Misfit};
use crate::client::context::Context;
use crate::client::peers::number::SafetyNumber;
use crate::client::replies::Replies;
use crate::client::view::{Complaint, Line};
use crate::id::{ConnId, RequestId};
use crate::name::Name;
use crate::text::Text;
use crate::wire::{Parting, PeerFrame};

impl Peers {
    /// Something is said to somebody with whom there is a session.
    pub(in crate::client) fn say(&mut self, who: Name, text: Text, request: RequestId, cx: &mut Context<'_>) {
        let Some(session) = self.sessions.get_mut(&who) else { return };
        session.said(request);
        if let Some(line) = self.lines.get_mut(&session.conn) {
            line.send(&PeerFrame::Whisper { text }, cx);
        }
    }

    /// The session with somebody is to end. False if there is none.
    pub(in crate::client) fn stop(&mut self, who: Name, request: RequestId, cx: &mut Context<'_>) -> bool {
        if !self.is_talking_with(who) {
            return false;
        }
        self.part(who, Parting::Stopped, Some(request), cx);
        true
    }

    /// All sessions are to end, because the person goes.
    pub(in crate::client) fn part_all(&mut self, cx: &mut Context<'_>) {
        self.parted = true;
        self.end_openings(cx);
        self.unlink_all(cx);
        for who in self.sessions.keys().copied().collect::<Vec<_>>() {
            if self.is_talking_with(who) {
                // Who is blocked learns nothing of whether somebody is online.
                let hides = self.blocked.contains(&who);
                let parting = if hides { Parting::Stopped } else { Parting::LoggedOut };
                self.part(who, parting, None, cx);
            }
        }
    }

    /// No session is left, not even one that is being ended.
    pub(in crate::client) fn is_alone(&self) -> bool {
        self.sessions.is_empty()
    }

    fn part(&mut self, who: Name, parting: Parting, stop: Option<RequestId>, cx: &mut Context<'_>) {
        let Some(session) = self.sessions.get_mut(&who) else { return };
        session.leaving = Some(Leaving { stop, until: cx.now() + PARTING_MAX });
        if let Some(line) = self.lines.get_mut(&session.conn) {
            line.send(&PeerFrame::Bye(parting), cx);
        }
    }

    /// A frame of somebody whom we have met.
    pub(super) fn on_talk(
        &mut self,
        who: Name,
        peer: ConnId,
        frame: PeerFrame,
        replies: &mut Replies,
        cx: &mut Context<'_>,
    ) -> Result<(), Misfit> {
        let session = self.sessions.get_mut(&who).filter(|session| session.conn == peer).ok_or(Misfit)?;
        match frame {
            PeerFrame::Whisper { text } if session.leaving.is_some() => {
                session.hold(text).map_err(|_| Misfit)?
            }
            PeerFrame::Whisper { text } => {
                cx.show(Line::Whispered(who, text));
                let count = session.show();
                if let Some(line) = self.lines.get_mut(&peer) {
                    line.send(&PeerFrame::Heard { count }, cx);
                }
            }
            PeerFrame::Heard { count } => {
                let heard = session.heard(count).map_err(|_| Misfit)?;
                heard.for_each(|request| replies.known(request, Answer::Silence));
            }
            PeerFrame::Bye(parting) => self.other_parts(who, parting, replies, cx),
            _ => return Err(Misfit),
        }
        Ok(())
    }

    /// The other side has ended the session. If this side has not, nothing is read there any more.
    fn other_parts(&mut self, who: Name, parting: Parting, replies: &mut Replies, cx: &mut Context<'_>) {
        let Some(session) = self.sessions.remove(&who) else { return };
        self.drop_line(session.conn, cx);
        let (leaving, held, unheard) = session.end();
        match leaving {
            // Both at once: each shows what the other one said before, and has its own confirmation.
            Some(leaving) => {
                held.into_iter().for_each(|text| cx.show(Line::Whispered(who, text)));
                unheard.into_iter().for_each(|request| replies.known(request, Answer::Silence));
                left(who, leaving, replies);
            }
            None => {
                cx.show(match parting {
                    Parting::Stopped => Line::PrivateClosedBy(who),
                    Parting::LoggedOut => Line::PrivateLoggedOut(who),
                });
                unheard.into_iter().for_each(|request| no_session(who, request, replies));
            }
        }
    }

    /// The connection of a session is no more.
    pub(super) fn session_lost(&mut self, who: Name, replies: &mut Replies, cx: &mut Context<'_>) {
        let Some(session) = self.sessions.remove(&who) else { return };
        let (leaving, _, unheard) = session.end();
        let mut unheard = unheard.into_iter();
        match leaving {
            Some(leaving) => {
                // Whoever closes after our goodbye has read all that came before it.
                unheard.for_each(|request| replies.known(request, Answer::Silence));
                left(who, leaving, replies);
            }
            None => {
                match unheard.next() {
                    Some(request) => refuse(replies, request, Complaint::Gone(who)),
                    None => cx.show(Line::PrivateLost(who)),
                }
                unheard.for_each(|request| no_session(who, request, replies));
            }
        }
    }

    /// Whoever does not answer to a goodbye is not waited for any longer.
    pub(super) fn end_late_partings(&mut self, replies: &mut Replies, cx: &mut Context<'_>) {
        let now = cx.now();
        let is_late = |leaving: Leaving| now >= leaving.until;
        let late = self.sessions.iter().filter(|(_, session)| session.leaving.is_some_and(is_late));
        for who in late.map(|(who, _)| *who).collect::<Vec<_>>() {
            let Some(session) = self.sessions.remove(&who) else { continue };
            self.drop_line(session.conn, cx);
            let (leaving, _, unheard) = session.end();
            unheard.into_iter().for_each(|request| refuse(replies, request, Complaint::Gone(who)));
            leaving.into_iter().for_each(|leaving| left(who, leaving, replies));
        }
    }

    // --- Keys ---

    /// The safety number with somebody whose key is known.
    pub(in crate::client) fn number(&self, who: Name) -> Option<SafetyNumber> {
        let known = self.known.get(who)?;
        self.own.map(|own| SafetyNumber::of(own, (who, known.key)))
    }

    /// The person has compared the number. False if no key is known.
    pub(in crate::client) fn verify(&mut self, who: Name, cx: &mut Context<'_>) -> bool {
        if let Some(known) = self.known.verify(who) {
            cx.order(crate::client::action::Action::Remember { user: who, known });
        }
        self.known.get(who).is_some()
    }
}

/// A text was said when the other side had ended the session.
fn no_session(who: Name, request: RequestId, replies: &mut Replies) {
    refuse(replies, request, Complaint::NoSession(who.as_str().into()));
}

/// The end of a session that this side has ended.
fn left(who: Name, leaving: Leaving, replies: &mut Replies) {
    leaving.stop.into_iter().for_each(|request| tell(replies, request, Line::PrivateClosed(who)));
}
