//! Logged in: until somebody ends it.
//!
//! `Online` takes lines, `Draining` takes no more and waits for answers, `Leaving` has asked to be
//! logged out. What the server says meets the same [`Seat`] in all three.

use alloc::boxed::Box;

use bytes::Bytes;

use super::action::{ExitCode, Note};
use super::asked::{Answer, Misfit};
use super::context::Context;
use super::letters::Letters;
use super::replies::Replies;
use super::state::State;
use super::typed::{self, Typed, Wish};
use super::view::Line;
use crate::id::{MsgId, RequestId};
use crate::limits::UNDER_WAY_MAX;
use crate::wire::{Outcome, Request, ServerFrame};

/// A person who is logged in.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    ids: Ids,
    letters: Letters,
    replies: Replies,
}

/// The numbers that this run of the client gave out last.
#[derive(Clone, Debug)]
struct Ids {
    request: u32,
    message: MsgId,
}

/// Lines are taken.
#[derive(Clone, Debug)]
pub(super) struct Online {
    seat: Box<Seat>,
}

/// No more lines are taken; the logout goes out once no more than so many commands are unanswered.
#[derive(Clone, Debug)]
pub(super) struct Draining {
    seat: Box<Seat>,
    unanswered_max: usize,
}

/// The logout is under way.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    seat: Box<Seat>,
    logout: RequestId,
}

impl Online {
    pub(super) fn check(&self) {
        self.seat.check();
    }

    pub(super) fn new(instance: u64, letters: Letters) -> Online {
        let ids = Ids { request: 0, message: MsgId { instance, counter: 0 } };
        Online { seat: Box::new(Seat { ids, letters, replies: Replies::default() }) }
    }

    /// A line may be typed.
    pub(super) fn has_room(&self) -> bool {
        self.seat.replies.has_room()
    }

    pub(super) fn on_typed(mut self, line: &Bytes, cx: &mut Context<'_>) -> State {
        match typed::read(line) {
            Typed::Blank => {}
            Typed::Logout => return self.on_end(cx),
            Typed::Answered { line, active } => self.seat.answer(line, active, cx),
            Typed::Wish(wish) => self.seat.ask(wish, cx),
        }
        State::Online(self)
    }

    /// The person has nothing more to say: out, once all answers are known.
    pub(super) fn on_end(self, cx: &mut Context<'_>) -> State {
        Draining { seat: self.seat, unanswered_max: 0 }.go_on(cx)
    }

    /// The person wants out now.
    pub(super) fn on_interrupted(self, cx: &mut Context<'_>) -> State {
        Draining { seat: self.seat, unanswered_max: UNDER_WAY_MAX - 1 }.go_on(cx)
    }

    pub(super) fn on_frame(mut self, frame: ServerFrame, cx: &mut Context<'_>) -> State {
        match self.seat.on_frame(frame, cx) {
            Ok(()) => State::Online(self),
            Err(Misfit) => cx.lost(),
        }
    }
}

impl Draining {
    pub(super) fn check(&self) {
        self.seat.check();
        assert!(self.seat.replies.len() > self.unanswered_max, "the logout goes out as soon as it may");
    }

    pub(super) fn on_interrupted(self, cx: &mut Context<'_>) -> State {
        Draining { unanswered_max: UNDER_WAY_MAX - 1, ..self }.go_on(cx)
    }

    pub(super) fn on_frame(mut self, frame: ServerFrame, cx: &mut Context<'_>) -> State {
        match self.seat.on_frame(frame, cx) {
            Ok(()) => self.go_on(cx),
            Err(Misfit) => cx.lost(),
        }
    }

    fn go_on(mut self, cx: &mut Context<'_>) -> State {
        if self.seat.replies.len() > self.unanswered_max {
            return State::Draining(self);
        }
        let logout = self.seat.ids.next_request();
        cx.send(Request::Logout { request: logout }.frame());
        State::Leaving(Leaving { seat: self.seat, logout })
    }
}

impl Leaving {
    pub(super) fn check(&self) {
        self.seat.check();
    }

    pub(super) fn on_frame(mut self, frame: ServerFrame, cx: &mut Context<'_>) -> State {
        if frame == (ServerFrame::Done { request: self.logout, outcome: Outcome::LoggedOut }) {
            return cx.end(Line::LoggedOut, ExitCode::LoggedOut);
        }
        match self.seat.on_frame(frame, cx) {
            Ok(()) => State::Leaving(self),
            Err(Misfit) => cx.lost(),
        }
    }
}

impl Seat {
    fn answer(&mut self, line: Line, active: bool, cx: &mut Context<'_>) {
        if active {
            cx.send(Request::Active.frame());
        }
        self.replies.answer(line);
        self.show_known(cx);
    }

    fn ask(&mut self, wish: Wish, cx: &mut Context<'_>) {
        let request = self.ids.next_request();
        self.replies.expect(request, wish.asked());
        let frame = match wish {
            Wish::Message { to, text } => Request::Message { request, id: self.ids.next_message(), to, text },
            Wish::Broadcast { text } => Request::Broadcast { request, text },
            Wish::Who => Request::Who { request },
            Wish::Since { seconds } => Request::Since { request, seconds },
            Wish::Block { whom } => Request::Block { request, whom },
            Wish::Unblock { whom } => Request::Unblock { request, whom },
        };
        cx.send(frame.frame());
    }

    fn on_frame(&mut self, frame: ServerFrame, cx: &mut Context<'_>) -> Result<(), Misfit> {
        match frame {
            ServerFrame::Mail { seq, id, from, text } => {
                if self.letters.admit(seq, from, id) {
                    cx.show_letter(Line::Said(from, text), Note { seq, from, id });
                }
                cx.acknowledge(seq);
            }
            ServerFrame::Cast { from, text } => cx.show(Line::Said(from, text)),
            ServerFrame::Presence(list) => {
                list.changes.into_iter().for_each(|change| cx.show(Line::Presence(change)));
            }
            ServerFrame::Done { request, outcome } => {
                self.replies.done(request, outcome)?;
                self.show_known(cx);
            }
            ServerFrame::Names(page) => {
                self.replies.names(page)?;
                self.show_known(cx);
            }
            _ => return Err(Misfit),
        }
        Ok(())
    }

    fn check(&self) {
        self.replies.check();
    }

    /// Shows the answers whose turn has come.
    fn show_known(&mut self, cx: &mut Context<'_>) {
        while let Some(answer) = self.replies.next() {
            match answer {
                Answer::Silence => {}
                Answer::Line(line) => cx.show(line),
                Answer::Names(names) => names.into_iter().for_each(|name| cx.show(Line::Listed(name))),
            }
        }
    }
}

impl Ids {
    fn next_request(&mut self) -> RequestId {
        self.request = self.request.wrapping_add(1);
        RequestId(self.request)
    }

    fn next_message(&mut self) -> MsgId {
        self.message.counter += 1;
        self.message
    }
}
