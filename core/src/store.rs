//! The seam to whatever keeps things over a restart: what a server orders, and what it is told.
//!
//! A store is durable, transactional and batched: a [`Batch`] is committed whole or not at all, and
//! `Committed` is said only after it is on the disk. One batch is under way at a time, so the order of
//! batches is the order of commits. Every write is idempotent: a batch whose fate is
//! [`Unknown`](StoreOutcome::Unknown) may be ordered again as it was.

use alloc::vec::Vec;

use crate::device::DeviceKey;
use crate::id::{Epoch, MsgId, Seq, ServerId, UserId};
use crate::name::{AccountName, Name};
use crate::text::Text;
use crate::time::Time;

/// The idempotency key of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchKey {
    /// The life of the server that ordered it. A store refuses a batch of an older life.
    pub epoch: Epoch,
    /// Counts from 1 in that life.
    pub number: u64,
}

/// Writes that become durable together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The key under which it may be ordered again.
    pub key: BatchKey,
    /// In order.
    pub writes: Vec<Write>,
}

/// One thing to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A letter, and with it the high-water mark of its sender's instance at this receiver.
    /// Keeping it again changes nothing.
    Letter {
        /// Whose mailbox.
        to: UserId,
        /// Its place there.
        seq: Seq,
        /// Who said it.
        from: UserId,
        /// The identity its sender gave it.
        id: MsgId,
        /// What was said.
        text: Text,
    },
    /// Letters of `user` up to `upto` have arrived: they are deleted.
    Arrived {
        /// Whose mailbox.
        user: UserId,
        /// The last one.
        upto: Seq,
    },
    /// `by` blocks `whom`, or no longer.
    Block {
        /// The blocker.
        by: UserId,
        /// The blocked.
        whom: UserId,
        /// Blocked from now on, or not.
        on: bool,
    },
    /// Failed logins of an account, and its lock. No failure and no lock: the record is deleted.
    Failures {
        /// The account, known or not.
        account: AccountName,
        /// Those of this device of its user, apart from all others.
        device: Option<DeviceKey>,
        /// Failures in a row.
        count: u8,
        /// When the lock ends.
        locked_until: Option<Time>,
    },
    /// A user has logged in from a device for the first time, or it is to be forgotten.
    Device {
        /// Whose.
        user: UserId,
        /// Which.
        key: DeviceKey,
        /// Remembered from now on, after all that are remembered already; or not.
        on: bool,
    },
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreOutcome {
    /// On the disk.
    Committed,
    /// Nothing of it is kept, nor will be.
    Failed,
    /// Nobody can tell: perhaps committed. The same batch may be ordered again.
    Unknown,
}

/// A letter as the store gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLetter {
    /// Its place.
    pub seq: Seq,
    /// Who said it; he may since have left the credentials.
    pub from: Name,
    /// The identity its sender gave it.
    pub id: MsgId,
    /// What was said.
    pub text: Text,
}

/// A letter in a mailbox, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterHead {
    /// Its place.
    pub seq: Seq,
    /// Who said it.
    pub from: UserId,
    /// Bytes of its text.
    pub bytes: u32,
}

/// A user as the store knows him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// His number.
    pub id: UserId,
    /// His name.
    pub name: Name,
    /// The credentials list him. Who is not listed cannot be found, but what is his is kept for his return.
    pub listed: bool,
    /// Whom he blocks.
    pub blocks: Vec<UserId>,
    /// His mailbox, ascending.
    pub letters: Vec<LetterHead>,
    /// The last message of each sender's instances that is known here.
    pub marks: Vec<(UserId, MsgId)>,
    /// The devices from which he has logged in, in the order in which they were first seen.
    pub devices: Vec<DeviceKey>,
}

impl UserRecord {
    /// Somebody in the credentials of whom nothing is known.
    #[must_use]
    pub fn new(id: UserId, name: Name) -> UserRecord {
        UserRecord {
            id,
            name,
            listed: true,
            blocks: Vec::new(),
            letters: Vec::new(),
            marks: Vec::new(),
            devices: Vec::new(),
        }
    }
}

/// Failed logins of an account, with the end of its lock in the time of this life of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureRecord {
    /// The account, known or not.
    pub account: AccountName,
    /// Those of this device of its user, apart from all others.
    pub device: Option<DeviceKey>,
    /// Failures in a row.
    pub count: u8,
    /// When the lock ends.
    pub locked_until: Option<Time>,
}

/// What a server starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which data folder this is.
    pub server: ServerId,
    /// This life of the server: raised and committed before the snapshot was read.
    pub epoch: Epoch,
    /// Everybody who was ever seen, in any order.
    pub users: Vec<UserRecord>,
    /// Accounts with failures or a lock.
    pub failures: Vec<FailureRecord>,
}

/// The end of a lock as it is kept: good across a restart, a reboot, and a jump of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredDeadline {
    /// Which boot of the computer `until` counts from.
    pub boot: u128,
    /// Exact while that boot lasts.
    pub until: Time,
    /// The same moment by the wall clock, microseconds since 1970.
    pub wall_until: u64,
}

impl StoredDeadline {
    /// The deadline in the time of `boot`, where it is `now` and the wall clock says `wall`.
    ///
    /// In the boot it was made in, it is exact, whatever the wall clock did. After a reboot the wall
    /// clock is all there is, and it may lie: the remainder is never longer than `longest`.
    #[must_use]
    pub fn revive(self, boot: u128, now: Time, wall: u64, longest: core::time::Duration) -> Time {
        if self.boot == boot {
            return self.until;
        }
        let left = core::time::Duration::from_micros(self.wall_until.saturating_sub(wall));
        now + left.min(longest)
    }
}
