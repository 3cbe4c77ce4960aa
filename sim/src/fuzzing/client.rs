//! A client machine before a server that says anything.

use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{Action, Client, Input, KnownKey, Memory, TYPED_MAX};
use starling_core::device::DeviceProof;
use starling_core::direct::{Purpose, Role};
use starling_core::id::{ConnId, RequestId};
use starling_core::seed::Seed;
use starling_core::text::Text;
use starling_core::time::Time;
use starling_core::wire::{Found, Frame, Kind, Parting, PeerFrame, ServerFrame, Vouch};

use super::data::Data;
use super::files::{findings, pattern, some};
use super::machine::{Machine, encoded, key, name, pass, role};

/// Lines that mean something.
const LINES: [&str; 7] =
    ["hans", "falcon", "whoelse", "message yoda hi", "block luke", "whoelsesince 9", "logout"];

/// Lines about private sessions.
const PRIVATE_LINES: [&str; 6] = [
    "startprivate luke",
    "startprivate yoda",
    "private luke hi",
    "stopprivate luke",
    "verify luke",
    "verify luke ok",
];

/// A hostile server, hostile other clients, and a person who types anything.
///
/// # Panics
/// If the machine does, or does what it must not.
pub fn client_step(data: &[u8]) {
    let mut data = Data::new(data);
    let machine = Machine::new(Client::new(Seed::from(1), Time::ZERO));
    let mut toy = Toy {
        machine,
        is_over: false,
        peers: Vec::new(),
        peers_ever: 0,
        call: RequestId(0),
        files: RequestId(0),
        looks: Vec::new(),
    };
    toy.feed(Input::Opened);
    while !data.is_empty() {
        toy.act(&mut data);
    }
}

/// The simplest driver.
struct Toy {
    machine: Machine,
    is_over: bool,
    /// Connections to other clients that neither side has ended.
    peers: Vec<ConnId>,
    peers_ever: u32,
    /// The last introduction that was asked for.
    call: RequestId,
    /// The last request for files.
    files: RequestId,
    /// Questions that are being looked up.
    looks: Vec<u32>,
}

impl Toy {
    /// One thing happens.
    fn act(&mut self, data: &mut Data<'_>) {
        match data.below(8) {
            0..=2 => {
                let kind = data.byte();
                let body = data.bytes();
                self.feed(Input::Received(frame(kind, &body)));
            }
            3 => {
                let bytes = data.bytes();
                if !bytes.is_empty() {
                    self.feed(Input::Received(bytes));
                }
            }
            4 => self.types(data.bytes()),
            5 => {
                let line = LINES[usize::from(data.byte()) % LINES.len()];
                self.types(Bytes::from_static(line.as_bytes()));
            }
            6 => self.pass(Duration::from_millis(u64::from(data.byte()) * u64::from(data.byte()))),
            _ => self.end_or_meet(data.byte(), data),
        }
    }

    fn types(&mut self, mut line: Bytes) {
        line.truncate(TYPED_MAX);
        if self.machine.wants_line() {
            self.feed(Input::Typed(line));
        }
    }

    fn end_or_meet(&mut self, how: u8, data: &mut Data<'_>) {
        match how {
            0..=9 => self.feed(Input::Closed),
            10..=19 => self.feed(Input::Interrupted),
            20..=29 if self.machine.wants_line() => self.feed(Input::EndOfInput),
            30..=69 => self.vouches(data),
            70..=109 => self.is_reached(data),
            110..=189 => {
                let frame = peer_frame(data);
                self.peer_says(encoded(&frame.frame()), data);
            }
            190..=209 => {
                let bytes = data.bytes();
                self.peer_says(bytes, data);
            }
            210..=219 => {
                if let Some(peer) = self.peer(data) {
                    self.peers.retain(|other| *other != peer);
                    self.feed(Input::PeerClosed { peer });
                }
            }
            220..=239 => {
                let line = PRIVATE_LINES[usize::from(data.byte()) % PRIVATE_LINES.len()];
                self.types(Bytes::from_static(line.as_bytes()));
            }
            240..=255 => self.is_about_files(data),
            _ => {}
        }
    }

    fn is_about_files(&mut self, data: &mut Data<'_>) {
        match data.below(4) {
            0 => self.types(Bytes::from_static(b"files *.pdf")),
            1 => {
                let ask = ServerFrame::Ask { question: data.below(8).into(), pattern: pattern(data) };
                self.feed(Input::Received(encoded(&ask.frame())));
            }
            2 => {
                if let Some(question) = self.looks.pop() {
                    self.feed(Input::Looked { question, offers: some(data), indexing: data.below(2) == 0 });
                }
            }
            _ => {
                let (request, last) = (self.files, data.below(2) == 0);
                let owner = if data.below(2) == 0 { name("luke") } else { name("yoda") };
                let page =
                    Found { request, last, indexing: data.below(2).into(), findings: findings(owner, data) };
                self.feed(Input::Received(encoded(&ServerFrame::Found(page).frame())));
            }
        }
    }

    /// The server introduces somebody.
    fn vouches(&mut self, data: &mut Data<'_>) {
        let role = role(data);
        let vouch = Vouch {
            pass: pass(data),
            role,
            purpose: Purpose::Talk,
            request: if role == Role::Caller { self.call } else { RequestId(0) },
            name: if data.below(2) == 0 { name("luke") } else { name("yoda") },
            key: key(data.below(3)),
            candidates: Vec::new(),
        };
        self.feed(Input::Received(encoded(&ServerFrame::Vouch(vouch).frame())));
    }

    /// Another client is there.
    fn is_reached(&mut self, data: &mut Data<'_>) {
        self.peers_ever += 1;
        let peer = ConnId { slot: self.peers_ever, generation: self.peers_ever };
        self.peers.push(peer);
        let pass = (data.below(2) == 1).then(|| pass(data));
        self.feed(Input::PeerOpened { peer, key: key(data.below(3)), pass });
    }

    fn peer_says(&mut self, bytes: Bytes, data: &mut Data<'_>) {
        if let Some(peer) = self.peer(data).filter(|_| !bytes.is_empty()) {
            self.feed(Input::PeerReceived { peer, bytes });
        }
    }

    /// Some connection to another client; the latest if the input has ended.
    fn peer(&self, data: &mut Data<'_>) -> Option<ConnId> {
        let back = usize::from(data.byte()) % self.peers.len().max(1);
        self.peers.iter().rev().nth(back).copied()
    }

    fn pass(&mut self, span: Duration) {
        let until = self.machine.after(span);
        while self.machine.chimes_by(until) {
            self.feed(Input::Chime);
        }
    }

    fn feed(&mut self, input: Input) {
        self.machine.step(input).into_iter().for_each(|action| self.perform(action));
    }

    fn perform(&mut self, action: Action) {
        assert!(!self.is_over, "nothing follows the end");
        match action {
            Action::Recall { .. } => self.feed(Input::Recalled(memory())),
            Action::Show { line, .. } => {
                let line = line.to_string();
                assert!(!line.contains(|char: char| char.is_control() && char != '\t'), "{line:?}");
            }
            Action::Exit(_) => self.is_over = true,
            Action::Send(frame) if frame.kind() == Kind::CALL => {
                self.call = number(&frame);
            }
            Action::Send(frame) if frame.kind() == Kind::FILES => self.files = number(&frame),
            Action::Look { question, .. } => self.looks.push(question),
            Action::SendPeer { peer, .. } => assert!(self.peers.contains(&peer), "it is there"),
            Action::ClosePeer { peer } => {
                assert!(self.peers.contains(&peer), "it ends once");
                self.peers.retain(|other| *other != peer);
            }
            Action::Send(_)
            | Action::File(_)
            | Action::Ask(_)
            | Action::Hint(_)
            | Action::Expect { .. }
            | Action::Dial { .. }
            | Action::Abandon { .. }
            | Action::Remember { .. } => {}
        }
    }
}

/// A frame with a true head.
fn frame(kind: u8, body: &[u8]) -> Bytes {
    let [.., high, middle, low] = body.len().to_be_bytes();
    [&[kind, high, middle, low], body].concat().into()
}

/// A device with a key, whose person has compared the key of luke and not that of yoda.
fn memory() -> Memory {
    let signature = [0; DeviceProof::SIGNATURE_BYTES];
    let known = |verified| KnownKey { key: key(0), verified };
    Memory {
        device: Some(DeviceProof { key: key(9), signature }),
        peers: vec![(name("luke"), known(Some(key(0)))), (name("yoda"), known(None))],
        ..Memory::default()
    }
}

/// What another client may say.
fn peer_frame(data: &mut Data<'_>) -> PeerFrame {
    match data.below(8) {
        0 | 1 => PeerFrame::meet(pass(data), role(data)),
        2 => PeerFrame::Open,
        3 => PeerFrame::Opened,
        4 | 5 => PeerFrame::Whisper { text: Text::parse(Bytes::from_static(b"psst")).expect("a good text") },
        6 => PeerFrame::Heard { count: data.byte().into() },
        _ => PeerFrame::Bye(if data.below(2) == 0 { Parting::Stopped } else { Parting::LoggedOut }),
    }
}

/// The number of a request.
fn number(frame: &Frame) -> RequestId {
    let number = encoded(frame)[4..8].try_into().expect("four bytes");
    RequestId(u32::from_be_bytes(number))
}
