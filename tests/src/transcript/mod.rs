//! Transcripts: who types what, who sees what.
//!
//! ```text
//! # D4 Messages: what a message does, and what can be wrong with it.
//! server 60 120
//! (hans and yoda are online)
//!
//! hans> message yoda Hey  Dude
//!     yoda< hans: Hey  Dude
//!     hans< (nothing)
//! @60
//! yoda> logout
//!     yoda< You are logged out.
//!     yoda< (exit 0)
//!     others< yoda logged out
//! ```
//!
//! **Head**, before the first step:
//! - `server <block_duration> <timeout>`, as the program's arguments;
//! - `user <name> <password>`: one more than the sample users;
//! - `limit <key> = <value>`, as in `server.toml`;
//! - `patience <seconds>`: how long after a step its last line may come; 1 if it is not said;
//! - `only in process`: not with the programs, which let no test do what it needs; `only simulated`: in the
//!   simulator alone;
//! - `file <person> <name> = <content>`: a file in the folder that he offers. A content is written in quotes, or as
//!   `1048576 bytes of "seed"`, bytes that follow from the seed. `7 chunks of` a content are no file, but what an
//!   earlier run has left of a download.
//!
//! **Steps**, one a line; `#` begins a comment line, spaces in front mean nothing:
//! - `hans> whoelse`: he types a line. `hans>` alone is an empty line, `hans> (end of input)` no line any
//!   more, `hans> (interrupt)` a Ctrl-C.
//! - `hans< yoda`: the next line that he sees. `hans< (nothing)`: he sees no further line. `hans< (exit 4)`:
//!   his client has ended with that status, and there was no further line.
//! - `hans<~ a: # of 16 chunks`: a line of this form, in which each `#` stands for some number, and each `*` for any
//!   text.
//! - `others< yoda logged in`: everybody who is online and is not named in this paragraph (that is, since
//!   the last blank line; `is online` names nobody) sees that line; `everyone<` means all who are online.
//! - `@60`: so many seconds after the first moment, which is the present whatever its number. What follows
//!   a moment must not be seen before it.
//! - `(hans and yoda are online)`, `(hans logs in)` with his password, `(hans connects)` and types nothing;
//! - `(hans's client is killed)`, `(hans's client stands still)`, `(hans's client goes on)`,
//!   `(hans's line is cut)`;
//! - `(the server is killed)`, `(the server is told to stop)`, `(the server starts again)`,
//!   `(the server is killed and starts again)`, `(the disk is full)`, `(the disk has room again)`.
//! - `hans has report.pdf = <content>`, `hans has no report.pdf`: what can be seen in his folder now.
//! - `hans puts report.pdf = <content>`, `hans removes report.pdf`: he changes what is there. Where the programs are
//!   run, only while he has no client: theirs notice it in their own time.
//! - `(hans's report.pdf is being indexed)`, `(hans's report.pdf is indexed)`, `(hans's disk is full)`,
//!   `(hans's disk has room again)`, `(hans lies about what is in his files)`.
//!
//! `hans@laptop` is hans on another device. A line that does not show in a text file is written in quotes,
//! with the escapes `\t`, `\r`, `\"`, `\\`, `\xff` and `\u{202e}`, and with repetitions:
//! `hans>"message yoda " "x"*16385`. The name of a file may be quoted, too.
//!
//! **Nothing is overlooked**: a line that is seen and stands nowhere is a failure, at the latest at the end.

mod folder;
mod parse;
mod quote;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use starling_core::filename::FileName;

pub use folder::Change;

/// A conversation.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// Where it is held.
    pub setup: Setup,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// What stands in the head.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How long an account is locked, in seconds.
    pub block_duration_s: u32,
    /// How long a person may do nothing, in seconds.
    pub timeout_s: u32,
    /// Name and password of each user.
    pub users: Vec<(String, String)>,
    /// Limits that differ, as key and value of `server.toml`.
    pub limits: Vec<(String, u32)>,
    /// How long after a step its last line may come.
    pub patience: Duration,
    /// Where it can be held at all.
    pub reach: Reach,
    /// What is in people's folders.
    pub files: Vec<(Who, Change)>,
}

/// Where a conversation can be held. The further down, the further from a real network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// With the programs, and everywhere else.
    Programs,
    /// In one process, over TCP or simulated.
    InProcess,
    /// Only in the simulator.
    Simulated,
}

/// A step, and where it stands.
#[derive(Clone, Debug)]
pub struct Step {
    /// The number of its line; the first is 1.
    pub line: usize,
    /// The number of its paragraph.
    pub paragraph: usize,
    /// What happens.
    pub what: What,
}

/// What happens, or must have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// This moment is awaited.
    Moment(Duration),
    /// They log in, one after the other, and see and are seen as they must.
    AreOnline(Vec<Who>),
    /// Somebody does something.
    Does(Who, Deed),
    /// Somebody must see something.
    Sees(Whom, Sight),
    /// Something becomes of the server.
    Server(Fate),
    /// Something becomes of what is in somebody's folder.
    Changes(Who, Change),
    /// Somebody must have this file in his folder, or none of this name.
    Has(Who, FileName, Option<Bytes>),
}

/// What a person does, or what becomes of his client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Starts a client.
    Connects,
    /// Starts a client and types name and password.
    LogsIn,
    /// Types a line.
    Types(Vec<u8>),
    /// Has no more to type.
    EndsInput,
    /// Presses Ctrl-C.
    Interrupts,
    /// The client is killed: it can say nothing more to anybody.
    IsKilled,
    /// The client does nothing for a while.
    StandsStill,
    /// The client goes on.
    GoesOn,
    /// The connection breaks.
    IsCut,
}

/// What becomes of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is killed, as a crash would.
    Killed,
    /// The operator stops it.
    Stopped,
    /// It starts, with the data it had.
    Started,
    /// Its disk takes nothing more.
    DiskFull,
    /// Its disk takes something again.
    DiskHasRoom,
}

/// Who must see something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// He.
    One(Who),
    /// All who are online and not named in the paragraph.
    Others,
    /// All who are online.
    Everyone,
}

/// What is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// This line.
    Line(String),
    /// A line like this one, in which each `#` is some number, and each `*` any text.
    Form(String),
    /// No line.
    Nothing,
    /// The end of the client, with this status.
    Exit(i32),
}

/// A person at a device: `hans`, or `hans@laptop`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who(String);

impl Who {
    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The user's name, without the device.
    #[must_use]
    pub fn user(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setup {
    /// The password of a user.
    #[must_use]
    pub fn password_of(&self, user: &str) -> Option<&str> {
        self.users.iter().find(|(name, _)| name == user).map(|(_, password)| password.as_str())
    }
}

impl Transcript {
    /// Reads a transcript from its text.
    ///
    /// # Errors
    /// Says which line is wrong, and how.
    pub fn parse(text: &str) -> Result<Transcript, String> {
        parse::transcript(text)
    }

    /// Reads a transcript from its file.
    ///
    /// # Errors
    /// Says which file or line is wrong, and how.
    pub fn read(path: &Path) -> Result<Transcript, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Transcript::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// A moment stands in it: real programs need as long for it as it says.
    #[must_use]
    pub fn has_moments(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.what, What::Moment(_)))
    }
}
