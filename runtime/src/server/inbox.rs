//! What other threads tell the shard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use starling_core::auth::credentials::Entry;
use starling_core::id::Ticket;
use starling_core::name::AccountName;

use crate::net::ready::{ReadyList, Who};
use crate::store::Answer;

/// Something from another thread.
#[derive(Debug)]
pub(crate) enum Note {
    /// An answer of the store.
    Answer(Answer),
    /// A password was checked.
    Verified {
        /// The account it was about.
        account: AccountName,
        /// The number of the order.
        ticket: Ticket,
        /// A known name and its password.
        right: bool,
    },
    /// The credentials were read again.
    Credentials(Vec<Entry>),
    /// Tell everybody, and end.
    Stop,
    /// End at once.
    Kill,
}

/// Notes on their way to the shard, in order; each wakes it.
///
/// Bounded by what its writers may have under way: the store answers orders and takes a bounded number of
/// them, the machine has a bounded number of passwords checked, and whoever holds the server asks for little.
#[derive(Debug)]
pub(crate) struct Inbox {
    notes: Mutex<VecDeque<Note>>,
    ready: Arc<ReadyList>,
}

impl Inbox {
    /// An empty inbox that wakes whoever collects from `ready`.
    pub(crate) fn new(ready: Arc<ReadyList>) -> Inbox {
        Inbox { notes: Mutex::default(), ready }
    }

    /// Leaves a note.
    pub(crate) fn push(&self, note: Note) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push_back(note);
        self.ready.push(Who::Inbox);
    }

    /// Takes the oldest note.
    pub(crate) fn pop(&self) -> Option<Note> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}
