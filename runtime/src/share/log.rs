//! Bytes that only grow: a file, or memory where there is no place for one.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

/// Where they are.
#[derive(Debug)]
enum Place {
    Disk(Arc<File>),
    Memory(Vec<u8>),
}

/// A list of bytes to append to. What it holds can be had again, so nobody waits until it is safe.
#[derive(Debug)]
pub(super) struct Log {
    place: Place,
    len: u64,
}

impl Log {
    /// In memory, and empty.
    pub(super) const fn in_memory() -> Log {
        Log { place: Place::Memory(Vec::new()), len: 0 }
    }

    /// An empty file that others cannot read; what was there before is gone.
    pub(super) fn create(path: &Path) -> io::Result<Log> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Log { place: Place::Disk(Arc::new(file)), len: 0 })
    }

    /// A file that was written before.
    pub(super) fn open(path: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let len = file.metadata()?.len();
        Ok(Log { place: Place::Disk(Arc::new(file)), len })
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Forgets everything from `len` on.
    pub(super) fn cut(&mut self, len: u64) -> io::Result<()> {
        match &mut self.place {
            Place::Disk(file) => file.set_len(len)?,
            Place::Memory(bytes) => bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX)),
        }
        self.len = len;
        Ok(())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.place {
            Place::Disk(file) => file.write_all_at(bytes, self.len)?,
            Place::Memory(held) => held.extend_from_slice(bytes),
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Fills `bytes` with what is there from `at` on.
    pub(super) fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        bytes.copy_from_slice(&self.range(at, bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?.read()?);
        Ok(())
    }

    /// `len` bytes from `at` on, to be read later, whatever becomes of the log.
    pub(super) fn range(&self, at: u64, len: usize) -> Option<Range> {
        match &self.place {
            Place::Disk(file) => Some(Range::Disk(Arc::clone(file), at, len)),
            Place::Memory(held) => {
                let start = usize::try_from(at).ok()?;
                held.get(start..start.checked_add(len)?).map(|there| Range::Memory(there.to_vec()))
            }
        }
    }
}

/// A part of a log.
#[derive(Debug)]
pub(super) enum Range {
    Disk(Arc<File>, u64, usize),
    Memory(Vec<u8>),
}

impl Range {
    pub(super) fn read(self) -> io::Result<Vec<u8>> {
        match self {
            Range::Disk(file, at, len) => {
                let mut bytes = vec![0; len];
                file.read_exact_at(&mut bytes, at)?;
                Ok(bytes)
            }
            Range::Memory(bytes) => Ok(bytes),
        }
    }
}
