//! One client at work: events in, orders carried out, until the machine ends it.

use std::collections::VecDeque;
use std::time::Duration;
use std::{io, mem};

use bytes::{Buf as _, BytesMut};
use starling_core::client::{Action, Client, Event, ExitCode, Input, KnownKey, Line, Memory, Note, Terms};
use starling_core::device::{DeviceProof, Exported};
use starling_core::id::ServerId;
use starling_core::name::Name;
use starling_core::seed::Seed;
use starling_core::wire::{Frame, Kind};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::device::Device;
use super::files::Files;
use super::known_peers::KnownPeers;
use super::memory::{Notes, Shelf};
use super::offers::Offers;
use super::peers::Hub;
use crate::clock::Clock;
use crate::face::{Face, Heard};

/// Room for one read from the server.
const READ_BYTES: usize = 64 * 1024;
/// How long the last bytes may take to leave.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// What a client stands on.
#[derive(Debug)]
pub struct Ground {
    /// Tells the time.
    pub clock: Clock,
    /// Where its machine's randomness comes from.
    pub seed: Seed,
    /// What the person has settled about files.
    pub terms: Terms,
    /// Where its device keeps what it remembers.
    pub shelf: Shelf,
    /// What TLS exports for the connection; without it, no device proves itself.
    pub exported: Option<Exported>,
    /// Where other clients are met.
    pub hub: Hub,
    /// What is offered to others.
    pub offers: Offers,
    /// What reads and writes files.
    pub files: Files,
}

/// Runs a client over an open connection. Each message of `interrupts` acts as a `logout`; the second one
/// does not wait for the server. The face is left open.
pub async fn run<S, F>(stream: S, ground: Ground, face: &mut F, mut interrupts: Receiver<()>) -> ExitCode
where
    S: AsyncRead + AsyncWrite,
    F: Face,
{
    let (mut reader, mut writer) = split(stream);
    let mut alarm = ground.clock.alarm();
    let mut session = Session::new(ground, face);
    let mut inbox = BytesMut::new();
    if let Some(reach) = session.ground.hub.reach() {
        session.feed(Input::Listening(reach));
    }
    session.feed(Input::Opened);
    while session.exit.is_none() {
        if let Some(deadline) = session.machine.deadline() {
            alarm.set(deadline);
        }
        inbox.reserve(READ_BYTES);
        let wanted = session.machine.wants_line();
        tokio::select! {
            read = reader.read_buf(&mut inbox) => match read {
                Ok(1..) => session.feed(Input::Received(inbox.split().freeze())),
                Ok(0) | Err(_) => session.feed(Input::Closed),
            },
            pushed = push(&mut writer, &session.out.bytes), if session.out.is_pending() => {
                session.out.pushed(pushed);
            }
            input = session.ground.files.next_beside(&mut session.ground.hub) => session.feed(input),
            input = session.ground.offers.next() => session.feed(input),
            heard = session.face.heard(wanted) => session.hear(heard),
            Some(()) = interrupts.recv() => session.interrupt(),
            () = alarm.rung() => session.chime(),
        }
    }
    let rest = async {
        writer.write_all(&session.out.bytes).await?;
        writer.shutdown().await
    };
    // Whoever does not take the last bytes in time has gone, and does not miss them.
    let _ = timeout(FAREWELL_MAX, async { tokio::join!(session.ground.hub.drain(), rest) }).await;
    session.ground.files.finish();
    session.exit.unwrap_or(ExitCode::Lost)
}

/// Writes a beginning of `bytes`, or gives the system what was written before.
async fn push<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8]) -> io::Result<Pushed> {
    match bytes {
        [] => writer.flush().await.map(|()| Pushed::All),
        bytes => writer.write(bytes).await.map(Pushed::Some),
    }
}

/// What came of pushing.
enum Pushed {
    /// So many bytes were taken; none means never again.
    Some(usize),
    /// The system has everything.
    All,
}

/// A machine and its surroundings.
struct Session<'a, F> {
    machine: Client,
    ground: Ground,
    face: &'a mut F,
    notes: Notes,
    /// The key with which the login is proven.
    device: Option<Device>,
    /// Where the keys of others are kept.
    peers: Option<KnownPeers>,
    out: Outgoing,
    /// Nobody can see any more what is shown. Letters are then neither noted nor acknowledged.
    unseen: bool,
    interrupted: bool,
    exit: Option<ExitCode>,
}

impl<'a, F: Face> Session<'a, F> {
    fn new(ground: Ground, face: &'a mut F) -> Self {
        Session {
            machine: Client::on_terms(ground.seed, ground.terms, ground.clock.now()),
            ground,
            face,
            notes: Notes::Lost,
            device: None,
            peers: None,
            out: Outgoing::default(),
            unseen: false,
            interrupted: false,
            exit: None,
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Line(line) => self.feed(Input::Typed(line)),
            Heard::End => self.feed(Input::EndOfInput),
            Heard::Interrupted => self.interrupt(),
        }
    }

    fn interrupt(&mut self) {
        if mem::replace(&mut self.interrupted, true) {
            self.exit = self.exit.or(Some(ExitCode::Lost));
        } else {
            self.feed(Input::Interrupted);
        }
    }

    fn chime(&mut self) {
        if self.machine.deadline().is_some_and(|deadline| deadline <= self.ground.clock.now()) {
            self.feed(Input::Chime);
        }
    }

    /// Feeds an input and carries out what follows from it.
    fn feed(&mut self, input: Input) {
        let mut next = VecDeque::from([input]);
        while let Some(input) = next.pop_front() {
            let seen_before = !self.unseen;
            let at = self.ground.clock.now();
            for action in self.machine.step(Event { at, input }) {
                next.extend(self.perform(action));
            }
            self.unseen |= self.face.flush().is_err();
            if self.unseen && seen_before {
                next.push_back(Input::Interrupted);
            }
        }
    }

    /// Carries out an order. What it answers is to be fed next.
    fn perform(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::Send(frame) => self.send(&frame),
            Action::Recall { server, user } => return Some(self.recall(server, user)),
            Action::Show { line, note } => self.show(&line, note),
            Action::Expect { key, until } => self.ground.hub.expect(key, until, self.ground.clock.now()),
            Action::Dial { pass, role, key, candidates } => {
                self.ground.hub.dial(pass, role, key, &candidates)
            }
            Action::Abandon { pass } => self.ground.hub.abandon(pass),
            Action::SendPeer { peer, frame } => self.ground.hub.send(peer, &frame),
            Action::ClosePeer { peer } => self.ground.hub.close(peer),
            Action::Remember { user, known } => self.remember(user, known),
            Action::Look { question, pattern } => self.ground.offers.ask(question, pattern),
            Action::File(order) => self.ground.files.order(order, &mut self.ground.hub),
            Action::Hint(line) => self.face.warn(&line.to_string()),
            Action::Ask(prompt) => self.face.ask(prompt),
            Action::Exit(code) => self.exit = Some(code),
        }
        None
    }

    fn send(&mut self, frame: &Frame) {
        if !(self.unseen && frame.kind() == Kind::ACK) {
            self.out.put(frame);
        }
    }

    fn recall(&mut self, server: ServerId, user: Name) -> Input {
        Input::Recalled(match self.ground.shelf.open(server, user) {
            Ok((notes, memory)) => {
                self.notes = notes;
                let peers = self.known_peers(server, user);
                Memory { device: self.prove(server, user), peers, ..memory }
            }
            // Where nothing can be read, no key can be kept either.
            Err(error) => {
                self.notes = Notes::Lost;
                self.warn(&error);
                Memory::default()
            }
        })
    }

    /// The proof of this device for `user` at `server`.
    fn prove(&mut self, server: ServerId, user: Name) -> Option<DeviceProof> {
        let exported = self.ground.exported?;
        let path = self.ground.shelf.key_file(server, user).ok()?;
        let proven = Device::open(path).and_then(|device| Ok((device.prove(&exported)?, device)));
        match proven {
            Ok((proof, device)) => {
                self.meet_others(&device);
                self.device = Some(device);
                Some(proof)
            }
            Err(error) => {
                let why = "the server is not shown which device this is";
                self.face.warn(&format!("Cannot use the key of this device ({error}): {why}."));
                None
            }
        }
    }

    /// Other clients know this one by the key of its device.
    fn meet_others(&mut self, device: &Device) {
        match device.peer_configs() {
            Ok(configs) => self.ground.hub.begin(configs),
            Err(error) => self.face.warn(&format!("Others cannot be met directly ({error}).")),
        }
    }

    /// The keys of others, as they were met.
    fn known_peers(&mut self, server: ServerId, user: Name) -> Vec<(Name, KnownKey)> {
        let peers = self.ground.shelf.stem(server, user).map(|stem| KnownPeers::of(&stem));
        let read = peers.and_then(|peers| {
            let known = peers.read()?;
            self.peers = Some(peers);
            Ok(known)
        });
        read.unwrap_or_else(|error| {
            let why = "nobody is recognised by his key";
            self.face.warn(&format!("Cannot read the keys of others ({error}): {why}."));
            Vec::new()
        })
    }

    fn remember(&mut self, user: Name, known: KnownKey) {
        let noted = self.peers.as_ref().map_or(Ok(()), |peers| peers.note(user, known));
        if let Err(error) = noted {
            self.face.warn(&format!("Cannot keep the key of {user} ({error})."));
        }
    }

    /// The name was one, and its password right: the key may stay.
    fn keep_device(&mut self) {
        let kept = self.device.take().map_or(Ok(()), |mut device| device.keep());
        if let Err(error) = kept {
            let why = "the next login will be that of a new device";
            self.face.warn(&format!("Cannot keep the key of this device ({error}): {why}."));
        }
    }

    /// Shows a line. A letter must be out before it is noted: else a crash between the two would lose it.
    fn show(&mut self, line: &Line, note: Option<Note>) {
        if let Line::Welcome(_) = line {
            self.keep_device();
        }
        self.unseen |= self.face.show(line).is_err();
        let Some(note) = note else { return };
        self.unseen |= self.face.flush().is_err();
        if self.unseen {
            return;
        }
        if let Err(error) = self.notes.add(&note) {
            self.warn(&error);
        }
    }

    /// Said once a login at most: notes that cannot be written are given up.
    fn warn(&mut self, error: &io::Error) {
        self.face
            .warn(&format!("Cannot keep note of what was shown ({error}): messages may be shown again."));
    }
}

/// What is to be written to the server.
#[derive(Default)]
struct Outgoing {
    bytes: BytesMut,
    /// What was written may still lie in the stream: an encrypted one keeps back what its socket does not take.
    unflushed: bool,
    /// The server takes nothing any more. Whatever it said before can still be read.
    broken: bool,
}

impl Outgoing {
    fn put(&mut self, frame: &Frame) {
        if !self.broken {
            frame.encode_into(&mut self.bytes);
        }
    }

    fn is_pending(&self) -> bool {
        self.unflushed || !self.bytes.is_empty()
    }

    fn pushed(&mut self, pushed: io::Result<Pushed>) {
        match pushed {
            Ok(Pushed::Some(count)) if count > 0 => {
                self.bytes.advance(count);
                self.unflushed = true;
            }
            Ok(Pushed::All) => self.unflushed = false,
            Ok(Pushed::Some(_)) | Err(_) => {
                self.broken = true;
                self.unflushed = false;
                self.bytes.clear();
            }
        }
    }
}
