//! Logged in: until somebody ends it.
//!
//! `Online` takes lines, `Draining` takes no more and waits for answers, `Parting` has said goodbye to those the
//! person talks with, `Leaving` has asked to be logged out. What the server says meets the same [`Seat`] in all four.

use alloc::boxed::Box;

use bytes::Bytes;

use super::action::ExitCode;
use super::asked::Misfit;
use super::context::Context;
use super::seat::Seat;
use super::state::State;
use super::typed::{self, Typed};
use super::view::Line;
use crate::id::RequestId;
use crate::limits::UNDER_WAY_MAX;
use crate::wire::{Outcome, Request, ServerFrame};

/// Lines are taken.
#[derive(Clone, Debug)]
pub(super) struct Online {
    seat: Box<Seat>,
}

/// No more lines are taken; it goes on once no more than so many commands are unanswered.
#[derive(Clone, Debug)]
pub(super) struct Draining {
    seat: Box<Seat>,
    unanswered_max: usize,
    /// Downloads are waited for, too, if the person wants that.
    waits: bool,
}

/// Those the person talks with have been told that he goes; the logout goes out once they have read what he said.
#[derive(Clone, Debug)]
pub(super) struct Parting {
    seat: Box<Seat>,
}

/// The logout is under way.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    seat: Box<Seat>,
    logout: RequestId,
}

impl Online {
    pub(super) fn new(seat: Seat) -> Online {
        Online { seat: Box::new(seat) }
    }

    pub(super) fn seat(&self) -> &Seat {
        &self.seat
    }

    pub(super) fn seat_mut(&mut self) -> &mut Seat {
        &mut self.seat
    }

    /// A line may be typed.
    pub(super) fn has_room(&self) -> bool {
        self.seat.has_room()
    }

    pub(super) fn on_typed(mut self, line: &Bytes, cx: &mut Context<'_>) -> State {
        match typed::read(line) {
            Typed::Blank => {}
            Typed::Logout => return self.on_logout(cx),
            Typed::Answered { line, active } => self.seat.answer(line, active, cx),
            Typed::Wish(wish) => self.seat.ask(wish, cx),
            Typed::Fetch(fetching) => self.seat.fetch(fetching, cx),
            Typed::Direct(direct) => self.seat.act(direct, cx),
        }
        State::Online(self)
    }

    /// The person has nothing more to say: out, once all answers are known.
    pub(super) fn on_end(self, cx: &mut Context<'_>) -> State {
        Draining { seat: self.seat, unanswered_max: 0, waits: true }.go_on(cx)
    }

    /// The same, but whatever is still being fetched.
    fn on_logout(self, cx: &mut Context<'_>) -> State {
        Draining { seat: self.seat, unanswered_max: 0, waits: false }.go_on(cx)
    }

    /// The person wants out now.
    pub(super) fn on_interrupted(self, cx: &mut Context<'_>) -> State {
        Draining { seat: self.seat, unanswered_max: UNDER_WAY_MAX - 1, waits: false }.go_on(cx)
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
        assert!(self.is_held_up(), "it goes on as soon as it may");
    }

    fn is_held_up(&self) -> bool {
        self.seat.unanswered() > self.unanswered_max || self.waits && self.seat.is_fetching()
    }

    pub(super) fn seat(&self) -> &Seat {
        &self.seat
    }

    pub(super) fn seat_mut(&mut self) -> &mut Seat {
        &mut self.seat
    }

    pub(super) fn on_interrupted(self, cx: &mut Context<'_>) -> State {
        Draining { unanswered_max: UNDER_WAY_MAX - 1, waits: false, ..self }.go_on(cx)
    }

    pub(super) fn on_frame(mut self, frame: ServerFrame, cx: &mut Context<'_>) -> State {
        match self.seat.on_frame(frame, cx) {
            Ok(()) => self.go_on(cx),
            Err(Misfit) => cx.lost(),
        }
    }

    pub(super) fn go_on(mut self, cx: &mut Context<'_>) -> State {
        if self.is_held_up() {
            return State::Draining(self);
        }
        self.seat.part(cx);
        Parting { seat: self.seat }.go_on(cx)
    }
}

impl Parting {
    pub(super) fn seat(&self) -> &Seat {
        &self.seat
    }

    pub(super) fn seat_mut(&mut self) -> &mut Seat {
        &mut self.seat
    }

    pub(super) fn on_frame(mut self, frame: ServerFrame, cx: &mut Context<'_>) -> State {
        match self.seat.on_frame(frame, cx) {
            Ok(()) => self.go_on(cx),
            Err(Misfit) => cx.lost(),
        }
    }

    pub(super) fn go_on(mut self, cx: &mut Context<'_>) -> State {
        if !self.seat.is_alone() {
            return State::Parting(self);
        }
        let logout = self.seat.next_request();
        cx.send(Request::Logout { request: logout }.frame());
        State::Leaving(Leaving { seat: self.seat, logout })
    }
}

impl Leaving {
    pub(super) fn seat(&self) -> &Seat {
        &self.seat
    }

    pub(super) fn seat_mut(&mut self) -> &mut Seat {
        &mut self.seat
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
