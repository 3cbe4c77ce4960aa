//! The clients' hosts: drive the real client machine as the runtime does, and remember for it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{Action, Client, DownloadLine, Event, ExitCode, Input, Line, Note, Terms};
use starling_core::id::ServerId;
use starling_core::name::Name;
use starling_core::seed::Seed;
use starling_core::time::Time;

use super::peers::Meetings;
use super::{Stage, World};
use crate::checker::fact::{Command, Fact, number};
use crate::clock::Clock;
use crate::device;
use crate::fault::FaultKind;
use crate::folder::Keeper;
use crate::network::{Arrival, End, Far};
use crate::queue::Due;

/// One run of a client, on a host of its own.
#[derive(Clone, Debug)]
pub struct ClientNode {
    /// The machine; nothing once it has ended or was killed.
    pub machine: Option<Client>,
    /// Whose it is.
    pub person: u32,
    /// On which of his devices.
    pub device: u8,
    /// Its connection.
    pub link: u32,
    /// The person was welcomed.
    pub welcomed: bool,
    /// How it ended.
    pub exit: Option<ExitCode>,
    /// Lines typed that the machine has not taken.
    pub lines: VecDeque<Typed>,
    /// No more lines follow.
    pub ended: bool,
    /// It does not run until then.
    pub asleep: Option<Time>,
    /// It is killed before it notes the next letter.
    pub killed_at_note: bool,
    /// What it has to do with other clients.
    pub(super) meetings: Meetings,
    /// What it has to do with its folder.
    pub(super) keeper: Keeper,
    /// When its disk does the next thing.
    pub(super) turn_at: Option<Time>,
    clock: Clock,
    alarm: Option<Time>,
    /// At which server, as whom.
    account: Option<(ServerId, Name)>,
    /// Lines shown, kept for scripts.
    pub screen: Option<Vec<String>>,
}

/// A line that somebody typed.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Without its newline.
    pub bytes: Bytes,
    /// What it means, once he is welcome.
    pub command: Option<Command>,
    /// What it sends reaches the server at this very moment.
    pub aim: Option<Time>,
}

impl ClientNode {
    pub(super) fn check(&self) {
        if let Some(machine) = &self.machine {
            machine.check();
        }
    }

    /// It runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.machine.is_some()
    }

    /// The time of the world on its own clock.
    pub(super) fn local(&self, now: Time) -> Time {
        self.clock.local(now)
    }

    pub(super) fn is_asleep(&self, now: Time) -> bool {
        self.asleep.is_some_and(|until| now < until)
    }
}

impl World {
    /// Starts a client, which begins to connect.
    pub(super) fn start_client(&mut self, person: u32, device: u8) -> u32 {
        let client = u32::try_from(self.clients.len()).expect("fewer than 2^32 clients");
        let link = self.net.add(Far::Client(client));
        let drift_ppm = match self.options.drift_ppm {
            0 => 0,
            most => u16::try_from((u32::from(most) * (1 + client * 7 % 16)) / 16).unwrap_or(most),
        };
        if drift_ppm > 0 {
            self.tally.faults.count(FaultKind::Drift);
        }
        let clock = Clock { drift_ppm, ..Clock::started(Time::from_secs(1_000), self.now) };
        let terms = Terms { chunks: self.options.config.chunks, ..Terms::default() };
        let seed = Seed::from(u64::from(client) + 1);
        let mut machine = Client::on_terms(seed, terms, clock.local(self.now));
        if let Some(fault) = self.options.client_fault {
            machine.plant(fault);
        }
        self.clients.push(ClientNode {
            machine: Some(machine),
            person,
            device,
            link,
            welcomed: false,
            exit: None,
            lines: VecDeque::new(),
            ended: false,
            asleep: None,
            killed_at_note: false,
            meetings: Meetings::of(self.persons[person as usize].user, device),
            keeper: Keeper::default(),
            turn_at: None,
            clock,
            alarm: None,
            account: None,
            screen: (!self.judge.numbered).then(Vec::new),
        });
        self.tally.sessions += 1;
        if let Some(reach) = World::reach_of(client) {
            self.step_client(client, Input::Listening(reach));
        }
        let user = Some(self.persons[person as usize].user);
        self.tell(&Fact::Started { link, user, device });
        let hanging = self.weather_over_connects(link);
        self.queue.plan(self.now + self.net.rule.latency + hanging, Due::Knock { link });
        self.set_client_alarm(client);
        client
    }

    /// The answer to a request to connect.
    pub(super) fn answered(&mut self, link: u32) {
        let client = match self.net.link(link).far {
            Far::Client(client) => client,
            Far::Rogue(_) => return self.rogue_answered(link),
            Far::Peer(index) => return self.peer_answered(link, index),
        };
        let accepted = self.net.link(link).conn.is_some();
        let node = &mut self.clients[client as usize];
        if !node.is_alive() {
            return;
        }
        if node.is_asleep(self.now) {
            let until = node.asleep.unwrap_or(self.now);
            return self.queue.plan(until, Due::Answer { link });
        }
        if accepted {
            self.feed_client(client, Input::Opened);
        } else {
            // "Cannot connect" is the driver's to say.
            self.tally.faults.count(FaultKind::Refused);
            self.end_client(client, Some(ExitCode::Lost), true);
        }
    }

    /// Something comes down a link, or its end.
    pub(super) fn arrive_from_server(&mut self, link: u32) {
        let far = self.net.link(link).far;
        if let Far::Peer(index) = far {
            return self.arrive_at_peer(link, index, false);
        }
        let arrival = self.net.read(link, false, self.now, &mut self.queue, &mut self.tally.faults);
        match (far, arrival) {
            (_, Arrival::Nothing) | (Far::Peer(_), _) => return,
            (Far::Client(client), Arrival::Bytes(bytes)) => self.feed_client(client, Input::Received(bytes)),
            (Far::Client(client), Arrival::End(_)) => self.feed_client(client, Input::Closed),
            (Far::Rogue(rogue), Arrival::Bytes(bytes)) => self.rogue_hears(rogue, bytes),
            (Far::Rogue(rogue), Arrival::End(_)) => self.rogue_closed(rogue),
        }
        self.drained(link);
    }

    pub(super) fn client_alarm(&mut self, client: u32) {
        let now = self.now;
        let node = &mut self.clients[client as usize];
        if node.alarm != Some(now) || !node.is_alive() {
            return;
        }
        node.alarm = None;
        if node.is_asleep(now) {
            let until = node.asleep.unwrap_or(now);
            node.alarm = Some(until);
            return self.queue.plan(until, Due::ClientAlarm { client });
        }
        let local = node.clock.local(now);
        if node.machine.as_ref().and_then(Client::deadline).is_some_and(|at| at <= local) {
            self.feed_client(client, Input::Chime);
        } else {
            self.set_client_alarm(client);
        }
    }

    /// One input, what follows from it, and the lines that the machine takes then.
    pub(super) fn feed_client(&mut self, client: u32, input: Input) {
        self.step_client(client, input);
        self.take_lines(client);
    }

    /// The machine takes the lines that it wants.
    pub(super) fn take_lines(&mut self, client: u32) {
        while let Some(typed) = self.next_line(client) {
            self.step_client(client, typed);
        }
        let node = &self.clients[client as usize];
        if node.is_alive() {
            let link = node.link;
            self.refill(link);
            self.set_client_alarm(client);
        }
    }

    /// The next line, if the machine wants one.
    fn next_line(&mut self, client: u32) -> Option<Input> {
        let node = &mut self.clients[client as usize];
        let machine = node.machine.as_ref()?;
        if !machine.wants_line() || node.is_asleep(self.now) {
            return None;
        }
        let Some(line) = node.lines.pop_front() else {
            return std::mem::take(&mut node.ended).then_some(Input::EndOfInput);
        };
        let link = node.link;
        if let Some(aim) = line.aim.filter(|_| self.stage == Stage::Storm) {
            self.net.link(link).up.aim(aim);
        }
        if let Some(command) = &line.command {
            self.judge.see(self.now, &Fact::Typed { link, command });
        }
        Some(Input::Typed(line.bytes))
    }

    fn step_client(&mut self, client: u32, input: Input) {
        let node = &mut self.clients[client as usize];
        let at = node.clock.local(self.now);
        let Some(machine) = &mut node.machine else { return };
        let (what, bytes): (u64, &[u8]) = match &input {
            Input::Opened => (21, &[]),
            Input::Received(bytes) => (22, bytes),
            Input::Closed => (23, &[]),
            Input::Recalled(_) => (24, &[]),
            Input::Typed(bytes) => (25, bytes),
            Input::EndOfInput => (26, &[]),
            Input::Interrupted => (27, &[]),
            Input::Chime => (28, &[]),
            Input::Listening(_) => (29, &[]),
            Input::PeerOpened { .. } => (30, &[]),
            Input::PeerReceived { bytes, .. } => (31, bytes),
            Input::PeerClosed { .. } => (32, &[]),
            Input::Looked { .. } => (33, &[]),
            Input::File(_) => (34, &[]),
        };
        self.tally.event(at, u64::from(client), what, bytes);
        let line = self.trace.is_some().then(|| describe(&input));
        let mut actions = std::mem::take(&mut self.client_actions);
        machine.step_into(Event { at, input }, &mut actions);
        if self.options.thorough {
            machine.check();
        }
        if let Some(line) = line {
            self.note(|world| format!("client {client} ({}) <- {line}", world.owner(client)));
        }
        for action in &actions {
            self.perform_for_client(client, action);
        }
        actions.clear();
        self.client_actions = actions;
    }

    /// Whose client it is, for a trace.
    pub(super) fn owner(&self, client: u32) -> Name {
        let person = self.clients[client as usize].person;
        self.people.name(self.persons[person as usize].user)
    }

    fn perform_for_client(&mut self, client: u32, action: &Action) {
        if self.clients[client as usize].machine.is_none() {
            return;
        }
        let link = self.clients[client as usize].link;
        match action {
            Action::Send(frame) => {
                let bytes = self.net.bytes(frame.len(), |arena| frame.encode_into(arena));
                self.net.link(link).up.write(bytes);
            }
            Action::Recall { server, user } => {
                let node = &mut self.clients[client as usize];
                let (server, user) = (*server, *user);
                node.account = Some((server, user));
                let person = &mut self.persons[node.person as usize];
                let mut memory = person.devices[usize::from(node.device)].recall((server, user));
                memory.device = device::proof(person.user, node.device, link);
                self.step_client(client, Input::Recalled(memory));
            }
            Action::Show { line, note } => self.show(client, link, line, *note),
            Action::Ask(_) | Action::Hint(_) => {}
            Action::File(order) => self.perform_for_folder(client, order),
            Action::Remember { user, known } => {
                let node = &self.clients[client as usize];
                let account = node.account.expect("whoever is met is met by somebody");
                let device = &mut self.persons[node.person as usize].devices[usize::from(node.device)];
                device.remember(account, *user, *known);
            }
            Action::Look { question, pattern } => {
                let node = &self.clients[client as usize];
                let device = &self.persons[node.person as usize].devices[usize::from(node.device)];
                let (offers, indexing) = device.folder.look(pattern);
                self.step_client(client, Input::Looked { question: *question, offers, indexing });
            }
            Action::Expect { .. }
            | Action::Dial { .. }
            | Action::Abandon { .. }
            | Action::SendPeer { .. }
            | Action::ClosePeer { .. } => self.perform_for_peers(client, action),
            Action::Exit(code) => self.end_client(client, Some(*code), true),
        }
    }

    fn show(&mut self, client: u32, link: u32, line: &Line, note: Option<Note>) {
        self.note(|world| format!("{} sees \"{line}\"", world.owner(client)));
        let node = &mut self.clients[client as usize];
        if let Some(screen) = &mut node.screen {
            screen.push(line.to_string());
        }
        let killed = note.is_some() && node.killed_at_note;
        node.welcomed |= matches!(line, Line::Welcome(_));
        let (person, device, account) = (node.person, node.device, node.account);
        let tag = match line {
            Line::Said(_, text) => number(text.bytes()),
            _ => None,
        };
        self.tell(&Fact::Shown { link, line, tag, killed });
        if matches!(line, Line::Download(DownloadLine::Downloaded { .. })) {
            self.look_into_folder(person, device);
        }
        if killed {
            self.strike(FaultKind::KillAtNote, Some(self.persons[person as usize].user));
            return self.end_client(client, None, true);
        }
        if let (Some(note), Some(account)) = (note, account) {
            self.persons[person as usize].devices[usize::from(device)].note(account, note);
        }
    }

    /// A client is over. Its system closes the connection, unless that is gone, too.
    pub(super) fn end_client(&mut self, client: u32, code: Option<ExitCode>, politely: bool) {
        let node = &mut self.clients[client as usize];
        node.machine = None;
        node.exit = code;
        let link = node.link;
        self.leave_folder(client, code.is_none());
        self.note(|world| format!("client {client} ({}) ends: {code:?}", world.owner(client)));
        self.tell(&Fact::Exited { link, code });
        for (link, up) in self.clients[client as usize].meetings.lines() {
            if politely {
                self.hang_up(link, up, code.is_some());
            } else {
                self.net.link(link).up.hold(Time::NEVER);
                self.net.link(link).down.hold(Time::NEVER);
            }
        }
        if !politely {
            let entry = self.net.link(link);
            entry.up.hold(Time::NEVER);
            entry.down.hold(Time::NEVER);
            return;
        }
        let rude = self.mask.has(FaultKind::RudeClose);
        let entry = self.net.link(link);
        let unread = entry.down.is_busy();
        entry.down.deafen();
        if rude && unread && entry.up.is_busy() {
            let kept = usize::from(self.net.lane.word());
            let entry = self.net.link(link);
            entry.up.reset(kept % (entry.up.under_way() + 1));
            self.tally.faults.count(FaultKind::RudeClose);
        } else {
            // What the program has written is on its way; what a kill left in the program is not.
            entry.up.finish(End::Fin, code.is_some());
        }
        self.net.flush(link, true, self.now, &mut self.queue, &mut self.tally.faults);
    }

    /// A client stops running for a while, as after Ctrl-Z.
    pub(super) fn put_to_sleep(&mut self, client: u32, span: Duration) {
        let until = self.now + span;
        let node = &mut self.clients[client as usize];
        node.asleep = Some(until);
        let (link, lines) = (node.link, node.meetings.lines());
        self.net.link(link).down.hold(until);
        for (link, up) in lines {
            self.net.link(link).pipe(!up).hold(until);
        }
    }

    /// A client that was put to sleep runs again, and finds what has come meanwhile.
    pub(super) fn wake_up(&mut self, client: u32) {
        let node = &mut self.clients[client as usize];
        node.asleep = None;
        if !node.is_alive() {
            return;
        }
        node.turn_at = None;
        let (link, lines) = (node.link, node.meetings.lines());
        for (link, up) in [(link, true)].into_iter().chain(lines) {
            self.net.link(link).pipe(!up).release(self.now);
            self.net.flush(link, !up, self.now, &mut self.queue, &mut self.tally.faults);
        }
        self.set_client_alarm(client);
        self.plan_turn(client);
        self.take_lines(client);
    }

    pub(super) fn set_client_alarm(&mut self, client: u32) {
        let node = &mut self.clients[client as usize];
        let Some(deadline) = node.machine.as_ref().and_then(Client::deadline) else { return };
        if deadline == Time::NEVER {
            return;
        }
        let at = node.clock.world(deadline).max(self.now);
        if node.alarm.is_none_or(|planned| at < planned) {
            node.alarm = Some(at);
            self.queue.plan(at, Due::ClientAlarm { client });
        }
    }
}

/// An input as it reads in a trace: never a password.
fn describe(input: &Input) -> String {
    match input {
        Input::Received(bytes) => format!("Received {} bytes", bytes.len()),
        Input::Typed(bytes) => format!("Typed {} bytes", bytes.len()),
        Input::PeerReceived { peer, bytes } => format!("PeerReceived {{ {peer:?}, {} bytes }}", bytes.len()),
        Input::Recalled(memory) => format!("Recalled up to {}", memory.seen),
        input => format!("{input:?}"),
    }
}
