use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::io::Errno;
use starling_core::swarm::resume::Subject;

use super::super::disk::Disk;
use super::super::{Part, Verdict, WriteError};
use super::*;

fn subject_of(content: &[u8]) -> Subject {
    Subject { content: id(content), layout: layout(content.len()) }
}

fn open(bed: &Bed, content: &[u8]) -> Result<Arc<Part>, WriteError> {
    Part::open(&bed.folder, &name("report.pdf"), subject_of(content)).map(Arc::new)
}

/// Writes a chunk in small pieces.
fn fetch(part: &Arc<Part>, content: &[u8], chunk: u32) -> Result<Verdict, WriteError> {
    let hash = manifest_of(content).hash(chunk).unwrap();
    let mut writer = part.writer(chunk, hash).expect("it is not here");
    for piece in chunk_of(content, chunk).chunks(700) {
        assert!(writer.write(piece)?);
    }
    writer.finish()
}

#[test]
fn a_download_appears_when_it_is_complete() {
    let bed = Bed::new();
    let content = content(30_000, 1);
    let part = open(&bed, &content).unwrap();
    assert_eq!(bed.names().len(), 2);
    assert!(bed.names().iter().all(|name| name.starts_with(".report.pdf.")), "{:?}", bed.names());
    let count = part.subject().layout.count();
    for chunk in (0..count).rev() {
        assert!(matches!(part.complete(&bed.folder), Err(WriteError::Incomplete)));
        assert!(part.reader(chunk).is_none());
        assert_eq!(fetch(&part, &content, chunk).unwrap(), Verdict::Right);
        assert_eq!(read_all(part.reader(chunk).unwrap()).unwrap(), chunk_of(&content, chunk));
        assert!(part.writer(chunk, [0; 32]).is_none(), "it is here");
    }
    assert_eq!((part.unsafe_bytes(), part.safe().held()), (30_000, 0));
    part.sync().unwrap();
    assert_eq!((part.unsafe_bytes(), part.safe().held()), (0, count));
    part.complete(&bed.folder).unwrap();
    assert_eq!(bed.names(), ["report.pdf"]);
    assert_eq!(fs::read(bed.path("report.pdf")).unwrap(), content);
    assert_eq!(read_all(part.reader(0).unwrap()).unwrap(), chunk_of(&content, 0), "it is still served");
}

#[test]
fn an_empty_file_is_complete_from_the_start() {
    let bed = Bed::new();
    let part = open(&bed, &[]).unwrap();
    part.complete(&bed.folder).unwrap();
    assert_eq!(
        (bed.names(), fs::read(bed.path("report.pdf")).unwrap()),
        (vec!["report.pdf".to_owned()], vec![])
    );
}

#[test]
fn a_download_is_taken_up_where_it_was_left() {
    let bed = Bed::new();
    let content = content(30_000, 1);
    let part = open(&bed, &content).unwrap();
    [1, 3].iter().for_each(|chunk| _ = fetch(&part, &content, *chunk).unwrap());
    part.sync().unwrap();
    drop(part);
    let part = open(&bed, &content).unwrap();
    assert_eq!(part.held().iter().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(part.safe(), part.held());
    let count = part.subject().layout.count();
    for chunk in (0..count).filter(|chunk| ![1, 3].contains(chunk)) {
        assert_eq!(fetch(&part, &content, chunk).unwrap(), Verdict::Right);
    }
    part.complete(&bed.folder).unwrap();
    assert_eq!(fs::read(bed.path("report.pdf")).unwrap(), content);
}

/// P10: dropping it syncs nothing, as a kill does not. What is not as it was, or only half there, is fetched again.
#[test]
fn p10_what_was_verified_outlives_a_kill() {
    let bed = Bed::new();
    let content = content(30_000, 1);
    let part = open(&bed, &content).unwrap();
    [5, 6, 7].iter().for_each(|chunk| _ = fetch(&part, &content, *chunk).unwrap());
    drop(part);
    let part = open(&bed, &content).unwrap();
    assert_eq!((part.held().iter().collect::<Vec<_>>(), part.safe().held()), (vec![5, 6, 7], 0));
    part.sync().unwrap();
    assert_eq!((part.safe(), part.unsafe_bytes()), (part.held(), 0));
    [1, 3].iter().for_each(|chunk| _ = fetch(&part, &content, *chunk).unwrap());
    let hash = manifest_of(&content).hash(2).unwrap();
    let mut half = part.writer(2, hash).unwrap();
    assert!(half.write(&chunk_of(&content, 2)[..100]).unwrap());
    drop((half, part));
    let names = bed.names();
    let data = names.iter().find(|name| name.ends_with(".part")).unwrap();
    let mut bytes = fs::read(bed.path(data)).unwrap();
    let layout = subject_of(&content).layout;
    bytes[usize::try_from(layout.range(3).unwrap().end).unwrap() - 1] ^= 1;
    bed.put(data, &bytes);
    let part = open(&bed, &content).unwrap();
    assert_eq!(part.held().iter().collect::<Vec<_>>(), [1, 5, 6, 7]);
    assert_eq!(part.safe().iter().collect::<Vec<_>>(), [5, 6, 7]);
    let missing: Vec<u32> = (0..layout.count()).filter(|chunk| !part.held().contains(*chunk)).collect();
    missing.iter().for_each(|chunk| _ = fetch(&part, &content, *chunk).unwrap());
    part.complete(&bed.folder).unwrap();
    assert_eq!(fs::read(bed.path("report.pdf")).unwrap(), content);
}

#[test]
fn what_does_not_fit_is_begun_anew() {
    type Damage = fn(&Bed, &str, &str);
    let damages: [Damage; 6] = [
        |bed, _, note| fs::remove_file(bed.path(note)).unwrap(),
        |bed, part, _| fs::remove_file(bed.path(part)).unwrap(),
        |bed, part, _| fs::write(bed.path(part), b"short").unwrap(),
        |bed, _, note| fs::write(bed.path(note), b"damaged").unwrap(),
        |bed, _, note| fs::write(bed.path(note), b"").unwrap(),
        |bed, _, note| {
            fs::remove_file(bed.path(note)).unwrap();
            std::os::unix::fs::symlink("/etc/hostname", bed.path(note)).unwrap();
        },
    ];
    for damage in damages {
        let bed = Bed::new();
        let content = content(30_000, 1);
        let part = open(&bed, &content).unwrap();
        fetch(&part, &content, 1).unwrap();
        part.sync().unwrap();
        drop(part);
        let names = bed.names();
        damage(&bed, &names[1], &names[0]);
        let part = open(&bed, &content).unwrap();
        assert_eq!(part.held().held(), 0);
        (0..part.subject().layout.count()).for_each(|chunk| _ = fetch(&part, &content, chunk).unwrap());
        part.complete(&bed.folder).unwrap();
        assert_eq!(fs::read(bed.path("report.pdf")).unwrap(), content);
    }
}

#[test]
fn a_name_that_is_taken_is_left_alone() {
    let bed = Bed::new();
    let content = content(5000, 1);
    let part = open(&bed, &content).unwrap();
    (0..part.subject().layout.count()).for_each(|chunk| _ = fetch(&part, &content, chunk).unwrap());
    bed.put("report.pdf", b"mine");
    assert!(matches!(part.complete(&bed.folder), Err(WriteError::Taken)));
    drop(part);
    assert!(matches!(open(&bed, &content), Err(WriteError::Taken)));
    fs::remove_file(bed.path("report.pdf")).unwrap();
    std::os::unix::fs::symlink("nowhere", bed.path("report.pdf")).unwrap();
    assert!(matches!(open(&bed, &content), Err(WriteError::Taken)), "a link to nothing is something, too");
    fs::remove_file(bed.path("report.pdf")).unwrap();
    let part = open(&bed, &content).unwrap();
    part.complete(&bed.folder).unwrap();
    assert_eq!(fs::read(bed.path("report.pdf")).unwrap(), content);
}

#[test]
fn one_download_at_a_time_writes_a_file() {
    let bed = Bed::new();
    let content = content(5000, 1);
    let part = open(&bed, &content).unwrap();
    assert!(matches!(open(&bed, &content), Err(WriteError::Busy)));
    drop(part);
    assert!(open(&bed, &content).is_ok());
}

#[test]
fn names_of_any_length_have_hidden_ones() {
    let bed = Bed::new();
    for long in ["x".repeat(255), "ä".repeat(127), format!("{}🦀", "y".repeat(240)), "z".repeat(241)] {
        let part = Part::open(&bed.folder, &name(&long), subject_of(b"content")).unwrap();
        let part = Arc::new(part);
        fetch(&part, b"content", 0).unwrap();
        part.complete(&bed.folder).unwrap();
        assert_eq!(fs::read(bed.path(&long)).unwrap(), b"content");
    }
    assert_eq!(bed.names().len(), 4);
}

#[test]
fn a_wrong_chunk_is_nothing() {
    let bed = Bed::new();
    let content = content(30_000, 1);
    let part = open(&bed, &content).unwrap();
    let hash = manifest_of(&content).hash(2).unwrap();
    let right = chunk_of(&content, 2).to_vec();
    let mut wrong = right.clone();
    wrong[17] ^= 1;
    for (sent, is_taken) in
        [(&wrong[..], true), (&right[1..], true), (&[&right[..], b"x"].concat()[..], false)]
    {
        let mut writer = part.writer(2, hash).unwrap();
        assert_eq!(writer.write(sent).unwrap(), is_taken);
        assert_eq!(writer.finish().unwrap(), Verdict::Wrong);
    }
    assert!(part.held().held() == 0 && part.reader(2).is_none());
    assert_eq!(fetch(&part, &content, 2).unwrap(), Verdict::Right);
}

/// Two fetch the same chunk; whatever the slower one sends, before or after, the right one stays.
#[test]
fn whoever_is_slower_does_no_harm() {
    let content = content(30_000, 1);
    let hash = manifest_of(&content).hash(2).unwrap();
    let right = chunk_of(&content, 2);
    let wrong = vec![0xee; right.len()];
    for liar_is_first in [true, false] {
        let bed = Bed::new();
        let part = open(&bed, &content).unwrap();
        let [mut one, mut other] = [(); 2].map(|()| part.writer(2, hash).unwrap());
        let (liar, honest) = if liar_is_first { (&mut one, &mut other) } else { (&mut other, &mut one) };
        assert!(liar.write(&wrong[..500]).unwrap());
        assert!(honest.write(&right[..900]).unwrap());
        assert!(liar.write(&wrong[500..1000]).unwrap());
        assert!(honest.write(&right[900..]).unwrap());
        let (mut liar, honest) = if liar_is_first { (one, other) } else { (other, one) };
        assert_eq!(honest.finish().unwrap(), Verdict::Right);
        assert!(liar.write(&wrong[1000..]).unwrap());
        assert_eq!(read_all(part.reader(2).unwrap()).unwrap(), right);
        assert_eq!(liar.finish().unwrap(), Verdict::Wrong);
        assert_eq!(read_all(part.reader(2).unwrap()).unwrap(), right);
    }
    let bed = Bed::new();
    let part = open(&bed, &content).unwrap();
    let [one, two, three] = [(); 3].map(|()| part.writer(2, hash).unwrap());
    drop(one);
    let four = part.writer(2, hash).unwrap();
    for (mut writer, verdict) in [(three, Verdict::Right), (four, Verdict::Late), (two, Verdict::Late)] {
        assert!(writer.write(right).unwrap());
        assert_eq!(writer.finish().unwrap(), verdict);
    }
    assert_eq!(part.held().iter().collect::<Vec<_>>(), [2]);
}

/// T51: room is taken at the beginning; if there is not enough, nothing stays behind.
#[test]
fn t51_a_full_disk_is_noticed_before_anything_is_fetched() {
    let bed = Bed::new();
    let layout = Layout::new(Layout::SIZE_MAX, ChunkBounds::USUAL).unwrap();
    let subject = Subject { content: id(b""), layout };
    let refused = Part::open(&bed.folder, &name("report.pdf"), subject).unwrap_err();
    assert!(matches!(refused, WriteError::Disk(_)), "{refused}");
    assert_eq!(bed.names(), Vec::<String>::new());
}

/// A disk in memory that can be full, or fail.
#[derive(Default)]
struct Poor {
    bytes: Mutex<Vec<u8>>,
    room: AtomicU64,
    fails: AtomicBool,
}

impl Disk for Arc<Poor> {
    fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let left = self.room.load(Ordering::Relaxed).checked_sub(bytes.len() as u64).ok_or(Errno::NOSPC)?;
        self.room.store(left, Ordering::Relaxed);
        let (mut held, at) = (self.bytes.lock().unwrap(), usize::try_from(at).unwrap());
        let len = held.len().max(at + bytes.len());
        held.resize(len, 0);
        held[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let (held, at) = (self.bytes.lock().unwrap(), usize::try_from(at).unwrap());
        let there = held.get(at..at + bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(there);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if self.fails.load(Ordering::Relaxed) { Err(Errno::IO.into()) } else { Ok(()) }
    }
}

/// T51: a disk that is full in the middle costs the chunks that do not fit, and those alone.
#[test]
fn t51_a_disk_that_is_full_in_the_middle_loses_nothing() {
    let content = content(30_000, 1);
    let (data, notes) = (Arc::new(Poor::default()), Arc::new(Poor::default()));
    let over = |note| {
        let disks = (Box::new(Arc::clone(&data)), Box::new(Arc::clone(&notes)));
        Arc::new(Part::over(name("report.pdf"), subject_of(&content), disks.0, disks.1, note))
    };
    data.room.store(10_000, Ordering::Relaxed);
    notes.room.store(1 << 20, Ordering::Relaxed);
    let part = over(None);
    let count = part.subject().layout.count();
    let (mut fetched, mut refused) = (0, 0);
    for chunk in 0..count {
        match fetch(&part, &content, chunk) {
            Ok(verdict) => fetched += u32::from(verdict == Verdict::Right),
            Err(error) => {
                assert!(error.is_full());
                assert_eq!(error.to_string(), "the disk is full");
                refused += 1;
            }
        }
    }
    assert!(fetched > 0 && refused > 0 && fetched + refused == count);
    assert_eq!(part.held().held(), fetched);
    part.sync().unwrap();
    drop(part);
    // Later there is room.
    data.room.store(1 << 20, Ordering::Relaxed);
    let note = subject_of(&content).read(&notes.bytes.lock().unwrap());
    let part = over(note);
    assert_eq!(part.held().held(), fetched);
    let missing: Vec<u32> = (0..count).filter(|chunk| !part.held().contains(*chunk)).collect();
    missing.iter().for_each(|chunk| _ = fetch(&part, &content, *chunk).unwrap());
    assert_eq!(missing.len(), refused as usize);
    assert!(part.held().is_complete());
    assert_eq!(*data.bytes.lock().unwrap(), content);
}

#[test]
fn after_a_failed_sync_nothing_is_believed() {
    let content = content(30_000, 1);
    let (data, notes) = (Arc::new(Poor::default()), Arc::new(Poor::default()));
    [&data, &notes].iter().for_each(|disk| disk.room.store(1 << 20, Ordering::Relaxed));
    let disks = (Box::new(Arc::clone(&data)), Box::new(Arc::clone(&notes)));
    let part = Arc::new(Part::over(name("report.pdf"), subject_of(&content), disks.0, disks.1, None));
    fetch(&part, &content, 0).unwrap();
    data.fails.store(true, Ordering::Relaxed);
    assert!(matches!(part.sync(), Err(WriteError::Broken)));
    data.fails.store(false, Ordering::Relaxed);
    assert!(matches!(part.sync(), Err(WriteError::Broken)), "a second sync would only seem to succeed");
    assert!(matches!(fetch(&part, &content, 1), Err(WriteError::Broken)));
    assert_eq!((subject_of(&content).read(&notes.bytes.lock().unwrap()), part.safe().held()), (None, 0));
}
