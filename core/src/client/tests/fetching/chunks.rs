//! What is said to others, and ordered of the disk.

use super::*;

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
        Transfer::Bid { content, wants: 2, has: 0, later: false },
    ];
    assert_eq!(world.said(), greeting, "one flight, whatever he answers");
    world.hears(luke, Transfer::Has { content, held: Bitmap::all(10) });
    world.hears(luke, Transfer::Grant { content, suggested: Some(7) });
    let choice = [Transfer::Choose { content, transfer: 1, chunk: 7 }];
    assert_eq!(world.said(), choice, "what it must be comes before it");
    let hashes = world.file.manifest.list().clone();
    world.hears(luke, Transfer::Hashes { content, from: 0, hashes });
    world.delivers(luke, (1, 7), true);
    world.delivers_the_rest(luke);
    let complete = FileOrder::Complete { name: file_name("a"), manifest: world.file.manifest.clone() };
    assert_eq!(world.orders().pop(), Some(complete));
    assert_eq!(world.seen(), [""; 0]);
    world.file_event(FileEvent::Completed { name: file_name("a"), result: Ok(()) });
    assert_eq!(world.seen(), ["Downloaded a: 10000 bytes in 10 chunks from luke."]);
    assert_eq!(world.orders(), [FileOrder::Release { name: file_name("a") }]);
}

/// A chunk of which nobody has said what it must be is not written, and is fetched again.
#[test]
fn a_chunk_that_comes_before_its_hash_is_thrown_away() {
    let mut world = World::begun(3_000, &Bitmap::none(3));
    let luke = world.meets("luke");
    let content = world.file.content();
    world.hears(luke, Transfer::Has { content, held: Bitmap::all(3) });
    let (transfer, chunk) = world.grant(luke).expect("he bids");
    world.orders();
    let bytes = world.file.chunk(chunk);
    world.hears(luke, Transfer::Piece { transfer, bytes });
    assert_eq!(world.orders(), []);
    assert!(world.said().contains(&Transfer::Cancel { transfer }));
    let hashes = world.file.manifest.list().clone();
    world.hears(luke, Transfer::Hashes { content, from: 0, hashes });
    assert_eq!(world.delivers_the_rest(luke), [0, 1, 2]);
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
    assert_eq!(world.delivers_the_rest(luke), [0, 1, 2]);
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
    // Its hashes are more than one frame holds.
    let (size, chunks) = (4_400_000, HASHES_MAX + 51);
    let mut world = World::begun(size, &Bitmap::none(u32::try_from(chunks).expect("few")));
    assert_eq!(world.file.chunks() as usize, chunks);
    world.swarm(Vec::from([(name("yoda"), Bitmap::all(world.file.chunks()))]));
    let content = world.file.content();
    let (luke, yoda) = (world.meets("luke"), world.meets("yoda"));
    let asked = |world: &mut World| {
        let said = mem::take(&mut world.said);
        said.into_iter().find(|(_, one)| matches!(one, Transfer::List { .. })).map(|(peer, _)| peer)
    };
    let first = asked(&mut world).expect("somebody is asked");
    let full = HASHES_MAX * ContentId::BYTES;
    for (from, len) in [(0, full), (HASHES_MAX, chunks * ContentId::BYTES - full)] {
        let (from, hashes) = (u32::try_from(from).expect("few"), Bytes::from(alloc::vec![7; len]));
        world.hears(first, Transfer::Hashes { content, from, hashes });
    }
    world.said.retain(|(_, one)| !matches!(one, Transfer::List { from, .. } if *from > 0));
    let second = asked(&mut world).expect("another is asked");
    assert_eq!(second, if first == luke { yoda } else { luke });
    let hashes = world.file.manifest.list().slice(..full);
    world.hears(second, Transfer::Hashes { content, from: 0, hashes });
    assert_eq!(asked(&mut world), Some(second), "for the rest");
    let hashes = world.file.manifest.list().slice(full..);
    let from = u32::try_from(HASHES_MAX).expect("few");
    world.hears(second, Transfer::Hashes { content, from, hashes });
    assert!(world.grant(second).is_some());
}

/// Those who have something are called first. Those who have nothing, as hans has nothing, are called a moment later.
#[test]
fn who_has_nothing_is_called_a_moment_later() {
    let mut world = World::begun(10_000, &Bitmap::none(10));
    let called = |world: &mut World| {
        let calls = mem::take(&mut world.asked).into_iter().filter_map(|request| match request {
            Request::Call { whom, .. } => Some(whom),
            _ => None,
        });
        let mut names: Vec<Name> = calls.collect();
        names.sort_unstable();
        names
    };
    let none = || Bitmap::none(10);
    world.swarm(Vec::from([
        (name("leia"), Bitmap::all(10)),
        (name("vader"), none()),
        (name("yoda"), none()),
    ]));
    assert_eq!(called(&mut world), [name("leia"), name("luke")]);
    world.waits(Duration::from_millis(20));
    assert_eq!(called(&mut world), [name("vader"), name("yoda")]);
    let mut held = none();
    held.insert(4);
    let mut world = World::begun(10_000, &held);
    world.swarm(Vec::from([(name("vader"), none())]));
    assert_eq!(called(&mut world), [name("luke"), name("vader")]);
}

#[test]
fn hashes_are_asked_of_those_who_have_something_as_soon_as_they_come() {
    let mut world = World::begun(10_000, &Bitmap::none(10));
    let none = || Bitmap::none(10);
    world.swarm(Vec::from([(name("vader"), none()), (name("yoda"), none())]));
    world.waits(Duration::from_millis(20));
    let content = world.file.content();
    let asked = |world: &mut World| {
        let said = mem::take(&mut world.said);
        said.into_iter().find(|(_, one)| matches!(one, Transfer::List { .. })).map(|(peer, _)| peer)
    };
    let (vader, yoda) = (world.meets("vader"), world.meets("yoda"));
    world.hears(vader, Transfer::Has { content, held: none() });
    world.hears(yoda, Transfer::Has { content, held: none() });
    assert_eq!(asked(&mut world), None, "who has nothing has no hashes");
    world.hears(vader, Transfer::Got { content, chunks: Vec::from([3]) });
    assert_eq!(asked(&mut world), Some(vader), "whoever has a chunk has them");
    world.hears(vader, Transfer::Hashes { content, from: 0, hashes: Bytes::new() });
    assert_eq!(asked(&mut world), None, "there is nobody else");
    let luke = world.meets("luke");
    world.hears(luke, Transfer::Has { content, held: Bitmap::all(10) });
    assert_eq!(asked(&mut world), Some(luke), "who comes is asked at once");
}

/// What has come is told in batches, but nobody chooses from less than there is.
#[test]
fn who_is_granted_a_slot_hears_first_what_there_is() {
    let (mut world, luke) = World::linked(10_000);
    world.swarm(Vec::from([(name("vader"), Bitmap::none(10))]));
    world.waits(Duration::from_millis(20));
    let (content, vader) = (world.file.content(), world.meets("vader"));
    world.hears(vader, Transfer::Has { content, held: Bitmap::none(10) });
    let told = |world: &mut World| -> Vec<Transfer> {
        let said = mem::take(&mut world.said).into_iter().filter(|(peer, _)| *peer == vader);
        let about = |one: &Transfer| matches!(one, Transfer::Got { .. } | Transfer::Grant { .. });
        said.map(|(_, one)| one).filter(about).collect()
    };
    let first = world.grant(luke).expect("he bids");
    world.delivers(luke, first, true);
    assert_eq!(told(&mut world), [Transfer::Got { content, chunks: Vec::from([first.1]) }]);
    let second = world.grant(luke).expect("he bids");
    world.delivers(luke, second, true);
    assert_eq!(told(&mut world), [], "it waits for others");
    world.hears(vader, Transfer::Bid { content, wants: 1, has: 0, later: false });
    let said = told(&mut world);
    assert_eq!(said[0], Transfer::Got { content, chunks: Vec::from([second.1]) });
    assert!(matches!(said[1..], [Transfer::Grant { .. }]), "{said:?}");
}

/// A caller who has dialed waits for nothing: the key is proven. If the other one closes, another connection is chosen,
/// and he is asked anew when his rest is over.
#[test]
fn a_caller_speaks_of_files_on_the_connection_that_he_has_dialed() {
    let mut world = World::begun(3_000, &Bitmap::none(3));
    world.swarm(Vec::new());
    let content = world.file.content();
    let request = world.asked.iter().find_map(|request| match request {
        Request::Call { request, .. } => Some(*request),
        _ => None,
    });
    let pass = Pass([1; Pass::BYTES]);
    let vouch = Vouch {
        pass,
        role: Role::Caller,
        purpose: Purpose::Fetch,
        request: request.expect("luke was called"),
        name: name("luke"),
        key: key(2),
        candidates: Vec::new(),
    };
    world.server(ServerFrame::Vouch(vouch));
    for (peer, ends) in [(conn(1), true), (conn(2), false)] {
        world.rig.feed(Input::PeerOpened { peer, key: key(2), pass: Some(pass) });
        world.collect();
        if !ends {
            world.waits(Duration::from_secs(1));
        }
        let (to, first) = world.said.first().cloned().expect("he speaks at once");
        assert_eq!((to, first), (peer, Transfer::Has { content, held: Bitmap::none(3) }));
        world.said();
        if ends {
            world.rig.feed(Input::PeerClosed { peer });
            world.collect();
        }
    }
    world.hears_frame(conn(2), &PeerFrame::meet(pass, Role::Called));
    world.hears_frame(conn(2), &PeerFrame::Opened);
    world.hears(conn(2), Transfer::Has { content, held: Bitmap::all(3) });
    assert!(world.grant(conn(2)).is_some());
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

    let luke = world.is_called();
    world.hears(luke, Transfer::Has { content, held: Bitmap::none(3) });
    world.hears(luke, Transfer::List { content, from: 0 });
    world.hears(luke, Transfer::Bid { content, wants: 1, has: 0, later: false });
    let said = world.said();
    assert_eq!(said[0], Transfer::Has { content, held });
    assert!(matches!(said[1], Transfer::Grant { suggested: Some(_), .. }));
    assert_eq!(world.orders(), [FileOrder::List { content }]);
    world.hears(luke, Transfer::Choose { content, transfer: 1, chunk: 2 });
    assert_eq!(world.orders(), [], "what the chunk must be goes out before it");
    let manifest = Some(world.file.manifest.clone());
    world.file_event(FileEvent::Listed { content, manifest });
    let hashes = world.file.manifest.list().clone();
    assert_eq!(world.said(), [Transfer::Hashes { content, from: 0, hashes }]);
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
