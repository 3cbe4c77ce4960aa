//! Downloads: hans's client, with everybody else played by hand.

use super::pair::{conn, key, online_as};
use super::*;
use crate::direct::{Pass, Purpose, Role};
use crate::filename::FileName;
use crate::id::ConnId;
use crate::swarm::{Bitmap, ChunkBounds, ChunkHasher, Content, Layout, Manifest};
use crate::wire::{Finding, Found, Offer, Offers, PeerFrame, Refused, SwarmPage, Transfer, Vouch};

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
}

#[test]
fn a_file_comes_from_the_command_to_its_name() {
    let mut world = World::begun(10_000, &Bitmap::none(10));
    assert_eq!(world.seen(), [""; 0], "who else takes part is not known yet");
    world.swarm(Vec::from([(name("yoda"), Bitmap::read(&[0x80, 0], 10).expect("one"))]));
    assert_eq!(world.seen(), ["Downloading a: 10000 bytes in 10 chunks from 2 owners."]);
    let luke = world.meets("luke");
    let content = world.file.content();
    let greeting = [
        Transfer::Has { content, held: Bitmap::none(10) },
        Transfer::List { content, from: 0 },
        Transfer::Bid { content, wants: 1, has: 0, later: false },
    ];
    assert_eq!(world.said(), greeting, "one flight, whatever he answers");
    world.hears(luke, Transfer::Has { content, held: Bitmap::all(10) });
    world.hears(luke, Transfer::Grant { content, suggested: Some(7) });
    assert_eq!(world.said(), [], "what chunks must be is not known yet");
    let hashes = world.file.manifest.list().clone();
    world.hears(luke, Transfer::Hashes { content, from: 0, hashes });
    assert_eq!(world.said()[0], Transfer::Choose { content, transfer: 1, chunk: 7 });
    world.delivers(luke, (1, 7), true);
    while let Some(choice) = world.grant(luke) {
        world.delivers(luke, choice, true);
    }
    let complete = FileOrder::Complete { name: file_name("a"), manifest: world.file.manifest.clone() };
    assert_eq!(world.orders().pop(), Some(complete));
    assert_eq!(world.seen(), [""; 0]);
    world.file_event(FileEvent::Completed { name: file_name("a"), result: Ok(()) });
    assert_eq!(world.seen(), ["Downloaded a: 10000 bytes in 10 chunks from luke."]);
    assert_eq!(world.orders(), [FileOrder::Release { name: file_name("a") }]);
}

#[test]
fn what_a_name_means_is_said_in_the_right_words() {
    let content = |salt| File::new(3000, salt).content();
    let id = |salt| alloc::format!("{:.16}", content(salt).id);
    let (one, other) = (content(1), content(2));
    let (first, second) = if one.id < other.id { (1, 2) } else { (2, 1) };
    let several = [
        "Error. Several different files are named a:".into(),
        alloc::format!(
            "  {} 3000 bytes, owners: {}",
            id(first),
            if first == 1 { "luke, vader" } else { "yoda" }
        ),
        alloc::format!(
            "  {} 3000 bytes, owners: {}",
            id(second),
            if second == 1 { "luke, vader" } else { "yoda" }
        ),
        "Choose one: p2pDownload --id <id> a".into(),
    ];
    let line = |text: &str| Vec::from([String::from(text)]);
    let here = || line("a is already complete in your folder.");
    let nobody = || line("Error. Nobody online offers a.");
    let different = || line("Error. A different a is already in your folder.");
    let all = [("vader", one), ("luke", one), ("yoda", other)];
    let with_own = |own| [("hans", own), ("luke", one), ("yoda", other)];
    for (command, found, expected) in [
        ("p2pDownload a", &[][..], nobody()),
        ("p2pDownload a", &all, several.to_vec()),
        ("p2pDownload a", &with_own(one), here()),
        ("p2pDownload a", &[("hans", one)], here()),
        ("p2pDownload a", &[("hans", one), ("luke", one)], here()),
        ("p2pDownload a", &[("hans", one), ("yoda", other)], different()),
        (&alloc::format!("p2pDownload --id {} a", id(1)), &with_own(one), here()),
        (&alloc::format!("p2pDownload --id {} a", id(2)), &with_own(one), different()),
        ("p2pDownload --id 00000000 a", &all, nobody()),
        ("p2pDownload --id 00000000 a", &[("hans", one)], nobody()),
    ] {
        let mut world = World::new(3000);
        world.types(command);
        world.found(found);
        assert_eq!(world.seen(), expected, "{command} {found:?}");
        assert_eq!(world.orders(), []);
    }
    let mut world = World::new(3000);
    world.types(&alloc::format!("p2pDownload --id {} a", id(2)));
    world.found(&all);
    assert_eq!(world.orders(), [FileOrder::Prepare { name: file_name("a"), content: other }]);
}

#[test]
fn lines_that_ask_for_nothing_have_their_words() {
    let mut world = World::new(3000);
    for (line, told) in [
        ("p2pDownload", "Error. Usage: p2pDownload [--id <id>] <filename>"),
        ("p2pDownload   ", "Error. Usage: p2pDownload [--id <id>] <filename>"),
        ("p2pDownload --id 1234567 a", "Error. Usage: p2pDownload [--id <id>] <filename>"),
        ("p2pDownload --id 12345678", "Error. Usage: p2pDownload [--id <id>] <filename>"),
        ("p2pDownload ../etc/x", "Error. Invalid file name."),
        ("p2pDownload .hidden", "Error. Invalid file name."),
        ("downloads", "No downloads."),
        ("downloads now", "Error. Usage: downloads"),
        ("cancel", "Error. Usage: cancel <filename>"),
        ("cancel a", "Error. a is not being downloaded."),
        ("cancel ../a", "Error. ../a is not being downloaded."),
    ] {
        world.types(line);
        assert_eq!(world.seen(), [told], "{line}");
    }
}

#[test]
fn owners_who_are_indexing_are_waited_for() {
    let mut world = World::new(3000);
    world.types("p2pDownload a");
    world.types("downloads");
    world.found_while(1, &[]);
    assert_eq!(world.seen(), [""; 0]);
    world.waits(Duration::from_millis(600));
    assert!(matches!(world.asked.last(), Some(Request::Seek { again: true, .. })));
    world.found_while(2, &[]);
    world.waits(Duration::from_millis(1_400));
    assert_eq!(world.seen(), ["Waiting for 2 owners to index a.", "No downloads."]);
    world.found(&[("luke", world.file.content())]);
    assert!(matches!(world.orders()[..], [FileOrder::Prepare { .. }]));
    world.file_event(FileEvent::Prepared { name: file_name("a"), result: Ok(Bitmap::none(3)) });
    world.swarm(Vec::new());
    assert_eq!(world.seen(), ["Downloading a: 3000 bytes in 3 chunks from 1 owner."]);

    let mut world = World::new(3000);
    world.types("p2pDownload a");
    for _ in 0..120 {
        world.found_while(1, &[]);
        world.waits(Duration::from_millis(500));
    }
    world.found_while(1, &[]);
    assert_eq!(world.seen(), ["Waiting for 1 owner to index a.", "Error. Nobody online offers a."]);
}

#[test]
fn a_disk_that_will_not_is_told() {
    for (trouble, told) in [
        (FileTrouble::Failed("the disk is full".into()), "Error. Cannot write a: the disk is full"),
        (FileTrouble::Taken(None), "Error. A different a is already in your folder."),
        (FileTrouble::Taken(Some(File::new(3000, 0).content())), "a is already complete in your folder."),
    ] {
        let mut world = World::new(3000);
        world.types("p2pDownload a");
        world.found(&[("luke", world.file.content())]);
        world.file_event(FileEvent::Prepared { name: file_name("a"), result: Err(trouble) });
        assert_eq!(world.seen(), [told]);
    }
    let (mut world, luke) = World::linked(10_000);
    let (transfer, chunk) = world.grant(luke).expect("he bids");
    let bytes = world.file.chunk(chunk);
    world.hears(luke, Transfer::Piece { transfer, bytes });
    let result = Err(FileTrouble::Failed("the disk is full".into()));
    world.file_event(FileEvent::Written { name: file_name("a"), peer: luke, transfer, result });
    assert_eq!(world.seen(), ["Error. Cannot write a: the disk is full"]);
    assert_eq!(world.orders().pop(), Some(FileOrder::Release { name: file_name("a") }));
    world.types("downloads");
    assert_eq!(world.seen(), ["No downloads."]);
}

#[test]
fn a_download_can_be_listed_and_ended_and_goes_on_later() {
    let (mut world, luke) = World::linked(10_000);
    let choice = world.grant(luke).expect("he bids");
    world.delivers(luke, choice, true);
    world.types("p2pDownload a");
    world.types("downloads");
    world.types("cancel a");
    world.types("downloads");
    assert_eq!(
        world.seen(),
        [
            "Error. a is already being downloaded.",
            "a: 1 of 10 chunks",
            "Download of a cancelled: 1 of 10 chunks.",
            "No downloads."
        ]
    );
    assert!(world.said().contains(&Transfer::Lacks { content: world.file.content() }));
    let mut held = Bitmap::none(10);
    held.insert(choice.1);
    let mut world = World::begun(10_000, &held);
    world.swarm(Vec::new());
    assert_eq!(world.seen(), ["Resuming a: 1 of 10 chunks are already here."]);
}

#[test]
fn nobody_who_has_it_is_waited_for_half_a_minute() {
    let (mut world, luke) = World::linked(10_000);
    world.rig.feed(Input::PeerClosed { peer: luke });
    for _ in 0..29 {
        world.waits(Duration::from_secs(1));
    }
    assert_eq!(world.seen(), [""; 0]);
    world.waits(Duration::from_secs(1));
    world.waits(Duration::from_secs(1));
    assert_eq!(world.seen(), ["Download of a stopped: 0 of 10 chunks. Repeat the command to resume."]);
}

#[test]
fn who_sends_a_wrong_chunk_is_asked_for_no_other() {
    let (mut world, luke) = World::linked(10_000);
    let choice = world.grant(luke).expect("he bids");
    world.delivers(luke, choice, false);
    assert_eq!(world.grant(luke), None);
    let content = world.file.content();
    world.hears(luke, Transfer::Has { content, held: Bitmap::all(10) });
    assert_eq!(world.grant(luke), None);
}

#[test]
fn a_chunk_that_is_broken_off_is_fetched_again() {
    let (mut world, luke) = World::linked(3_000);
    let (transfer, chunk) = world.grant(luke).expect("he bids");
    let bytes = world.file.chunk(chunk).slice(..10);
    world.hears(luke, Transfer::Piece { transfer, bytes });
    world.orders();
    world.hears(luke, Transfer::Refuse { transfer, why: Refused::BrokenOff });
    assert_eq!(world.orders(), [FileOrder::Forget { name: file_name("a"), peer: luke, transfer }]);
    let mut chosen = Vec::new();
    while let Some(choice) = world.grant(luke) {
        world.delivers(luke, choice, true);
        chosen.push(choice.1);
    }
    chosen.sort_unstable();
    assert_eq!(chosen, [0, 1, 2]);
}

#[test]
fn what_nobody_honest_says_ends_the_connection() {
    let content = File::new(3_000, 0).content();
    for lie in [
        Transfer::Piece { transfer: 9, bytes: Bytes::from_static(b"x") },
        Transfer::Has { content, held: Bitmap::all(4) },
    ] {
        let (mut world, luke) = World::linked(3_000);
        world.hears(luke, lie.clone());
        assert!(
            world
                .rig
                .client
                .step(Event { at: world.rig.at, input: Input::PeerClosed { peer: luke } })
                .is_empty(),
            "{lie:?}"
        );
    }
    let (mut world, luke) = World::linked(3_000);
    let (transfer, chunk) = world.grant(luke).expect("he bids");
    let mut longer = world.file.chunk(chunk).to_vec();
    longer.push(0);
    world.hears(luke, Transfer::Piece { transfer, bytes: longer.into() });
    assert_eq!(world.grant(luke), None);
}

#[test]
fn a_list_that_is_wrong_is_asked_of_another() {
    let mut world = World::begun(10_000, &Bitmap::none(10));
    world.swarm(Vec::from([(name("yoda"), Bitmap::all(10))]));
    let content = world.file.content();
    let (luke, yoda) = (world.meets("luke"), world.meets("yoda"));
    let asked = |world: &mut World| {
        let said = mem::take(&mut world.said);
        said.into_iter().find(|(_, one)| matches!(one, Transfer::List { .. })).map(|(peer, _)| peer)
    };
    let first = asked(&mut world).expect("somebody is asked");
    let hashes = Bytes::from(alloc::vec![7; 320]);
    world.hears(first, Transfer::Hashes { content, from: 0, hashes });
    let second = asked(&mut world).expect("another is asked");
    assert_eq!(second, if first == luke { yoda } else { luke });
    let hashes = world.file.manifest.list().slice(..64);
    world.hears(second, Transfer::Hashes { content, from: 0, hashes });
    assert_eq!(asked(&mut world), Some(second), "for the rest");
    let hashes = world.file.manifest.list().slice(64..);
    world.hears(second, Transfer::Hashes { content, from: 2, hashes });
    assert!(world.grant(second).is_some());
}

#[test]
fn an_empty_file_and_a_file_of_one_chunk_need_no_list() {
    let mut world = World::begun(0, &Bitmap::none(0));
    world.swarm(Vec::new());
    assert_eq!(world.seen(), ["Downloading a: 0 bytes in 0 chunks from 1 owner."]);
    world.file_event(FileEvent::Completed { name: file_name("a"), result: Ok(()) });
    assert_eq!(world.seen(), ["Downloaded a: 0 bytes in 0 chunks from nobody."]);

    let mut world = World::begun(1, &Bitmap::none(1));
    world.swarm(Vec::new());
    assert_eq!(world.seen(), ["Downloading a: 1 byte in 1 chunk from 1 owner."]);
    let luke = world.meets("luke");
    assert!(!world.said().iter().any(|one| matches!(one, Transfer::List { .. })));
    let choice = world.grant(luke).expect("he bids");
    let bytes = world.file.chunk(0);
    world.hears(luke, Transfer::Piece { transfer: choice.0, bytes });
    let (name, transfer, result) = (file_name("a"), choice.0, Ok(true));
    world.file_event(FileEvent::Written { name, peer: luke, transfer, result });
    world.file_event(FileEvent::Completed { name: file_name("a"), result: Ok(()) });
    assert_eq!(world.seen(), ["Downloaded a: 1 byte in 1 chunk from luke."]);
}

#[test]
fn a_file_that_is_asked_for_by_name_is_shared_and_given() {
    let mut world = World::new(3_000);
    let (content, layout) = (world.file.content(), world.file.manifest.layout());
    let pattern = crate::pattern::Pattern::parse(b"a").expect("a pattern");
    world.server(ServerFrame::Ask { question: 7, pattern });
    let offers = Vec::from([Offer { name: file_name("a"), content: content.id, size: content.size }]);
    world.rig.feed(Input::Looked { question: 7, offers: offers.clone(), indexing: false });
    world.collect();
    let held = Bitmap::all(3);
    let share = Request::Share(crate::wire::Share { content, watches: false, held: held.clone() });
    let answer = Request::Offers(Offers { question: 7, last: true, indexing: false, offers });
    assert_eq!(mem::take(&mut world.asked), [share, answer]);

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
    world.server(ServerFrame::Vouch(vouch));
    world.rig.feed(Input::PeerOpened { peer: luke, key: key(2), pass: None });
    world.hears_frame(luke, &PeerFrame::meet(pass, Role::Caller));
    world.hears_frame(luke, &PeerFrame::Open);
    world.hears(luke, Transfer::Has { content, held: Bitmap::none(3) });
    world.hears(luke, Transfer::List { content, from: 0 });
    world.hears(luke, Transfer::Bid { content, wants: 1, has: 0, later: false });
    let said = world.said();
    assert_eq!(said[0], Transfer::Has { content, held });
    assert!(matches!(said[1], Transfer::Grant { suggested: Some(_), .. }));
    assert_eq!(world.orders(), [FileOrder::List { content }]);
    let manifest = Some(world.file.manifest.clone());
    world.file_event(FileEvent::Listed { content, manifest });
    let hashes = world.file.manifest.list().clone();
    assert_eq!(world.said(), [Transfer::Hashes { content, from: 0, hashes }]);
    world.hears(luke, Transfer::Choose { content, transfer: 1, chunk: 2 });
    assert_eq!(world.orders(), [FileOrder::Upload { peer: luke, transfer: 1, content, chunk: 2 }]);
    let bytes = layout.range(2).map(|range| range.end - range.start).expect("there is one");
    world.file_event(FileEvent::Uploaded { peer: luke, transfer: 1, bytes, whole: true });
    world.hears(luke, Transfer::Choose { content, transfer: 2, chunk: 1 });
    assert_eq!(world.said(), [Transfer::Refuse { transfer: 2, why: Refused::BrokenOff }], "not granted");

    world.hears(luke, Transfer::Bid { content, wants: 1, has: 1, later: false });
    world.hears(luke, Transfer::Choose { content, transfer: 3, chunk: 1 });
    world.said();
    world.file_event(FileEvent::Uploaded { peer: luke, transfer: 3, bytes: 5, whole: false });
    let gone = [Transfer::Refuse { transfer: 3, why: Refused::BrokenOff }, Transfer::Lacks { content }];
    assert_eq!(world.said(), gone, "the file was changed");
    assert!(world.asked.contains(&Request::Leave { content }));
}
