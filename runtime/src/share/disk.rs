//! What a download needs of a file: the seam at which tests put a disk that fails.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

/// A file of fixed size. Several threads may use it at once.
pub(super) trait Disk: Send + Sync {
    /// Writes all of `bytes`; they are safe only after the next [`Disk::sync`].
    fn write(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Fills `bytes`.
    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;
    /// Waits until what was written is safe. After a failure nobody knows what is.
    fn sync(&self) -> io::Result<()>;
}

impl Disk for File {
    fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.read_exact_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Gives a file its size and takes the room for it, so that a full disk is noticed before anything is fetched. Where
/// the file system cannot do that, it is noticed later.
pub(super) fn allocate(file: &File, size: u64) -> io::Result<()> {
    if size > 0 {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
            allocated => allocated?,
        }
    }
    file.set_len(size)
}
