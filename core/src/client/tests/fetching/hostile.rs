//! What others can do to a download, by malice or because they are slow: it goes on with those who are honest.

use super::*;
use crate::id::RequestId;

/// Everybody there may be says that he is alive, and it is that much later.
fn alive(world: &mut World, peers: &[ConnId], span: Duration) {
    world.server(ServerFrame::Pong { nonce: 0 });
    for peer in peers {
        world.hears_frame(*peer, &PeerFrame::Pong { nonce: 0 });
    }
    world.rig.waits(span);
    world.collect();
}

fn is_bid(transfer: &Transfer) -> bool {
    matches!(transfer, Transfer::Bid { .. })
}

/// A grant is answered too late, so its owner forgets what else was bid for. It is bid for again.
#[test]
fn bids_that_were_forgotten_are_said_anew() {
    let (mut world, luke) = World::linked(10_000);
    let (transfer, _) = world.grant(luke).expect("he bids");
    alive(&mut world, &[luke], Duration::from_millis(1_900));
    world.said();
    world.hears(luke, Transfer::Refuse { transfer, why: Refused::BrokenOff });
    alive(&mut world, &[luke], Duration::from_secs(6));
    assert!(world.said().iter().any(is_bid));
}

/// zed is asked first for the hashes each time, and begins with one that is wrong. What luke sends is not put behind it.
#[test]
fn a_wrong_hash_does_not_spoil_the_list_of_another() {
    let mut world = World::begun(10_000, &Bitmap::none(10));
    let content = world.file.content();
    world.swarm(Vec::from([(name("zed"), Bitmap::all(10))]));
    let (zed, luke) = (world.meets("zed"), world.meets("luke"));
    for peer in [zed, luke] {
        world.hears(peer, Transfer::Has { content, held: Bitmap::all(10) });
    }
    for _ in 0..3 {
        while !world.said.is_empty() {
            for (to, one) in mem::take(&mut world.said) {
                let Transfer::List { from, .. } = one else { continue };
                let right = world.file.manifest.list().slice(from as usize * ContentId::BYTES..);
                let wrong = Bytes::from(alloc::vec![7; ContentId::BYTES]);
                if to == luke || from == 0 {
                    let hashes = if to == luke { right } else { wrong };
                    world.hears(to, Transfer::Hashes { content, from, hashes });
                }
            }
        }
        alive(&mut world, &[zed, luke], Duration::from_millis(2_050));
    }
    let choice = world.grant(luke).expect("he bids");
    world.delivers(luke, choice, true);
    assert!(world.orders().iter().any(|order| matches!(order, FileOrder::Write { .. })));
}

/// Whoever lied keeps nobody's place: the next is called, who is not a liar.
#[test]
fn liars_make_room_for_others() {
    let mut world = World::new(64 * 1024);
    let (content, chunks) = (world.file.content(), world.file.chunks());
    let names: Vec<String> = (0..31).map(|number| alloc::format!("user{number}")).collect();
    world.types("p2pDownload a");
    world.found(&names.iter().map(|name| (name.as_str(), content)).collect::<Vec<_>>());
    world.file_event(FileEvent::Prepared { name: file_name("a"), result: Ok(Bitmap::none(chunks)) });
    world.swarm(Vec::new());
    let called = |world: &World| -> Vec<Name> {
        let whom = |one: &Request| match one {
            Request::Call { whom, .. } => Some(*whom),
            _ => None,
        };
        world.asked.iter().filter_map(whom).collect()
    };
    let first = called(&world);
    let other = names.iter().map(|one| name(one)).find(|one| !first.contains(one)).expect("one is left");
    let liar = world.meets(first[0].as_str());
    world.hears(liar, Transfer::Has { content, held: Bitmap::all(chunks) });
    let hashes = world.file.manifest.list().clone();
    world.hears(liar, Transfer::Hashes { content, from: 0, hashes });
    let choice = world.grant(liar).expect("he bids");
    world.delivers(liar, choice, false);
    assert!(called(&world).contains(&other));
    assert!(world.said().contains(&Transfer::Lacks { content }), "the liar is told");
    world.hears(liar, Transfer::Has { content, held: Bitmap::all(chunks) });
    assert_eq!(world.said(), [Transfer::Lacks { content }], "and takes no place again");
}

/// luke refuses two chunks while a third is on its way, and is replaced: that one is not waited for, and nobody is told that
/// it is here.
#[test]
fn nothing_is_taken_any_more_from_one_who_was_replaced() {
    let (mut world, luke) = World::linked(10_000);
    let content = world.file.content();
    let first = world.grant(luke).expect("he bids");
    world.delivers(luke, first, true);
    let [one, two, three] = [0; 3].map(|_| world.grant(luke).expect("he bids"));
    let bytes = world.file.chunk(three.1);
    world.hears(luke, Transfer::Piece { transfer: three.0, bytes: bytes.slice(..100) });
    world.orders();
    for (transfer, _) in [one, two] {
        world.hears(luke, Transfer::Refuse { transfer, why: Refused::Lacking });
    }
    assert!(world.said.contains(&(luke, Transfer::Lacks { content })), "replaced");
    let forget = FileOrder::Forget { name: file_name("a"), peer: luke, transfer: three.0 };
    assert!(world.orders().contains(&forget));
    world.hears(luke, Transfer::Piece { transfer: three.0, bytes: bytes.slice(100..) });
    assert_eq!(world.orders(), []);
}

/// All was here when the program was killed, but the file had not got its name, and nobody is there to say what it is.
#[test]
fn a_whole_file_that_nobody_knows_is_not_waited_for_without_end() {
    let mut world = World::begun(10_000, &Bitmap::all(10));
    world.swarm(Vec::new());
    for _ in 0..4 {
        alive(&mut world, &[], Duration::from_secs(10));
    }
    let seen = world.seen();
    assert!(seen.iter().any(|line| line.starts_with("Download of a stopped")), "{seen:?}");
}

/// However many downloads there are, the server is not asked about all of them at once.
#[test]
fn questions_of_ones_own_accord_are_few_at_a_time() {
    let mut world = World::new(3_000);
    for number in 0..60 {
        world.types(&alloc::format!("p2pDownload f{number}"));
        let content = Content { size: 3_000 + number, ..world.file.content() };
        let request = world.asked.iter().rev().find_map(|one| match one {
            Request::Seek { request, .. } => Some(*request),
            _ => None,
        });
        let offer =
            Offer { name: file_name(&alloc::format!("f{number}")), content: content.id, size: content.size };
        let findings = Vec::from([Finding { offer, owner: name("luke") }]);
        let request: RequestId = request.expect("it is asked");
        world.server(ServerFrame::Found(Found { request, indexing: 0, last: true, findings }));
        let prepared = FileEvent::Prepared {
            name: file_name(&alloc::format!("f{number}")),
            result: Ok(Bitmap::none(3)),
        };
        world.file_event(prepared);
    }
    world.asked.clear();
    alive(&mut world, &[], Duration::from_secs(6));
    let is_question = |one: &&Request| matches!(one, Request::Seek { again: true, .. });
    let questions = world.asked.iter().filter(is_question).count();
    assert!((1..=32).contains(&questions), "{questions}");
}
