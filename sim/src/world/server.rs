//! The server's host: drives the real server machine as the runtime does.

use std::net::IpAddr;

use bytes::Bytes;
use starling_core::name::AccountName;
use starling_core::server::{Action, Event, Input};
use starling_core::time::Time;
use starling_core::wire::{Hello, Phase, Request};

use super::World;
use super::node::{ServerNode, Verifying};
use crate::checker::fact::Fact;
use crate::device;
use crate::network::{Arrival, End, Far};
use crate::queue::Due;

impl World {
    // --- What reaches the server ---

    /// A request to connect.
    pub(super) fn knock(&mut self, link: u32) {
        if let Far::Peer(index) = self.net.link(link).far {
            return self.peer_knock(link, index);
        }
        let now = self.now;
        let held = self.net.link(link).knock_held;
        if held > now {
            if held < Time::NEVER {
                self.queue.plan(held, Due::Knock { link });
            }
            return;
        }
        let latency = self.net.rule.latency;
        self.queue.plan(now + latency, Due::Answer { link });
        if !self.server.listening {
            return;
        }
        let conn = self.server.accept(link);
        self.net.link(link).conn = Some(conn);
        self.feed(Input::Opened { conn, from: address(link) }, Some(link));
        self.settle();
    }

    /// Something comes up a link, or its end.
    pub(super) fn arrive_at_server(&mut self, link: u32) {
        if let Far::Peer(index) = self.net.link(link).far {
            return self.arrive_at_peer(link, index, true);
        }
        let arrival = self.net.read(link, true, self.now, &mut self.queue, &mut self.tally.faults);
        let conn = self.net.link(link).conn;
        match (arrival, conn) {
            (Arrival::Nothing, _) => return,
            (Arrival::Bytes(bytes), Some(conn)) => {
                self.feed(Input::Received { conn, bytes }, Some(link));
                self.refill(link);
            }
            // Nobody is there: the system of the server's host answers.
            (Arrival::Bytes(_), None) => self.break_link(link, 0),
            (Arrival::End(_), Some(conn)) => {
                self.net.link(link).conn = None;
                self.feed(Input::Closed { conn }, Some(link));
                self.server.release(conn);
                let down = &mut self.net.link(link).down;
                down.finish(End::Fin, false);
                self.flush_down(link);
            }
            (Arrival::End(_), None) => {}
        }
        self.settle();
    }

    /// The client's system goes on writing what did not fit before.
    pub(super) fn refill(&mut self, link: u32) {
        if self.net.link(link).up.waiting_bytes() > 0 {
            self.net.flush(link, true, self.now, &mut self.queue, &mut self.tally.faults);
        }
    }

    pub(super) fn server_alarm(&mut self) {
        if self.server.alarm != Some(self.now) {
            return;
        }
        self.server.alarm = None;
        let now = self.server.clock.local(self.now);
        let Some(machine) = &self.server.machine else { return };
        if machine.deadline().is_some_and(|at| at <= now) {
            self.feed(Input::Chime, None);
        }
        self.settle();
    }

    pub(super) fn verified(&mut self, order: u32) {
        let Some(Verifying { account, ticket, right }) = self.server.verifying[order as usize].take() else {
            return;
        };
        self.feed(Input::Verified { account, ticket, right }, None);
        self.settle();
    }

    /// The server's host does nothing more for a connection that it closed.
    pub(super) fn linger(&mut self, link: u32) {
        if self.net.link(link).down.waiting_bytes() > 0 {
            self.break_link(link, 0);
        }
    }

    // --- The machine ---

    /// One input, and what follows from it.
    pub(super) fn feed(&mut self, input: Input, link: Option<u32>) {
        if self.server.machine.is_none() {
            return;
        }
        let at = self.server.clock.local(self.now);
        self.judge.book.now = at;
        let chime = input == Input::Chime;
        self.hash_input(at, &input);
        self.note(|world| format!("server <- {}", world.describe(&input)));
        self.witness(&input, link);
        let ServerNode { machine: Some(machine), actions, steps, .. } = &mut self.server else { return };
        machine.step_into(Event { at, input }, actions);
        *steps += 1;
        if self.options.thorough || steps.is_multiple_of(1_024) {
            machine.check();
        }
        let mut actions = std::mem::take(actions);
        let mut proofs = Vec::new();
        for action in actions.drain(..) {
            match action {
                Action::Prove { conn, proof } => proofs.push((conn, proof)),
                action => self.perform(action),
            }
        }
        self.server.actions = actions;
        self.tell(&Fact::Stepped { chime });
        for (conn, proof) in proofs {
            let holds = self.server.link(conn).is_some_and(|link| device::holds(&proof, link));
            self.feed(Input::Proven { conn, holds }, None);
        }
    }

    fn hash_input(&mut self, at: Time, input: &Input) {
        let (what, who, bytes): (u64, u64, &[u8]) = match input {
            Input::Opened { conn, .. } => (1, u64::from(conn.slot), &[]),
            Input::Received { conn, bytes } => (2, u64::from(conn.slot), bytes),
            Input::Unread { conn, bytes } => (3, u64::from(conn.slot) << 32 | u64::from(*bytes), &[]),
            Input::Closed { conn } => (4, u64::from(conn.slot), &[]),
            Input::Proven { conn, holds } => (11, u64::from(conn.slot) << 1 | u64::from(*holds), &[]),
            Input::Verified { ticket, right, .. } => (5, ticket.0 << 1 | u64::from(*right), &[]),
            Input::Stored { key, .. } => (6, key.number, &[]),
            Input::Loaded { ticket, .. } => (7, ticket.0, &[]),
            Input::Users { .. } => (8, 0, &[]),
            Input::Stop => (9, 0, &[]),
            Input::Chime => (10, 0, &[]),
        };
        self.tally.event(at, who, what, bytes);
    }

    /// An input as it reads in a trace: never a text or a password.
    fn describe(&self, input: &Input) -> String {
        match input {
            Input::Received { conn, bytes } => {
                format!("Received {{ conn: {conn:?}, {} bytes }}", bytes.len())
            }
            Input::Loaded { user, letters, .. } => {
                format!("Loaded {{ {user:?}, letters: {:?} }}", letters.as_ref().map(Vec::len))
            }
            input => format!("{input:?}"),
        }
    }

    /// Tells the checkers what an input means.
    fn witness(&mut self, input: &Input, link: Option<u32>) {
        match (input, link) {
            (Input::Opened { from, .. }, Some(link)) => {
                self.server.reader(link);
                self.tell(&Fact::Opened { link, from: *from });
            }
            (Input::Received { bytes, .. }, Some(link)) => self.overhear(link, bytes.clone()),
            (Input::Closed { .. }, Some(link)) => self.tell(&Fact::Gone { link }),
            (Input::Unread { bytes, .. }, Some(link)) => self.tell(&Fact::Unread { link, bytes: *bytes }),
            (Input::Verified { account, ticket, right }, _) => {
                self.tell(&Fact::Verified { account: *account, ticket: *ticket, right: *right });
            }
            (Input::Stored { outcome, .. }, _) => self.tell(&Fact::Stored { outcome: *outcome }),
            (Input::Stop, _) => self.tell(&Fact::Stopping),
            _ => {}
        }
    }

    /// Decodes what came, for the checkers: with the same codec, but apart from the machine.
    fn overhear(&mut self, link: u32, bytes: Bytes) {
        if let Some(heard) = &mut self.server.heard {
            heard.extend_from_slice(&bytes);
        }
        self.tell(&Fact::Heard { link });
        let mut reader = std::mem::take(self.server.reader(link));
        reader.feed(bytes);
        loop {
            let online = self.judge.book.sight(link).user.is_some();
            let phase = if online { Phase::Online } else { Phase::BeforeLogin };
            let Ok(Some(raw)) = reader.next(phase) else { break };
            if online {
                let Ok(request) = Request::decode(raw) else { break };
                self.note(|_| format!("  heard {request:?}"));
                self.tell(&Fact::Asked { link, request: &request });
                if matches!(request, Request::Logout { .. }) {
                    break;
                }
            } else if let Ok(Hello::Login { name, seen, device, .. }) = Hello::decode(raw) {
                if device.is_some_and(|proof| !device::holds(&proof, link)) {
                    self.note(|_| "  heard Login with a false proof".to_owned());
                    break;
                }
                let account = AccountName::of(name.as_bytes());
                self.note(|_| format!("  heard Login {{ {account:?} }}"));
                self.tell(&Fact::Tried { link, account, seen });
            }
        }
        *self.server.reader(link) = reader;
    }
}

/// Four addresses share all links.
pub(super) fn address(link: u32) -> IpAddr {
    IpAddr::from([10, 0, 0, u8::try_from(link % 4).unwrap_or(0)])
}
