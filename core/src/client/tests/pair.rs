//! Two clients, hans and luke, with a toy server and a toy network between them.

use alloc::collections::VecDeque;

use super::*;
use crate::device::{DeviceKey, DeviceProof};
use crate::direct::{Pass, Purpose, Role};
use crate::id::ConnId;
use crate::wire::Vouch;

pub(super) const HANS: usize = 0;
pub(super) const LUKE: usize = 1;
pub(super) const BOTH: [usize; 2] = [HANS, LUKE];
const NAMES: [&str; 2] = ["hans", "luke"];

pub(super) fn key(byte: u8) -> DeviceKey {
    DeviceKey([byte; DeviceKey::BYTES])
}

pub(super) fn conn(generation: u32) -> ConnId {
    ConnId { slot: generation, generation }
}

/// Somebody who is online from the device with that key, and remembers those of others.
pub(super) fn person(named: &str, key: DeviceKey, peers: Vec<(Name, KnownKey)>) -> Rig {
    online_as(Rig::greeted(), named, key, peers)
}

/// A client that was greeted goes online.
pub(super) fn online_as(mut rig: Rig, named: &str, key: DeviceKey, peers: Vec<(Name, KnownKey)>) -> Rig {
    rig.types(named);
    let device = Some(DeviceProof { key, signature: [0; DeviceProof::SIGNATURE_BYTES] });
    rig.feed(Input::Recalled(Memory { device, peers, ..Memory::default() }));
    rig.types("a password");
    rig.hears(ServerFrame::Welcome { name: name(named) });
    rig.done.clear();
    rig
}

/// The server's word to somebody about another one.
pub(super) fn vouch(named: &str, key: DeviceKey, pass: Pass, role: Role, request: RequestId) -> ServerFrame {
    let candidates = Vec::from(["192.0.2.1:4001".parse().expect("a place")]);
    ServerFrame::Vouch(Vouch {
        pass,
        role,
        purpose: Purpose::Talk,
        request,
        name: name(named),
        key,
        candidates,
    })
}

/// See the module.
pub(super) struct Pair {
    pub(super) rigs: [Rig; 2],
    pub(super) keys: [DeviceKey; 2],
    /// What each of them saw, and asked the server, since someone looked.
    told: [Vec<String>; 2],
    /// The last introduction for which each of them dials.
    dialed: [Option<Pass>; 2],
    /// What each of them has asked the server last.
    requests: [RequestId; 2],
    wires: Vec<Wire>,
    passes: u8,
}

/// A connection between the two: the same number on both ends.
struct Wire {
    id: ConnId,
    /// Whether it is still there for each of them.
    open: [bool; 2],
    /// What is on its way to each of them.
    ways: [VecDeque<Piece>; 2],
}

enum Piece {
    Bytes(Bytes),
    End,
}

impl Pair {
    pub(super) fn new() -> Pair {
        Pair::knowing([Vec::new(), Vec::new()])
    }

    /// Each of them remembers these keys.
    pub(super) fn knowing([first, second]: [Vec<(Name, KnownKey)>; 2]) -> Pair {
        let keys = [key(1), key(2)];
        Pair {
            rigs: [person("hans", keys[HANS], first), person("luke", keys[LUKE], second)],
            keys,
            told: [Vec::new(), Vec::new()],
            dialed: [None; 2],
            requests: [RequestId(0); 2],
            wires: Vec::new(),
            passes: 0,
        }
    }

    /// Two who have a session that hans has started.
    pub(super) fn talking() -> Pair {
        let mut pair = Pair::new();
        pair.start(HANS);
        assert_eq!(pair.told(HANS), ["> CALL", "Private session with luke started."]);
        assert_eq!(pair.told(LUKE), ["hans started a private session with you."]);
        pair
    }

    /// One of them starts a session, and everything goes well.
    pub(super) fn start(&mut self, who: usize) {
        self.types(who, &alloc::format!("startprivate {}", NAMES[1 - who]));
        self.introduce(who);
        self.connect(who);
        self.deliver();
    }

    pub(super) fn types(&mut self, who: usize, line: &str) {
        self.rigs[who].types(line);
        self.collect(who);
    }

    pub(super) fn feed(&mut self, who: usize, input: Input) {
        self.rigs[who].feed(input);
        self.collect(who);
    }

    pub(super) fn hears(&mut self, who: usize, frame: ServerFrame) {
        self.rigs[who].hears(frame);
        self.collect(who);
    }

    /// The server answers what was asked last.
    pub(super) fn answers(&mut self, who: usize, outcome: Outcome) {
        self.hears(who, ServerFrame::Done { request: self.requests[who], outcome });
    }

    /// The server introduces them for the call of one of them; the other one hears it first.
    pub(super) fn introduce(&mut self, caller: usize) -> Pass {
        self.passes += 1;
        let pass = Pass([self.passes; Pass::BYTES]);
        for (who, role, request) in
            [(1 - caller, Role::Called, RequestId(0)), (caller, Role::Caller, self.requests[caller])]
        {
            let other = 1 - who;
            self.hears(who, vouch(NAMES[other], self.keys[other], pass, role, request));
        }
        pass
    }

    /// One of them reaches the other one.
    pub(super) fn connect(&mut self, dialer: usize) -> ConnId {
        let id = conn(u32::try_from(self.wires.len()).expect("few") + 1);
        self.wires.push(Wire { id, open: [true; 2], ways: [VecDeque::new(), VecDeque::new()] });
        for (who, pass) in [(dialer, self.dialed[dialer]), (1 - dialer, None)] {
            self.feed(who, Input::PeerOpened { peer: id, key: self.keys[1 - who], pass });
        }
        id
    }

    /// What is on its way arrives, and what follows from it.
    pub(super) fn deliver(&mut self) {
        while let Some((who, id, piece)) = self.next_piece() {
            match piece {
                Piece::Bytes(bytes) => self.feed(who, Input::PeerReceived { peer: id, bytes }),
                Piece::End => self.feed(who, Input::PeerClosed { peer: id }),
            }
        }
    }

    fn next_piece(&mut self) -> Option<(usize, ConnId, Piece)> {
        for wire in &mut self.wires {
            for who in BOTH {
                if let Some(piece) = wire.ways[who].pop_front().filter(|_| wire.open[who]) {
                    wire.open[who] = !matches!(piece, Piece::End);
                    return Some((who, wire.id, piece));
                }
            }
        }
        None
    }

    /// A connection breaks; what is on its way is lost.
    pub(super) fn cut(&mut self, id: ConnId) {
        for who in BOTH {
            let wire = self.wires.iter_mut().find(|wire| wire.id == id).expect("a connection");
            wire.ways[who].clear();
            if mem::take(&mut wire.open[who]) {
                self.feed(who, Input::PeerClosed { peer: id });
            }
        }
    }

    /// Connections that are there on both sides.
    pub(super) fn open(&self) -> Vec<ConnId> {
        self.wires.iter().filter(|wire| wire.open == [true; 2]).map(|wire| wire.id).collect()
    }

    /// Lets time pass for one after the other, and then what they have said arrive: much less time than it takes a
    /// line to fall silent. The server is there.
    pub(super) fn waits(&mut self, span: Duration) {
        for who in BOTH {
            self.hears(who, ServerFrame::Pong { nonce: 0 });
            self.rigs[who].waits(span);
            self.collect(who);
        }
        self.deliver();
    }

    /// What somebody saw, and asked the server, since the last look. Signs of life are left out, and what is
    /// to be remembered.
    pub(super) fn told(&mut self, who: usize) -> Vec<String> {
        let mut told = mem::take(&mut self.told[who]);
        told.retain(|words| {
            !["> ACTIVE", "> PING"].contains(&words.as_str()) && !words.starts_with("remember ")
        });
        told
    }

    fn collect(&mut self, who: usize) {
        for action in self.rigs[who].did() {
            match action {
                Action::SendPeer { peer, frame } => {
                    let mut bytes = Vec::new();
                    frame.encode_into(&mut bytes);
                    self.post(who, peer, Piece::Bytes(bytes.into()));
                }
                Action::ClosePeer { peer } => self.post(who, peer, Piece::End),
                Action::Dial { pass, .. } => self.dialed[who] = Some(pass),
                Action::Ask(_) | Action::Expect { .. } | Action::Abandon { .. } => {}
                Action::Send(ref frame) => {
                    self.requests[who] = numbered(frame).unwrap_or(self.requests[who]);
                    self.told[who].push(words(&action));
                }
                action => self.told[who].push(words(&action)),
            }
        }
    }

    /// One of them gives something to a connection.
    fn post(&mut self, from: usize, id: ConnId, piece: Piece) {
        let wire = self.wires.iter_mut().find(|wire| wire.id == id).expect("a connection");
        assert!(wire.open[from], "nothing is said on a connection that is over");
        wire.open[from] = !matches!(piece, Piece::End);
        wire.ways[1 - from].push_back(piece);
    }
}

fn numbered(frame: &crate::wire::Frame) -> Option<RequestId> {
    match request(frame)? {
        Request::Call { request, .. }
        | Request::Know { request, .. }
        | Request::Block { request, .. }
        | Request::Unblock { request, .. }
        | Request::Logout { request } => Some(request),
        _ => None,
    }
}
