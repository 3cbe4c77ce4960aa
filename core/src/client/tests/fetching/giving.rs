//! What is given to others: they are kept as long as something is on its way to them, whatever else happens.

use super::*;
use crate::pattern::Pattern;

/// hans offers a file, and somebody asks who has one of that name.
fn offer(world: &mut World, question: u32, offer: Offer) {
    let pattern = Pattern::parse(offer.name.as_bytes()).expect("a pattern");
    world.server(ServerFrame::Ask { question, pattern });
    world.rig.feed(Input::Looked { question, offers: Vec::from([offer]), indexing: false });
    world.collect();
}

/// hans offers the file, and luke has called to fetch it.
fn serving(size: usize) -> (World, ConnId) {
    let mut world = World::new(size);
    let content = world.file.content();
    offer(&mut world, 7, Offer { name: file_name("a"), content: content.id, size: content.size });
    let luke = world.is_called();
    (world, luke)
}

/// A chunk takes longer than a connection may be idle.
#[test]
fn whoever_gets_something_slowly_is_not_left() {
    let (mut world, luke) = serving(3_000);
    let content = world.file.content();
    world.hears(luke, Transfer::Has { content, held: Bitmap::none(3) });
    world.hears(luke, Transfer::Bid { content, wants: 1, has: 0, later: false });
    world.hears(luke, Transfer::Choose { content, transfer: 1, chunk: 2 });
    let is_left = |world: &mut World| {
        world.server(ServerFrame::Pong { nonce: 0 });
        world.hears_frame(luke, &PeerFrame::Pong { nonce: 0 });
        world.rig.waits(Duration::from_secs(20));
        world.rig.did().iter().any(|action| matches!(action, Action::ClosePeer { peer } if *peer == luke))
    };
    assert!((0..5).all(|_| !is_left(&mut world)), "a chunk is on its way");
    world.file_event(FileEvent::Uploaded { peer: luke, transfer: 1, bytes: 1_000, whole: true });
    assert!((0..5).any(|_| is_left(&mut world)), "then nothing goes over it");
}

/// hans fetches under another name what he gives to luke: he has it all the same.
#[test]
fn what_is_fetched_under_another_name_is_given_as_before() {
    let (mut world, luke) = serving(3_000);
    let content = world.file.content();
    world.hears(luke, Transfer::Has { content, held: Bitmap::none(3) });
    world.types("p2pDownload b");
    world.found(&[("yoda", content)]);
    world.file_event(FileEvent::Prepared { name: file_name("b"), result: Ok(Bitmap::none(3)) });
    let shares = world.asked.iter().filter_map(|one| match one {
        Request::Share(share) => Some((share.watches, share.held.held())),
        _ => None,
    });
    assert_eq!(shares.last(), Some((true, 3)));
    world.said();
    world.orders();
    world.hears(luke, Transfer::Has { content, held: Bitmap::none(3) });
    assert!(world.said().contains(&Transfer::Has { content, held: Bitmap::all(3) }));
    world.hears(luke, Transfer::Bid { content, wants: 2, has: 0, later: false });
    world.hears(luke, Transfer::Choose { content, transfer: 1, chunk: 2 });
    assert!(world.orders().contains(&FileOrder::Upload { peer: luke, transfer: 1, content, chunk: 2 }));
    world.swarm(Vec::new());
    world.types("cancel b");
    let last = world.asked.iter().rfind(|one| matches!(one, Request::Share(_) | Request::Leave { .. }));
    assert!(
        matches!(last, Some(Request::Share(share)) if !share.watches && share.held.is_complete()),
        "{last:?}"
    );
}

/// So many files have been asked for that the server hears of no more: one that nobody fetches makes room.
#[test]
fn a_file_that_is_asked_for_is_given_however_many_were_before() {
    let mut world = World::new(3_000);
    for number in 0..4_096_u32 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        offer(&mut world, number, Offer { name: file_name("b"), content: ContentId(id), size: 5 });
    }
    let content = world.file.content();
    offer(&mut world, 9_999, Offer { name: file_name("a"), content: content.id, size: content.size });
    let luke = world.is_called();
    world.hears(luke, Transfer::Has { content, held: Bitmap::none(3) });
    assert_eq!(world.said(), [Transfer::Has { content, held: Bitmap::all(3) }]);
}
