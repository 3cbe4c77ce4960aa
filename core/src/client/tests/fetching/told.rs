//! What the person is told of downloads.

use super::*;

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
fn how_far_it_has_come_is_told_by_tenths() {
    let (mut world, luke) = World::linked(30_000);
    world.waits(Duration::from_millis(600));
    assert_eq!(world.hints, [""; 0]);
    for _ in 0..4 {
        let choice = world.grant(luke).expect("he bids");
        world.delivers(luke, choice, true);
        world.waits(Duration::from_millis(600));
    }
    assert_eq!(world.hints, ["a: 3 of 30 chunks"]);
    assert_eq!(world.seen(), [""; 0], "it is no event");
}
