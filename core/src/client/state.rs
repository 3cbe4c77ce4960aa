//! Where a client stands, and which state handles what.

use alloc::boxed::Box;

use bytes::Bytes;

use super::action::ExitCode;
use super::context::Context;
use super::event::{Input, Memory};
use super::link::Link;
use super::login::Login;
use super::online::{Draining, Leaving, Online, Parting};
use super::seat::Seat;
use super::view::{Line, Prompt};
use crate::time::Time;
use crate::wire::{Farewell, Request, ServerFrame};

/// Where a client stands.
///
/// A state handles an input by becoming the next one, so it moves with every frame: what is large is boxed.
#[derive(Clone, Debug)]
pub(super) enum State {
    Login(Box<Login>),
    Online(Online),
    Draining(Draining),
    Parting(Parting),
    Leaving(Leaving),
    /// The order to exit was given. Nothing follows.
    Over,
}

impl State {
    /// The line that is waited for.
    pub(super) fn wants(&self) -> Option<Prompt> {
        match self {
            State::Login(login) => login.wants(),
            State::Online(online) => online.has_room().then_some(Prompt::Command),
            State::Draining(_) | State::Parting(_) | State::Leaving(_) | State::Over => None,
        }
    }

    /// Logged in, and not yet out.
    pub(super) fn is_online(&self) -> bool {
        self.seat().is_some()
    }

    fn seat(&self) -> Option<&Seat> {
        match self {
            State::Online(online) => Some(online.seat()),
            State::Draining(draining) => Some(draining.seat()),
            State::Parting(parting) => Some(parting.seat()),
            State::Leaving(leaving) => Some(leaving.seat()),
            State::Login(_) | State::Over => None,
        }
    }

    fn seat_mut(&mut self) -> Option<&mut Seat> {
        match self {
            State::Online(online) => Some(online.seat_mut()),
            State::Draining(draining) => Some(draining.seat_mut()),
            State::Parting(parting) => Some(parting.seat_mut()),
            State::Leaving(leaving) => Some(leaving.seat_mut()),
            State::Login(_) | State::Over => None,
        }
    }

    /// When something has to happen by itself.
    pub(super) fn deadline(&self, link: &Link) -> Option<Time> {
        match self {
            State::Login(login) if login.is_connecting() => Some(login.until()),
            State::Login(login) => Some(login.until().min(link.silence.deadline())),
            State::Online(_) | State::Draining(_) | State::Parting(_) | State::Leaving(_) => {
                let at = link.silence.deadline();
                Some(self.seat().and_then(Seat::deadline).map_or(at, |other| at.min(other)))
            }
            State::Over => None,
        }
    }

    /// Handles an input.
    pub(super) fn on(self, input: Input, cx: &mut Context<'_>) -> State {
        match (self, input) {
            (State::Over, _) => State::Over,
            (state, Input::Opened) => state.on_opened(cx),
            (state, Input::Received(bytes)) => state.on_received(bytes, cx),
            (_, Input::Closed) => cx.lost(),
            (state, Input::Recalled(memory)) => state.on_recalled(memory),
            (state, Input::PeerOpened { peer, key, pass }) => {
                state.on_peer(cx, |seat, cx| seat.peer_opened(peer, key, pass, cx))
            }
            (state, Input::PeerReceived { peer, bytes }) => {
                state.on_peer(cx, |seat, cx| seat.peer_received(peer, bytes, cx))
            }
            (state, Input::PeerClosed { peer }) => state.on_peer(cx, |seat, cx| seat.peer_closed(peer, cx)),
            (state, Input::Looked { question, offers, indexing }) => {
                state.on_peer(cx, |seat, cx| seat.looked(question, offers, indexing, cx))
            }
            (state, Input::File(event)) => state.on_peer(cx, |seat, cx| seat.on_file(event, cx)),
            (_, Input::Listening(_)) => unreachable!("the machine keeps it for its states"),
            (state, Input::Typed(line)) => state.on_typed(line, cx),
            (state, Input::EndOfInput) => state.on_end(cx),
            (state, Input::Interrupted) => state.on_interrupted(cx),
            (state, Input::Chime) => state.on_chime(cx),
        }
    }

    pub(super) fn check(&self, now: Time) {
        if let Some(seat) = self.seat() {
            seat.check(now);
        }
        if let State::Draining(draining) = self {
            draining.check();
        }
    }

    /// Something happened on a connection to another client.
    fn on_peer(mut self, cx: &mut Context<'_>, act: impl FnOnce(&mut Seat, &mut Context<'_>)) -> State {
        if let Some(seat) = self.seat_mut() {
            act(seat, cx);
        }
        self.go_on(cx)
    }

    /// What was waited for may be there.
    fn go_on(self, cx: &mut Context<'_>) -> State {
        match self {
            State::Draining(draining) => draining.go_on(cx),
            State::Parting(parting) => parting.go_on(cx),
            state => state,
        }
    }

    fn on_opened(self, cx: &mut Context<'_>) -> State {
        let State::Login(login) = self else { unreachable!("a connection opens once") };
        login.on_opened(cx)
    }

    fn on_received(mut self, bytes: Bytes, cx: &mut Context<'_>) -> State {
        let now = cx.now();
        cx.link().feed(bytes, now);
        while !matches!(self, State::Over) {
            match cx.link().next() {
                Ok(Some(frame)) => self = self.on_frame(frame, cx),
                Ok(None) => break,
                Err(_fault) => self = cx.lost(),
            }
        }
        self
    }

    fn on_frame(self, frame: ServerFrame, cx: &mut Context<'_>) -> State {
        match frame {
            ServerFrame::Ping { nonce } => cx.send(Request::Pong { nonce }.frame()),
            ServerFrame::Pong { .. } => {}
            ServerFrame::Farewell(farewell) => return self.on_farewell(farewell, cx),
            ServerFrame::Fault(_) => return cx.lost(),
            frame => {
                return match self {
                    State::Login(login) => login.on_frame(frame, cx),
                    State::Online(online) => online.on_frame(frame, cx),
                    State::Draining(draining) => draining.on_frame(frame, cx),
                    State::Parting(parting) => parting.on_frame(frame, cx),
                    State::Leaving(leaving) => leaving.on_frame(frame, cx),
                    State::Over => State::Over,
                };
            }
        }
        self
    }

    fn on_recalled(self, memory: Memory) -> State {
        let State::Login(login) = self else { unreachable!("a memory is recalled only when asked for") };
        login.on_recalled(memory)
    }

    fn on_typed(self, line: Bytes, cx: &mut Context<'_>) -> State {
        match self {
            State::Login(login) => login.on_typed(line, cx),
            State::Online(online) => online.on_typed(&line, cx),
            State::Draining(_) | State::Parting(_) | State::Leaving(_) | State::Over => {
                unreachable!("a line is typed only while one is wanted")
            }
        }
    }

    fn on_end(self, cx: &mut Context<'_>) -> State {
        match self {
            State::Login(_) => cx.end_silently(ExitCode::Refused),
            State::Online(online) => online.on_end(cx),
            State::Draining(_) | State::Parting(_) | State::Leaving(_) | State::Over => {
                unreachable!("the input ends only while a line is wanted")
            }
        }
    }

    fn on_interrupted(self, cx: &mut Context<'_>) -> State {
        match self {
            State::Login(_) => cx.end_silently(ExitCode::Refused),
            State::Online(online) => online.on_interrupted(cx),
            State::Draining(draining) => draining.on_interrupted(cx),
            State::Parting(_) | State::Leaving(_) | State::Over => self,
        }
    }

    fn on_chime(self, cx: &mut Context<'_>) -> State {
        let now = cx.now();
        match &self {
            State::Login(login) if now >= login.until() => return cx.lost(),
            State::Login(login) if login.is_connecting() => return self,
            _ if cx.link().silence.is_lost(now) => return cx.lost(),
            _ => {}
        }
        if let Some(nonce) = cx.link().silence.ping(now) {
            cx.send(Request::Ping { nonce }.frame());
        }
        self.on_peer(cx, Seat::chime)
    }

    /// The server ends the login. Whom the person talks with is told, as far as there is time.
    fn on_farewell(mut self, farewell: Farewell, cx: &mut Context<'_>) -> State {
        if let Some(seat) = self.seat_mut() {
            seat.part(cx);
        }
        match farewell {
            Farewell::ShuttingDown => cx.end(Line::ShuttingDown, ExitCode::Lost),
            Farewell::Idle { seconds } => cx.end(Line::TimedOut(seconds), ExitCode::Idle),
            Farewell::TooManyCommands => cx.end(Line::TooManyCommands, ExitCode::Lost),
        }
    }
}
