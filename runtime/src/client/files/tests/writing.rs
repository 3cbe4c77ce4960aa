//! What is fetched, on its way to the disk.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};

use starling_core::swarm::{ContentId, Layout};
use tokio::time::{Instant, timeout};

use super::super::{PILED_MAX, Room, SELDOM, WAITING_MAX};
use super::*;

/// One who has prepared a download of a file of some chunks, of which nothing is there.
async fn prepared(size: usize) -> (Person, Vec<u8>, Manifest) {
    let mut luke = Person::new(SMALL).await;
    let content = content(size);
    let manifest = luke.offers("original", &content).await;
    assert_eq!(luke.prepares(&manifest).await.unwrap().held(), 0);
    (luke, content, manifest)
}

#[tokio::test]
async fn whoever_lies_is_found_out() {
    let (mut luke, content, manifest) = prepared(900 * KIB).await;
    let right = chunk_of(&content, &manifest, 1);
    let mut wrong = right.to_vec();
    wrong[200_000] ^= 1;
    luke.writes(&manifest, (1, 1), &wrong[..100_000], false);
    luke.writes(&manifest, (1, 1), &wrong[100_000..], true);
    assert_eq!(luke.has_written(1).await, Ok(false));
    luke.writes(&manifest, (2, 1), &right[1..], true);
    assert_eq!(luke.has_written(2).await, Ok(false), "it is too short");
    luke.writes(&manifest, (3, 1), right, true);
    assert_eq!(luke.has_written(3).await, Ok(true));
    // Also when the chunk is there.
    luke.writes(&manifest, (4, 1), &wrong, true);
    assert_eq!(luke.has_written(4).await, Ok(false));
    luke.writes(&manifest, (5, 1), right, true);
    assert_eq!(luke.has_written(5).await, Ok(true));
}

#[tokio::test]
async fn two_may_bring_the_same_chunk() {
    let (mut luke, content, manifest) = prepared(900 * KIB).await;
    let (one, other) = chunk_of(&content, &manifest, 1).split_at(100_000);
    luke.writes(&manifest, (1, 1), one, false);
    luke.writes(&manifest, (2, 1), one, false);
    luke.writes(&manifest, (2, 1), other, true);
    assert_eq!(luke.has_written(2).await, Ok(true));
    luke.writes(&manifest, (1, 1), other, true);
    assert_eq!(luke.has_written(1).await, Ok(true));
}

#[tokio::test]
async fn what_is_forgotten_is_not_told() {
    let (mut luke, content, manifest) = prepared(900 * KIB).await;
    let (one, other) = chunk_of(&content, &manifest, 1).split_at(100_000);
    luke.writes(&manifest, (1, 1), one, false);
    luke.writes(&manifest, (1, 1), other, true);
    luke.order(FileOrder::Forget { name: name("report.pdf"), peer: NOBODY, transfer: 1 });
    luke.writes(&manifest, (2, 2), one, false);
    luke.order(FileOrder::Forget { name: name("report.pdf"), peer: NOBODY, transfer: 2 });
    luke.writes(&manifest, (2, 0), chunk_of(&content, &manifest, 0), true);
    assert_eq!(luke.has_written(2).await, Ok(true), "the number is free for another");
    luke.writes(&manifest, (3, 3), one, false);
    luke.releases();
    assert!(luke.prepares(&manifest).await.unwrap().contains(0));
    assert_eq!(luke.files.room.bytes(), 0);
}

#[tokio::test]
async fn what_was_released_is_taken_up_again() {
    let (mut luke, content, manifest) = prepared(900 * KIB).await;
    for round in 0..3 {
        luke.writes(&manifest, (round, round), chunk_of(&content, &manifest, round), true);
        assert_eq!(luke.has_written(round).await, Ok(true));
        luke.releases();
        let held = luke.prepares(&manifest).await.unwrap();
        assert_eq!(held.iter().collect::<Vec<_>>(), (0..=round).collect::<Vec<_>>());
    }
    // The program ends: whoever comes after it finds the same.
    luke.writes(&manifest, (3, 3), chunk_of(&content, &manifest, 3), true);
    assert_eq!(luke.has_written(3).await, Ok(true));
    luke.files.finish();
    luke.files = Files::of(luke.stock.clone()).unwrap();
    assert!(luke.prepares(&manifest).await.unwrap().is_complete());
    assert_eq!(luke.completes(&manifest).await, Ok(()));
    assert_eq!(fs::read(luke.path("report.pdf")).unwrap(), content);
}

#[tokio::test]
async fn a_name_that_is_taken_is_said_with_what_has_it() {
    let mut luke = Person::new(SMALL).await;
    let manifest = luke.offers("original", &content(900 * KIB)).await;
    let other = luke.offers("report.pdf", b"mine").await;
    let taken = FileTrouble::Taken(Some(content_of(&other)));
    assert_eq!(luke.prepares(&manifest).await, Err(taken));
    fs::remove_file(luke.path("report.pdf")).unwrap();
    std::os::unix::fs::symlink("nowhere", luke.path("report.pdf")).unwrap();
    luke.releases();
    while luke.stock.index().find(&name("report.pdf")) != Found::Nothing {
        assert!(luke.stock.changed().await);
    }
    assert_eq!(luke.prepares(&manifest).await, Err(FileTrouble::Taken(None)));
    luke.releases();
    fs::remove_file(luke.path("report.pdf")).unwrap();
    assert_eq!(luke.prepares(&manifest).await.unwrap().held(), 0);
}

/// T51: there is no room for a file of this size anywhere.
#[tokio::test]
async fn t51_a_full_disk_is_said_in_words() {
    let mut luke = Person::new(SMALL).await;
    let content = Content { id: ContentId([7; 32]), size: Layout::SIZE_MAX };
    luke.order(FileOrder::Prepare { name: name("report.pdf"), content });
    let FileEvent::Prepared { result: Err(FileTrouble::Failed(why)), .. } = luke.event().await else {
        panic!()
    };
    assert!(!why.is_empty() && !why.contains("os error"), "{why}");
    assert_eq!(fs::read_dir(luke.path("")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_disk_that_is_slow_holds_up_those_who_send() {
    let (mut luke, content, manifest) = prepared(40 * 256 * KIB).await;
    let (gate, closed) = mpsc::channel::<()>();
    luke.files.occupy(closed);
    let room = luke.files.room.clone();
    let mut chunk = 0;
    while is_free(&room) {
        luke.writes(&manifest, (chunk, chunk), chunk_of(&content, &manifest, chunk), true);
        chunk += 1;
    }
    assert!(room.bytes() >= WAITING_MAX && room.bytes() < WAITING_MAX + 257 * KIB);
    drop(gate);
    room.free().await;
    for _ in 0..chunk {
        assert!(matches!(luke.event().await, FileEvent::Written { result: Ok(true), .. }));
    }
    assert_eq!(room.bytes(), 0);
}

#[tokio::test]
async fn whoever_sends_is_heard_now_and_then_while_the_disk_is_slow() {
    let (mut hans, to_luke, mut luke, to_hans) = pair(SMALL).await;
    let content = content(80 * 256 * KIB);
    let manifest = luke.offers("original", &content).await;
    assert_eq!(hans.prepares(&manifest).await.unwrap().held(), 0);
    let (gate, closed) = mpsc::channel::<()>();
    hans.files.occupy(closed);
    let mut chunks = 0..80;
    let mut pile_up = |hans: &mut Person, bytes_min| {
        while hans.files.room.bytes() < bytes_min {
            let chunk = chunks.next().unwrap();
            hans.writes(&manifest, (chunk, chunk), chunk_of(&content, &manifest, chunk), true);
        }
    };
    pile_up(&mut hans, WAITING_MAX);
    let begin = Instant::now();
    for _ in 0..3 {
        luke.hub.send(to_hans, &PeerFrame::Opened.frame());
        let heard = timeout(SELDOM * 20, hans.next()).await.expect("luke is not silent");
        assert!(matches!(heard, Input::PeerReceived { peer, .. } if peer == to_luke));
    }
    assert!(begin.elapsed() >= SELDOM * 2);
    pile_up(&mut hans, PILED_MAX);
    luke.hub.send(to_hans, &PeerFrame::Opened.frame());
    assert!(timeout(SELDOM * 3, hans.next()).await.is_err(), "that is too much");
    drop(gate);
    while !matches!(hans.next().await, Input::PeerReceived { .. }) {}
}

fn is_free(room: &Room) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    pin!(room.free()).poll(&mut cx).is_ready()
}
