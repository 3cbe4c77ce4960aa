//! A server machine with a store and a verifier that answer at once, and peers that may send anything.

use std::mem;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use starling_core::device::{DeviceKey, DeviceProof};
use starling_core::id::{ConnId, Epoch, RequestId, Seq, ServerId, Ticket, UserId};
use starling_core::name::{AccountName, Name};
use starling_core::seed::Seed;
use starling_core::server::{Action, Config, Event, Input, Server};
use starling_core::store::{Snapshot, StoreOutcome, UserRecord};
use starling_core::time::Time;
use starling_core::wire::{
    Frame, Hello, LoginName, Outcome, Password, Phase, Reader, Request, ServerFrame, VERSION,
};

use super::letters::Letters;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "secret";

/// See the module.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) now: Time,
    pub(crate) store: Letters,
    /// Passwords that were looked at: when, and whose.
    pub(crate) verified: Vec<(Time, AccountName)>,
    /// Passwords are looked at only when the test says so; these wait.
    pub(crate) verdicts: Option<Vec<(AccountName, Ticket, bool)>>,
    /// Frames that were sent.
    sends: usize,
    names: Vec<Name>,
    lines: Vec<Line>,
    free: Vec<u32>,
}

/// A connection: what its peer was sent and nobody has looked at.
#[derive(Default)]
struct Line {
    conn: Option<ConnId>,
    /// Each with its place in the order of everything that was sent.
    sent: Vec<(usize, Frame)>,
    paused: bool,
    closed: bool,
}

/// A server that lets everybody say nothing for a day: whom it loses when is another threat.
pub(crate) fn patient() -> Config {
    let day = Duration::from_secs(24 * 3_600);
    let mut config = Config::new(Duration::from_secs(60), day);
    config.limits.silence = day;
    config
}

impl House {
    /// Users are numbered from 1 in the order given.
    pub(crate) fn new(names: &[&str]) -> House {
        House::with(Config::new(Duration::from_secs(60), Duration::from_secs(3_600)), names)
    }

    pub(crate) fn with(config: Config, names: &[&str]) -> House {
        let names: Vec<Name> = names.iter().map(|name| name_of(name)).collect();
        let user = |(name, id)| UserRecord::new(UserId(id), name);
        let users = names.iter().copied().zip(1..).map(user).collect();
        let snapshot = Snapshot { server: ServerId(7), epoch: Epoch(1), users, failures: Vec::new() };
        House {
            server: Server::recover(config, Seed::from(1), &snapshot, Time::ZERO),
            now: Time::ZERO,
            store: Letters::default(),
            verified: Vec::new(),
            verdicts: None,
            sends: 0,
            names,
            lines: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Feeds an input, and the answers to the orders that follow from it.
    pub(crate) fn feed(&mut self, input: Input) {
        let mut next = vec![input];
        while let Some(input) = next.pop() {
            let actions = self.server.step(Event { at: self.now, input });
            next.extend(actions.into_iter().filter_map(|action| self.perform(action)));
        }
    }

    fn perform(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::Send { conn, frame } => self.send(conn, frame),
            Action::SendMany { to, frame } => to.into_iter().for_each(|conn| self.send(conn, frame.clone())),
            Action::Close { conn, .. } => self.line(conn).closed = true,
            Action::Prove { conn, proof } => {
                let holds = proof.signature == signature(proof.key, conn);
                return Some(Input::Proven { conn, holds });
            }
            Action::Verify { account, ticket, name, password } => {
                self.verified.push((self.now, account));
                let known = self.names.iter().any(|known| known.as_bytes() == name.as_bytes());
                let right = known && password.reveal() == PASSWORD.as_bytes();
                match &mut self.verdicts {
                    Some(waiting) => waiting.push((account, ticket, right)),
                    None => return Some(Input::Verified { account, ticket, right }),
                }
            }
            Action::Store(batch) => {
                let names = &self.names;
                self.store.keep(&batch, |user| names[user.index() - 1]);
                return Some(Input::Stored { key: batch.key, outcome: StoreOutcome::Committed });
            }
            Action::Load(order) => {
                let letters = Some(self.store.page(&order));
                return Some(Input::Loaded { user: order.user, ticket: order.ticket, letters });
            }
            Action::Pause { conn } => self.line(conn).paused = true,
            Action::Resume { conn } => self.line(conn).paused = false,
            Action::Stopped => {}
        }
        None
    }

    fn send(&mut self, conn: ConnId, frame: Frame) {
        self.sends += 1;
        let place = self.sends;
        let line = self.line(conn);
        assert!(!line.closed, "nothing is sent on a closed connection");
        line.sent.push((place, frame));
    }

    fn line(&mut self, conn: ConnId) -> &mut Line {
        let line = &mut self.lines[conn.index()];
        assert_eq!(line.conn, Some(conn), "the machine knows this connection");
        line
    }

    /// The frames that came since the last look, each with its place in the order of everything that was sent.
    pub(crate) fn take_placed(&mut self, conn: ConnId) -> Vec<(usize, Frame)> {
        mem::take(&mut self.line(conn).sent)
    }

    /// The frames that came since the last look.
    pub(crate) fn take_frames(&mut self, conn: ConnId) -> Vec<Frame> {
        self.take_placed(conn).into_iter().map(|(_, frame)| frame).collect()
    }

    /// What came since the last look, read as a client reads it.
    pub(crate) fn take(&mut self, conn: ConnId) -> Vec<ServerFrame> {
        self.take_frames(conn).iter().map(read).collect()
    }

    pub(crate) fn is_closed(&mut self, conn: ConnId) -> bool {
        self.line(conn).closed
    }

    /// Whether a driver would read from it now.
    pub(crate) fn is_read(&mut self, conn: ConnId) -> bool {
        !self.line(conn).paused && !self.line(conn).closed
    }

    /// A connection that has said nothing.
    pub(crate) fn open(&mut self) -> ConnId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.lines.push(Line::default());
            u32::try_from(self.lines.len() - 1).expect("few connections")
        });
        let line = &mut self.lines[usize::try_from(slot).expect("32 bits fit")];
        let generation = line.conn.map_or(1, |conn| conn.generation + 1);
        let conn = ConnId { slot, generation };
        *line = Line { conn: Some(conn), ..Line::default() };
        // Everybody comes from an address of his own: what one address may is another matter.
        let from = IpAddr::from((conn.generation.wrapping_mul(1_000_003) ^ conn.slot).to_be_bytes());
        self.feed(Input::Opened { conn, from });
        conn
    }

    /// A connection that is over makes way; an open one is closed by its peer.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        if !self.is_closed(conn) {
            self.line(conn).closed = true;
            self.feed(Input::Closed { conn });
        }
        self.free.push(conn.slot);
    }

    /// A connection that has been greeted.
    pub(crate) fn greeted(&mut self) -> ConnId {
        let conn = self.open();
        self.say(conn, &Hello::Hello { version: VERSION, product: "test".into() }.frame());
        assert!(matches!(self.take(conn)[..], [ServerFrame::Greeting(_)]));
        conn
    }

    pub(crate) fn knock(&mut self, conn: ConnId, name: &[u8], password: &[u8]) {
        self.say(conn, &login(name, password).frame());
    }

    /// As [`knock`](House::knock), with the proof of a device.
    pub(crate) fn knock_from(&mut self, conn: ConnId, name: &[u8], password: &[u8], proof: DeviceProof) {
        let mut hello = login(name, password);
        if let Hello::Login { device, .. } = &mut hello {
            *device = Some(proof);
        }
        self.say(conn, &hello.frame());
    }

    /// Somebody who is online; what he was sent so far is forgotten.
    pub(crate) fn login(&mut self, name: &str) -> ConnId {
        let conn = self.greeted();
        self.knock(conn, name.as_bytes(), PASSWORD.as_bytes());
        let first = self.take(conn);
        assert!(matches!(first[..], [ServerFrame::Welcome { .. }, ..]), "{name} is welcome, not {first:?}");
        conn
    }

    pub(crate) fn say(&mut self, conn: ConnId, frame: &Frame) {
        self.bytes(conn, encoded(frame));
    }

    pub(crate) fn bytes(&mut self, conn: ConnId, bytes: impl Into<Bytes>) {
        self.feed(Input::Received { conn, bytes: bytes.into() });
    }

    pub(crate) fn ask(&mut self, conn: ConnId, request: &Request) {
        self.say(conn, &request.frame());
    }

    /// The password that waits longest has been looked at.
    pub(crate) fn verdict(&mut self) {
        let waiting = self.verdicts.as_mut().filter(|waiting| !waiting.is_empty());
        if let Some((account, ticket, right)) = waiting.map(|waiting| waiting.remove(0)) {
            self.feed(Input::Verified { account, ticket, right });
        }
    }

    /// Asks, lets the store answer, and gives what the asker was sent meanwhile.
    pub(crate) fn asked(&mut self, conn: ConnId, request: &Request) -> Vec<ServerFrame> {
        self.ask(conn, request);
        self.pass(Duration::from_millis(5));
        self.take(conn)
    }

    /// Lets time pass, with a chime at each deadline.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.server.deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.feed(Input::Chime);
        }
        self.now = end;
    }
}

/// A proof in this house: anybody can read for which key and which connection it is good.
pub(crate) fn proof(key: u8, conn: ConnId) -> DeviceProof {
    let key = DeviceKey([key; DeviceKey::BYTES]);
    DeviceProof { key, signature: signature(key, conn) }
}

fn signature(key: DeviceKey, conn: ConnId) -> [u8; DeviceProof::SIGNATURE_BYTES] {
    let mut signature = [0; DeviceProof::SIGNATURE_BYTES];
    signature[..32].copy_from_slice(&key.0);
    signature[32..36].copy_from_slice(&conn.slot.to_be_bytes());
    signature[36..40].copy_from_slice(&conn.generation.to_be_bytes());
    signature
}

/// How the request with that number ended, if it did.
pub(crate) fn outcome(frames: &[ServerFrame], number: u32) -> Option<Outcome> {
    frames.iter().find_map(|frame| match frame {
        ServerFrame::Done { request, outcome } if *request == RequestId(number) => Some(*outcome),
        _ => None,
    })
}

pub(crate) fn login(name: &[u8], password: &[u8]) -> Hello {
    Hello::Login {
        name: LoginName::cut(Bytes::copy_from_slice(name)).expect("not empty"),
        password: Password::cut(Bytes::copy_from_slice(password)).expect("not empty"),
        seen: Seq::START,
        device: None,
    }
}

pub(crate) fn name_of(name: &str) -> Name {
    Name::parse(name.as_bytes()).expect("a name")
}

pub(crate) fn encoded(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frame.len());
    frame.encode_into(&mut bytes);
    bytes
}

/// A frame of a server, as a client reads it.
pub(crate) fn read(frame: &Frame) -> ServerFrame {
    let mut reader = Reader::new();
    reader.feed(encoded(frame).into());
    let raw = reader.next(Phase::FromServer).expect("no fault").expect("a whole frame");
    ServerFrame::decode(raw).expect("a frame of a server")
}
