//! What the two toys have in common that play around a client machine: its time, and words in which others speak to it.

use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{Action, Client, Event, Input};
use starling_core::device::DeviceKey;
use starling_core::direct::{Pass, Role};
use starling_core::name::Name;
use starling_core::time::Time;
use starling_core::wire::Frame;

use super::data::Data;

/// A client machine and its clock. It is checked after each step.
pub(super) struct Machine {
    client: Client,
    now: Time,
}

impl Machine {
    pub(super) fn new(client: Client) -> Machine {
        Machine { client, now: Time::ZERO }
    }

    pub(super) fn wants_line(&self) -> bool {
        self.client.wants_line()
    }

    pub(super) fn step(&mut self, input: Input) -> Vec<Action> {
        let actions = self.client.step(Event { at: self.now, input });
        self.client.check();
        actions
    }

    pub(super) fn after(&self, span: Duration) -> Time {
        self.now + span
    }

    /// Lets time pass until then, or until the machine is to be chimed before that: then it is true.
    pub(super) fn chimes_by(&mut self, until: Time) -> bool {
        let chime = self.client.deadline().filter(|at| *at <= until);
        self.now = chime.map_or(until, |at| self.now.max(at));
        chime.is_some()
    }
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).expect("a good name")
}

pub(super) fn key(byte: u8) -> DeviceKey {
    DeviceKey([byte; DeviceKey::BYTES])
}

pub(super) fn pass(data: &mut Data<'_>) -> Pass {
    Pass([data.below(3); Pass::BYTES])
}

pub(super) fn role(data: &mut Data<'_>) -> Role {
    if data.below(2) == 0 { Role::Caller } else { Role::Called }
}

pub(super) fn encoded(frame: &Frame) -> Bytes {
    let mut bytes = Vec::new();
    frame.encode_into(&mut bytes);
    bytes.into()
}
