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

/// What `statfs` calls the file systems that live in memory (statfs(2)).
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Gives a file its size and takes the room for it, so that a full disk is noticed before anything is fetched. Where
/// the file system cannot do that, it is noticed later.
pub(super) fn allocate(file: &File, size: u64) -> io::Result<()> {
    if size > 0 {
        let system = rustix::fs::fstatfs(file)?;
        if u64::try_from(system.f_type).is_ok_and(|kind| IN_MEMORY.contains(&kind)) {
            // To take memory is to fill it, all of it before the first byte comes.
            let room = system.f_bavail.saturating_mul(u64::try_from(system.f_bsize).unwrap_or(1));
            // A file system without a limit says that it has no blocks at all.
            if system.f_blocks > 0 && room < size {
                return Err(Errno::NOSPC.into());
            }
        } else {
            match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
                allocated => allocated?,
            }
        }
    }
    file.set_len(size)
}

/// Gives a file its size and fills it with zeros: whatever is written in it later finds room, in memory, too, and on a
/// disk that is full by then.
pub(super) fn fill(file: &File, size: u64) -> io::Result<()> {
    allocate(file, size)?;
    let zeros = [0; 64 * 1024];
    let mut at = 0;
    while at < size {
        let len = usize::try_from(size - at).map_or(zeros.len(), |left| left.min(zeros.len()));
        file.write_all_at(&zeros[..len], at)?;
        at += len as u64;
    }
    Ok(())
}
