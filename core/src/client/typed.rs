//! What a typed line comes to: a request, an answer on the spot, or the end.

use alloc::string::String;

use bytes::Bytes;

use super::asked::Asked;
use super::view::{Complaint, DownloadComplaint, Line};
use crate::command::{self, Command, Mistake, Private, Word};
use crate::filename::FileName;
use crate::name::Name;
use crate::pattern::Pattern;
use crate::swarm::IdPrefix;
use crate::text::Text;

/// What a line means to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Nothing at all.
    Blank,
    /// The client knows the answer.
    Answered {
        /// What the person is told.
        line: Line,
        /// The person was active, and the server must learn it.
        active: bool,
    },
    /// The server must be asked.
    Wish(Wish),
    /// It is between the person and another one.
    Direct(Direct),
    /// It is about downloads.
    Fetch(Fetching),
    /// The person wants out.
    Logout,
}

/// What is to be done about downloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fetching {
    /// Fetch a file.
    Begin { name: FileName, id: Option<IdPrefix> },
    /// List the downloads.
    List,
    /// End one.
    Cancel(FileName),
}

/// What the server is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Message { to: Name, text: Text },
    Broadcast { text: Text },
    Who,
    Since { seconds: u64 },
    Block { whom: Name },
    Unblock { whom: Name },
    Files { pattern: Pattern },
}

/// What goes past the server, or at most begins there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Direct {
    /// Begin a private session.
    Start(Name),
    /// Say something in it.
    Say(Name, Text),
    /// End it.
    Stop(Name),
    /// Show the safety number.
    Compare(Name),
    /// It was compared.
    Verify(Name),
}

/// Reads a typed line.
pub(super) fn read(line: &Bytes) -> Typed {
    match command::parse(line) {
        Ok(None) => Typed::Blank,
        Ok(Some(command)) => meaning(command).unwrap_or_else(|complaint| answered(complaint, true)),
        Err(mistake) => {
            let active = mistake.is_activity();
            answered(complaint(mistake), active)
        }
    }
}

fn answered(complaint: Complaint, active: bool) -> Typed {
    Typed::Answered { line: Line::Refused(complaint), active }
}

/// What a command means; or what is said of a word in it that no user can be called.
fn meaning(command: Command) -> Result<Typed, Complaint> {
    let name = |word: Word| name(word, Complaint::UnknownUser);
    Ok(Typed::Wish(match command {
        Command::Private(private) => return direct(private).map(Typed::Direct),
        Command::Message { to, text } => Wish::Message { to: name(to)?, text },
        Command::Broadcast { text } => Wish::Broadcast { text },
        Command::Who => Wish::Who,
        Command::Since { seconds } => Wish::Since { seconds },
        Command::Block { whom } => Wish::Block { whom: name(whom)? },
        Command::Unblock { whom } => Wish::Unblock { whom: name(whom)? },
        Command::Files { pattern: None } => Wish::Files { pattern: Pattern::any() },
        Command::Files { pattern: Some(word) } => match Pattern::parse(word.as_bytes()) {
            Some(pattern) => Wish::Files { pattern },
            // No name is so long.
            None => return Ok(Typed::Answered { line: Line::NoFiles, active: true }),
        },
        Command::Download { id, name } => return begin(&name, id).map(Typed::Fetch),
        Command::Downloads => return Ok(Typed::Fetch(Fetching::List)),
        Command::Cancel { name } => return cancel(&name).map(Typed::Fetch),
        Command::Logout => return Ok(Typed::Logout),
    }))
}

fn begin(word: &Word, id: Option<IdPrefix>) -> Result<Fetching, Complaint> {
    let name = FileName::parse(word.as_bytes()).ok_or(Complaint::Download(DownloadComplaint::InvalidName))?;
    Ok(Fetching::Begin { name, id })
}

/// What cannot be a name is not being downloaded either.
fn cancel(word: &Word) -> Result<Fetching, Complaint> {
    let complaint = || Complaint::Download(DownloadComplaint::NotRunning(word.as_str().into()));
    FileName::parse(word.as_bytes()).map(Fetching::Cancel).ok_or_else(complaint)
}

fn direct(private: Private) -> Result<Direct, Complaint> {
    Ok(match private {
        Private::Start { whom } => Direct::Start(name(whom, Complaint::UnknownUser)?),
        Private::Say { to, text } => Direct::Say(name(to, Complaint::UnknownUser)?, text),
        Private::Stop { whom } => Direct::Stop(name(whom, Complaint::NoSession)?),
        Private::Verify { whom, ok: false } => Direct::Compare(name(whom, Complaint::NoKey)?),
        Private::Verify { whom, ok: true } => Direct::Verify(name(whom, Complaint::NoKey)?),
    })
}

/// The name that a word is; or what is said of a word that is none.
fn name(word: Word, complaint: fn(String) -> Complaint) -> Result<Name, Complaint> {
    Name::parse(word.as_bytes()).map_err(|_| complaint(word.as_str().into()))
}

fn complaint(mistake: Mistake) -> Complaint {
    match mistake {
        Mistake::LineTooLong => Complaint::LineTooLong,
        Mistake::NotUtf8 => Complaint::NotUtf8,
        Mistake::Invalid(word) => Complaint::InvalidCommand(word.as_str().into()),
        Mistake::Usage(form) => Complaint::Usage(form),
        Mistake::MessageTooLong => Complaint::MessageTooLong,
    }
}

impl Wish {
    /// What the answer will be about.
    pub(super) const fn asked(&self) -> Asked {
        match self {
            Wish::Message { to, .. } => Asked::Message(*to),
            Wish::Broadcast { .. } => Asked::Broadcast,
            Wish::Who => Asked::Who,
            Wish::Since { .. } => Asked::Since,
            Wish::Block { whom } => Asked::Block(*whom),
            Wish::Unblock { whom } => Asked::Unblock(*whom),
            Wish::Files { .. } => Asked::Files,
        }
    }
}
