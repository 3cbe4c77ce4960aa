//! What a device remembers between two runs of the client: which letters it has shown.
//!
//! One file a server and user, below the folder for state. A shown letter appends a record; a start folds
//! them into the last ones. Several clients may stand on one file (a second login that the server is about
//! to refuse, say): each holds its lock shared, and only who holds it alone rewrites the file. Records are
//! not synced: a client that is killed loses nothing, and after a power cut a letter may be shown again.
//! Nothing is made before the first letter: what was typed as a name may have been a password.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::iter;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use starling_core::client::{Memory, Note};
use starling_core::id::{Seq, ServerId};
use starling_core::name::Name;
use starling_core::people::marks::Marks;

use super::note::{self, RECORD_BYTES};
use super::xdg;

/// Where devices keep what they remember.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: Option<PathBuf>,
}

impl Shelf {
    /// The XDG state folder: `$XDG_STATE_HOME/starling`, by default `~/.local/state/starling`.
    #[must_use]
    pub fn of_this_person() -> Shelf {
        Shelf { folder: xdg::state() }
    }

    /// A folder of one's own.
    #[must_use]
    pub fn at(folder: &Path) -> Shelf {
        Shelf { folder: Some(folder.to_owned()) }
    }

    /// Opens what is remembered of `user` at `server`.
    ///
    /// # Errors
    /// If it cannot be read; the caller goes on with [`Notes::Lost`].
    pub fn open(&self, server: ServerId, user: Name) -> io::Result<(Notes, Memory)> {
        let stem = self.stem(server, user)?;
        let path = letters(&stem);
        if !path.try_exists()? {
            return Ok((Notes::Blank(stem), Memory::default()));
        }
        compact_if_alone(&stem)?;
        let notes = Notes::start(&stem)?;
        Ok((notes, recall(&fs::read(&path)?)))
    }

    /// Where everything is.
    pub(super) fn folder(&self) -> io::Result<&Path> {
        self.folder.as_deref().ok_or_else(|| io::Error::other("there is no home folder"))
    }

    /// What the files of `user` at `server` begin with.
    pub(super) fn stem(&self, server: ServerId, user: Name) -> io::Result<PathBuf> {
        Ok(self.folder()?.join(format!("{:016x}", server.0)).join(file_stem(user)))
    }
}

/// The notes of one user at one server.
#[derive(Debug)]
pub enum Notes {
    /// There are none yet.
    Blank(PathBuf),
    /// The file, and its lock, held shared.
    Open(File, File),
    /// Nobody keeps them.
    Lost,
}

impl Notes {
    /// Adds a note.
    ///
    /// # Errors
    /// If it cannot be written. The notes are lost then: what follows is not written either, because half
    /// a record may stand at the end.
    pub fn add(&mut self, note: &Note) -> io::Result<()> {
        let added = self.try_add(note);
        if added.is_err() {
            *self = Notes::Lost;
        }
        added
    }

    fn try_add(&mut self, note: &Note) -> io::Result<()> {
        if let Notes::Blank(stem) = self {
            *self = Notes::start(stem)?;
        }
        match self {
            Notes::Open(file, _) => file.write_all(&note::encode(note)),
            Notes::Blank(_) | Notes::Lost => Ok(()),
        }
    }

    fn start(stem: &Path) -> io::Result<Notes> {
        let folder = stem.parent().unwrap_or(stem);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let lock = open(&lock(stem))?;
        lock.lock_shared()?;
        Ok(Notes::Open(open(&letters(stem))?, lock))
    }
}

fn letters(stem: &Path) -> PathBuf {
    stem.with_added_extension("letters")
}

fn lock(stem: &Path) -> PathBuf {
    stem.with_added_extension("lock")
}

/// A name as a file: on some systems capitals do not count, so they are marked. No name has a `+`.
pub(super) fn file_stem(user: Name) -> String {
    let marked = |c: char| iter::repeat_n('+', usize::from(c.is_ascii_uppercase())).chain([c]);
    user.as_str().chars().flat_map(marked).collect()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// What all notes together say. A torn record at the end, or a damaged one, says nothing.
fn recall(bytes: &[u8]) -> Memory {
    let (records, _torn) = bytes.as_chunks::<RECORD_BYTES>();
    let mut seen = Seq::START;
    let mut marks = Marks::new();
    for note in records.iter().filter_map(note::decode) {
        seen = seen.max(note.seq);
        marks.note(note.from, note.id);
    }
    Memory { seen, marks: marks.iter().collect(), ..Memory::default() }
}

/// Leaves one record a mark, at once or not at all, unless another client stands on the file.
fn compact_if_alone(stem: &Path) -> io::Result<()> {
    let lock = open(&lock(stem))?;
    match lock.try_lock() {
        Ok(()) => compact(&letters(stem)),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn compact(path: &Path) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let Memory { seen, marks, .. } = recall(&bytes);
    let kept: Vec<u8> =
        marks.into_iter().flat_map(|(from, id)| note::encode(&Note { seq: seen, from, id })).collect();
    if kept == bytes {
        return Ok(());
    }
    let fresh = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&kept)?;
    file.sync_data()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use starling_core::id::{Epoch, MsgId};
    use tempfile::TempDir;

    use super::*;

    const SERVER: ServerId = ServerId(0xabc);

    fn shelf() -> (TempDir, Shelf) {
        let place = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(place.path());
        (place, shelf)
    }

    fn name(text: &str) -> Name {
        Name::parse(text.as_bytes()).unwrap()
    }

    fn note(from: &str, n: u64) -> Note {
        let seq = (0..n).fold(Seq::before_first(Epoch(1)), |seq, _| seq.next());
        Note { seq, from: name(from), id: MsgId { instance: 9, counter: n } }
    }

    fn of_yoda(place: &TempDir) -> PathBuf {
        letters(&place.path().join("0000000000000abc/yoda"))
    }

    #[test]
    fn a_device_that_saw_nothing_remembers_nothing() {
        let (place, shelf) = shelf();
        assert_eq!(shelf.open(SERVER, name("yoda")).unwrap().1, Memory::default());
        assert!(fs::read_dir(place.path()).unwrap().next().is_none(), "what was typed is nowhere");
    }

    #[test]
    fn notes_are_there_in_the_next_run_and_the_one_after() {
        let (place, shelf) = shelf();
        let (mut notes, _) = shelf.open(SERVER, name("yoda")).unwrap();
        for n in 1..=100 {
            notes.add(&note("hans", n)).unwrap();
        }
        notes.add(&note("luke", 101)).unwrap();
        drop(notes);
        let marks = vec![(name("hans"), note("hans", 100).id), (name("luke"), note("luke", 101).id)];
        let expected = Memory { seen: note("luke", 101).seq, marks, ..Memory::default() };
        for _ in 0..3 {
            assert_eq!(shelf.open(SERVER, name("yoda")).unwrap().1, expected);
            assert_eq!(fs::metadata(of_yoda(&place)).unwrap().len(), 128);
        }
        assert_eq!(shelf.open(ServerId(1), name("yoda")).unwrap().1, Memory::default());
        assert_eq!(shelf.open(SERVER, name("Yoda")).unwrap().1, Memory::default());
    }

    #[test]
    fn a_torn_tail_and_a_damaged_record_are_skipped() {
        let (place, shelf) = shelf();
        let (mut notes, _) = shelf.open(SERVER, name("yoda")).unwrap();
        (1..=3).for_each(|n| notes.add(&note("hans", n)).unwrap());
        drop(notes);
        let whole = fs::read(of_yoda(&place)).unwrap();
        for len in 0..whole.len() {
            fs::write(of_yoda(&place), &whole[..len]).unwrap();
            let whole_records = u64::try_from(len / RECORD_BYTES).unwrap();
            let seen = if whole_records == 0 { Seq::START } else { note("hans", whole_records).seq };
            let (mut notes, memory) = shelf.open(SERVER, name("yoda")).unwrap();
            assert_eq!(memory.seen, seen, "cut at {len}");
            notes.add(&note("hans", 9)).unwrap();
            drop(notes);
            let after = shelf.open(SERVER, name("yoda")).unwrap().1;
            assert_eq!(after.seen, note("hans", 9).seq, "a tail of {len} spoils what follows");
        }
        let mut damaged = whole;
        damaged[RECORD_BYTES + 3] ^= 1;
        fs::write(of_yoda(&place), damaged).unwrap();
        assert_eq!(shelf.open(SERVER, name("yoda")).unwrap().1.seen, note("hans", 3).seq);
    }

    #[test]
    fn two_clients_on_one_file_lose_nothing() {
        let (_place, shelf) = shelf();
        let (mut first, _) = shelf.open(SERVER, name("yoda")).unwrap();
        first.add(&note("hans", 1)).unwrap();
        let (mut second, memory) = shelf.open(SERVER, name("yoda")).unwrap();
        assert_eq!(memory.seen, note("hans", 1).seq);
        first.add(&note("hans", 2)).unwrap();
        second.add(&note("luke", 3)).unwrap();
        drop(first);
        let third = shelf.open(SERVER, name("yoda")).unwrap();
        second.add(&note("luke", 4)).unwrap();
        drop((second, third));
        let memory = shelf.open(SERVER, name("yoda")).unwrap().1;
        let marks = vec![(name("hans"), note("hans", 2).id), (name("luke"), note("luke", 4).id)];
        assert_eq!(memory, Memory { seen: note("luke", 4).seq, marks, ..Memory::default() });
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Shelf::at(file.path()).open(SERVER, name("yoda")).is_err());
        let mut notes = Notes::Blank(file.path().join("yoda"));
        assert!(notes.add(&note("hans", 1)).is_err());
        assert!(notes.add(&note("hans", 2)).is_ok(), "lost notes are no news");
    }
}
