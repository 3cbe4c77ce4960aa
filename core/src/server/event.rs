//! What can happen to a server: facts, in the past tense.

use alloc::vec::Vec;
use core::net::IpAddr;

use bytes::Bytes;

use crate::id::{ConnId, Seq, Ticket, UserId};
use crate::name::{AccountName, Name};
use crate::store::{BatchKey, StoreOutcome, StoredLetter};
use crate::time::Time;

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When. Never earlier than the event before.
    pub at: Time,
    /// What.
    pub input: Input,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A connection was accepted. Its id has not been used before.
    Opened {
        /// The new connection.
        conn: ConnId,
        /// Where it comes from.
        from: IpAddr,
    },
    /// Bytes came, cut anywhere.
    Received {
        /// From which connection.
        conn: ConnId,
        /// At least one byte.
        bytes: Bytes,
    },
    /// After an attempt to write, so many bytes are left that the peer's system has not taken; told only
    /// when it is not zero, and then at each change until it is zero again.
    Unread {
        /// On which connection.
        conn: ConnId,
        /// What is left.
        bytes: u32,
    },
    /// The peer closed or reset the connection, or it broke. Not told after an order to close.
    Closed {
        /// Which connection.
        conn: ConnId,
    },
    /// The answer to an order to prove.
    Proven {
        /// On which connection.
        conn: ConnId,
        /// The device that the proof names is at its other end.
        holds: bool,
    },
    /// The answer to an order to verify.
    Verified {
        /// The account it was about.
        account: AccountName,
        /// The number of the order.
        ticket: Ticket,
        /// A known name and its password.
        right: bool,
    },
    /// The answer to an order to store.
    Stored {
        /// The key of the batch.
        key: BatchKey,
        /// What became of it.
        outcome: StoreOutcome,
    },
    /// The answer to an order to load.
    Loaded {
        /// Whose mailbox.
        user: UserId,
        /// The number of the order.
        ticket: Ticket,
        /// The letters, ascending, without a gap from the one after `after`; nothing if the store could not read.
        letters: Option<Vec<StoredLetter>>,
    },
    /// The credentials changed: these are the users now. Those who are no longer listed stay online until
    /// they log out; those who are listed again find what was theirs.
    Users {
        /// All of them.
        users: Vec<(UserId, Name)>,
    },
    /// The operator wants the server to stop.
    Stop,
    /// The deadline came.
    Chime,
}

/// Where a page of letters begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageOrder {
    /// Whose mailbox.
    pub user: UserId,
    /// The number of the order.
    pub ticket: Ticket,
    /// Letters after this one.
    pub after: Seq,
    /// Up to and with this one.
    pub upto: Seq,
    /// Stop once the texts have so many bytes; at least one letter.
    pub bytes_max: usize,
}
