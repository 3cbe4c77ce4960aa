//! The model against a machine that is right, and against some that are not.

use std::collections::BTreeMap;

use bytes::Bytes;
use starling_core::client::{FileEvent, FileOrder, FileTrouble};
use starling_core::filename::FileName;
use starling_core::id::ConnId;
use starling_core::pattern::Pattern;
use starling_core::swarm::{Bitmap, ChunkBounds, Content};
use starling_core::wire::PIECE_MAX;

use super::{Done, File, Folder, Keeper};

const SMALL: ChunkBounds = ChunkBounds { min: 1024, max: 4096 };
const LUKE: ConnId = ConnId { slot: 1, generation: 1 };
const YODA: ConnId = ConnId { slot: 2, generation: 1 };

fn name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).expect("a good name")
}

fn report() -> FileName {
    name("report.pdf")
}

/// Three chunks and a bit.
fn file() -> File {
    File::of((0..3500_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>().into(), SMALL)
}

/// A client's folder, and one that orders things about it.
#[derive(Default)]
struct Rig {
    folder: Folder,
    keeper: Keeper,
    /// Bytes sent, by connection and transfer.
    sent: BTreeMap<ConnId, usize>,
}

impl Rig {
    fn new() -> Rig {
        Rig { folder: Folder::new(SMALL), ..Rig::default() }
    }

    fn order(&mut self, order: FileOrder) {
        self.keeper.perform(&mut self.folder, &order);
    }

    /// What comes of the orders until nothing more does.
    fn told(&mut self) -> Vec<FileEvent> {
        let mut told = Vec::new();
        while let Some(done) = self.keeper.next(&mut self.folder, |_| true) {
            match done {
                Done::Told(event) => told.push(event),
                Done::Send { peer, frame } => *self.sent.entry(peer).or_default() += frame.len(),
            }
        }
        told
    }

    fn prepare(&mut self, content: Content) -> Result<Bitmap, FileTrouble> {
        self.order(FileOrder::Prepare { name: report(), content });
        match &self.told()[..] {
            [FileEvent::Prepared { name, result }] if *name == report() => result.clone(),
            other => panic!("not prepared: {other:?}"),
        }
    }

    /// The whole of a chunk of `file` comes, as one transfer, in pieces of 300 bytes.
    fn comes(&mut self, file: &File, transfer: u32, chunk: u32) {
        let bytes = file.chunk(chunk).expect("there is one");
        self.write(file, transfer, chunk, &bytes);
    }

    fn write(&mut self, file: &File, transfer: u32, chunk: u32, bytes: &Bytes) {
        let hash = file.manifest().hash(chunk).expect("there is one");
        let size = file.chunk(chunk).expect("there is one").len();
        for at in (0..bytes.len()).step_by(300) {
            let end = bytes.len().min(at + 300);
            let (name, bytes) = (report(), bytes.slice(at..end));
            let last = end == size;
            self.order(FileOrder::Write { name, peer: LUKE, transfer, chunk, hash, bytes, last });
        }
    }

    fn complete(&mut self, file: &File) -> Vec<FileEvent> {
        self.order(FileOrder::Complete { name: report(), manifest: file.manifest().clone() });
        self.told()
    }
}

fn written(transfer: u32, result: Result<bool, FileTrouble>) -> FileEvent {
    FileEvent::Written { name: report(), peer: LUKE, transfer, result }
}

fn chunks(bitmap: &Bitmap) -> Vec<u32> {
    bitmap.iter().collect()
}

#[test]
fn a_file_comes_in_chunk_by_chunk() {
    let (mut rig, file) = (Rig::new(), file());
    assert_eq!(rig.prepare(file.content()), Ok(Bitmap::none(4)));
    for chunk in [2, 0, 3, 1] {
        rig.comes(&file, chunk, chunk);
        assert_eq!(rig.told(), [written(chunk, Ok(true))]);
        assert_eq!(rig.folder.read(&report()), None, "nothing is seen before it is complete");
    }
    assert_eq!(rig.complete(&file), [FileEvent::Completed { name: report(), result: Ok(()) }]);
    assert_eq!(rig.folder.read(&report()), Some(file.bytes()));
    rig.order(FileOrder::Release { name: report() });
    let (offers, indexing) = rig.folder.look(&Pattern::parse(b"*").expect("a pattern"));
    assert_eq!((offers.len(), offers[0].content, indexing), (1, file.content().id, false));
    assert_eq!(rig.prepare(file.content()), Err(FileTrouble::Taken(Some(file.content()))));
}

#[test]
fn an_empty_file_is_complete_at_once() {
    let (mut rig, empty) = (Rig::new(), File::of(Bytes::new(), SMALL));
    assert_eq!(rig.prepare(empty.content()), Ok(Bitmap::none(0)));
    assert_eq!(rig.complete(&empty), [FileEvent::Completed { name: report(), result: Ok(()) }]);
    assert_eq!(rig.folder.read(&report()), Some(&Bytes::new()));
}

#[test]
fn wrong_bytes_leave_nothing_behind() {
    let (mut rig, file) = (Rig::new(), file());
    rig.prepare(file.content()).expect("there is room");
    let mut wrong = file.chunk(0).expect("there is one").to_vec();
    wrong[700] ^= 1;
    rig.write(&file, 1, 0, &wrong.into());
    assert_eq!(rig.told(), [written(1, Ok(false))]);
    rig.order(FileOrder::Release { name: report() });
    assert_eq!(rig.prepare(file.content()).map(|held| held.held()), Ok(0));
}

#[test]
fn what_was_verified_stays_for_another_time() {
    let (mut rig, file) = (Rig::new(), file());
    rig.prepare(file.content()).expect("there is room");
    rig.comes(&file, 1, 1);
    rig.order(FileOrder::Release { name: report() });
    assert_eq!(rig.told(), [], "whoever gave it up is told no more of it");
    let other = File::of(Bytes::from_static(b"other"), SMALL);
    assert_eq!(rig.prepare(other.content()), Ok(Bitmap::none(1)));
    rig.order(FileOrder::Release { name: report() });
    assert_eq!(rig.prepare(file.content()).map(|held| chunks(&held)), Ok(vec![1]));
    rig.comes(&file, 2, 0);
    std::mem::take(&mut rig.keeper).end(&mut rig.folder);
    assert_eq!(rig.prepare(file.content()).map(|held| chunks(&held)), Ok(vec![0, 1]));
}

#[test]
fn a_crash_takes_what_was_not_told() {
    let (mut rig, file) = (Rig::new(), file());
    rig.prepare(file.content()).expect("there is room");
    rig.comes(&file, 1, 3);
    rig.told();
    rig.comes(&file, 2, 0);
    std::mem::take(&mut rig.keeper).crash(&mut rig.folder);
    assert_eq!(rig.prepare(file.content()).map(|held| chunks(&held)), Ok(vec![3]));
    for (transfer, chunk) in [(1, 0), (2, 1), (3, 2)] {
        rig.comes(&file, transfer, chunk);
    }
    rig.told();
    rig.complete(&file);
    assert_eq!(rig.folder.read(&report()), Some(file.bytes()));
}

#[test]
fn what_was_left_earlier_is_found() {
    let (mut rig, file) = (Rig::new(), file());
    rig.folder.put_part(report(), file.bytes().clone(), 3);
    assert_eq!(rig.folder.kept(&report(), file.content()).map(chunks), Some(vec![0, 1, 2]));
    assert_eq!(rig.prepare(file.content()).map(|held| chunks(&held)), Ok(vec![0, 1, 2]));
}

#[test]
fn two_clients_do_not_write_the_same() {
    let (mut rig, file) = (Rig::new(), file());
    rig.prepare(file.content()).expect("there is room");
    let first = std::mem::take(&mut rig.keeper);
    let busy = FileTrouble::Failed("it is being downloaded by another program".to_owned());
    assert_eq!(rig.prepare(file.content()), Err(busy.clone()));
    std::mem::take(&mut rig.keeper).crash(&mut rig.folder);
    assert_eq!(rig.prepare(file.content()), Err(busy), "it is still the other's");
    first.crash(&mut rig.folder);
    assert!(rig.prepare(file.content()).is_ok());
}

#[test]
fn a_name_that_was_given_away_is_not_taken_back() {
    let (mut rig, file) = (Rig::new(), file());
    rig.folder.put_part(report(), file.bytes().clone(), 4);
    rig.prepare(file.content()).expect("there is room");
    rig.folder.put(report(), Bytes::from_static(b"mine"));
    rig.folder.set_indexing(&report(), true);
    let taken = FileEvent::Completed { name: report(), result: Err(FileTrouble::Taken(None)) };
    assert_eq!(rig.complete(&file), [taken]);
    assert_eq!(rig.folder.read(&report()), Some(&Bytes::from_static(b"mine")));
    rig.order(FileOrder::Release { name: report() });
    assert_eq!(rig.folder.kept(&report(), file.content()).map(Bitmap::held), Some(4));
}

#[test]
fn a_full_disk_takes_nothing() {
    let (mut rig, file) = (Rig::new(), file());
    let full = FileTrouble::Failed("the disk is full".to_owned());
    rig.folder.set_full(true);
    assert_eq!(rig.prepare(file.content()), Err(full.clone()));
    rig.folder.set_full(false);
    rig.prepare(file.content()).expect("there is room");
    rig.folder.set_full(true);
    rig.comes(&file, 1, 0);
    assert_eq!(rig.told(), [written(1, Err(full))], "once, whatever follows");
}

#[test]
fn chunks_go_out_in_turns_and_only_where_there_is_room() {
    const LARGE: ChunkBounds = ChunkBounds { min: 256 * 1024, max: 256 * 1024 };
    let mut rig = Rig { folder: Folder::new(LARGE), ..Rig::default() };
    let file = File::of(vec![7; 300 * 1024].into(), LARGE);
    rig.folder.put(report(), file.bytes().clone());
    for peer in [LUKE, YODA] {
        rig.order(FileOrder::Upload { peer, transfer: 5, content: file.content(), chunk: 0 });
    }
    let mut order = Vec::new();
    while let Some(Done::Send { peer, .. }) = rig.keeper.next(&mut rig.folder, |_| true) {
        order.push(peer);
    }
    let pieces = (256 * 1024_usize).div_ceil(PIECE_MAX);
    assert_eq!(order[..4], [LUKE, YODA, LUKE, YODA]);
    assert!((2 * pieces - 1..=2 * pieces).contains(&order.len()), "{order:?}");
    rig.told();
    rig.order(FileOrder::Upload { peer: LUKE, transfer: 6, content: file.content(), chunk: 1 });
    assert!(!rig.keeper.is_busy(|peer| peer != LUKE));
    assert_eq!(rig.keeper.next(&mut rig.folder, |peer| peer != LUKE), None);
    rig.sent.clear();
    let all = FileEvent::Uploaded { peer: LUKE, transfer: 6, bytes: 44 * 1024, whole: true };
    assert_eq!(rig.told(), [all]);
    assert_eq!(rig.sent[&LUKE], 44 * 1024 + 8, "one piece, its head and its number");
}

#[test]
fn chunks_of_a_download_under_way_go_out_too() {
    let (mut rig, file) = (Rig::new(), file());
    let upload = |transfer| FileOrder::Upload { peer: YODA, transfer, content: file.content(), chunk: 2 };
    let uploaded = |transfer, bytes, whole| [FileEvent::Uploaded { peer: YODA, transfer, bytes, whole }];
    rig.order(upload(0));
    assert_eq!(rig.told(), uploaded(0, 0, false));
    rig.prepare(file.content()).expect("there is room");
    rig.comes(&file, 1, 2);
    rig.told();
    rig.order(upload(1));
    assert_eq!(rig.told(), uploaded(1, 1024, true));
    rig.order(FileOrder::List { content: file.content() });
    assert_eq!(rig.told(), [FileEvent::Listed { content: file.content(), manifest: None }]);
    rig.order(FileOrder::Release { name: report() });
    rig.order(upload(2));
    assert_eq!(rig.told(), uploaded(2, 0, false));
}

#[test]
fn a_file_that_changes_is_sent_no_further() {
    const LARGE: ChunkBounds = ChunkBounds { min: 256 * 1024, max: 256 * 1024 };
    let mut rig = Rig { folder: Folder::new(LARGE), ..Rig::default() };
    let file = File::of(vec![7; 256 * 1024].into(), LARGE);
    rig.folder.put(report(), file.bytes().clone());
    rig.order(FileOrder::Upload { peer: LUKE, transfer: 5, content: file.content(), chunk: 0 });
    assert!(matches!(rig.keeper.next(&mut rig.folder, |_| true), Some(Done::Send { .. })));
    rig.folder.put(report(), Bytes::from_static(b"changed"));
    let broken = FileEvent::Uploaded { peer: LUKE, transfer: 5, bytes: PIECE_MAX as u64, whole: false };
    assert_eq!(rig.told(), [broken]);
}

#[test]
fn what_is_stopped_or_closed_is_not_answered() {
    let (mut rig, file) = (Rig::new(), file());
    rig.folder.put(name("other.pdf"), file.bytes().clone());
    let upload = |peer, transfer| FileOrder::Upload { peer, transfer, content: file.content(), chunk: 2 };
    rig.order(upload(YODA, 1));
    rig.order(FileOrder::Stop { peer: YODA, transfer: 1 });
    rig.order(upload(YODA, 2));
    rig.keeper.closed(YODA);
    assert_eq!(rig.told(), []);
    rig.prepare(file.content()).expect("there is room");
    rig.comes(&file, 1, 0);
    rig.order(FileOrder::Forget { name: report(), peer: LUKE, transfer: 1 });
    assert_eq!(rig.told(), []);
}

#[test]
fn what_is_being_hashed_is_said_to_be() {
    let (mut rig, file) = (Rig::new(), file());
    rig.folder.put(report(), file.bytes().clone());
    rig.folder.set_indexing(&report(), true);
    let look = |rig: &Rig, pattern: &str| rig.folder.look(&Pattern::parse(pattern.as_bytes()).expect("one"));
    assert_eq!((look(&rig, "*.pdf"), look(&rig, "*.txt")), ((vec![], true), (vec![], false)));
    assert_eq!(rig.prepare(file.content()), Err(FileTrouble::Taken(None)));
    rig.order(FileOrder::List { content: file.content() });
    assert_eq!(rig.told(), [FileEvent::Listed { content: file.content(), manifest: None }]);
    rig.folder.set_indexing(&report(), false);
    assert_eq!(look(&rig, "*.pdf").0.len(), 1);
    rig.order(FileOrder::List { content: file.content() });
    let manifest = Some(file.manifest().clone());
    assert_eq!(rig.told(), [FileEvent::Listed { content: file.content(), manifest }]);
}

/// Machines that break the contract are found at the order that does.
mod wrong_machines {
    use super::*;

    fn prepared() -> (Rig, File) {
        let (mut rig, file) = (Rig::new(), file());
        rig.prepare(file.content()).expect("there is room");
        (rig, file)
    }

    #[test]
    #[should_panic(expected = "Prepare: report.pdf is under way")]
    fn prepares_twice() {
        let (mut rig, file) = prepared();
        rig.order(FileOrder::Prepare { name: report(), content: file.content() });
    }

    #[test]
    #[should_panic(expected = "Write: no download of report.pdf is under way")]
    fn writes_after_the_release() {
        let (mut rig, file) = prepared();
        rig.order(FileOrder::Release { name: report() });
        rig.comes(&file, 1, 0);
    }

    #[test]
    #[should_panic(expected = "Write: report.pdf takes no chunks now")]
    fn writes_before_it_is_told() {
        let (mut rig, file) = (Rig::new(), file());
        rig.order(FileOrder::Prepare { name: report(), content: file.content() });
        rig.comes(&file, 1, 0);
    }

    #[test]
    #[should_panic(expected = "Write: transfer (ConnId")]
    fn writes_after_it_forgot() {
        let (mut rig, file) = prepared();
        rig.order(FileOrder::Forget { name: report(), peer: LUKE, transfer: 1 });
        rig.comes(&file, 1, 0);
    }

    #[test]
    #[should_panic(expected = "was of another chunk")]
    fn writes_two_chunks_in_one_transfer() {
        let (mut rig, file) = prepared();
        rig.write(&file, 1, 0, &file.chunk(0).expect("there is one").slice(..500));
        rig.comes(&file, 1, 1);
    }

    #[test]
    #[should_panic(expected = "Write: more than the chunk has")]
    fn writes_too_much() {
        let (mut rig, file) = prepared();
        rig.write(&file, 1, 3, &file.chunk(0).expect("there is one"));
    }

    #[test]
    #[should_panic(expected = "had its last piece")]
    fn writes_on() {
        let (mut rig, file) = prepared();
        rig.comes(&file, 1, 0);
        rig.comes(&file, 1, 0);
    }

    #[test]
    #[should_panic(expected = "is over")]
    fn uses_a_number_again() {
        let (mut rig, file) = prepared();
        rig.comes(&file, 1, 0);
        rig.told();
        rig.comes(&file, 1, 1);
    }

    #[test]
    #[should_panic(expected = "Complete: report.pdf has Bitmap(3 of 4)")]
    fn completes_too_early() {
        let (mut rig, file) = prepared();
        for chunk in 0..4 {
            rig.comes(&file, chunk, chunk);
            let is_last = chunk == 3;
            if !is_last {
                rig.told();
            }
        }
        rig.complete(&file);
    }

    #[test]
    #[should_panic(expected = "Release: no such download")]
    fn releases_twice() {
        let (mut rig, _) = prepared();
        rig.order(FileOrder::Release { name: report() });
        rig.order(FileOrder::Release { name: report() });
    }

    #[test]
    #[should_panic(expected = "there is no such chunk")]
    fn sends_what_there_is_not() {
        let (mut rig, file) = prepared();
        rig.order(FileOrder::Upload { peer: LUKE, transfer: 1, content: file.content(), chunk: 4 });
    }

    #[test]
    #[should_panic(expected = "the connection has ended")]
    fn sends_to_nobody() {
        let (mut rig, file) = prepared();
        rig.keeper.closed(LUKE);
        rig.order(FileOrder::Upload { peer: LUKE, transfer: 1, content: file.content(), chunk: 0 });
    }
}
