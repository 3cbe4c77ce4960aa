//! What is sent, on its way from the disk.

use std::fs::OpenOptions;

use super::*;

#[tokio::test]
async fn a_file_goes_from_disk_to_disk() {
    let (mut hans, to_luke, mut luke, _) = pair(SMALL).await;
    let content = content(900 * KIB);
    let manifest = hans.offers("original", &content).await;
    assert_eq!(luke.prepares(&manifest).await.unwrap().held(), 0);
    for chunk in 0..manifest.layout().count() {
        let right = chunk_of(&content, &manifest, chunk);
        hans.uploads(to_luke, chunk, &manifest, chunk);
        let came = luke.chunk(chunk, right.len()).await;
        assert_eq!(hans.has_uploaded(chunk).await, (right.len() as u64, true));
        let (one, other) = came.split_at(1000);
        luke.writes(&manifest, (chunk, chunk), one, false);
        luke.writes(&manifest, (chunk, chunk), other, true);
        assert_eq!(luke.has_written(chunk).await, Ok(true));
    }
    assert_eq!(luke.completes(&manifest).await, Ok(()));
    assert_eq!(fs::read(luke.path("report.pdf")).unwrap(), content);
    assert!(matches!(luke.stock.index().find(&name("report.pdf")), Found::Offered(_)), "at once");
    luke.order(FileOrder::List { content: content_of(&manifest) });
    let listed = FileEvent::Listed { content: content_of(&manifest), manifest: Some(manifest.clone()) };
    assert_eq!(luke.event().await, listed);
    luke.releases();
    let taken = Err(FileTrouble::Taken(Some(content_of(&manifest))));
    assert_eq!(luke.prepares(&manifest).await, taken);
}

#[tokio::test]
async fn a_chunk_of_a_download_under_way_is_sent_on() {
    let (mut hans, to_luke, mut luke, _) = pair(SMALL).await;
    let content = content(900 * KIB);
    let manifest = luke.offers("original", &content).await;
    assert_eq!(hans.prepares(&manifest).await.unwrap().held(), 0);
    hans.writes(&manifest, (1, 2), chunk_of(&content, &manifest, 2), true);
    assert_eq!(hans.has_written(1).await, Ok(true));
    hans.uploads(to_luke, 7, &manifest, 2);
    assert_eq!(luke.chunk(7, 256 * KIB).await, chunk_of(&content, &manifest, 2));
    assert_eq!(hans.has_uploaded(7).await, (256 * KIB as u64, true));
    hans.uploads(to_luke, 8, &manifest, 1);
    assert_eq!(hans.has_uploaded(8).await, (0, false), "it is not here yet");
}

#[tokio::test]
async fn without_a_folder_everything_is_answered() {
    let mut luke = Person::new(SMALL).await;
    let manifest = luke.offers("original", &content(900 * KIB)).await;
    luke.files = Files::none();
    assert!(matches!(luke.prepares(&manifest).await, Err(FileTrouble::Failed(_))));
    luke.writes(&manifest, (1, 1), b"bytes", false);
    assert!(matches!(luke.has_written(1).await, Err(FileTrouble::Failed(_))));
    luke.uploads(NOBODY, 2, &manifest, 1);
    assert_eq!(luke.has_uploaded(2).await, (0, false));
    luke.order(FileOrder::List { content: content_of(&manifest) });
    assert_eq!(luke.event().await, FileEvent::Listed { content: content_of(&manifest), manifest: None });
}

/// T52: whoever gets a part of a chunk of a file that was changed meanwhile is told that there is no more.
#[tokio::test]
async fn t52_a_file_that_is_changed_is_broken_off() {
    let (mut hans, to_luke, mut luke, _) = pair(LARGE).await;
    let manifest = large(&mut hans).await;
    hans.uploads(to_luke, 1, &manifest, 0);
    let mut came = luke.piece().await.1.len() as u64;
    // Luke reads nothing, so the end of the chunk has not been read on the other side.
    OpenOptions::new().write(true).open(hans.path("large")).unwrap().set_len(0).unwrap();
    let told = tokio::select! {
        told = hans.has_uploaded(1) => told,
        () = async { loop { came += luke.piece().await.1.len() as u64; } } => unreachable!(),
    };
    hans.uploads(to_luke, 2, &manifest, 0);
    assert_eq!(hans.has_uploaded(2).await, (0, false), "it is not offered any more");
    hans.hub.send(to_luke, &PeerFrame::Opened.frame());
    while let Some(PeerFrame::Transfer(Transfer::Piece { bytes, .. })) = luke.frame().await {
        came += bytes.len() as u64;
    }
    assert_eq!(told, (came, false));
    assert!(came < 64 * 1024 * KIB as u64);
}

/// A file of one large chunk.
async fn large(of: &mut Person) -> Manifest {
    fs::File::create(of.path(".new")).unwrap().set_len(64 * 1024 * KIB as u64).unwrap();
    fs::rename(of.path(".new"), of.path("large")).unwrap();
    of.until_offered("large").await
}

#[tokio::test]
async fn an_upload_that_is_stopped_ends_without_a_word() {
    let (mut hans, to_luke, mut luke, _) = pair(LARGE).await;
    let manifest = large(&mut hans).await;
    let small = hans.offers("small", b"a few bytes").await;
    hans.uploads(to_luke, 1, &manifest, 0);
    assert_eq!(luke.piece().await.0, 1);
    hans.order(FileOrder::Stop { peer: to_luke, transfer: 1 });
    hans.uploads(to_luke, 2, &small, 0);
    let mut came = 0;
    let last = loop {
        match luke.piece().await {
            (1, bytes) => came += bytes.len(),
            other => break other,
        }
    };
    assert_eq!(last, (2, Bytes::from_static(b"a few bytes")));
    assert!(came < 64 * 1024 * KIB);
    assert_eq!(hans.has_uploaded(2).await, (11, true));
    // The next frame is that of another chunk: nothing more of the first one came.
    hans.uploads(to_luke, 3, &small, 0);
    assert_eq!(luke.piece().await.0, 3);
}

/// Threads that are busy are given little by those who stop what they have begun: all others go on when there is one.
#[tokio::test]
async fn whoever_stops_again_and_again_takes_nothing_from_others() {
    let (mut hans, to_luke, mut luke, _) = pair(SMALL).await;
    let (right, mut other) = (content(900 * KIB), content(900 * KIB));
    other[0] ^= 1;
    let (offered, wanted) = (hans.offers("original", &right).await, luke.offers("other", &other).await);
    assert_eq!(hans.prepares(&wanted).await.unwrap().held(), 0);
    let (gate, closed) = std::sync::mpsc::channel::<()>();
    hans.files.occupy(closed);
    for transfer in 1..=5_000 {
        hans.uploads(to_luke, transfer, &offered, 0);
        hans.order(FileOrder::Stop { peer: to_luke, transfer });
        tokio::task::yield_now().await;
    }
    hans.writes(&wanted, (1, 0), chunk_of(&other, &wanted, 0), true);
    hans.uploads(to_luke, 5_001, &offered, 0);
    tokio::task::yield_now().await;
    drop(gate);
    let told = [hans.event().await, hans.event().await];
    let is_written = |event: &FileEvent| matches!(event, FileEvent::Written { result: Ok(true), .. });
    let is_sent =
        |event: &FileEvent| matches!(event, FileEvent::Uploaded { transfer: 5_001, whole: true, .. });
    assert!(told.iter().any(is_written) && told.iter().any(is_sent), "{told:?}");
    assert_eq!(luke.chunk(5_001, 256 * KIB).await, chunk_of(&right, &offered, 0));
}

#[tokio::test]
async fn several_chunks_take_turns_and_words_go_between_them() {
    let (mut hans, to_luke, mut luke, _) = pair(LARGE).await;
    let manifest = large(&mut hans).await;
    hans.uploads(to_luke, 1, &manifest, 0);
    hans.uploads(to_luke, 2, &manifest, 0);
    let mut came = [0; 3];
    while came[1].min(came[2]) < 16 {
        came[luke.piece().await.0 as usize] += 1;
    }
    assert!(came[1].max(came[2]) < 900, "{came:?} of 1,025");
    // Luke has read nothing more. What he is told does not wait for the rest of both.
    hans.hub.send(to_luke, &PeerFrame::Opened.frame());
    let mut pieces = 0;
    while let Some(PeerFrame::Transfer(_)) = luke.frame().await {
        pieces += 1;
    }
    assert!(pieces < 900, "{pieces}");
}

#[tokio::test]
async fn a_connection_that_ends_lets_go_of_what_was_sent() {
    let (mut hans, to_luke, mut luke, to_hans) = pair(LARGE).await;
    let manifest = large(&mut luke).await;
    assert_eq!(hans.prepares(&manifest).await.unwrap().held(), 0);
    let zeros = vec![0; 1024 * KIB];
    (1..=64).for_each(|mib| hans.writes(&manifest, (1, 0), &zeros, mib == 64));
    assert_eq!(hans.has_written(1).await, Ok(true));
    hans.uploads(to_luke, 2, &manifest, 0);
    luke.piece().await;
    luke.hub.close(to_hans);
    while hans.next().await != (Input::PeerClosed { peer: to_luke }) {}
    // Whoever reads from the download holds its lock: another program gets it only when nobody does.
    hans.releases();
    hans.files.finish();
    let mut other = Files::of(hans.stock.clone()).unwrap();
    std::mem::swap(&mut hans.files, &mut other);
    assert!(hans.prepares(&manifest).await.unwrap().is_complete());
}
