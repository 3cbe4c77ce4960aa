//! The names and files of a download that is under way.
//!
//! `.NAME.ID.part` holds the data, `.NAME.ID.note` says which of it is there (`swarm::resume` of the core), where ID
//! is the beginning of the content id. Both are hidden, so neither is ever offered.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;

use rustix::fs::OFlags;
use starling_core::filename::FileName;
use starling_core::swarm::Bitmap;
use starling_core::swarm::resume::{Note, Subject};

use super::disk;
use super::error::WriteError;
use super::folder::Folder;
use super::stamp::Stamp;

/// Both files, open.
pub(super) struct Files {
    pub(super) part: File,
    pub(super) notes: File,
    /// What was said last, if that is of this download.
    pub(super) note: Option<Note>,
}

/// What both are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hidden {
    pub(super) part: String,
    pub(super) notes: String,
}

impl Hidden {
    /// A name that would become too long is cut; the id tells it from others then.
    pub(super) fn of(name: &FileName, subject: &Subject) -> Hidden {
        let rest = format!(".{:.8}", subject.content);
        let longest = FileName::MAX - ".".len() - rest.len() - ".part".len();
        let name = &name.as_str()[..name.as_str().floor_char_boundary(longest)];
        Hidden { part: format!(".{name}{rest}.part"), notes: format!(".{name}{rest}.note") }
    }

    /// Opens what an earlier run left, or makes both anew.
    ///
    /// # Errors
    /// [`WriteError::Busy`] if somebody else has them open; whatever the disk says.
    pub(super) fn open(&self, folder: &Folder, subject: &Subject) -> Result<Files, WriteError> {
        match self.continued(folder, subject)? {
            Some(files) => Ok(files),
            None => self.begun(folder, subject),
        }
    }

    fn continued(&self, folder: &Folder, subject: &Subject) -> Result<Option<Files>, WriteError> {
        let Some((part, stat)) = folder.open_regular(&self.part, OFlags::RDWR)? else { return Ok(None) };
        lock(&part)?;
        let Some((notes, _)) = folder.open_regular(&self.notes, OFlags::RDWR)? else { return Ok(None) };
        let mut said = Vec::new();
        let readable = (&notes).take(subject.hash_at(0)).read_to_end(&mut said);
        let note = subject.read(&said).filter(|_| readable.is_ok());
        if note.is_none() || Stamp::from(&stat).size != subject.layout.size() {
            return Ok(None);
        }
        Ok(Some(Files { part, notes, note }))
    }

    /// The old note is gone for good before there is new data that it could seem to speak of.
    fn begun(&self, folder: &Folder, subject: &Subject) -> Result<Files, WriteError> {
        folder.remove(&self.notes)?;
        folder.remove(&self.part)?;
        folder.sync()?;
        let made = self.made(folder, subject);
        if made.is_err() {
            // Nothing was fetched, and the room may be needed. If this fails, too, the next try does it.
            let _ = self.remove(folder);
        }
        made
    }

    fn made(&self, folder: &Folder, subject: &Subject) -> Result<Files, WriteError> {
        let part = folder.create(&self.part)?;
        lock(&part)?;
        disk::allocate(&part, subject.layout.size())?;
        let notes = folder.create(&self.notes)?;
        disk::fill(&notes, subject.file_bytes())?;
        // Who is killed before the first sync has left a note that speaks of this file, and the table behind it.
        let note = Note { number: 1, held: Bitmap::none(subject.layout.count()) };
        let (at, said) = subject.write(&note);
        notes.write_all_at(&said, at)?;
        folder.sync()?;
        Ok(Files { part, notes, note: Some(note) })
    }

    fn remove(&self, folder: &Folder) -> io::Result<()> {
        folder.remove(&self.part)?;
        folder.remove(&self.notes)
    }
}

/// Whoever holds the lock writes the download.
fn lock(part: &File) -> Result<(), WriteError> {
    match part.try_lock() {
        Err(TryLockError::WouldBlock) => Err(WriteError::Busy),
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => Err(error.into()),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}
