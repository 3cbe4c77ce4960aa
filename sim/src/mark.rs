//! Rare states that a sweep must have seen: where the faults of a messenger hide.

use std::fmt;

use crate::fault::kinds;

kinds! {
    /// A state worth being proud of having reached.
    Mark {
        /// The third failure locked an account.
        Locked = "account locked",
        /// An attempt on a locked account was refused.
        LockedOut = "attempt on a locked account",
        /// An attempt arrived in the very microsecond in which the lock ended.
        LockEnd = "attempt at the end of a lock",
        /// A lock outlived the server.
        LockKept = "lock over a restart",
        /// A lock outlived a boot of the computer.
        LockRevived = "lock over a reboot",
        /// Several attempts on one account waited for each other.
        AttemptsQueued = "attempts on one account at once",
        /// An attempt was refused because too many passwords were being checked.
        ChecksFull = "too many password checks",
        /// The right password was refused because the older session answered.
        AlreadyOnline = "already logged in",
        /// The older session did not answer and made way.
        TakenOver = "take-over of a dead session",
        /// Somebody gave the right password and was gone before he was welcomed.
        GoneAtWelcome = "gone before the welcome",
        /// A person was timed out.
        TimedOut = "time-out",
        /// A command came in the very microsecond of the time-out.
        TimeoutTie = "command at the time-out",
        /// A silent connection was cut.
        Silent = "silence noticed",
        /// A connection of an address that had opened too many was closed.
        AddressFull = "address full",
        /// An attempt from an address that had tried too often was not looked at.
        AddressBusy = "address busy",
        /// A connection on which nobody said hello was closed at its deadline.
        HelloDeadline = "hello deadline",
        /// A connection that never logged in was closed at its deadline.
        LoginDeadline = "login deadline",
        /// A connection before login made way for another.
        MadeRoom = "oldest greeting made way",
        /// A letter was queued for somebody offline.
        Queued = "letter queued",
        /// A mailbox took more than one page to load.
        Paged = "mail in pages",
        /// A letter was loaded from the store and shown.
        Delivered = "stored letter delivered",
        /// A letter was sent again to a device that had shown it, and not shown again.
        SuppressedTwice = "repeated letter not shown",
        /// A letter was shown on a second device.
        SecondDevice = "letter on a second device",
        /// A letter was acknowledged before its commit: it needed none.
        NoCommit = "letter without a commit",
        /// A mailbox was full.
        MailboxFull = "mailbox full",
        /// The server could not store a message.
        CannotStore = "message not storable",
        /// A block or unblock could not be stored.
        NotStored = "block not storable",
        /// A message met a block that was being written down.
        BlockCrossing = "message crosses a block",
        /// A message was refused because of a block.
        BlockedBy = "message refused by a block",
        /// A message to somebody offline was refused because of a block.
        BlockedOffline = "block holds for somebody offline",
        /// A block outlived the server.
        BlockKept = "block over a restart",
        /// A broadcast was withheld from somebody.
        Partly = "broadcast withheld from a blocker",
        /// A broadcast found nobody.
        NobodyOnline = "broadcast to nobody",
        /// Changes of presence went out as one list.
        PresenceList = "several changes in one list",
        /// A restless user was told of by his net effect.
        Restless = "net effect of a restless user",
        /// A change of presence was hidden from somebody.
        Hidden = "presence hidden",
        /// Somebody sent faster than allowed and was made to wait.
        Throttled = "slowed down",
        /// Reading went on after a pause.
        Resumed = "reading resumed",
        /// Somebody flooded on and was cut.
        TooMany = "too many commands",
        /// A peer that did not read was cut.
        CutUnread = "slow reader cut",
        /// A peer broke the protocol and was told so.
        PeerFault = "protocol broken",
        /// A batch of unknown fate was ordered again.
        Again = "batch ordered again",
        /// A crash came while a batch was under way.
        CrashInCommit = "crash with a batch under way",
        /// A server stopped in good order.
        Stopped = "server stopped in order",
        /// A login was refused because the server was stopping or too many waited.
        Busy = "server busy",
        /// A private session began.
        Talked = "private session",
        /// A private session broke.
        TalkLost = "private session lost",
        /// A private session was refused by a block, perhaps while it was opening.
        TalkBlocked = "private session refused by a block",
        /// Somebody who was introduced did not meet.
        Unreached = "nobody met",
        /// A download came from more than one.
        FetchedFromTwo = "download from two owners",
        /// A download began with what an earlier one had got.
        FetchResumed = "download resumed",
        /// A download stopped, because nobody was left who had anything of it.
        FetchStopped = "download stopped",
        /// A download was cancelled.
        FetchCancelled = "download cancelled",
        /// A download was refused because there was another file of that name.
        FileDiffers = "download refused as different",
        /// Somebody gave chunks of what he was still downloading.
        GivenOn = "chunk of an unfinished download",
        /// Sixty-four commands were under way.
        FullPipe = "64 commands under way",
        /// A letter was killed at its note and shown once more.
        ShownOnceMore = "shown once more after a kill at the note",
    }
}

/// How often each mark was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks([u64; Mark::ALL.len()]);

impl Default for Marks {
    fn default() -> Self {
        Marks([0; Mark::ALL.len()])
    }
}

impl Marks {
    /// Reached once more.
    pub fn reach(&mut self, mark: Mark) {
        self.0[mark.index()] += 1;
    }

    /// How often.
    #[must_use]
    pub fn of(&self, mark: Mark) -> u64 {
        self.0[mark.index()]
    }

    /// Adds another world's.
    pub fn add(&mut self, other: &Marks) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }

    /// Those that were not reached.
    pub fn missing(&self) -> impl Iterator<Item = Mark> + '_ {
        Mark::ALL.iter().copied().filter(|mark| self.of(*mark) == 0)
    }
}
