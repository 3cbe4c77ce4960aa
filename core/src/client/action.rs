//! What a client wants done: orders.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::file::FileOrder;
use super::peers::KnownKey;
use super::view::{Line, Prompt};
use crate::device::DeviceKey;
use crate::direct::{Pass, Role};
use crate::id::{ConnId, MsgId, Seq, ServerId};
use crate::name::Name;
use crate::pattern::Pattern;
use crate::time::Time;
use crate::wire::Frame;

/// An order to the driver. Orders are carried out in the order in which they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write a frame to the server.
    Send(Frame),
    /// Look up what this device remembers; answered with `Recalled` (nothing kept: the default).
    Recall {
        /// At which server.
        server: ServerId,
        /// As whom.
        user: Name,
    },
    /// Show a line, and note with it what makes sure that it is not shown again. One order: a client
    /// that is killed between the two may show the line once more, never lose it.
    Show {
        /// What to show.
        line: Line,
        /// What to remember, if it was a letter.
        note: Option<Note>,
    },
    /// Tell something that is no event of the conversation: how far a download has come.
    Hint(Line),
    /// Accept connections of this key until then.
    Expect {
        /// The key that the other end must prove.
        key: DeviceKey,
        /// When it is no longer accepted.
        until: Time,
    },
    /// Connect to one of these, whoever of them proves this key; those that do are told with `PeerOpened`. The places
    /// are the server's word: [`may_dial`](crate::direct::place::may_dial) says which are dialed at all.
    Dial {
        /// For which introduction.
        pass: Pass,
        /// Which part this client has in it: whoever is called may leave the caller a moment to come.
        role: Role,
        /// The key that the other end must prove.
        key: DeviceKey,
        /// Where, the likeliest first.
        candidates: Vec<SocketAddr>,
    },
    /// Dial no more for this introduction.
    Abandon {
        /// Which.
        pass: Pass,
    },
    /// Write a frame to another client.
    SendPeer {
        /// On which connection.
        peer: ConnId,
        /// What.
        frame: Frame,
    },
    /// End a connection to another client once what was sent is out. Nothing more is told about it.
    ClosePeer {
        /// Which connection.
        peer: ConnId,
    },
    /// Note the key of somebody.
    Remember {
        /// Whose.
        user: Name,
        /// What is known of it.
        known: KnownKey,
    },
    /// Look up which files are offered; answered with `Looked`.
    Look {
        /// The number of the server's question.
        question: u32,
        /// What their names must fit.
        pattern: Pattern,
    },
    /// Do something with files.
    File(FileOrder),
    /// Ask for a line. Plain faces ignore it.
    Ask(Prompt),
    /// End the program once what was sent and shown is out.
    Exit(ExitCode),
}

/// What a device notes when it has shown a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// The place of the letter.
    pub seq: Seq,
    /// Who said it.
    pub from: Name,
    /// The identity of the message.
    pub id: MsgId,
}

/// The exit status of the client (behaviour.md §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Logged out.
    LoggedOut = 0,
    /// Cannot connect; connection lost; server busy or stopping.
    Lost = 3,
    /// Login refused.
    Refused = 4,
    /// Logged out for inactivity.
    Idle = 5,
}
