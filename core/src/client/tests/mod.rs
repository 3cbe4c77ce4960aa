//! The machine from outside: a hand-made server on one side, a person on the other.

mod ending;
mod fetching;
mod files;
mod link;
mod login;
mod mail;
mod meeting;
mod pair;
mod private;
mod replies;
mod split;
mod starting;

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::*;
use crate::id::{Epoch, MsgId, RequestId, Seq, ServerId};
use crate::name::Name;
use crate::text::Text;
use crate::wire::{Greeting, Hello, NamesPage, Outcome, Phase, Reader, Request, ServerFrame, VERSION};

/// A client, and what it did since someone looked.
struct Rig {
    client: Client,
    at: Time,
    done: Vec<Action>,
}

impl Rig {
    fn new() -> Rig {
        Rig::on_terms(Terms::default())
    }

    fn on_terms(terms: Terms) -> Rig {
        let at = Time::from_secs(1000);
        Rig { client: Client::on_terms(Seed::from(1), terms, at), at, done: Vec::new() }
    }

    /// A client that was greeted and waits for a name.
    fn greeted() -> Rig {
        Rig::new().after_greeting()
    }

    fn after_greeting(mut self) -> Rig {
        self.feed(Input::Opened);
        self.hears(greeting());
        self.done.clear();
        self
    }

    /// A client that sent its login as yoda, with what its device remembers.
    fn knocking(memory: Memory) -> Rig {
        let mut rig = Rig::greeted();
        rig.types("yoda");
        rig.feed(Input::Recalled(memory));
        rig.types("wise");
        rig.done.clear();
        rig
    }

    /// A client that is online as yoda and remembers nothing.
    fn online() -> Rig {
        let mut rig = Rig::knocking(Memory::default());
        rig.hears(ServerFrame::Welcome { name: name("yoda") });
        rig.done.clear();
        rig
    }

    fn feed(&mut self, input: Input) {
        self.client.step_into(Event { at: self.at, input }, &mut self.done);
        self.client.check();
    }

    fn hears(&mut self, frame: ServerFrame) {
        self.hears_all(&[frame]);
    }

    /// Several frames in one piece.
    fn hears_all(&mut self, frames: &[ServerFrame]) {
        self.feed(Input::Received(encoded(frames)));
    }

    fn answers(&mut self, request: u32, outcome: Outcome) {
        self.hears(ServerFrame::Done { request: RequestId(request), outcome });
    }

    fn types(&mut self, line: &str) {
        assert!(self.client.wants_line(), "nobody waits for {line:?}");
        self.feed(Input::Typed(Bytes::copy_from_slice(line.as_bytes())));
    }

    /// Lets time pass, with a chime at every deadline on the way.
    fn waits(&mut self, span: Duration) {
        let end = self.at + span;
        while let Some(at) = self.client.deadline().filter(|at| *at <= end) {
            self.at = self.at.max(at);
            self.feed(Input::Chime);
        }
        self.at = end;
    }

    /// What was done since the last look.
    fn did(&mut self) -> Vec<Action> {
        mem::take(&mut self.done)
    }

    /// The same, in words; questions left out.
    fn told(&mut self) -> Vec<String> {
        self.did().iter().filter(|action| !matches!(action, Action::Ask(_))).map(words).collect()
    }
}

/// An order in words: a shown line as it reads, a frame as its kind, an acknowledgement with its place.
fn words(action: &Action) -> String {
    match action {
        Action::Show { line, .. } => line.to_string(),
        Action::Send(frame) => match request(frame) {
            Some(Request::Ack { seq }) => alloc::format!("> ACK {seq}"),
            _ => alloc::format!("> {}", frame.kind().name().unwrap_or("?")),
        },
        Action::Recall { user, .. } => alloc::format!("recall {user}"),
        Action::Expect { key, .. } => alloc::format!("expect {key:?}"),
        Action::Dial { pass, .. } => alloc::format!("dial {pass:?}"),
        Action::Abandon { pass } => alloc::format!("abandon {pass:?}"),
        Action::SendPeer { peer, frame } => {
            alloc::format!("{} < {}", peer.generation, frame.kind().name().unwrap_or("?"))
        }
        Action::ClosePeer { peer } => alloc::format!("{} closed", peer.generation),
        Action::Remember { user, known } => {
            let verified = if known.verified == Some(known.key) { ", verified" } else { "" };
            alloc::format!("remember {user}: {:?}{verified}", known.key)
        }
        Action::Look { question, pattern } => alloc::format!("look {question} {pattern:?}"),
        Action::File(order) => alloc::format!("{order:?}"),
        Action::Hint(line) => alloc::format!("hint {line}"),
        Action::Ask(prompt) => alloc::format!("ask {prompt:?}"),
        Action::Exit(code) => alloc::format!("exit {}", *code as u8),
    }
}

fn raw(frame: &crate::wire::Frame, phase: Phase) -> Option<crate::wire::RawFrame> {
    let mut bytes = Vec::new();
    frame.encode_into(&mut bytes);
    let mut reader = Reader::new();
    reader.feed(Bytes::from(bytes));
    reader.next(phase).ok().flatten()
}

fn request(frame: &crate::wire::Frame) -> Option<Request> {
    Request::decode(raw(frame, Phase::Online)?).ok()
}

fn hello(frame: &crate::wire::Frame) -> Option<Hello> {
    Hello::decode(raw(frame, Phase::BeforeLogin)?).ok()
}

fn encoded(frames: &[ServerFrame]) -> Bytes {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame.frame().encode_into(&mut bytes));
    Bytes::from(bytes)
}

fn greeting() -> ServerFrame {
    greeting_of(Epoch(3))
}

fn greeting_of(epoch: Epoch) -> ServerFrame {
    let product = "starling/0.1.0".into();
    ServerFrame::Greeting(Greeting { version: VERSION, product, server: ServerId(7), epoch })
}

fn mail(seq: u64, counter: u64, words: &str) -> ServerFrame {
    ServerFrame::Mail { seq: place(seq), id: id(counter), from: name("hans"), text: text(words) }
}

/// The `n`th place of epoch 3.
fn place(n: u64) -> Seq {
    (0..n).fold(Seq::before_first(Epoch(3)), |seq, _| seq.next())
}

/// A message of the one instance that hans has in these tests.
fn id(counter: u64) -> MsgId {
    MsgId { instance: 5, counter }
}

fn names(request: u32, last: bool, given: &[&str]) -> ServerFrame {
    let names = given.iter().map(|given| name(given)).collect();
    ServerFrame::Names(NamesPage { request: RequestId(request), last, version: 1, names })
}

fn name(given: &str) -> Name {
    Name::parse(given.as_bytes()).expect("a name")
}

fn text(words: &str) -> Text {
    Text::parse(Bytes::copy_from_slice(words.as_bytes())).expect("a text")
}
