//! What a client wants done: orders.

use super::view::{Line, Prompt};
use crate::id::{MsgId, Seq, ServerId};
use crate::name::Name;
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
