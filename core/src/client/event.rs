//! What can happen to a client: facts, in the past tense.

use alloc::vec::Vec;
use bytes::Bytes;

use super::file::FileEvent;
use super::peers::KnownKey;
use crate::device::{DeviceKey, DeviceProof};
use crate::direct::{Pass, Reach};
use crate::id::{ConnId, MsgId, Seq};
use crate::limits::LINE_MAX;
use crate::name::Name;
use crate::time::Time;
use crate::wire::Offer;

/// Bytes of a typed line that a face passes on at most; it drops the rest. Enough to see that the line is
/// too long, also when one byte of it is the `\r` of its end.
pub const TYPED_MAX: usize = LINE_MAX + 2;

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
    /// The connection to the server is there.
    Opened,
    /// The driver listens for other clients. Once, before the connection opens; without it nobody is reached.
    Listening(Reach),
    /// A connection to another client is there, and its other end has proven a key.
    PeerOpened {
        /// The new connection. Its id has not been used before.
        peer: ConnId,
        /// The key.
        key: DeviceKey,
        /// For which introduction it was dialed; nothing if it was accepted.
        pass: Option<Pass>,
    },
    /// Bytes came from another client, cut anywhere.
    PeerReceived {
        /// From which connection.
        peer: ConnId,
        /// At least one byte.
        bytes: Bytes,
    },
    /// A connection to another client ended or broke. Not told after an order to close.
    PeerClosed {
        /// Which connection.
        peer: ConnId,
    },
    /// The files that are offered, in answer to `Look`.
    Looked {
        /// The number of the server's question.
        question: u32,
        /// The files, in any order.
        offers: Vec<Offer>,
        /// There is one more that fits, and what it is will be known later.
        indexing: bool,
    },
    /// Something came of an order about files.
    File(FileEvent),
    /// Bytes came from the server, cut anywhere.
    Received(Bytes),
    /// The connection to the server ended or broke.
    Closed,
    /// What this device remembers of this user at this server, in answer to `Recall`.
    Recalled(Memory),
    /// A line was typed, without its newline and cut to [`TYPED_MAX`]. Only while the machine
    /// [wants a line](super::Client::wants_line).
    Typed(Bytes),
    /// No more lines will come. Also only while the machine wants a line.
    EndOfInput,
    /// The person wants out (Ctrl-C, SIGTERM, SIGHUP, or nobody reads what is shown): as `logout`, at any time.
    Interrupted,
    /// The deadline came.
    Chime,
}

/// What a device keeps between two runs of the client: which letters it has shown, and which device it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The last letter shown.
    pub seen: Seq,
    /// The last message shown of each sender's instances.
    pub marks: Vec<(Name, MsgId)>,
    /// The proof of its key on this connection, if it has one.
    pub device: Option<DeviceProof>,
    /// The keys of others, as they were met.
    pub peers: Vec<(Name, KnownKey)>,
}
