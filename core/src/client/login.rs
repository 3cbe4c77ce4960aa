//! From the open connection to the welcome.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::action::{Action, ExitCode};
use super::context::Context;
use super::event::Memory;
use super::fetch::{Fetch, Terms};
use super::letters::Letters;
use super::online::Online;
use super::peers::{KnownKey, Peers};
use super::seat::Seat;
use super::state::State;
use super::view::{Line, Prompt};
use crate::device::DeviceProof;
use crate::id::{Epoch, ServerId};
use crate::name::Name;
use crate::seed::Seed;
use crate::time::Time;
use crate::wire::{Greeting, Hello, LoginName, LoginRefusal, Password, ServerFrame, VERSION};

/// How long a login may take: no longer than a server waits for it.
const LOGIN_MAX: Duration = Duration::from_secs(60);
/// What the client calls itself.
const PRODUCT: &str = concat!("starling/", env!("CARGO_PKG_VERSION"));

/// A login that is under way.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// When it has taken too long.
    until: Time,
    /// The instance under which this run of the client will send messages.
    instance: u64,
    /// How files are fetched, and where chance comes from then.
    files: (Terms, Seed),
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// The connection is not there yet.
    Connecting,
    /// Said hello, waits for the greeting.
    Hailing,
    /// Waits for a name to be typed.
    Naming(Home),
    /// Waits for what the device remembers.
    Recalling { home: Home, typed: LoginName, name: Name },
    /// Waits for a password to be typed.
    Unlocking(Caller),
    /// Waits for the server's answer.
    Knocking(Caller),
}

/// The server that answered.
#[derive(Clone, Copy, Debug)]
struct Home {
    server: ServerId,
    epoch: Epoch,
}

/// Whoever wants in.
#[derive(Clone, Debug)]
struct Caller {
    typed: LoginName,
    /// What was typed, if it can be a name at all.
    name: Option<Name>,
    letters: Letters,
    device: Option<DeviceProof>,
    peers: Vec<(Name, KnownKey)>,
}

impl Login {
    pub(super) fn new(instance: u64, files: (Terms, Seed), now: Time) -> Login {
        Login { until: now + LOGIN_MAX, instance, files, stage: Stage::Connecting }
    }

    /// When the login has taken too long.
    pub(super) fn until(&self) -> Time {
        self.until
    }

    /// The connection is not there yet.
    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.stage, Stage::Connecting)
    }

    /// The line that is waited for.
    pub(super) fn wants(&self) -> Option<Prompt> {
        match self.stage {
            Stage::Naming(_) => Some(Prompt::Name),
            Stage::Unlocking(_) => Some(Prompt::Password),
            Stage::Connecting | Stage::Hailing | Stage::Recalling { .. } | Stage::Knocking(_) => None,
        }
    }

    pub(super) fn on_opened(self, cx: &mut Context<'_>) -> State {
        assert!(self.is_connecting(), "a connection opens once");
        cx.send(Hello::Hello { version: VERSION, product: PRODUCT.into() }.frame());
        self.at(Stage::Hailing)
    }

    pub(super) fn on_frame(self, frame: ServerFrame, cx: &mut Context<'_>) -> State {
        let Login { until, instance, files, stage } = self;
        let at = |stage| State::Login(Box::new(Login { until, instance, files, stage }));
        match (stage, frame) {
            (Stage::Hailing, ServerFrame::Greeting(Greeting { version: VERSION, server, epoch, .. })) => {
                at(Stage::Naming(Home { server, epoch }))
            }
            (Stage::Knocking(caller), ServerFrame::Welcome { name }) if caller.name == Some(name) => {
                cx.show(Line::Welcome(name));
                let own = caller.device.map(|proof| (name, proof.key));
                let peers = Peers::new(own, caller.peers);
                let (terms, seed) = files;
                let fetch = Fetch::new(name, terms, seed);
                State::Online(Online::new(Seat::new(instance, caller.letters, peers, fetch)))
            }
            (_, ServerFrame::LoginRefused(LoginRefusal::Busy)) => cx.end(Line::Busy, ExitCode::Lost),
            (Stage::Knocking(caller), ServerFrame::LoginRefused(LoginRefusal::TryAgain)) => {
                cx.show(Line::LoginRefused(caller.name, LoginRefusal::TryAgain));
                at(Stage::Unlocking(caller))
            }
            (Stage::Knocking(caller), ServerFrame::LoginRefused(refusal)) => {
                cx.end(Line::LoginRefused(caller.name, refusal), ExitCode::Refused)
            }
            _ => cx.lost(),
        }
    }

    pub(super) fn on_typed(self, line: Bytes, cx: &mut Context<'_>) -> State {
        let line = without_return(line);
        let Login { until, instance, files, stage } = self;
        let stage = match stage {
            Stage::Naming(home) => name_typed(home, line, cx),
            Stage::Unlocking(caller) => password_typed(caller, line, cx),
            _ => unreachable!("a line is typed only while one is wanted"),
        };
        State::Login(Box::new(Login { until, instance, files, stage }))
    }

    pub(super) fn on_recalled(self, mut memory: Memory) -> State {
        let Login { until, instance, files, stage } = self;
        let Stage::Recalling { home, typed, name } = stage else {
            unreachable!("a memory is recalled only when it was asked for");
        };
        let (device, peers) = (memory.device, core::mem::take(&mut memory.peers));
        let letters = Letters::recall(memory, home.epoch);
        let stage = Stage::Unlocking(Caller { typed, name: Some(name), letters, device, peers });
        State::Login(Box::new(Login { until, instance, files, stage }))
    }

    fn at(self, stage: Stage) -> State {
        State::Login(Box::new(Login { stage, ..self }))
    }
}

fn name_typed(home: Home, line: Bytes, cx: &mut Context<'_>) -> Stage {
    let name = Name::parse(&line).ok();
    match (LoginName::cut(line), name) {
        (None, _) => Stage::Naming(home),
        (Some(typed), Some(name)) => {
            cx.order(Action::Recall { server: home.server, user: name });
            Stage::Recalling { home, typed, name }
        }
        (Some(typed), None) => {
            let letters = Letters::recall(Memory::default(), home.epoch);
            Stage::Unlocking(Caller { typed, name: None, letters, device: None, peers: Vec::new() })
        }
    }
}

fn password_typed(caller: Caller, line: Bytes, cx: &mut Context<'_>) -> Stage {
    let Some(password) = Password::cut(line) else { return Stage::Unlocking(caller) };
    let (name, seen, device) = (caller.typed.clone(), caller.letters.seen(), caller.device);
    cx.send(Hello::Login { name, password, seen, device }.frame());
    Stage::Knocking(caller)
}

/// A line as it was meant: one `\r` at its end belongs to the newline.
fn without_return(mut line: Bytes) -> Bytes {
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
    line
}
