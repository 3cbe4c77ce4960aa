//! Two clients without machines, each with a folder, and a connection between them.

use std::fs;
use std::fs::OpenOptions;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{FileEvent, FileOrder, FileTrouble, Input};
use starling_core::device::DeviceKey;
use starling_core::direct::Pass;
use starling_core::filename::FileName;
use starling_core::id::ConnId;
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::{Bitmap, Content, ContentId, Layout, Manifest};
use starling_core::time::Time;
use starling_core::wire::{PeerFrame, Phase, Reader, Transfer};
use tempfile::TempDir;

use super::{Files, Room, Stock, WAITING_MAX};
use crate::client::peers::Hub;
use crate::share::{Folder, Found, Settings};
use crate::tls::device::DeviceSecret;
use crate::tls::peer::PeerConfigs;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const KIB: usize = 1024;
/// Small files have many chunks of some pieces.
const SMALL: ChunkBounds = ChunkBounds { min: 256 * 1024, max: 256 * 1024 };
/// A chunk that is larger than all buffers on its way.
const LARGE: ChunkBounds = ChunkBounds { min: 64 * 1024 * 1024, max: 64 * 1024 * 1024 };

/// Somebody with a folder.
struct Person {
    place: TempDir,
    hub: Hub,
    files: Files,
    stock: Stock,
    key: DeviceKey,
    addr: SocketAddr,
    reader: Reader,
}

impl Person {
    async fn new(bounds: ChunkBounds) -> Person {
        let place = tempfile::tempdir().unwrap();
        let settings = Settings { bounds, quiet: Duration::from_millis(5), ..Settings::usual(None) };
        let stock = Stock::open(Folder::open(&place.path().join("shared")).unwrap(), &settings).unwrap();
        let secret = DeviceSecret::generate().unwrap();
        let mut hub = Hub::open(HERE, HERE).await;
        let addr = SocketAddr::new(HERE, hub.reach().unwrap().port);
        hub.begin(PeerConfigs::of(&secret).unwrap());
        let files = Files::of(stock.clone()).unwrap();
        Person { place, hub, files, stock, key: secret.key().unwrap(), addr, reader: Reader::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join("shared").join(name)
    }

    /// Puts a file into the folder in one step, and waits until it is offered.
    async fn offers(&mut self, name: &str, content: &[u8]) -> Manifest {
        fs::write(self.path(".new"), content).unwrap();
        fs::rename(self.path(".new"), self.path(name)).unwrap();
        self.until_offered(name).await
    }

    async fn until_offered(&mut self, name: &str) -> Manifest {
        let name = self::name(name);
        loop {
            if let Found::Offered(offer) = self.stock.index().find(&name) {
                return self.stock.index().manifest(&offer.content).unwrap();
            }
            assert!(self.stock.changed().await);
        }
    }

    fn order(&mut self, order: FileOrder) {
        self.files.order(order, &mut self.hub);
    }

    async fn next(&mut self) -> Input {
        let room = self.files.room();
        tokio::select! {
            input = async {
                room.free().await;
                self.hub.next().await
            } => input,
            input = self.files.next() => input,
        }
    }

    /// The next event about files.
    async fn event(&mut self) -> FileEvent {
        match self.next().await {
            Input::File(event) => event,
            other => panic!("nothing about files but {other:?}"),
        }
    }

    async fn prepares(&mut self, manifest: &Manifest) -> Result<Bitmap, FileTrouble> {
        self.order(FileOrder::Prepare { name: name("report.pdf"), content: content_of(manifest) });
        match self.event().await {
            FileEvent::Prepared { name, result } if name == self::name("report.pdf") => result,
            other => panic!("{other:?}"),
        }
    }

    /// Takes the next bytes of a chunk.
    fn writes(&mut self, manifest: &Manifest, (transfer, chunk): (u32, u32), bytes: &[u8], last: bool) {
        self.order(FileOrder::Write {
            name: name("report.pdf"),
            peer: NOBODY,
            transfer,
            chunk,
            hash: manifest.hash(chunk).unwrap(),
            bytes: Bytes::copy_from_slice(bytes),
            last,
        });
    }

    async fn has_written(&mut self, wanted: u32) -> Result<bool, FileTrouble> {
        match self.event().await {
            FileEvent::Written { transfer, result, .. } if transfer == wanted => result,
            other => panic!("{other:?}"),
        }
    }

    async fn completes(&mut self, manifest: &Manifest) -> Result<(), FileTrouble> {
        self.order(FileOrder::Complete { name: name("report.pdf"), manifest: manifest.clone() });
        match self.event().await {
            FileEvent::Completed { result, .. } => result,
            other => panic!("{other:?}"),
        }
    }

    fn releases(&mut self) {
        self.order(FileOrder::Release { name: name("report.pdf") });
    }

    fn uploads(&mut self, peer: ConnId, transfer: u32, manifest: &Manifest, chunk: u32) {
        self.order(FileOrder::Upload { peer, transfer, content: content_of(manifest), chunk });
    }

    async fn has_uploaded(&mut self, wanted: u32) -> (u64, bool) {
        match self.event().await {
            FileEvent::Uploaded { transfer, bytes, whole, .. } if transfer == wanted => (bytes, whole),
            other => panic!("{other:?}"),
        }
    }

    /// The next frame; nothing at the end.
    async fn frame(&mut self) -> Option<PeerFrame> {
        loop {
            if let Some(raw) = self.reader.next(Phase::FromPeer).unwrap() {
                return Some(PeerFrame::decode(raw).unwrap());
            }
            match self.hub.next().await {
                Input::PeerReceived { bytes, .. } => self.reader.feed(bytes),
                Input::PeerClosed { .. } => return None,
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next piece, and of which transfer.
    async fn piece(&mut self) -> (u32, Bytes) {
        match self.frame().await {
            Some(PeerFrame::Transfer(Transfer::Piece { transfer, bytes })) => (transfer, bytes),
            other => panic!("{other:?}"),
        }
    }

    /// A chunk of so many bytes, piece by piece.
    async fn chunk(&mut self, wanted: u32, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            let (transfer, bytes) = self.piece().await;
            assert_eq!(transfer, wanted);
            all.extend_from_slice(&bytes);
        }
        all
    }
}

const NOBODY: ConnId = ConnId { slot: 9, generation: 9 };

/// Two who have met, and the connection as each has it.
async fn pair(bounds: ChunkBounds) -> (Person, ConnId, Person, ConnId) {
    let (mut hans, mut luke) = (Person::new(bounds).await, Person::new(bounds).await);
    luke.hub.expect(hans.key, Time::from_secs(60), Time::from_secs(1));
    hans.hub.dial(Pass([1; Pass::BYTES]), luke.key, &[luke.addr]);
    let Input::PeerOpened { peer: to_luke, .. } = hans.hub.next().await else { panic!() };
    let Input::PeerOpened { peer: to_hans, .. } = luke.hub.next().await else { panic!() };
    (hans, to_luke, luke, to_hans)
}

fn name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).unwrap()
}

fn content_of(manifest: &Manifest) -> Content {
    Content { id: manifest.content(), size: manifest.layout().size() }
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at / 7 % 251).unwrap()).collect()
}

fn chunk_of<'a>(content: &'a [u8], manifest: &Manifest, chunk: u32) -> &'a [u8] {
    let range = manifest.layout().range(chunk).unwrap();
    &content[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
}

/// One who has prepared a download of a file of some chunks, of which nothing is there.
async fn prepared(size: usize) -> (Person, Vec<u8>, Manifest) {
    let mut luke = Person::new(SMALL).await;
    let content = content(size);
    let manifest = luke.offers("original", &content).await;
    assert_eq!(luke.prepares(&manifest).await.unwrap().held(), 0);
    (luke, content, manifest)
}

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
    assert_eq!(luke.files.room().bytes(), 0);
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
    fs::write(luke.path("report.pdf"), b"mine").unwrap();
    let other = luke.until_offered("report.pdf").await;
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
    fs::File::create(of.path("large")).unwrap().set_len(64 * 1024 * KIB as u64).unwrap();
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

#[tokio::test]
async fn a_disk_that_is_slow_holds_up_those_who_send() {
    let (mut luke, content, manifest) = prepared(40 * 256 * KIB).await;
    let (gate, closed) = mpsc::channel::<()>();
    luke.files.occupy(closed);
    let room = luke.files.room();
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

fn is_free(room: &Room) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    pin!(room.free()).poll(&mut cx).is_ready()
}
