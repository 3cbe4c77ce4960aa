//! A client that fetches and gives files, among others who say anything.

use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{Action, Client, FileOrder, Input, Memory, Terms};
use starling_core::device::DeviceProof;
use starling_core::direct::{Pass, Purpose, Role};
use starling_core::filename::FileName;
use starling_core::id::{ConnId, Epoch, RequestId, ServerId};
use starling_core::pattern::Pattern;
use starling_core::seed::Seed;
use starling_core::swarm::{Bitmap, ChunkBounds, Content};
use starling_core::time::Time;
use starling_core::wire::{
    Finding, Found, Frame, Greeting, Offer, PeerFrame, Phase, Reader, Refused, Request, ServerFrame,
    SwarmPage, Transfer, VERSION, Vouch,
};

use super::data::Data;
use super::machine::{Machine, encoded, key, name, pass, role};
use crate::folder::{Done, File, Folder, Keeper};

const BOUNDS: ChunkBounds = ChunkBounds { min: 1024, max: 1024 };
const NAMES: [&str; 3] = ["luke", "yoda", "hans"];
const LINES: [&str; 9] = [
    "p2pDownload a",
    "p2pDownload b",
    "p2pDownload c",
    "cancel a",
    "cancel b",
    "downloads",
    "block luke",
    "unblock luke",
    "logout",
];

/// Hostile others, a hostile server, and a folder that insists on the contract of its orders.
///
/// # Panics
/// If the machine does, or orders what it must not.
pub fn fetch_step(data: &[u8]) {
    run(data);
}

fn run(data: &[u8]) -> Toy {
    let mut data = Data::new(data);
    let mut toy = Toy::online();
    if data.below(4) > 0 {
        toy.begins();
    }
    while !data.is_empty() && !toy.is_over {
        toy.act(&mut data);
    }
    toy
}

struct Toy {
    machine: Machine,
    is_over: bool,
    folder: Folder,
    keeper: Keeper,
    /// What the others have: `a`, `b` and `c`. The second is in the own folder, too.
    files: [File; 3],
    /// Connections to others that neither side has ended.
    peers: Vec<ConnId>,
    peers_ever: u32,
    /// The last question for a file, and the last call.
    seek: RequestId,
    call: RequestId,
    /// How often something was to be written, sent and completed.
    ordered: [u32; 3],
}

impl Toy {
    fn online() -> Toy {
        let file = |len: usize, byte| File::of(vec![byte; len].into(), BOUNDS);
        let mut folder = Folder::new(BOUNDS);
        folder.put(file_name("b"), vec![2; 3000].into());
        let terms = Terms { chunks: BOUNDS, ..Terms::default() };
        let mut toy = Toy {
            machine: Machine::new(Client::on_terms(Seed::from(1), terms, Time::ZERO)),
            is_over: false,
            folder,
            keeper: Keeper::default(),
            files: [file(5000, 1), file(3000, 2), file(0, 3)],
            peers: Vec::new(),
            peers_ever: 0,
            seek: RequestId(0),
            call: RequestId(0),
            ordered: [0; 3],
        };
        toy.feed(Input::Opened);
        let (server, epoch) = (ServerId(1), Epoch(1));
        let greeting = Greeting { version: VERSION, product: "fuzz".into(), server, epoch };
        toy.server(&ServerFrame::Greeting(greeting));
        toy.types("hans");
        toy.types("falcon");
        toy.server(&ServerFrame::Welcome { name: name("hans") });
        toy
    }

    /// `a` is being fetched from luke, and yoda fetches `b`.
    fn begins(&mut self) {
        let [a, b] = [self.files[0].content(), self.files[1].content()];
        self.types(LINES[0]);
        let offer = Offer { name: file_name("a"), content: a.id, size: a.size };
        let findings = vec![Finding { offer, owner: name("luke") }];
        self.server(&ServerFrame::Found(Found { request: self.seek, last: true, indexing: 0, findings }));
        self.turn();
        let (came, left, copies) = (Vec::new(), Vec::new(), Vec::new());
        self.server(&ServerFrame::Swarm(SwarmPage { content: a, last: true, chunks: 5, came, left, copies }));
        let pattern = Pattern::parse(b"b").expect("a pattern");
        self.server(&ServerFrame::Ask { question: 1, pattern });
        let luke = self.meets(0, Role::Caller);
        let hashes = self.files[0].manifest().list().clone();
        for transfer in [
            Transfer::Has { content: a, held: Bitmap::all(5) },
            Transfer::Hashes { content: a, from: 0, hashes },
        ] {
            self.hears(luke, &PeerFrame::Transfer(transfer));
        }
        let yoda = self.meets(1, Role::Called);
        for transfer in [
            Transfer::Has { content: b, held: Bitmap::none(3) },
            Transfer::Bid { content: b, wants: 2, has: 0, later: false },
        ] {
            self.hears(yoda, &PeerFrame::Transfer(transfer));
        }
    }

    /// Somebody is introduced, and met.
    fn meets(&mut self, who: u8, role: Role) -> ConnId {
        let pass = Pass([who; Pass::BYTES]);
        self.vouch(who, role, pass);
        let peer = self.connects(who, Some(pass).filter(|_| role == Role::Caller));
        self.hears(peer, &PeerFrame::meet(pass, role.other()));
        let frame = if role == Role::Caller { PeerFrame::Opened } else { PeerFrame::Open };
        self.hears(peer, &frame);
        peer
    }

    fn connects(&mut self, who: u8, pass: Option<Pass>) -> ConnId {
        self.peers_ever += 1;
        let peer = ConnId { slot: self.peers_ever, generation: 1 };
        self.peers.push(peer);
        self.feed(Input::PeerOpened { peer, key: key(who), pass });
        peer
    }

    /// The folder does the next thing.
    fn turn(&mut self) {
        match self.keeper.next(&mut self.folder, |_| true) {
            Some(Done::Told(event)) => self.feed(Input::File(event)),
            Some(Done::Send { peer, .. }) => assert!(self.peers.contains(&peer), "it is there"),
            None => {}
        }
    }

    fn act(&mut self, data: &mut Data<'_>) {
        match data.below(16) {
            0 => self.types(LINES[usize::from(data.byte()) % LINES.len()]),
            1 => self.found(data),
            2 => self.swarm(data),
            3 => {
                let pattern = Pattern::parse(b"b").expect("a pattern");
                self.server(&ServerFrame::Ask { question: data.byte().into(), pattern });
            }
            4 => self.vouches(data),
            5 => {
                let pass = (data.below(2) == 1).then(|| pass(data));
                self.connects(data.below(2), pass);
            }
            6 => {
                let role = role(data);
                let frame = PeerFrame::meet(pass(data), role);
                self.says(&frame, data);
            }
            7 => {
                let frame = if data.below(2) == 0 { PeerFrame::Open } else { PeerFrame::Opened };
                self.says(&frame, data);
            }
            8..=11 => {
                let transfer = self.transfer(data);
                self.says(&PeerFrame::Transfer(transfer), data);
            }
            12 | 13 => self.turn(),
            14 => {
                if let Some(peer) = self.peer(data) {
                    self.peers.retain(|other| *other != peer);
                    self.keeper.closed(peer);
                    self.feed(Input::PeerClosed { peer });
                }
            }
            _ => self.pass(Duration::from_millis(u64::from(data.byte()) * u64::from(data.byte()))),
        }
    }

    fn content(&self, data: &mut Data<'_>) -> Content {
        self.files[usize::from(data.below(3))].content()
    }

    /// What somebody may say of files; sometimes the truth.
    fn transfer(&self, data: &mut Data<'_>) -> Transfer {
        let content = self.content(data);
        let transfer = u32::from(data.below(8));
        match data.below(14) {
            0 => Transfer::Has { content, held: bitmap(data) },
            1 => Transfer::Lacks { content },
            2 => {
                let chunks = (0..data.below(8)).map(|_| data.below(8).into()).collect();
                Transfer::Got { content, chunks }
            }
            3 => Transfer::List { content, from: data.below(8).into() },
            4 | 5 => {
                let file = self.files.iter().find(|file| file.content() == content);
                let list = file.map(|file| file.manifest().list().clone()).unwrap_or_default();
                let from = u32::from(data.below(4));
                let start = list.len().min(from as usize * 32);
                Transfer::Hashes { content, from, hashes: list.slice(start..) }
            }
            6 => {
                let (wants, has, later) = (data.below(20), data.below(8).into(), data.below(2) == 1);
                Transfer::Bid { content, wants, has, later }
            }
            7 => {
                let suggested = (data.below(2) == 1).then(|| data.below(8).into());
                Transfer::Grant { content, suggested }
            }
            8 => Transfer::Choose { content, transfer, chunk: data.below(8).into() },
            9 => Transfer::Return { content },
            10 => Transfer::Cancel { transfer },
            11 => {
                let why = if data.below(2) == 0 { Refused::Lacking } else { Refused::BrokenOff };
                Transfer::Refuse { transfer, why }
            }
            _ => {
                let len = [1, 512, 904, 1024, 1025][usize::from(data.below(5))];
                Transfer::Piece { transfer, bytes: vec![1 + data.below(2); len].into() }
            }
        }
    }

    fn found(&mut self, data: &mut Data<'_>) {
        let findings = (0..data.below(4)).map(|_| {
            let Content { id, size } = self.content(data);
            let offer =
                Offer { name: file_name(["a", "b", "c"][usize::from(data.below(3))]), content: id, size };
            Finding { offer, owner: name(NAMES[usize::from(data.below(3))]) }
        });
        let findings = findings.collect();
        let (last, indexing) = (data.below(4) > 0, u32::from(data.below(3)) / 2);
        let page = Found { request: self.seek, last, indexing, findings };
        self.server(&ServerFrame::Found(page));
    }

    fn swarm(&mut self, data: &mut Data<'_>) {
        let content = self.content(data);
        let held = bitmap(data);
        let chunks = held.chunks();
        let came = (0..data.below(3)).map(|place| (name(NAMES[usize::from(place)]), held.clone())).collect();
        let left = (0..data.below(2)).map(|_| name(NAMES[usize::from(data.below(3))])).collect();
        let copies = (0..data.below(4)).map(|_| (data.below(8).into(), data.byte().into())).collect();
        let last = data.below(4) > 0;
        self.server(&ServerFrame::Swarm(SwarmPage { content, last, chunks, came, left, copies }));
    }

    fn vouches(&mut self, data: &mut Data<'_>) {
        let role = role(data);
        self.vouch(data.below(2), role, pass(data));
    }

    fn vouch(&mut self, who: u8, role: Role, pass: Pass) {
        self.server(&ServerFrame::Vouch(Vouch {
            pass,
            role,
            purpose: Purpose::Fetch,
            request: if role == Role::Caller { self.call } else { RequestId(0) },
            name: name(NAMES[usize::from(who)]),
            key: key(who),
            candidates: Vec::new(),
        }));
    }

    fn says(&mut self, frame: &PeerFrame, data: &mut Data<'_>) {
        if let Some(peer) = self.peer(data) {
            self.hears(peer, frame);
        }
    }

    fn hears(&mut self, peer: ConnId, frame: &PeerFrame) {
        if self.peers.contains(&peer) {
            self.feed(Input::PeerReceived { peer, bytes: encoded(&frame.frame()) });
        }
    }

    fn peer(&self, data: &mut Data<'_>) -> Option<ConnId> {
        let back = usize::from(data.below(3)) % self.peers.len().max(1);
        self.peers.iter().rev().nth(back).copied()
    }

    fn server(&mut self, frame: &ServerFrame) {
        self.feed(Input::Received(encoded(&frame.frame())));
    }

    fn types(&mut self, line: &'static str) {
        if self.machine.wants_line() {
            self.feed(Input::Typed(Bytes::from_static(line.as_bytes())));
        }
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
        match action {
            Action::Recall { .. } => {
                let signature = [0; DeviceProof::SIGNATURE_BYTES];
                let device = Some(DeviceProof { key: key(9), signature });
                self.feed(Input::Recalled(Memory { device, ..Memory::default() }));
            }
            Action::Look { question, pattern } => {
                let (offers, indexing) = self.folder.look(&pattern);
                self.feed(Input::Looked { question, offers, indexing });
            }
            Action::File(order) => {
                match order {
                    FileOrder::Write { .. } => self.ordered[0] += 1,
                    FileOrder::Upload { .. } => self.ordered[1] += 1,
                    FileOrder::Complete { .. } => self.ordered[2] += 1,
                    _ => {}
                }
                self.keeper.perform(&mut self.folder, &order);
            }
            Action::SendPeer { peer, .. } => assert!(self.peers.contains(&peer), "it is there"),
            Action::ClosePeer { peer } => {
                assert!(self.peers.contains(&peer), "it ends once");
                self.peers.retain(|other| *other != peer);
                self.keeper.closed(peer);
            }
            Action::Exit(_) => self.is_over = true,
            Action::Send(frame) => self.is_asked(&frame),
            _ => {}
        }
    }

    fn is_asked(&mut self, frame: &Frame) {
        let mut reader = Reader::new();
        reader.feed(encoded(frame));
        let Ok(Some(raw)) = reader.next(Phase::Online) else { return };
        match Request::decode(raw) {
            Ok(Request::Seek { request, .. }) => self.seek = request,
            Ok(Request::Call { request, .. }) => self.call = request,
            _ => {}
        }
    }
}

fn bitmap(data: &mut Data<'_>) -> Bitmap {
    let chunks = [5, 3, 0, 4][usize::from(data.below(4))];
    let mut held = Bitmap::none(chunks);
    let bits = data.byte();
    (0..chunks).filter(|chunk| bits >> chunk & 1 == 1).for_each(|chunk| _ = held.insert(chunk));
    held
}

fn file_name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).expect("a good name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use starling_core::seed::Dice;

    /// Not every run of bytes leads anywhere, but many do.
    #[test]
    fn nothing_that_is_said_breaks_it() {
        let mut ordered = [0; 3];
        for seed in 0..3_000 {
            let mut dice = Dice::public(Seed::from(seed));
            let bytes: Vec<u8> = (0..600).map(|_| dice.bits().to_be_bytes()[0]).collect();
            run(&bytes).ordered.iter().zip(&mut ordered).for_each(|(one, all)| *all += one);
        }
        assert!(ordered.iter().all(|count| *count > 0), "{ordered:?}");
    }
}
