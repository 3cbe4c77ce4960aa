//! A person's client: the pure machine on a socket, driven by the test's own thread and clock.

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{Action, Client, Event, Input, Memory, Note, TYPED_MAX};
use starling_core::id::ServerId;
use starling_core::name::Name;
use starling_core::seed::Seed;
use starling_core::time::Time;
use starling_core::wire::Offer;

/// What a device remembers of each user at each server.
pub(super) type Device = BTreeMap<(ServerId, Name), Memory>;

/// A client, and who sits at it.
pub(super) struct Seat {
    machine: Client,
    stream: Option<TcpStream>,
    device: Device,
    /// What is in his folder.
    pub(super) offers: Vec<Offer>,
    /// Whose memory is noted in.
    here: Option<(ServerId, Name)>,
    typed: VecDeque<Input>,
    unwritten: Vec<u8>,
    seen: VecDeque<(Time, String)>,
    exit: Option<i32>,
    /// It does not run.
    pub(super) still: bool,
}

impl Seat {
    /// A client that has connected to `server`.
    pub(super) fn connect(server: SocketAddr, device: Device, seed: u64, now: Time) -> Seat {
        let mut seat = Seat {
            machine: Client::new(Seed::from(seed), now),
            stream: None,
            device,
            offers: Vec::new(),
            here: None,
            typed: VecDeque::new(),
            unwritten: Vec::new(),
            seen: VecDeque::new(),
            exit: None,
            still: false,
        };
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nonblocking(true).expect("a socket can be set so");
        stream.set_nodelay(true).expect("a socket can be set so");
        seat.stream = Some(stream);
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
        if let Some(stream) = &self.stream {
            // It may be broken already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// What the device remembers after the client is gone.
    pub(super) fn into_device(self) -> Device {
        self.device
    }

    /// The socket, for waiting until it can be read.
    pub(super) fn stream(&self) -> Option<&TcpStream> {
        self.stream.as_ref().filter(|_| !self.still)
    }

    /// When the machine wants to be woken.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.machine.deadline().filter(|_| !self.still)
    }

    /// The next line that was seen, with the time when it was.
    pub(super) fn seen(&mut self) -> Option<(Time, String)> {
        self.seen.pop_front()
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
        let mut happened = self.read(now);
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
        let mut buffer = [0; 64 * 1024];
        let mut happened = false;
        while let Some(stream) = &mut self.stream {
            match stream.read(&mut buffer) {
                Ok(0) => self.closed(now),
                Ok(len) => self.feed(now, Input::Received(Bytes::copy_from_slice(&buffer[..len]))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.closed(now),
            }
            happened = true;
        }
        happened
    }

    fn closed(&mut self, now: Time) {
        self.stream = None;
        self.feed(now, Input::Closed);
    }

    fn write(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        while !self.unwritten.is_empty() {
            match stream.write(&self.unwritten) {
                Ok(len) => drop(self.unwritten.drain(..len)),
                // A broken connection is noticed when it is read.
                Err(_) => return,
            }
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
            Action::Send(frame) => frame.encode_into(&mut self.unwritten),
            Action::Recall { server, user } => {
                self.here = Some((server, user));
                let memory = self.device.get(&(server, user)).cloned().unwrap_or_default();
                self.feed(now, Input::Recalled(memory));
            }
            Action::Show { line, note } => {
                self.seen.push_back((now, line.to_string()));
                if let Some(note) = note {
                    self.note(note);
                }
            }
            Action::Ask(_) => {}
            Action::Remember { user, known } => {
                let here = self.here.expect("others are met by somebody who is known");
                let peers = &mut self.device.entry(here).or_default().peers;
                peers.retain(|(name, _)| *name != user);
                peers.push((user, known));
            }
            Action::Look { question, pattern } => {
                let offers = self.offers.iter().filter(|offer| pattern.fits(&offer.name)).cloned().collect();
                self.feed(now, Input::Looked { question, offers });
            }
            Action::Expect { .. }
            | Action::Dial { .. }
            | Action::Abandon { .. }
            | Action::SendPeer { .. }
            | Action::ClosePeer { .. } => {
                unreachable!("in the clear no device proves its key, and nobody is introduced")
            }
            Action::Exit(code) => {
                self.write();
                self.exit = Some(code as i32);
                self.stream = None;
            }
        }
    }

    fn note(&mut self, note: Note) {
        let here = self.here.expect("letters come to somebody who is known");
        let memory = self.device.entry(here).or_default();
        memory.seen = memory.seen.max(note.seq);
        memory.marks.retain(|(from, id)| (*from, id.instance) != (note.from, note.id.instance));
        memory.marks.push((note.from, note.id));
    }
}

/// The shortest time until one of `seats` wants to be woken.
pub(super) fn until_deadline<'a>(seats: impl Iterator<Item = &'a Seat>, now: Time) -> Option<Duration> {
    seats.filter_map(Seat::deadline).map(|at| at.since(now)).min()
}
