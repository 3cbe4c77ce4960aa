//! Which letters were shown before, by this run of the client or an earlier one.

use crate::id::{Epoch, MsgId, Seq};
use crate::name::Name;
use crate::people::marks::Marks;

use super::event::Memory;

/// The cursor into the mailbox and the last message of each sender: together they show a letter once.
///
/// The cursor alone would do if a letter had one place for ever. It has not: a sender who never learned
/// that his message was taken sends it again, and it gets another place; the mark of its [`MsgId`]
/// recognises it there.
#[derive(Clone, Debug)]
pub(super) struct Letters {
    seen: Seq,
    marks: Marks<Name>,
}

impl Letters {
    /// What a device remembers, at a server that lives its `epoch`.
    ///
    /// A cursor above that epoch comes from a later life than this one: the server's data was put back
    /// to an older state, and its places say nothing.
    pub(super) fn recall(memory: Memory, epoch: Epoch) -> Letters {
        let seen = if memory.seen.epoch() > epoch { Seq::START } else { memory.seen };
        Letters { seen, marks: memory.marks.into_iter().collect() }
    }

    /// The last letter shown.
    pub(super) fn seen(&self) -> Seq {
        self.seen
    }

    /// A letter came: is it to be shown? From now on it counts as seen.
    pub(super) fn admit(&mut self, seq: Seq, from: Name, id: MsgId) -> bool {
        let fresh = seq > self.seen && self.marks.is_new(from, id);
        self.seen = self.seen.max(seq);
        if fresh {
            self.marks.note(from, id);
        }
        fresh
    }
}
