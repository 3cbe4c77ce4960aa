//! A server machine among hosts that say anything, over a store that answers anything.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use starling_core::device::{DeviceKey, DeviceProof};
use starling_core::direct::place::PORT_MIN;
use starling_core::direct::{Purpose, Reach};
use starling_core::id::{ConnId, MsgId, RequestId, Seq, ServerId};
use starling_core::name::Name;
use starling_core::seed::Seed;
use starling_core::server::{Action, Config, Event, Input, LockoutScope, Server};
use starling_core::store::{Batch, StoreOutcome};
use starling_core::text::Text;
use starling_core::time::Time;
use starling_core::wire::{Frame, Hello, LoginName, Password, Phase, Reader, Request, ServerFrame, VERSION};

use super::data::Data;
use super::files::{offers, pattern};
use crate::store::{Moment, Store};

const USERS: [&str; 4] = ["hans", "luke", "vader", "yoda"];
const RIGHT: &[u8] = b"right";
const WRONG: &[u8] = b"wrong";
/// What is no signature of any device.
const FALSE: [u8; DeviceProof::SIGNATURE_BYTES] = [0; DeviceProof::SIGNATURE_BYTES];
/// How long an account is locked: so short that a lock ends within a run.
const BLOCK_DURATION: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(50);
/// Connections at once.
const CONNS_MAX: usize = 8;

/// Hostile frames, and friendly ones in any order.
///
/// # Panics
/// If the machine does, or does what it must not.
pub fn server_step(data: &[u8]) {
    let mut data = Data::new(data);
    let mut toy = Toy::new();
    while !data.is_empty() {
        toy.act(&mut data);
    }
    toy.feed(Input::Stop);
}

/// The simplest driver.
struct Toy {
    server: Server,
    store: Store,
    now: Time,
    conns: Vec<Conn>,
    generation: u32,
    /// Answers that are known and not yet told.
    answers: VecDeque<Input>,
    batch: Option<Batch>,
}

struct Conn {
    id: ConnId,
    /// What it was sent.
    reader: Reader,
}

impl Toy {
    fn new() -> Toy {
        let mut store = Store::new(ServerId(7));
        let names = USERS.map(|name| Name::parse(name.as_bytes()).expect("a good name"));
        let snapshot = store.open(&names, Moment::default(), BLOCK_DURATION);
        let mut config = Config::new(BLOCK_DURATION, TIMEOUT);
        config.limits.commands_burst = 40;
        config.limits.commands_per_second = 10;
        config.limits.mailbox_letters_max = 6;
        config.limits.mailbox_sender_part = 2;
        config.limits.page_bytes = 64;
        config.limits.findings_max = 400;
        config.limits.strangers_max = 2;
        config.limits.verify_waiting_max = 2;
        config.limits.devices_max = 2;
        config.lockout_scope = LockoutScope::Device;
        Toy {
            server: Server::recover(config, Seed::from(1), &snapshot, Time::ZERO),
            store,
            now: Time::ZERO,
            conns: Vec::new(),
            generation: 0,
            answers: VecDeque::new(),
            batch: None,
        }
    }

    /// One thing happens.
    fn act(&mut self, data: &mut Data<'_>) {
        match data.below(12) {
            0 => self.open(data),
            1 => self.says(data, |data| {
                let product = if data.byte() == 0 { "toy" } else { "" };
                Hello::Hello { version: VERSION, product: product.to_owned() }.frame()
            }),
            2 => self.says(data, login),
            3 | 4 => self.says(data, |data| request(data).frame()),
            5 => self.mutters(data),
            6 => self.closes(data),
            7 => self.leaves_unread(data),
            8 => self.pass(Duration::from_millis(u64::from(data.byte()) * u64::from(data.byte()))),
            9 => self.answer_store(data),
            _ => self.tell_answer(),
        }
    }

    fn open(&mut self, data: &mut Data<'_>) {
        if self.conns.len() >= CONNS_MAX {
            return self.closes(data);
        }
        self.generation += 1;
        let is_free = |slot: &u32| self.conns.iter().all(|conn| conn.id.slot != *slot);
        let slot = (0..).find(is_free).expect("slots do not end");
        let id = ConnId { slot, generation: self.generation };
        self.conns.push(Conn { id, reader: Reader::new() });
        self.feed(Input::Opened { conn: id, from: IpAddr::from([127, 0, 0, 1]) });
    }

    fn pick(&self, data: &mut Data<'_>) -> Option<ConnId> {
        let at = usize::from(data.byte()) % self.conns.len().max(1);
        self.conns.get(at).map(|conn| conn.id)
    }

    fn says(&mut self, data: &mut Data<'_>, frame: impl FnOnce(&mut Data<'_>) -> Frame) {
        let Some(conn) = self.pick(data) else { return };
        let mut bytes = Vec::new();
        frame(data).encode_into(&mut bytes);
        self.feed(Input::Received { conn, bytes: bytes.into() });
    }

    fn mutters(&mut self, data: &mut Data<'_>) {
        let Some(conn) = self.pick(data) else { return };
        let bytes = data.bytes();
        if !bytes.is_empty() {
            self.feed(Input::Received { conn, bytes });
        }
    }

    fn closes(&mut self, data: &mut Data<'_>) {
        let Some(conn) = self.pick(data) else { return };
        self.conns.retain(|other| other.id != conn);
        self.feed(Input::Closed { conn });
    }

    fn leaves_unread(&mut self, data: &mut Data<'_>) {
        let Some(conn) = self.pick(data) else { return };
        let bytes = u32::from(data.byte()) * 1_100;
        self.feed(Input::Unread { conn, bytes });
    }

    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.server.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.feed(Input::Chime);
        }
        self.now = until;
    }

    /// The store answers the batch that is under way, or the machine is woken for nothing.
    fn answer_store(&mut self, data: &mut Data<'_>) {
        let Some(batch) = self.batch.take() else { return self.feed(Input::Chime) };
        let outcome = match data.below(8) {
            0 => StoreOutcome::Failed,
            1 => StoreOutcome::Unknown,
            _ => self.store.commit(&batch, Moment { now: self.now, ..Moment::default() }),
        };
        self.feed(Input::Stored { key: batch.key, outcome });
    }

    fn tell_answer(&mut self) {
        if let Some(answer) = self.answers.pop_front() {
            self.feed(answer);
        }
    }

    fn feed(&mut self, input: Input) {
        let actions = self.server.step(Event { at: self.now, input });
        self.server.check();
        actions.into_iter().for_each(|action| self.perform(action));
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send { conn, frame } => self.sent(conn, &frame),
            Action::SendMany { to, frame } => to.into_iter().for_each(|conn| self.sent(conn, &frame)),
            Action::Pause { conn } | Action::Resume { conn } => {
                self.conn(conn);
            }
            Action::Close { conn, .. } => {
                self.conn(conn);
                self.conns.retain(|other| other.id != conn);
            }
            Action::Prove { conn, proof } => {
                let holds = proof.signature != FALSE;
                self.answers.push_back(Input::Proven { conn, holds });
            }
            Action::Verify { account, ticket, name, password } => {
                let is_known = USERS.iter().any(|user| user.as_bytes() == name.as_bytes());
                let right = is_known && password.reveal() == RIGHT;
                self.answers.push_back(Input::Verified { account, ticket, right });
            }
            Action::Store(batch) => {
                assert!(self.batch.is_none(), "one batch is under way at a time");
                self.batch = Some(batch);
            }
            Action::Load(order) => {
                let can_read = order.ticket.0 % 5 != 0;
                let letters = can_read.then(|| self.store.load(&order));
                self.answers.push_back(Input::Loaded { user: order.user, ticket: order.ticket, letters });
            }
            Action::Stopped => {}
        }
    }

    fn conn(&mut self, id: ConnId) -> &mut Conn {
        let conn = self.conns.iter_mut().find(|conn| conn.id == id);
        conn.expect("nothing is ordered for a connection that is gone")
    }

    fn sent(&mut self, conn: ConnId, frame: &Frame) {
        let reader = &mut self.conn(conn).reader;
        let mut bytes = Vec::new();
        frame.encode_into(&mut bytes);
        reader.feed(bytes.into());
        let raw = reader.next(Phase::FromServer).expect("a client understands it");
        ServerFrame::decode(raw.expect("it is a whole frame")).expect("a client understands it");
        assert_eq!(reader.buffered(), 0);
    }
}

fn user(data: &mut Data<'_>) -> Name {
    let name = USERS.get(usize::from(data.below(6))).copied().unwrap_or("nobody");
    Name::parse(name.as_bytes()).expect("a good name")
}

fn login(data: &mut Data<'_>) -> Frame {
    let name = Bytes::copy_from_slice(user(data).as_bytes());
    let password = if data.below(4) == 0 { WRONG } else { RIGHT };
    let key = DeviceKey([data.below(4); DeviceKey::BYTES]);
    let device = match data.below(4) {
        0 => None,
        1 => Some(DeviceProof { key, signature: FALSE }),
        _ => Some(DeviceProof { key, signature: [1; DeviceProof::SIGNATURE_BYTES] }),
    };
    Hello::Login {
        name: LoginName::cut(name).expect("it is not empty"),
        password: Password::cut(Bytes::from_static(password)).expect("it is not empty"),
        seen: Seq::from_bits(u64::from(data.number()) << 8),
        device,
    }
    .frame()
}

fn request(data: &mut Data<'_>) -> Request {
    let request = RequestId(data.byte().into());
    match data.below(11) {
        0 | 1 => {
            let id = MsgId { instance: data.below(3).into(), counter: data.byte().into() };
            Request::Message { request, id, to: user(data), text: text(data) }
        }
        2 => Request::Broadcast { request, text: text(data) },
        3 => Request::Who { request },
        4 => Request::Since { request, seconds: data.number().into() },
        5 => Request::Block { request, whom: user(data) },
        6 => Request::Unblock { request, whom: user(data) },
        7 => Request::Logout { request },
        8 => Request::Ack { seq: Seq::from_bits((u64::from(data.byte()) << 40) | u64::from(data.byte())) },
        9 => Request::Active,
        _ => about_others(request, data),
    }
}

/// A request about other clients, or a sign of life.
fn about_others(request: RequestId, data: &mut Data<'_>) -> Request {
    let what = data.byte();
    match what % 4 {
        _ if what >= 240 => about_files(request, what, data),
        0 => Request::Pong { nonce: data.byte().into() },
        1 => Request::Call { request, purpose: Purpose::Talk, whom: user(data) },
        2 => Request::Know { request, whom: user(data) },
        _ => {
            let hosts = vec![IpAddr::from([192, 168, 0, data.byte()]); data.below(9).into()];
            Request::Reach(Reach { port: PORT_MIN + u16::from(data.byte()), hosts })
        }
    }
}

fn about_files(request: RequestId, what: u8, data: &mut Data<'_>) -> Request {
    match what {
        240..=244 => Request::Files { request, pattern: pattern(data) },
        245..=250 => Request::Offers(offers(data)),
        _ => Request::More { request },
    }
}

fn text(data: &mut Data<'_>) -> Text {
    let len = usize::from(data.byte()) * 40 + 1;
    Text::parse(Bytes::from(vec![b'x'; len])).expect("a good text")
}
