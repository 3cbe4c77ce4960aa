//! What checkers see: inputs and outputs, as facts. Never the inside of a machine.

use bytes::Bytes;
use std::net::IpAddr;

use starling_core::client::{ExitCode, Line};
use starling_core::id::Ticket;
use starling_core::name::{AccountName, Name};
use starling_core::store::{Snapshot, StoreOutcome, Write};
use starling_core::wire::{Request, ServerFrame};

use crate::folder::Folder;

/// Whom a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A user.
    User(u16),
    /// A name that nobody has.
    Nobody,
    /// A word that cannot be a name.
    Impossible,
}

impl Target {
    /// The name that nobody has.
    pub const NOBODY: &'static str = "bob";
    /// The word that cannot be a name.
    pub const IMPOSSIBLE: &'static str = "b@b";
}

/// A line that a person types once he is welcome, as he means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `message`, with the number of what is said.
    Message(Target, u32),
    /// `broadcast`, with the number of what is said.
    Broadcast(u32),
    /// `whoelse`
    Who,
    /// `whoelsesince`
    Since(u64),
    /// `block` (true) or `unblock`.
    Block(Target, bool),
    /// `startprivate`
    Start(Target),
    /// `private`, with the number of what is said.
    Whisper(Target, u32),
    /// `stopprivate`
    Stop(Target),
    /// `p2pDownload`: which file, and which content if it has several.
    Fetch(u8, Option<u8>),
    /// `cancel`: which file.
    Cancel(u8),
    /// `downloads`
    Downloads,
    /// `files`
    Files,
    /// `logout`
    Logout,
    /// A line that the client answers itself, or that means nothing: index into [`Command::SLIPS`].
    Slip(u8),
}

impl Command {
    /// It is about private sessions: its answer depends on what other clients do.
    #[must_use]
    pub fn is_private(self) -> bool {
        matches!(self, Command::Start(_) | Command::Whisper(..) | Command::Stop(_))
    }

    /// It is about files: its answer depends on what other clients have.
    #[must_use]
    pub fn is_about_files(self) -> bool {
        matches!(self, Command::Fetch(..) | Command::Cancel(_) | Command::Downloads | Command::Files)
    }

    /// Lines that are no good command, and what they are answered with.
    pub const SLIPS: [(&'static [u8], Option<&'static str>); 14] = [
        (b"", None),
        (b"   ", None),
        (b"whatsthetime", Some("Error. Invalid command: whatsthetime")),
        (b"message", Some("Error. Usage: message <user> <text>")),
        (b"message yoda", Some("Error. Usage: message <user> <text>")),
        (b"message yoda    ", Some("Error. Usage: message <user> <text>")),
        (b"broadcast", Some("Error. Usage: broadcast <text>")),
        (b"whoelse now", Some("Error. Usage: whoelse")),
        (b"whoelsesince soon", Some("Error. Usage: whoelsesince <seconds>")),
        (b"block", Some("Error. Usage: block <user>")),
        (b"unblock hans yoda", Some("Error. Usage: unblock <user>")),
        (b"Logout", Some("Error. Invalid command: Logout")),
        (b"\xff\xfe", Some("Error. Not valid UTF-8.")),
        (b"message b@b hello", Some("Error. Unknown user: b@b")),
    ];
}

/// One thing that was seen.
#[derive(Debug)]
pub enum Fact<'a> {
    /// A life of the server began.
    Began {
        /// What it starts from.
        snapshot: &'a Snapshot,
        /// Its computer has booted since the last one.
        rebooted: bool,
    },
    /// A life of the server ended.
    Crashed,
    /// The operator wants the server to stop.
    Stopping,
    /// A connection was accepted.
    Opened {
        /// Which.
        link: u32,
        /// Where it comes from.
        from: IpAddr,
    },
    /// Bytes came, whatever they are.
    Heard {
        /// Where.
        link: u32,
    },
    /// An attempt to log in came.
    Tried {
        /// Where.
        link: u32,
        /// Whose account.
        account: AccountName,
        /// The letters up to here have been seen.
        seen: starling_core::id::Seq,
    },
    /// A request came.
    Asked {
        /// Where.
        link: u32,
        /// What.
        request: &'a Request,
    },
    /// A connection was closed from outside.
    Gone {
        /// Which.
        link: u32,
    },
    /// The server reads no more, or again.
    Paused {
        /// Where.
        link: u32,
        /// No more.
        on: bool,
    },
    /// So much is not taken by the peer's system.
    Unread {
        /// Where.
        link: u32,
        /// Bytes.
        bytes: u32,
    },
    /// The server wants a password checked.
    Verify {
        /// Whose.
        account: AccountName,
        /// Number of the order.
        ticket: Ticket,
    },
    /// A password was checked.
    Verified {
        /// Whose.
        account: AccountName,
        /// Number of the order.
        ticket: Ticket,
        /// It was right.
        right: bool,
    },
    /// The server says something.
    Told {
        /// Where.
        link: u32,
        /// What.
        frame: &'a ServerFrame,
    },
    /// The server sends a broadcast.
    Cast {
        /// Where.
        links: &'a [u32],
        /// Who says it.
        from: Name,
        /// The number of what is said.
        tag: Option<u32>,
    },
    /// Whoever was welcomed has been sent the mail that waited: from now on he is one of those who are
    /// online. Nobody says so; it follows from what was sent.
    Joined {
        /// Where he is.
        link: u32,
        /// It was just now; else it was at some time since his welcome.
        now: bool,
    },
    /// The server ends a connection.
    Shut {
        /// Which.
        link: u32,
        /// After everything was sent.
        flush: bool,
    },
    /// Something has become durable.
    Kept {
        /// What.
        write: &'a Write,
    },
    /// The store answered.
    Stored {
        /// What became of the batch.
        outcome: StoreOutcome,
    },
    /// The server has done what an input asked for.
    Stepped {
        /// The input was a chime.
        chime: bool,
    },
    /// A client was started.
    Started {
        /// On this link.
        link: u32,
        /// Of this user, or of nobody.
        user: Option<u16>,
        /// On which of his devices.
        device: u8,
    },
    /// A person typed a command.
    Typed {
        /// At the client of this link.
        link: u32,
        /// What.
        command: &'a Command,
    },
    /// A client showed a line.
    Shown {
        /// The client of this link.
        link: u32,
        /// What.
        line: &'a Line,
        /// The number in it, if somebody says it.
        tag: Option<u32>,
        /// It was a letter and its note was lost: the client was killed between the two.
        killed: bool,
    },
    /// A client ended.
    Exited {
        /// The client of this link.
        link: u32,
        /// How; nothing if it was killed.
        code: Option<ExitCode>,
    },
    /// This is in a folder.
    Folder {
        /// Whose.
        user: u16,
        /// On which of his devices.
        device: u8,
        /// What.
        folder: &'a Folder,
    },
    /// A client gives a piece of a file to another, or takes one from him.
    Piece {
        /// The client of this link.
        link: u32,
        /// With whom.
        with: u16,
    },
    /// The run is over and all is calm.
    Over,
}

/// The number in what is said, if the world gave it one.
#[must_use]
pub fn number(text: &Bytes) -> Option<u32> {
    let [b'm', digits @ ..] = &text[..] else { return None };
    let mut number = 0_u32;
    let mut any = false;
    for digit in digits.iter().map_while(|byte| byte.is_ascii_digit().then(|| byte - b'0')) {
        number = number.checked_mul(10)?.checked_add(u32::from(digit))?;
        any = true;
    }
    any.then_some(number)
}
