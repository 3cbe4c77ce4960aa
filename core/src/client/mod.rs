//! The client machine: what a person typed and a server said go in, what to send and to show come out.
//!
//! A state is a type: `login` holds those before the welcome, `online` those after it. Beside them
//! stand organs that know nothing of each other: `link` (bytes and silence), `letters` (what was
//! shown before), `replies` (answers in the order of the commands) and `peers` (other clients, past the server).

pub mod action;
mod asked;
mod check;
mod context;
pub mod event;
mod fetch;
pub mod file;
mod letters;
mod link;
mod login;
mod online;
mod peers;
mod replies;
mod seat;
mod silence;
mod state;
mod typed;
pub mod view;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

pub use action::{Action, ExitCode, Note};
pub use event::{Event, Input, Memory, TYPED_MAX};
pub use fetch::Terms;
pub use file::{FileEvent, FileOrder, FileTrouble};
pub use peers::{KnownKey, SafetyNumber};
pub use view::{Complaint, DownloadComplaint, DownloadLine, Line, Progress, Prompt};

use crate::direct::Reach;
use crate::seed::{Dice, Seed};
use crate::time::Time;
use crate::wire::Request;
use context::Context;
use link::Link;
use login::Login;
use state::State;

/// One run of a client: one connection to a server, one person.
#[derive(Clone, Debug)]
pub struct Client {
    now: Time,
    link: Link,
    /// Where others may reach it, if the server has not been told.
    reach: Option<Reach>,
    state: State,
    #[cfg(feature = "planted")]
    fault: Option<ClientFault>,
}

/// A deliberate mistake, for the simulator to find.
#[cfg(feature = "planted")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFault {
    /// What the device remembers is ignored: letters shown in an earlier run are asked for and shown again.
    IgnoreCursor,
}

impl Client {
    /// A client that is about to connect, on the usual terms.
    #[must_use]
    pub fn new(seed: Seed, now: Time) -> Client {
        Client::on_terms(seed, Terms::default(), now)
    }

    /// A client that is about to connect. The instance of its messages, and what it decides by chance, is drawn from
    /// `seed`.
    #[must_use]
    pub fn on_terms(seed: Seed, terms: Terms, now: Time) -> Client {
        let mut dice = Dice::secrets(seed);
        let (instance, seed) = (dice.bits(), Seed::from(dice.bits()));
        Client {
            now,
            link: Link::new(now),
            reach: None,
            state: State::Login(Box::new(Login::new(instance, (terms, seed), now))),
            #[cfg(feature = "planted")]
            fault: None,
        }
    }

    /// Makes a mistake from now on.
    #[cfg(feature = "planted")]
    pub fn plant(&mut self, fault: ClientFault) {
        self.fault = Some(fault);
    }

    /// Handles one event. See [`Client::step_into`].
    pub fn step(&mut self, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        self.step_into(event, &mut out);
        out
    }

    /// Handles one event and appends the orders that follow from it. It never waits and never fails;
    /// after [`Action::Exit`] it does nothing.
    ///
    /// # Panics
    /// If the driver breaks the contract: time runs backwards, a line comes that is not
    /// [wanted](Client::wants_line), a memory that was not asked for, a connection opens twice.
    pub fn step_into(&mut self, event: Event, out: &mut Vec<Action>) {
        assert!(event.at >= self.now, "time does not run backwards");
        self.now = event.at;
        let wanted = self.state.wants();
        let is_line = matches!(event.input, Input::Typed(_));
        self.react(event.input, out);
        let asks = self.state.wants().filter(|_| is_line || wanted.is_none());
        out.extend(asks.map(Action::Ask));
    }

    /// When to feed [`Input::Chime`] if nothing else happens before; never, if it is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.state.deadline(&self.link)
    }

    /// A line, or the end of the input, may be fed now. Bounds what is under way, and keeps the end of
    /// the input from overtaking the answer to a login.
    #[must_use]
    pub fn wants_line(&self) -> bool {
        self.state.wants().is_some()
    }

    fn react(&mut self, input: Input, out: &mut Vec<Action>) {
        let input = match self.spoil(input) {
            Input::Listening(reach) => return self.reach = Some(reach),
            input => input,
        };
        if matches!(input, Input::Opened) {
            self.link = Link::new(self.now);
        }
        let state = mem::replace(&mut self.state, State::Over);
        let mut cx = Context::new(self.now, &mut self.link, out);
        self.state = state.on(input, &mut cx);
        if self.state.is_online()
            && let Some(reach) = self.reach.take()
        {
            cx.send(Request::Reach(reach).frame());
        }
        cx.flush();
    }

    /// Makes the planted mistake, if there is one.
    #[cfg(feature = "planted")]
    fn spoil(&self, input: Input) -> Input {
        match (self.fault, input) {
            (Some(ClientFault::IgnoreCursor), Input::Recalled(_)) => Input::Recalled(Memory::default()),
            (_, input) => input,
        }
    }

    #[cfg(not(feature = "planted"))]
    #[expect(clippy::unused_self, reason = "the planted build looks at it")]
    fn spoil(&self, input: Input) -> Input {
        input
    }
}
