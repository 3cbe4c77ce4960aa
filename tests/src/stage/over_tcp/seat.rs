//! A person's client: the pure machine on a socket, driven by the test's own thread and clock.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use starling_core::client::{Action, Client, Event, Input, Memory, Note, TYPED_MAX};
use starling_core::device::{EXPORTER_LABEL, Exported};
use starling_core::id::ServerId;
use starling_core::name::Name;
use starling_core::seed::Seed;
use starling_core::time::Time;
use starling_runtime::tls::device::DeviceSecret;
use starling_runtime::tls::peer::PeerConfigs;
use starling_sim::folder::{Done, Folder, Keeper};

use super::hear::hear;
use super::street::Street;
use crate::line::{Dialer, Line, Secrecy};

/// What a device keeps of each user at each server, and its folder.
#[derive(Default)]
pub(super) struct Device {
    accounts: BTreeMap<(ServerId, Name), Kept>,
    /// What is offered from there, and where downloads go.
    pub(super) folder: Folder,
}

impl Device {
    /// One that has met nobody.
    pub(super) fn with(folder: Folder) -> Device {
        Device { folder, ..Device::default() }
    }
}

/// Its key, and what it remembers.
pub(super) struct Kept {
    secret: DeviceSecret,
    memory: Memory,
}

impl Kept {
    fn new() -> Kept {
        Kept { secret: DeviceSecret::generate().expect("there are keys"), memory: Memory::default() }
    }
}

/// A client, and who sits at it.
pub(super) struct Seat {
    machine: Client,
    line: Option<Line>,
    street: Street,
    /// With what it remembers, and its folder.
    pub(super) device: Device,
    keeper: Keeper,
    /// Whose memory is noted in.
    here: Option<(ServerId, Name)>,
    typed: VecDeque<Input>,
    seen: VecDeque<(Time, String)>,
    exit: Option<i32>,
    /// It does not run.
    pub(super) still: bool,
}

impl Seat {
    /// A client that has connected to `server`.
    pub(super) fn connect(server: SocketAddr, device: Device, seed: u64, now: Time) -> Seat {
        let line = Dialer::new(Secrecy::Tls).connect(server).expect("the server listens");
        let street = Street::open();
        let reach = street.reach();
        let mut seat = Seat {
            machine: Client::new(Seed::from(seed), now),
            line: Some(line),
            street,
            device,
            keeper: Keeper::default(),
            here: None,
            typed: VecDeque::new(),
            seen: VecDeque::new(),
            exit: None,
            still: false,
        };
        seat.feed(now, Input::Listening(reach));
        seat.feed(now, Input::Opened);
        seat
    }

    /// He types, ends his input, or interrupts.
    pub(super) fn does(&mut self, input: Input, now: Time) {
        match input {
            Input::Interrupted => self.feed(now, input),
            Input::Typed(mut line) => {
                line.truncate(TYPED_MAX);
                self.typed.push_back(Input::Typed(line));
            }
            input => self.typed.push_back(input),
        }
    }

    /// The connection breaks.
    pub(super) fn cut(&mut self) {
        if let Some(line) = &self.line {
            // It may be broken already.
            let _ = line.socket().shutdown(Shutdown::Both);
        }
    }

    /// The device after the client is gone. One that had not ended was killed.
    pub(super) fn into_device(mut self) -> Device {
        self.keeper.crash(&mut self.device.folder);
        self.device
    }

    /// The sockets, for waiting until one can be read.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &TcpStream> {
        let server = self.line.as_ref().map(Line::socket);
        server.into_iter().chain(self.street.sockets()).filter(|_| !self.still)
    }

    /// When the machine wants to be woken.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.machine.deadline().filter(|_| !self.still)
    }

    /// The next line that was seen, with the time when it was.
    pub(super) fn seen(&mut self) -> Option<(Time, String)> {
        self.seen.pop_front()
    }

    /// There is a line that was seen and not yet asked for.
    pub(super) fn has_seen(&self) -> bool {
        !self.seen.is_empty()
    }

    /// How the client ended.
    pub(super) fn exit(&self) -> Option<i32> {
        self.exit
    }

    /// Reads, thinks and writes, as far as that goes now. Says whether anything happened.
    pub(super) fn pump(&mut self, now: Time) -> bool {
        if self.still || self.exit.is_some() {
            return false;
        }
        let mut happened = self.read(now) | self.meet(now) | self.keep(now);
        if self.machine.deadline().is_some_and(|at| at <= now) {
            self.feed(now, Input::Chime);
            happened = true;
        }
        while self.machine.wants_line() {
            let Some(input) = self.typed.pop_front() else { break };
            self.feed(now, input);
            happened = true;
        }
        self.write();
        happened
    }

    fn read(&mut self, now: Time) -> bool {
        let Some(line) = &mut self.line else { return false };
        let heard = hear(line);
        if !heard.bytes.is_empty() {
            self.feed(now, Input::Received(heard.bytes.into()));
        }
        if !heard.stays && self.line.take().is_some() {
            self.feed(now, Input::Closed);
        }
        heard.happened
    }

    fn meet(&mut self, now: Time) -> bool {
        let (told, happened) = self.street.pump(now);
        for input in told {
            if let Input::PeerClosed { peer } = &input {
                self.keeper.closed(*peer);
            }
            self.feed(now, input);
        }
        happened
    }

    /// The disk does the next thing.
    fn keep(&mut self, now: Time) -> bool {
        let Seat { keeper, device, street, .. } = self;
        match keeper.next(&mut device.folder, |peer| street.has_room(peer)) {
            Some(Done::Told(event)) => self.feed(now, Input::File(event)),
            Some(Done::Send { peer, frame }) => self.street.send(peer, &frame),
            None => return false,
        }
        true
    }

    fn write(&mut self) {
        if let Some(line) = &mut self.line {
            // A broken connection is noticed when it is read.
            let _ = line.flush();
        }
    }

    fn feed(&mut self, at: Time, input: Input) {
        let actions = self.machine.step(Event { at, input });
        self.machine.check();
        actions.into_iter().for_each(|action| self.perform(at, action));
        self.write();
    }

    fn perform(&mut self, now: Time, action: Action) {
        match action {
            Action::Send(frame) => {
                if let Some(line) = &mut self.line {
                    frame.encode_into(&mut line.out);
                }
            }
            Action::Recall { server, user } => self.recall(now, (server, user)),
            Action::Show { line, note } => {
                self.seen.push_back((now, line.to_string()));
                if let Some(note) = note {
                    self.note(note);
                }
            }
            Action::Ask(_) | Action::Hint(_) => {}
            Action::File(order) => self.keeper.perform(&mut self.device.folder, &order),
            Action::Remember { user, known } => {
                let peers = &mut self.memory().peers;
                peers.retain(|(name, _)| *name != user);
                peers.push((user, known));
            }
            Action::Look { question, pattern } => {
                let (offers, indexing) = self.device.folder.look(&pattern);
                self.feed(now, Input::Looked { question, offers, indexing });
            }
            Action::Expect { key, until } => self.street.expect(key, until),
            Action::Dial { pass, key, candidates, .. } => self.street.dial(pass, key, &candidates, now),
            Action::Abandon { pass } => self.street.abandon(pass),
            Action::SendPeer { peer, frame } => self.street.send(peer, &frame),
            Action::ClosePeer { peer } => {
                self.keeper.closed(peer);
                self.street.close(peer);
            }
            Action::Exit(code) => {
                self.write();
                self.exit = Some(code as i32);
                self.line = None;
                self.street.leave();
                std::mem::take(&mut self.keeper).end(&mut self.device.folder);
            }
        }
    }

    fn recall(&mut self, now: Time, here: (ServerId, Name)) {
        self.here = Some(here);
        let kept = self.device.accounts.entry(here).or_insert_with(Kept::new);
        self.street.begin(PeerConfigs::of(&kept.secret).expect("the key is good"));
        let session = self.line.as_ref().and_then(Line::session).expect("the server has spoken");
        let exported = session.export_keying_material(Exported::default(), EXPORTER_LABEL, None);
        let proof = kept.secret.prove(&exported.expect("the keys are agreed")).expect("the key is good");
        let memory = Memory { device: Some(proof), ..kept.memory.clone() };
        self.feed(now, Input::Recalled(memory));
    }

    /// Of whoever is logged in.
    fn memory(&mut self) -> &mut Memory {
        let here = self.here.expect("he is known");
        &mut self.device.accounts.entry(here).or_insert_with(Kept::new).memory
    }

    fn note(&mut self, note: Note) {
        let memory = self.memory();
        memory.seen = memory.seen.max(note.seq);
        memory.marks.retain(|(from, id)| (*from, id.instance) != (note.from, note.id.instance));
        memory.marks.push((note.from, note.id));
    }
}

/// The shortest time until one of `seats` wants to be woken.
pub(super) fn until_deadline<'a>(seats: impl Iterator<Item = &'a Seat>, now: Time) -> Option<Duration> {
    seats.filter_map(Seat::deadline).map(|at| at.since(now)).min()
}
