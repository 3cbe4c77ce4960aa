//! A server machine with a store that answers when it is told to, and clients that speak frames.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use starling_core::device::{DeviceKey, DeviceProof};
use starling_core::id::{ConnId, Epoch, MsgId, RequestId, Seq, ServerId, UserId};
use starling_core::name::Name;
use starling_core::seed::Seed;
use starling_core::server::{Action, Config, Event, Input, PageOrder, Server};
use starling_core::store::{Batch, Snapshot, StoreOutcome, UserRecord};
use starling_core::text::Text;
use starling_core::time::Time;
use starling_core::wire::{Hello, LoginName, Password, Phase, Reader, Request, ServerFrame, VERSION};

/// A server and what it has ordered.
pub struct World {
    pub server: Server,
    pub now: Time,
    pub batches: Vec<Batch>,
    pub pages: Vec<PageOrder>,
    /// Answers of password checks that somebody else gives, if they are not given at once.
    pub checks: Option<VecDeque<Input>>,
    /// What each connection was sent and nobody has looked at, and whether it was closed.
    lines: Vec<(ConnId, Reader, Vec<ServerFrame>, bool)>,
    generation: u32,
    /// Slots that may be used again.
    pub free: Vec<u32>,
}

impl World {
    /// Users are numbered from 1 in the order given; the password of each is `secret`.
    pub fn new(names: &[&str]) -> World {
        World::with(Config::new(Duration::from_secs(60), Duration::from_secs(120)), names)
    }

    pub fn with(config: Config, names: &[&str]) -> World {
        let user = |(at, name): (usize, &&str)| {
            UserRecord::new(UserId(u32::try_from(at).unwrap() + 1), name_of(name))
        };
        let snapshot = Snapshot {
            server: ServerId(7),
            epoch: Epoch(1),
            users: names.iter().enumerate().map(user).collect(),
            failures: Vec::new(),
        };
        let server = Server::recover(config, Seed::from(1), &snapshot, Time::ZERO);
        World {
            server,
            now: Time::ZERO,
            batches: Vec::new(),
            pages: Vec::new(),
            checks: None,
            lines: Vec::new(),
            generation: 0,
            free: Vec::new(),
        }
    }

    /// A connection id that has not been used.
    pub fn next_conn(&mut self) -> ConnId {
        self.generation += 1;
        let slot = self.free.pop().unwrap_or(self.generation);
        ConnId { slot, generation: self.generation }
    }

    pub fn feed(&mut self, input: Input) {
        let actions = self.server.step(Event { at: self.now, input });
        self.server.check();
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send { conn, frame } => self.sent(conn, &frame),
            Action::SendMany { to, frame } => to.into_iter().for_each(|conn| self.sent(conn, &frame)),
            Action::Close { conn, .. } => self.line(conn).3 = true,
            Action::Verify { account, ticket, password, .. } => {
                let right = password.reveal() == b"secret" && account.as_bytes() != b"nobody";
                let answer = Input::Verified { account, ticket, right };
                match &mut self.checks {
                    Some(checks) => checks.push_back(answer),
                    None => self.feed(answer),
                }
            }
            Action::Prove { conn, proof, .. } => {
                let holds = proof.signature == RIGHT_SIGNATURE;
                self.feed(Input::Proven { conn, holds });
            }
            Action::Store(batch) => self.batches.push(batch),
            Action::Load(order) => self.pages.push(order),
            Action::Pause { .. } | Action::Resume { .. } | Action::Stopped => {}
        }
    }

    fn sent(&mut self, conn: ConnId, frame: &starling_core::wire::Frame) {
        let line = self.line(conn);
        assert!(!line.3, "nothing is sent on a closed connection");
        let mut bytes = Vec::new();
        frame.encode_into(&mut bytes);
        line.1.feed(bytes.into());
        while let Some(raw) = line.1.next(Phase::FromServer).unwrap() {
            line.2.push(ServerFrame::decode(raw).unwrap());
        }
    }

    fn line(&mut self, conn: ConnId) -> &mut (ConnId, Reader, Vec<ServerFrame>, bool) {
        self.lines.iter_mut().find(|line| line.0 == conn).expect("an open connection")
    }

    /// What came since the last look.
    pub fn take(&mut self, conn: ConnId) -> Vec<ServerFrame> {
        std::mem::take(&mut self.line(conn).2)
    }

    pub fn is_closed(&mut self, conn: ConnId) -> bool {
        self.line(conn).3
    }

    pub fn open(&mut self) -> ConnId {
        // Everybody comes from an address of his own: what one address may is another matter.
        let number = self.generation + 1;
        self.open_from(IpAddr::from(number.wrapping_mul(1_000_003).to_be_bytes()))
    }

    pub fn open_from(&mut self, from: IpAddr) -> ConnId {
        let conn = self.next_conn();
        self.lines.push((conn, Reader::new(), Vec::new(), false));
        self.feed(Input::Opened { conn, from });
        self.say(conn, &Hello::Hello { version: VERSION, product: "test".into() }.frame());
        self.take(conn);
        conn
    }

    pub fn knock(&mut self, conn: ConnId, name: &str, password: &str) {
        self.knock_with(conn, name, password, None);
    }

    /// An attempt from the device with that key, if any.
    pub fn knock_with(&mut self, conn: ConnId, name: &str, password: &str, device: Option<DeviceKey>) {
        let login = Hello::Login {
            name: LoginName::cut(Bytes::copy_from_slice(name.as_bytes())).unwrap(),
            password: Password::cut(Bytes::copy_from_slice(password.as_bytes())).unwrap(),
            seen: Seq::START,
            device: device.map(|key| DeviceProof { key, signature: RIGHT_SIGNATURE }),
        };
        self.say(conn, &login.frame());
    }

    /// Somebody who is online; what he was sent so far is forgotten.
    pub fn login(&mut self, name: &str) -> ConnId {
        let conn = self.open();
        self.knock(conn, name, "secret");
        assert!(matches!(self.take(conn)[0], ServerFrame::Welcome { .. }), "{name} is welcome");
        conn
    }

    pub fn say(&mut self, conn: ConnId, frame: &starling_core::wire::Frame) {
        let mut bytes = Vec::new();
        frame.encode_into(&mut bytes);
        self.feed(Input::Received { conn, bytes: bytes.into() });
    }

    pub fn ask(&mut self, conn: ConnId, request: Request) {
        self.say(conn, &request.frame());
    }

    /// Lets time pass, with a chime at each deadline.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.server.deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.feed(Input::Chime);
        }
        self.now = end;
    }

    /// The store answers the batch under way.
    pub fn store(&mut self, outcome: StoreOutcome) -> Batch {
        let batch = self.batches.remove(0);
        self.feed(Input::Stored { key: batch.key, outcome });
        batch
    }
}

/// The signature that holds.
const RIGHT_SIGNATURE: [u8; DeviceProof::SIGNATURE_BYTES] = [7; DeviceProof::SIGNATURE_BYTES];

pub fn name_of(name: &str) -> Name {
    Name::parse(name.as_bytes()).unwrap()
}

pub fn text_of(text: &str) -> Text {
    Text::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

pub fn message(request: u32, to: &str, text: &str) -> Request {
    let id = MsgId { instance: 5, counter: u64::from(request) };
    Request::Message { request: RequestId(request), id, to: name_of(to), text: text_of(text) }
}
