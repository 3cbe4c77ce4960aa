//! Downloads: hans's client, with everybody else played by hand.

mod chunks;
mod giving;
mod hostile;
mod told;

use super::pair::{conn, key, online_as};
use super::*;
use crate::direct::{Pass, Purpose, Role};
use crate::filename::FileName;
use crate::id::ConnId;
use crate::swarm::{Bitmap, ChunkBounds, ChunkHasher, Content, ContentId, Layout, Manifest};
use crate::wire::{
    Finding, Found, HASHES_MAX, Offer, Offers, PeerFrame, Refused, SwarmPage, Transfer, Vouch,
};

const BOUNDS: ChunkBounds = ChunkBounds { min: 1024, max: 4096 };

fn file_name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).expect("a good name")
}

/// A file, and what everybody should know of it.
struct File {
    bytes: Vec<u8>,
    manifest: Manifest,
}

impl File {
    fn new(size: usize, salt: u8) -> File {
        let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).expect("small") ^ salt).collect();
        let layout = Layout::new(size as u64, BOUNDS).expect("small");
        let list: Vec<u8> = (0..layout.count())
            .flat_map(|chunk| {
                let range = layout.range(chunk).expect("there is one");
                let mut hasher = ChunkHasher::new(layout, chunk).expect("there is one");
                let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).expect("small"));
                assert!(hasher.update(&bytes[start..end]));
                hasher.finish().expect("all of it")
            })
            .collect();
        File { manifest: Manifest::of(layout, &list).expect("as many as there are"), bytes }
    }

    fn content(&self) -> Content {
        Content { id: self.manifest.content(), size: self.bytes.len() as u64 }
    }

    fn chunk(&self, chunk: u32) -> Bytes {
        let range = self.manifest.layout().range(chunk).expect("there is one");
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).expect("small"));
        Bytes::copy_from_slice(&self.bytes[start..end])
    }

    fn chunks(&self) -> u32 {
        self.manifest.layout().count()
    }
}

/// hans, and those whom he can reach.
struct World {
    rig: Rig,
    file: File,
    /// Frames to the server that nobody has looked at.
    asked: Vec<Request>,
    /// What hans says to others.
    said: Vec<(ConnId, Transfer)>,
    orders: Vec<FileOrder>,
    seen: Vec<String>,
    hints: Vec<String>,
    conns: u32,
}

impl World {
    fn new(size: usize) -> World {
        let rig = Rig::on_terms(Terms { chunks: BOUNDS, ..Terms::default() }).after_greeting();
        World {
            rig: online_as(rig, "hans", key(1), Vec::new()),
            file: File::new(size, 0),
            asked: Vec::new(),
            said: Vec::new(),
            orders: Vec::new(),
            seen: Vec::new(),
            hints: Vec::new(),
            conns: 0,
        }
    }

    /// The disk is ready, and these are there.
    fn begun(size: usize, held: &Bitmap) -> World {
        let mut world = World::new(size);
        world.types("p2pDownload a");
        let content = world.file.content();
        world.found(&[("luke", content)]);
        assert_eq!(world.orders(), [FileOrder::Prepare { name: file_name("a"), content }]);
        world.file_event(FileEvent::Prepared { name: file_name("a"), result: Ok(held.clone()) });
        world
    }

    /// luke has all of it, and there is a connection with him.
    fn linked(size: usize) -> (World, ConnId) {
        let mut world = World::begun(size, &Bitmap::none(File::new(size, 0).chunks()));
        world.swarm(Vec::new());
        let luke = world.meets("luke");
        let (content, chunks) = (world.file.content(), world.file.chunks());
        world.hears(luke, Transfer::Has { content, held: Bitmap::all(chunks) });
        let hashes = world.file.manifest.list().clone();
        world.hears(luke, Transfer::Hashes { content, from: 0, hashes });
        world.seen.clear();
        (world, luke)
    }

    fn collect(&mut self) {
        for action in self.rig.did() {
            match action {
                Action::Send(frame) => self.asked.extend(request(&frame)),
                Action::SendPeer { peer, frame } => {
                    let raw = raw(&frame, Phase::FromPeer).expect("a frame");
                    if let Ok(PeerFrame::Transfer(transfer)) = PeerFrame::decode(raw) {
                        self.said.push((peer, transfer));
                    }
                }
                Action::File(order) => self.orders.push(order),
                Action::Show { line, .. } => self.seen.push(line.to_string()),
                Action::Hint(line) => self.hints.push(line.to_string()),
                _ => {}
            }
        }
    }

    fn types(&mut self, line: &str) {
        self.rig.types(line);
        self.collect();
    }

    fn server(&mut self, frame: ServerFrame) {
        self.rig.hears(frame);
        self.collect();
    }

    fn file_event(&mut self, event: FileEvent) {
        self.rig.feed(Input::File(event));
        self.collect();
    }

    fn waits(&mut self, span: Duration) {
        self.server(ServerFrame::Pong { nonce: 0 });
        self.rig.waits(span);
        self.collect();
    }

    fn hears(&mut self, peer: ConnId, transfer: Transfer) {
        self.hears_frame(peer, &PeerFrame::Transfer(transfer));
    }

    fn hears_frame(&mut self, peer: ConnId, frame: &PeerFrame) {
        let mut bytes = Vec::new();
        frame.frame().encode_into(&mut bytes);
        self.rig.feed(Input::PeerReceived { peer, bytes: bytes.into() });
        self.collect();
    }

    fn seen(&mut self) -> Vec<String> {
        mem::take(&mut self.seen)
    }

    fn said(&mut self) -> Vec<Transfer> {
        mem::take(&mut self.said).into_iter().map(|(_, transfer)| transfer).collect()
    }

    fn orders(&mut self) -> Vec<FileOrder> {
        mem::take(&mut self.orders)
    }

    /// The server answers the last SEEK.
    fn found(&mut self, found: &[(&str, Content)]) {
        self.found_while(0, found);
    }

    fn found_while(&mut self, indexing: u32, found: &[(&str, Content)]) {
        let mut seeks = self.asked.iter().filter_map(|request| match request {
            Request::Seek { request, name, .. } => Some((*request, name.clone())),
            _ => None,
        });
        let (request, name) = seeks.next_back().expect("the server was asked");
        let finding = |(owner, content): &(&str, Content)| Finding {
            offer: Offer { name: name.clone(), content: content.id, size: content.size },
            owner: super::name(owner),
        };
        let findings = found.iter().map(finding).collect();
        self.server(ServerFrame::Found(Found { request, last: true, indexing, findings }));
    }

    /// The server tells who takes part.
    fn swarm(&mut self, came: Vec<(Name, Bitmap)>) {
        let (content, chunks) = (self.file.content(), self.file.chunks());
        let page = SwarmPage { content, last: true, chunks, came, left: Vec::new(), copies: Vec::new() };
        self.server(ServerFrame::Swarm(page));
    }

    /// luke calls, to fetch something.
    fn is_called(&mut self) -> ConnId {
        let (pass, luke) = (Pass([9; Pass::BYTES]), conn(1));
        let vouch = Vouch {
            pass,
            role: Role::Called,
            purpose: Purpose::Fetch,
            request: RequestId(0),
            name: name("luke"),
            key: key(2),
            candidates: Vec::new(),
        };
        self.server(ServerFrame::Vouch(vouch));
        self.rig.feed(Input::PeerOpened { peer: luke, key: key(2), pass: None });
        self.hears_frame(luke, &PeerFrame::meet(pass, Role::Caller));
        self.hears_frame(luke, &PeerFrame::Open);
        luke
    }

    /// The server introduces somebody whom hans has called, and the two meet.
    fn meets(&mut self, named: &str) -> ConnId {
        let calls = self.asked.iter().filter_map(|request| match request {
            Request::Call { request, purpose: Purpose::Fetch, whom } if *whom == name(named) => {
                Some(*request)
            }
            _ => None,
        });
        let request = calls.last().expect("he was called");
        self.conns += 1;
        let byte = u8::try_from(self.conns).expect("few");
        let (pass, peer) = (Pass([byte; Pass::BYTES]), conn(self.conns));
        let vouch = Vouch {
            pass,
            role: Role::Caller,
            purpose: Purpose::Fetch,
            request,
            name: name(named),
            key: key(100 + byte),
            candidates: Vec::new(),
        };
        self.server(ServerFrame::Vouch(vouch));
        self.rig.feed(Input::PeerOpened { peer, key: key(100 + byte), pass: Some(pass) });
        self.hears_frame(peer, &PeerFrame::meet(pass, Role::Called));
        self.hears_frame(peer, &PeerFrame::Opened);
        peer
    }

    /// luke grants a slot; what hans chooses.
    fn grant(&mut self, peer: ConnId) -> Option<(u32, u32)> {
        self.said();
        self.hears(peer, Transfer::Grant { content: self.file.content(), suggested: None });
        self.said().into_iter().find_map(|transfer| match transfer {
            Transfer::Choose { transfer, chunk, .. } => Some((transfer, chunk)),
            _ => None,
        })
    }

    /// A chunk comes whole, and is right or not.
    fn delivers(&mut self, peer: ConnId, (transfer, chunk): (u32, u32), right: bool) {
        let bytes = self.file.chunk(chunk);
        let rest = bytes.slice(bytes.len() / 2..);
        self.hears(peer, Transfer::Piece { transfer, bytes: bytes.slice(..bytes.len() / 2) });
        self.hears(peer, Transfer::Piece { transfer, bytes: rest });
        let result = Ok(right);
        self.file_event(FileEvent::Written { name: file_name("a"), peer, transfer, result });
    }

    /// Slots are granted, and chunks come right, as long as hans wants any. Which they were.
    fn delivers_the_rest(&mut self, peer: ConnId) -> Vec<u32> {
        let mut chosen = Vec::new();
        while let Some(choice) = self.grant(peer) {
            self.delivers(peer, choice, true);
            chosen.push(choice.1);
        }
        chosen.sort_unstable();
        chosen
    }
}
