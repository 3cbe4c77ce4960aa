//! Where a client stands, and which state handles what.

use alloc::boxed::Box;

use bytes::Bytes;

use super::action::ExitCode;
use super::context::Context;
use super::event::{Input, Memory};
use super::link::Link;
use super::login::Login;
use super::online::{Draining, Leaving, Online};
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
            State::Draining(_) | State::Leaving(_) | State::Over => None,
        }
    }

    /// When something has to happen by itself.
    pub(super) fn deadline(&self, link: &Link) -> Option<Time> {
        match self {
            State::Login(login) if login.is_connecting() => Some(login.until()),
            State::Login(login) => Some(login.until().min(link.deadline())),
            State::Online(_) | State::Draining(_) | State::Leaving(_) => Some(link.deadline()),
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
            (state, Input::Typed(line)) => state.on_typed(line, cx),
            (state, Input::EndOfInput) => state.on_end(cx),
            (state, Input::Interrupted) => state.on_interrupted(cx),
            (state, Input::Chime) => state.on_chime(cx),
        }
    }

    pub(super) fn check(&self) {
        match self {
            State::Online(online) => online.check(),
            State::Draining(draining) => draining.check(),
            State::Leaving(leaving) => leaving.check(),
            State::Login(_) | State::Over => {}
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
            ServerFrame::Farewell(farewell) => return on_farewell(farewell, cx),
            ServerFrame::Fault(_) => return cx.lost(),
            frame => {
                return match self {
                    State::Login(login) => login.on_frame(frame, cx),
                    State::Online(online) => online.on_frame(frame, cx),
                    State::Draining(draining) => draining.on_frame(frame, cx),
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
            State::Draining(_) | State::Leaving(_) | State::Over => {
                unreachable!("a line is typed only while one is wanted")
            }
        }
    }

    fn on_end(self, cx: &mut Context<'_>) -> State {
        match self {
            State::Login(_) => cx.end_silently(ExitCode::Refused),
            State::Online(online) => online.on_end(cx),
            State::Draining(_) | State::Leaving(_) | State::Over => {
                unreachable!("the input ends only while a line is wanted")
            }
        }
    }

    fn on_interrupted(self, cx: &mut Context<'_>) -> State {
        match self {
            State::Login(_) => cx.end_silently(ExitCode::Refused),
            State::Online(online) => online.on_interrupted(cx),
            State::Draining(draining) => draining.on_interrupted(cx),
            State::Leaving(_) | State::Over => self,
        }
    }

    fn on_chime(self, cx: &mut Context<'_>) -> State {
        let now = cx.now();
        match &self {
            State::Login(login) if now >= login.until() => return cx.lost(),
            State::Login(login) if login.is_connecting() => return self,
            _ if cx.link().is_lost(now) => return cx.lost(),
            _ => {}
        }
        if let Some(nonce) = cx.link().ping(now) {
            cx.send(Request::Ping { nonce }.frame());
        }
        self
    }
}

fn on_farewell(farewell: Farewell, cx: &mut Context<'_>) -> State {
    match farewell {
        Farewell::ShuttingDown => cx.end(Line::ShuttingDown, ExitCode::Lost),
        Farewell::Idle { seconds } => cx.end(Line::TimedOut(seconds), ExitCode::Idle),
        Farewell::TooManyCommands => cx.end(Line::TooManyCommands, ExitCode::Lost),
    }
}
