//! The server's host: drives the real server machine as the runtime does.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use starling_core::id::{ConnId, Ticket};
use starling_core::name::AccountName;
use starling_core::server::{Action, Event, Input, Server};
use starling_core::time::Time;
use starling_core::wire::{Frame, HEAD_BYTES, Hello, RawFrame, Reader, Request, ServerFrame};

use super::World;
use crate::checker::fact::{Fact, number};
use crate::clock::Clock;
use crate::fault::FaultKind;
use crate::network::{Arrival, End};
use crate::queue::Due;
use starling_core::wire::Phase;

/// The host of the server: the machine, its connections, and what it waits for.
#[derive(Clone, Debug, Default)]
pub struct ServerNode {
    /// The running machine.
    pub machine: Option<Server>,
    /// What the host's clock shows.
    pub clock: Clock,
    /// Boots of its computer.
    pub boot: u128,
    /// Its computer has booted and the server has not yet started.
    pub rebooting: bool,
    /// It is killed at the next commit: before it (false) or after it.
    pub doomed: Option<bool>,
    /// Whether its port answers.
    pub listening: bool,
    /// The operator asked it to stop.
    pub stopping: bool,
    slots: Vec<Slot>,
    free: BTreeSet<u32>,
    dirty: Vec<u32>,
    alarm: Option<Time>,
    verifying: Vec<Option<Verifying>>,
    actions: Vec<Action>,
    links: Vec<u32>,
    steps: u32,
    /// What the checkers have not yet decoded of each link.
    readers: Vec<Reader>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    generation: u32,
    link: Option<u32>,
    unread: u32,
    dirty: bool,
}

#[derive(Clone, Debug)]
struct Verifying {
    account: AccountName,
    ticket: Ticket,
    right: bool,
}

/// How long a closed connection may take to be read out.
const LINGER: Duration = Duration::from_secs(5);

impl ServerNode {
    pub(super) fn new() -> ServerNode {
        ServerNode::default()
    }

    pub(super) fn check(&self) {
        if let Some(machine) = &self.machine {
            machine.check();
        }
    }

    /// The machine is gone, and with it everything it waited for.
    pub(super) fn forget(&mut self) {
        self.machine = None;
        self.listening = false;
        self.stopping = false;
        self.doomed = None;
        self.slots.clear();
        self.free.clear();
        self.dirty.clear();
        self.alarm = None;
        self.verifying.iter_mut().for_each(|order| *order = None);
    }

    fn link(&self, conn: ConnId) -> Option<u32> {
        let slot = self.slots.get(conn.index())?;
        slot.link.filter(|_| slot.generation == conn.generation)
    }

    fn accept(&mut self, link: u32) -> ConnId {
        let slot = self.free.pop_first().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 slots")
        });
        let entry = &mut self.slots[slot as usize];
        *entry = Slot { generation: entry.generation + 1, link: Some(link), unread: 0, dirty: false };
        ConnId { slot, generation: entry.generation }
    }

    fn release(&mut self, conn: ConnId) {
        self.slots[conn.index()].link = None;
        self.free.insert(conn.slot);
    }
}

impl World {
    // --- What reaches the server ---

    /// A request to connect.
    pub(super) fn knock(&mut self, link: u32) {
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
        self.feed(Input::Opened { conn }, Some(link));
        self.settle();
    }

    /// Something comes up a link, or its end.
    pub(super) fn arrive_at_server(&mut self, link: u32) {
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
        for action in actions.drain(..) {
            self.perform(action);
        }
        self.server.actions = actions;
        self.tell(&Fact::Stepped { chime });
    }

    fn hash_input(&mut self, at: Time, input: &Input) {
        let (what, who, bytes): (u64, u64, &[u8]) = match input {
            Input::Opened { conn } => (1, u64::from(conn.slot), &[]),
            Input::Received { conn, bytes } => (2, u64::from(conn.slot), bytes),
            Input::Unread { conn, bytes } => (3, u64::from(conn.slot) << 32 | u64::from(*bytes), &[]),
            Input::Closed { conn } => (4, u64::from(conn.slot), &[]),
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
            (Input::Opened { .. }, Some(link)) => {
                self.server.reader(link);
                self.tell(&Fact::Opened { link });
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
            } else if let Ok(Hello::Login { name, seen, .. }) = Hello::decode(raw) {
                let account = AccountName::of(name.as_bytes());
                self.note(|_| format!("  heard Login {{ {account:?} }}"));
                self.tell(&Fact::Tried { link, account, seen });
            }
        }
        *self.server.reader(link) = reader;
    }

    // --- Orders ---

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send { conn, frame } => self.send(conn, &frame),
            Action::SendMany { to, frame } => self.send_many(&to, &frame),
            Action::Pause { conn } => self.pause_reading(conn, true),
            Action::Resume { conn } => self.pause_reading(conn, false),
            Action::Close { conn, flush } => self.close(conn, flush),
            Action::Verify { account, ticket, name, password } => {
                let right = self.people.opens(name.as_bytes(), password.reveal());
                self.note(|_| format!("server -> Verify {{ {account:?}, {ticket:?} }}"));
                self.tell(&Fact::Verify { account, ticket });
                let delay = self.disk.verify_delay(self.mask);
                let order = u32::try_from(self.server.verifying.len()).expect("few orders");
                self.server.verifying.push(Some(Verifying { account, ticket, right }));
                self.queue.plan(self.now + delay, Due::Verified { order });
            }
            Action::Store(batch) => {
                self.note(|_| format!("server -> Store {:?} of {} writes", batch.key, batch.writes.len()));
                self.order_batch(batch);
            }
            Action::Load(order) => {
                self.note(|_| format!("server -> {order:?}"));
                self.order_page(order);
            }
            Action::Stopped => self.stopped(),
        }
    }

    fn send(&mut self, conn: ConnId, frame: &Frame) {
        let Some(link) = self.addressed(conn, "Send") else { return };
        let bytes = self.net.bytes(frame.len(), |arena| frame.encode_into(arena));
        let Some(frame) = self.reread(frame, &bytes) else { return };
        self.note(|_| format!("server -> link {link}: {frame:?}"));
        self.tell(&Fact::Told { link, frame: &frame });
        self.write_down(conn, link, bytes);
    }

    fn send_many(&mut self, to: &[ConnId], frame: &Frame) {
        let bytes = self.net.bytes(frame.len(), |arena| frame.encode_into(arena));
        let Some(frame) = self.reread(frame, &bytes) else { return };
        let mut links = std::mem::take(&mut self.server.links);
        for conn in to {
            let Some(link) = self.addressed(*conn, "SendMany") else { return };
            self.note(|_| format!("server -> link {link}: {frame:?}"));
            links.push(link);
            self.write_down(*conn, link, bytes.clone());
        }
        match &frame {
            ServerFrame::Cast { from, text } => {
                self.tell(&Fact::Cast { links: &links, from: *from, tag: number(text.bytes()) });
            }
            frame => links.iter().for_each(|link| self.tell(&Fact::Told { link: *link, frame })),
        }
        links.clear();
        self.server.links = links;
    }

    /// What the other side will read.
    fn reread(&mut self, frame: &Frame, bytes: &Bytes) -> Option<ServerFrame> {
        let decoded = ServerFrame::decode(RawFrame { kind: frame.kind(), body: bytes.slice(HEAD_BYTES..) });
        if decoded.is_err() {
            self.judge.accuse(self.now, "wire", format!("{frame:?} cannot be read: {decoded:?}"));
        }
        decoded.ok()
    }

    fn addressed(&mut self, conn: ConnId, what: &str) -> Option<u32> {
        let link = self.server.link(conn);
        if link.is_none() {
            self.judge.accuse(self.now, "session", format!("{what} for {conn:?}, which is closed"));
        }
        link
    }

    fn write_down(&mut self, conn: ConnId, link: u32, bytes: Bytes) {
        self.net.link(link).down.write(bytes);
        let slot = &mut self.server.slots[conn.index()];
        if !slot.dirty {
            slot.dirty = true;
            self.server.dirty.push(conn.slot);
        }
    }

    fn pause_reading(&mut self, conn: ConnId, on: bool) {
        let Some(link) = self.addressed(conn, "Pause or Resume") else { return };
        self.note(|_| format!("server -> link {link}: {}", if on { "Pause" } else { "Resume" }));
        self.judge.book.marks.reach(if on {
            crate::mark::Mark::Throttled
        } else {
            crate::mark::Mark::Resumed
        });
        self.tell(&Fact::Paused { link, on });
        self.net.link(link).up.set_unread(on);
        self.net.plan(link, true, self.now, &mut self.queue);
    }

    fn close(&mut self, conn: ConnId, flush: bool) {
        let Some(link) = self.addressed(conn, "Close") else { return };
        self.note(|_| format!("server -> link {link}: Close {{ flush: {flush} }}"));
        self.tell(&Fact::Shut { link, flush });
        self.server.release(conn);
        let rude = self.mask.has(FaultKind::RudeClose);
        let entry = self.net.link(link);
        entry.conn = None;
        let unread = entry.up.is_busy();
        entry.up.deafen();
        if rude && unread && entry.down.is_busy() {
            let kept = usize::from(self.net.lane.word()) % (entry_bytes(&mut self.net, link) + 1);
            self.tally.faults.count(FaultKind::RudeClose);
            let entry = self.net.link(link);
            entry.down.reset(kept);
        } else {
            entry.down.finish(End::Fin, flush);
        }
        if self.flush_down(link) > 0 {
            self.queue.plan(self.now + LINGER, Due::Linger { link });
        }
    }

    // --- The end of a turn ---

    /// Writes out what was sent, tells the machine what was not taken, and sets the alarm.
    pub(super) fn settle(&mut self) {
        while let Some(slot) = self.server.dirty.pop() {
            let entry = &mut self.server.slots[slot as usize];
            entry.dirty = false;
            let (link, generation) = (entry.link, entry.generation);
            if let Some(link) = link {
                let left = self.flush_down(link);
                self.report_unread(ConnId { slot, generation }, link, left);
            }
        }
        self.set_alarm();
    }

    pub(super) fn flush_down(&mut self, link: u32) -> usize {
        self.net.flush(link, false, self.now, &mut self.queue, &mut self.tally.faults)
    }

    fn report_unread(&mut self, conn: ConnId, link: u32, left: usize) {
        let bytes = u32::try_from(left).unwrap_or(u32::MAX);
        let told = &mut self.server.slots[conn.index()].unread;
        if *told != bytes {
            *told = bytes;
            self.feed(Input::Unread { conn, bytes }, Some(link));
        }
    }

    /// The peer has read something: more can be written.
    pub(super) fn drained(&mut self, link: u32) {
        if self.net.link(link).down.waiting_bytes() == 0 {
            return;
        }
        let left = self.flush_down(link);
        if let Some(conn) = self.net.link(link).conn {
            self.report_unread(conn, link, left);
            self.settle();
        }
    }

    fn set_alarm(&mut self) {
        let Some(deadline) = self.server.machine.as_ref().and_then(|machine| machine.deadline()) else {
            return;
        };
        if deadline == Time::NEVER {
            return;
        }
        let mut at = self.server.clock.world(deadline).max(self.now);
        if self.server.alarm.is_some_and(|planned| planned <= at) {
            return;
        }
        if self.mask.has(FaultKind::LateAlarm) && self.lanes.clock.chance(8) {
            at = at + Duration::from_millis(4) * u32::from(self.lanes.clock.byte());
            self.tally.faults.count(FaultKind::LateAlarm);
        }
        // However late, an alarm that is set is not put off.
        if self.server.alarm.is_none_or(|planned| at < planned) {
            self.server.alarm = Some(at);
            self.queue.plan(at, Due::ServerAlarm);
        }
    }
}

/// Bytes that are under way down a link.
fn entry_bytes(net: &mut crate::network::Network, link: u32) -> usize {
    net.link(link).down.under_way()
}

impl ServerNode {
    fn reader(&mut self, link: u32) -> &mut Reader {
        let at = link as usize;
        if self.readers.len() <= at {
            self.readers.resize_with(at + 1, Reader::new);
        }
        &mut self.readers[at]
    }
}
