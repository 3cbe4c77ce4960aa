//! What a state may do while it handles an event: send, show, acknowledge, end.

use alloc::vec::Vec;

use super::action::{Action, ExitCode, Note};
use super::link::Link;
use super::state::State;
use super::view::Line;
use crate::id::Seq;
use crate::time::Time;
use crate::wire::{Frame, Request};

/// The hands of a state during one step.
pub(super) struct Context<'a> {
    now: Time,
    link: &'a mut Link,
    out: &'a mut Vec<Action>,
    shown_upto: Option<Seq>,
}

impl<'a> Context<'a> {
    pub(super) fn new(now: Time, link: &'a mut Link, out: &'a mut Vec<Action>) -> Self {
        Context { now, link, out, shown_upto: None }
    }

    /// The instant of the event.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// The line to the server.
    pub(super) fn link(&mut self) -> &mut Link {
        self.link
    }

    /// Sends a frame.
    pub(super) fn send(&mut self, frame: Frame) {
        self.link.silence.note_sent(self.now);
        self.out.push(Action::Send(frame));
    }

    /// Gives an order that is neither of the others.
    pub(super) fn order(&mut self, action: Action) {
        self.out.push(action);
    }

    /// Shows a line.
    pub(super) fn show(&mut self, line: Line) {
        self.out.push(Action::Show { line, note: None });
    }

    /// Shows a letter and has it noted.
    pub(super) fn show_letter(&mut self, line: Line, note: Note) {
        self.out.push(Action::Show { line, note: Some(note) });
    }

    /// Letters up to `seq` need not be sent again. The acknowledgement goes out once, at the end of the
    /// step: it is cumulative, and it must not overtake the showing.
    pub(super) fn acknowledge(&mut self, seq: Seq) {
        self.shown_upto = self.shown_upto.max(Some(seq));
    }

    /// Sends the acknowledgement that is due.
    pub(super) fn flush(&mut self) {
        if let Some(seq) = self.shown_upto.take() {
            self.send(Request::Ack { seq }.frame());
        }
    }

    /// Ends the program with a last line.
    pub(super) fn end(&mut self, line: Line, code: ExitCode) -> State {
        self.show(line);
        self.end_silently(code)
    }

    /// Ends the program.
    pub(super) fn end_silently(&mut self, code: ExitCode) -> State {
        self.flush();
        self.out.push(Action::Exit(code));
        State::Over
    }

    /// The server is gone, or does not speak the protocol: to a person that is the same.
    pub(super) fn lost(&mut self) -> State {
        self.end(Line::ConnectionLost, ExitCode::Lost)
    }
}
