//! By what a file is known to be unchanged.

use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

/// What the file system says of one state of a file. Whoever writes to it, cuts it or puts another in its place
/// changes some of it, except in the moment in which it was looked at: see [`Stamp::is_settled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    /// When the content was last changed, in seconds and nanoseconds.
    pub(super) written: (i64, i64),
    /// When anything about it was last changed; nobody can set it.
    pub(super) changed: (i64, i64),
    pub(super) inode: u64,
    pub(super) device: u64,
}

impl Stamp {
    /// How exact the times of common file systems are, at least: a few ticks of the kernel.
    const FINE: Duration = Duration::from_millis(50);
    /// And of those that count in seconds.
    const COARSE: Duration = Duration::from_millis(2500);

    pub(super) fn of(file: &File) -> io::Result<Stamp> {
        Ok(Stamp::from(&rustix::fs::fstat(file)?))
    }

    /// At `now` its last change lies so far back that another one will show. A file that was written to in this very
    /// moment could be written to again without a trace. Only [`Stamp::changed`] is asked: writing sets it, too.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let (secs, nanos) = self.changed;
        let since = || Some(Duration::new(u64::try_from(secs).ok()?, u32::try_from(nanos).ok()?));
        let changed = since().and_then(|since| UNIX_EPOCH.checked_add(since));
        changed.and_then(|changed| now.duration_since(changed).ok()).is_some_and(|age| age > self.margin())
    }

    /// After so long it is settled.
    pub(super) const fn margin(&self) -> Duration {
        if self.changed.1 == 0 { Stamp::COARSE } else { Stamp::FINE }
    }
}

impl From<&Stat> for Stamp {
    fn from(stat: &Stat) -> Stamp {
        Stamp {
            size: unsigned(stat.st_size),
            written: (stat.st_mtime, signed(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, signed(stat.st_ctime_nsec)),
            inode: unsigned(stat.st_ino),
            device: unsigned(stat.st_dev),
        }
    }
}

/// Systems do not agree about the types of these numbers. One that is out of range is like no other.
fn unsigned(number: impl Into<i128>) -> u64 {
    u64::try_from(number.into()).unwrap_or(u64::MAX)
}

fn signed(number: impl Into<i128>) -> i64 {
    i64::try_from(number.into()).unwrap_or(i64::MAX)
}
