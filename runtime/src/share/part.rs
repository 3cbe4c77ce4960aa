//! The place on the disk of a download that is under way.
//!
//! A chunk counts once the whole of it was verified and written (`writing.rs`), and is safe once a note says so:
//! the note is written after the data it speaks of was synced. So whatever happens, a later run never believes in
//! bytes that are not there. What was verified and not yet noted when the program was killed is in the table
//! behind the notes; that alone is read again (`recheck.rs`). The final name appears when all is complete and safe.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use starling_core::filename::FileName;
use starling_core::swarm::resume::{Note, Subject};
use starling_core::swarm::{Bitmap, ChunkHash};

use super::disk::Disk;
use super::error::WriteError;
use super::folder::Folder;
use super::notes::{Files, Hidden};
use super::reading::ChunkReader;
use super::recheck::recheck;
use super::writing::{ChunkWriter, Slot};

/// A download on the disk. Several threads may write to it at once.
pub struct Part {
    name: FileName,
    subject: Subject,
    data: Box<dyn Disk>,
    /// Held while a piece is written. The system writes a file for one thread at a time, and has a second one spin.
    turn: Mutex<()>,
    notes: Box<dyn Disk>,
    state: Mutex<State>,
    /// The number of the last note. Held while another is being written.
    number: Mutex<u64>,
}

struct State {
    held: Bitmap,
    safe: Bitmap,
    /// Bytes that are held and not safe.
    unsafe_bytes: u64,
    /// The chunks that are being written.
    slots: BTreeMap<u32, Arc<Mutex<Slot>>>,
    /// A sync has failed.
    is_broken: bool,
}

impl State {
    fn sound(&self) -> Result<(), WriteError> {
        if self.is_broken { Err(WriteError::Broken) } else { Ok(()) }
    }
}

impl Part {
    /// Takes up the download of a file where an earlier run left it, or begins it: then room for all of it is taken
    /// at once.
    ///
    /// # Errors
    /// [`WriteError::Taken`] if there is anything with its name, [`WriteError::Busy`] if the same is being
    /// downloaded already, and whatever the disk says.
    pub fn open(folder: &Folder, name: &FileName, subject: Subject) -> Result<Part, WriteError> {
        if folder.has(name.as_str())? {
            return Err(WriteError::Taken);
        }
        let Files { part, notes, note } = Hidden::of(name, &subject).open(folder, &subject)?;
        Ok(Part::over(name.clone(), subject, Box::new(part), Box::new(notes), note))
    }

    pub(super) fn over(
        name: FileName,
        subject: Subject,
        data: Box<dyn Disk>,
        notes: Box<dyn Disk>,
        note: Option<Note>,
    ) -> Part {
        let none = || Note { number: 0, held: Bitmap::none(subject.layout.count()) };
        let Note { number, held: safe } = note.unwrap_or_else(none);
        let (mut held, mut unsafe_bytes) = (safe.clone(), 0);
        for chunk in recheck(&subject, &*data, &*notes, &safe) {
            held.insert(chunk);
            unsafe_bytes += bytes_of(&subject, chunk);
        }
        let state = State { held, safe, unsafe_bytes, slots: BTreeMap::new(), is_broken: false };
        let (state, number, turn) = (Mutex::new(state), Mutex::new(number), Mutex::default());
        Part { name, subject, data, turn, notes, state, number }
    }

    /// What it will be called.
    #[must_use]
    pub const fn name(&self) -> &FileName {
        &self.name
    }

    /// What it is, and how it is cut.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The chunks that are here, verified.
    #[must_use]
    pub fn held(&self) -> Bitmap {
        self.lock().held.clone()
    }

    /// Those of them that would still be here after a power cut.
    #[must_use]
    pub fn safe(&self) -> Bitmap {
        self.lock().safe.clone()
    }

    /// How many bytes of verified chunks a power cut would take.
    #[must_use]
    pub fn unsafe_bytes(&self) -> u64 {
        self.lock().unsafe_bytes
    }

    /// Begins to write a chunk, whose hash must turn out to be this one. Nothing if it is here already, or there is
    /// no such chunk. Several may write the same one: the first that is right counts.
    #[must_use]
    pub fn writer(self: &Arc<Part>, chunk: u32, hash: ChunkHash) -> Option<ChunkWriter> {
        let slot = {
            let mut state = self.lock();
            if state.held.contains(chunk) {
                return None;
            }
            Arc::clone(state.slots.entry(chunk).or_default())
        };
        ChunkWriter::new(self, chunk, hash, slot)
    }

    /// A verified chunk, to be sent on; nothing if it is not here.
    #[must_use]
    pub fn reader(self: &Arc<Part>, chunk: u32) -> Option<ChunkReader> {
        let is_here = self.lock().held.contains(chunk);
        let range = self.subject.layout.range(chunk).filter(|_| is_here)?;
        Some(ChunkReader::of_part(Arc::clone(self), range))
    }

    /// Makes safe what is held, and notes it. Others can go on writing meanwhile. It takes as long as the disk
    /// takes: twice a second, or every 64 MiB, is enough.
    ///
    /// # Errors
    /// Whatever the disk says. After [`WriteError::Broken`] it takes nothing more.
    pub fn sync(&self) -> Result<(), WriteError> {
        let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        let (held, bytes) = {
            let state = self.lock();
            state.sound()?;
            (state.held.clone(), state.unsafe_bytes)
        };
        if held == self.lock().safe {
            return Ok(());
        }
        self.sync_disk(&*self.data)?;
        let note = Note { number: *number + 1, held };
        let (at, said) = self.subject.write(&note);
        self.notes.write(&said, at)?;
        self.sync_disk(&*self.notes)?;
        *number = note.number;
        let mut state = self.lock();
        state.safe = note.held;
        state.unsafe_bytes -= bytes;
        Ok(())
    }

    /// Gives the complete file its name. Whoever reads it can go on.
    ///
    /// # Errors
    /// [`WriteError::Incomplete`], [`WriteError::Taken`] if the name has been given to another file meanwhile, and
    /// whatever the disk says. The download stays where it is then.
    pub fn complete(&self, folder: &Folder) -> Result<(), WriteError> {
        if !self.lock().held.is_complete() {
            return Err(WriteError::Incomplete);
        }
        self.sync()?;
        let hidden = Hidden::of(&self.name, &self.subject);
        folder.rename(&hidden.part, self.name.as_str())?;
        folder.sync()?;
        // The file is there; a note that stays behind is removed by the next download of this name.
        let _ = folder.remove(&hidden.notes);
        Ok(())
    }

    /// Fills `piece` from a chunk that is held.
    pub(super) fn read(&self, piece: &mut [u8], at: u64) -> io::Result<()> {
        self.data.read(piece, at)
    }

    pub(super) fn write(&self, piece: &[u8], at: u64) -> Result<(), WriteError> {
        self.lock().sound()?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.data.write(piece, at)?)
    }

    /// This chunk is verified and written. Its slot is held.
    pub(super) fn note(&self, chunk: u32, hash: &ChunkHash) {
        // If it cannot be written, a kill before the next note costs this chunk, and nothing else is lost.
        let _ = self.notes.write(hash, self.subject.hash_at(chunk));
        let mut state = self.lock();
        state.slots.remove(&chunk);
        if state.held.insert(chunk) {
            state.unsafe_bytes += bytes_of(&self.subject, chunk);
        }
    }

    /// Somebody has stopped writing this chunk: its slot goes if nobody else has it.
    pub(super) fn leave(&self, chunk: u32) {
        let mut state = self.lock();
        // The map's own, and that of the one who leaves.
        if state.slots.get(&chunk).is_some_and(|slot| Arc::strong_count(slot) <= 2) {
            state.slots.remove(&chunk);
        }
    }

    /// After a failure the system forgets what it could not write, and the next sync would seem to succeed.
    fn sync_disk(&self, disk: &dyn Disk) -> Result<(), WriteError> {
        disk.sync().map_err(|error| {
            self.lock().is_broken = true;
            tracing::warn!(%error, "a download cannot be made safe");
            WriteError::Broken
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(subject: &Subject, chunk: u32) -> u64 {
    subject.layout.range(chunk).map_or(0, |range| range.end - range.start)
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("name", &self.name).field("held", &self.held()).finish_non_exhaustive()
    }
}
