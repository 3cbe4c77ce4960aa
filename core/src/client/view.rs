//! What a person should see, as data. Faces draw it; the plain face prints [`Line`] as it displays.
//!
//! The texts are those of behaviour.md, to the letter.

mod download;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use download::{DownloadComplaint, DownloadLine, Progress};

use super::peers::SafetyNumber;
use crate::name::Name;
use crate::text::Text;
use crate::wire::{LoginRefusal, Offer, Presence};

/// Digits of a content id that are shown: so many that no two files of a team share them.
const ID_DIGITS: usize = 16;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A user name.
    Name,
    /// A password, not echoed.
    Password,
    /// A command.
    Command,
}

/// One line that a person sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `Welcome, yoda.`
    Welcome(Name),
    /// A refused login, and whose, if what was typed can be a name at all.
    LoginRefused(Option<Name>, LoginRefusal),
    /// `hans: hello`
    Said(Name, Text),
    /// `yoda logged in`
    Presence(Presence),
    /// A name in a list.
    Listed(Name),
    /// `No other user is online.`
    NobodyOnline,
    /// `No other user was online.`
    NobodySince,
    /// `luke is offline. Your message will be delivered at the next login.`
    Queued(Name),
    /// `Your message could not be delivered to some recipients.`
    Partly,
    /// `hans is blocked.`
    Blocked(Name),
    /// `hans is unblocked.`
    Unblocked(Name),
    /// `0123456789abcdef 1048576 bytes report.pdf, owners: luke, yoda`
    Offered(Listing),
    /// `Nobody online offers such a file.`
    NoFiles,
    /// What there is to say of a download.
    Download(DownloadLine),
    /// `Private session with luke started.`
    PrivateStarted(Name),
    /// `hans started a private session with you.`
    PrivateStartedBy(Name),
    /// `hans(private): hello`
    Whispered(Name, Text),
    /// `Private session with luke closed.`
    PrivateClosed(Name),
    /// `luke closed the private session.`
    PrivateClosedBy(Name),
    /// `Private session with luke ended: luke logged out.`
    PrivateLoggedOut(Name),
    /// `Private session with luke ended: connection lost.`
    PrivateLost(Name),
    /// `Warning. The key of luke has changed. Compare it with: verify luke`
    KeyChanged(Name),
    /// `Safety number with luke: 12345 …`
    SafetyNumber(Name, SafetyNumber),
    /// `luke is verified.`
    Verified(Name),
    /// `You are logged out.`
    LoggedOut,
    /// `You have been logged out after 120 seconds of inactivity.`
    TimedOut(u32),
    /// `The server is busy. Try again later.`
    Busy,
    /// `The server is shutting down.`
    ShuttingDown,
    /// `You have been disconnected: too many commands.`
    TooManyCommands,
    /// `Connection to the server lost.`
    ConnectionLost,
    /// A refused command: begins with `Error. `.
    Refused(Complaint),
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// `Error. Usage: message <user> <text>`: the form of a command.
    Usage(&'static str),
    /// `Error. Invalid command: whatsthetime`: at most 32 characters of it.
    InvalidCommand(String),
    /// `Error. Line too long (limit 65536 bytes).`
    LineTooLong,
    /// `Error. Not valid UTF-8.`
    NotUtf8,
    /// `Error. Message too long (limit 16384 bytes).`
    MessageTooLong,
    /// `Error. Unknown user: bob`
    UnknownUser(String),
    /// `Error. Cannot message yourself.`
    MessageYourself,
    /// `Error. Cannot block yourself.`
    BlockYourself,
    /// `Error. Cannot unblock yourself.`
    UnblockYourself,
    /// `Error. Not delivered: luke has blocked you.`
    BlockedBy(Name),
    /// `Error. hans is already blocked.`
    AlreadyBlocked(Name),
    /// `Error. hans was not blocked.`
    NotBlocked(Name),
    /// `Error. Not delivered: the mailbox of luke is full.`
    MailboxFull(Name),
    /// `Error. Not delivered: the server cannot store messages now.`
    CannotStore,
    /// `Error. Not stored: the server cannot store anything now.`: a block or unblock that did not happen.
    NotStored,
    /// `Error. Cannot start a private session with yourself.`
    PrivateYourself,
    /// `Error. A private session with luke is already active.`
    PrivateActive(Name),
    /// `Error. luke has blocked you.`
    HasBlockedYou(Name),
    /// `Error. You have blocked luke.`
    YouHaveBlocked(Name),
    /// `Error. luke is offline.`
    Offline(Name),
    /// `Error. Could not reach luke directly.`
    Unreached(Name),
    /// `Error. No private session with luke.`
    NoSession(String),
    /// `Error. luke can no longer be reached. The private session is closed.`
    Gone(Name),
    /// `Error. The key of luke has changed. Compare it with: verify luke`
    KeyChanged(Name),
    /// Why a file is not downloaded.
    Download(DownloadComplaint),
    /// `Error. No key of luke is known. Start a private session first.`
    NoKey(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Welcome(name) => write!(f, "Welcome, {name}."),
            Line::LoginRefused(name, refusal) => login_refused(f, *name, *refusal),
            Line::Said(from, text) => write!(f, "{from}: {}", crate::escape::text(text.as_str())),
            Line::Presence(Presence { name, online: true }) => write!(f, "{name} logged in"),
            Line::Presence(Presence { name, online: false }) => write!(f, "{name} logged out"),
            Line::Listed(name) => write!(f, "{name}"),
            Line::NobodyOnline => f.write_str("No other user is online."),
            Line::NobodySince => f.write_str("No other user was online."),
            Line::Queued(name) => {
                write!(f, "{name} is offline. Your message will be delivered at the next login.")
            }
            Line::Partly => f.write_str("Your message could not be delivered to some recipients."),
            Line::Blocked(name) => write!(f, "{name} is blocked."),
            Line::Unblocked(name) => write!(f, "{name} is unblocked."),
            Line::Offered(file) => write!(f, "{file}"),
            Line::Download(line) => write!(f, "{line}"),
            Line::NoFiles => f.write_str("Nobody online offers such a file."),
            Line::PrivateStarted(name) => write!(f, "Private session with {name} started."),
            Line::PrivateStartedBy(name) => write!(f, "{name} started a private session with you."),
            Line::Whispered(from, text) => {
                write!(f, "{from}(private): {}", crate::escape::text(text.as_str()))
            }
            Line::PrivateClosed(name) => write!(f, "Private session with {name} closed."),
            Line::PrivateClosedBy(name) => write!(f, "{name} closed the private session."),
            Line::PrivateLoggedOut(name) => {
                write!(f, "Private session with {name} ended: {name} logged out.")
            }
            Line::PrivateLost(name) => write!(f, "Private session with {name} ended: connection lost."),
            Line::KeyChanged(name) => write!(f, "Warning. {}", Complaint::KeyChanged(*name)),
            Line::SafetyNumber(name, number) => write!(f, "Safety number with {name}: {number}"),
            Line::Verified(name) => write!(f, "{name} is verified."),
            Line::LoggedOut => f.write_str("You are logged out."),
            Line::TimedOut(seconds) => {
                write!(f, "You have been logged out after {} of inactivity.", Seconds(*seconds))
            }
            Line::Busy => f.write_str("The server is busy. Try again later."),
            Line::ShuttingDown => f.write_str("The server is shutting down."),
            Line::TooManyCommands => f.write_str("You have been disconnected: too many commands."),
            Line::ConnectionLost => f.write_str("Connection to the server lost."),
            Line::Refused(complaint) => write!(f, "Error. {complaint}"),
        }
    }
}

fn login_refused(f: &mut fmt::Formatter<'_>, name: Option<Name>, refusal: LoginRefusal) -> fmt::Result {
    const WRONG: &str = "Invalid user name or password.";
    match refusal {
        LoginRefusal::TryAgain => write!(f, "{WRONG} Please try again."),
        LoginRefusal::LockedNow { seconds } => {
            write!(f, "{WRONG} This account is locked for {}.", Seconds(seconds))
        }
        LoginRefusal::Locked { seconds } => write!(
            f,
            "This account is locked after repeated login failures. Try again in {}.",
            Seconds(seconds)
        ),
        LoginRefusal::AlreadyOnline => match name {
            Some(name) => write!(f, "{name} is already logged in."),
            None => f.write_str("That user is already logged in."),
        },
        LoginRefusal::Busy => write!(f, "{}", Line::Busy),
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Complaint::Usage(form) => write!(f, "Usage: {form}"),
            Complaint::InvalidCommand(word) => write!(f, "Invalid command: {}", crate::escape::name(word)),
            Complaint::LineTooLong => write!(f, "Line too long (limit {} bytes).", crate::limits::LINE_MAX),
            Complaint::NotUtf8 => f.write_str("Not valid UTF-8."),
            Complaint::MessageTooLong => {
                write!(f, "Message too long (limit {} bytes).", crate::limits::TEXT_MAX)
            }
            Complaint::UnknownUser(word) => write!(f, "Unknown user: {}", crate::escape::name(word)),
            Complaint::MessageYourself => f.write_str("Cannot message yourself."),
            Complaint::BlockYourself => f.write_str("Cannot block yourself."),
            Complaint::UnblockYourself => f.write_str("Cannot unblock yourself."),
            Complaint::BlockedBy(name) => write!(f, "Not delivered: {name} has blocked you."),
            Complaint::AlreadyBlocked(name) => write!(f, "{name} is already blocked."),
            Complaint::NotBlocked(name) => write!(f, "{name} was not blocked."),
            Complaint::MailboxFull(name) => write!(f, "Not delivered: the mailbox of {name} is full."),
            Complaint::CannotStore => f.write_str("Not delivered: the server cannot store messages now."),
            Complaint::NotStored => f.write_str("Not stored: the server cannot store anything now."),
            Complaint::PrivateYourself => f.write_str("Cannot start a private session with yourself."),
            Complaint::PrivateActive(name) => write!(f, "A private session with {name} is already active."),
            Complaint::HasBlockedYou(name) => write!(f, "{name} has blocked you."),
            Complaint::YouHaveBlocked(name) => write!(f, "You have blocked {name}."),
            Complaint::Offline(name) => write!(f, "{name} is offline."),
            Complaint::Unreached(name) => write!(f, "Could not reach {name} directly."),
            Complaint::NoSession(word) => write!(f, "No private session with {}.", crate::escape::name(word)),
            Complaint::Gone(name) => {
                write!(f, "{name} can no longer be reached. The private session is closed.")
            }
            Complaint::KeyChanged(name) => {
                write!(f, "The key of {name} has changed. Compare it with: verify {name}")
            }
            Complaint::Download(complaint) => write!(f, "{complaint}"),
            Complaint::NoKey(word) => {
                let name = crate::escape::name(word);
                write!(f, "No key of {name} is known. Start a private session first.")
            }
        }
    }
}

/// A file that is offered, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The file.
    pub offer: Offer,
    /// Who offers it, sorted.
    pub owners: Vec<Name>,
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Offer { name, content, size } = &self.offer;
        let bytes = if *size == 1 { "byte" } else { "bytes" };
        write!(f, "{content:.ID_DIGITS$} {size} {bytes} {}, owners: ", crate::escape::name(name.as_str()))?;
        names(f, &self.owners)
    }
}

/// Names, one after the other.
fn names(f: &mut fmt::Formatter<'_>, names: &[Name]) -> fmt::Result {
    names.iter().enumerate().try_for_each(|(place, name)| {
        let gap = if place == 0 { "" } else { ", " };
        write!(f, "{gap}{name}")
    })
}

/// A number of seconds in words: one is singular.
struct Seconds(u32);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 second"),
            n => write!(f, "{n} seconds"),
        }
    }
}
