//! What a person types: one line, one command.
//!
//! The [table](TABLE) holds one row a command. [`parse`], the [help](mod@help), the README's table and a
//! face's completion all read it, so a command is added by adding its row and its [`Command`].
//!
//! The grammar knows the form of a line only. Whether there is a user of that name, and what to tell a
//! person, is for the client machine.

pub mod help;
mod parse;
mod table;
mod words;

pub use parse::{INVALID_WORD_CHARS_MAX, Mistake, parse};
pub use table::{Row, TABLE};
pub use words::Word;

use crate::swarm::IdPrefix;
use crate::text::Text;

/// A command as typed, its form checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `message <user> <text>`
    Message {
        /// The receiver; the word need not be a possible name.
        to: Word,
        /// What is said: a slice of the very bytes that were typed.
        text: Text,
    },
    /// `broadcast <text>`
    Broadcast {
        /// What is said: a slice of the very bytes that were typed.
        text: Text,
    },
    /// `whoelse`
    Who,
    /// `whoelsesince <seconds>`
    Since {
        /// How far back, saturated: `u64::MAX` reaches back before every start.
        seconds: u64,
    },
    /// `block <user>`
    Block {
        /// Whom; the word need not be a possible name.
        whom: Word,
    },
    /// `unblock <user>`
    Unblock {
        /// Whom; the word need not be a possible name.
        whom: Word,
    },
    /// What concerns private sessions.
    Private(Private),
    /// `files [<pattern>]`
    Files {
        /// What the names must fit, if not everything does; it may be longer than any name.
        pattern: Option<Word>,
    },
    /// `p2pDownload [--id <id>] <filename>`
    Download {
        /// The beginning of the id of the content that is meant.
        id: Option<IdPrefix>,
        /// The name; it need not be a possible one.
        name: Word,
    },
    /// `downloads`
    Downloads,
    /// `cancel <filename>`
    Cancel {
        /// The name; it need not be a possible one.
        name: Word,
    },
    /// `logout`
    Logout,
}

/// A command about private sessions, its form checked. Words need not be possible names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Private {
    /// `startprivate <user>`
    Start {
        /// With whom.
        whom: Word,
    },
    /// `private <user> <text>`
    Say {
        /// The receiver.
        to: Word,
        /// What is said: a slice of the very bytes that were typed.
        text: Text,
    },
    /// `stopprivate <user>`
    Stop {
        /// With whom.
        whom: Word,
    },
    /// `verify <user> [ok]`
    Verify {
        /// Whose key.
        whom: Word,
        /// It has been compared.
        ok: bool,
    },
}
