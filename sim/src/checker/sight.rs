//! What checkers know of one connection, one request, one pair of users.

use std::collections::BTreeSet;
use std::net::IpAddr;

use starling_core::filename::FileName;
use starling_core::id::RequestId;
use starling_core::name::AccountName;
use starling_core::time::Time;

use super::fact::Target;

/// A connection as it looks from outside.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// A life of the server accepted it and has not ended it.
    pub open: bool,
    /// Its client shows what it gets to a person.
    pub honest: bool,
    /// On which device of its user.
    pub device: u8,
    /// Where it comes from.
    pub from: Option<IpAddr>,
    /// Its address had opened too many: it is closed without a word.
    pub unwelcome: bool,
    /// Its address had tried too often: its last attempt is not looked at.
    pub turned_away: bool,
    /// When it was accepted.
    pub opened: Time,
    /// Its client has said hello, and was greeted.
    pub greeted: bool,
    /// When something last came.
    pub heard: Time,
    /// Who is logged in.
    pub user: Option<u16>,
    /// When he was welcomed.
    pub welcomed: Time,
    /// The last request that is activity came then.
    pub active: Time,
    /// The server does not read.
    pub paused: bool,
    /// The server has not read for a while at some time.
    pub was_paused: bool,
    /// The server has not read for a while since `active`: when it handled what came is not known.
    pub vague: bool,
    /// The account that an attempt is under way for.
    pub attempt: Option<AccountName>,
    /// Bytes its peer has not taken, and since when it took none.
    pub unread: u32,
    /// See `unread`.
    pub stuck: Time,
    /// The server asked whether anybody is there.
    pub probed: Option<Time>,
    /// It did not read then: only an answer says that somebody is.
    pub probed_deaf: bool,
    /// Requests that are not answered.
    pub asked: Vec<(RequestId, Asked)>,
    /// Downloads that its person has been told to be under way.
    pub fetching: BTreeSet<FileName>,
    /// Requests for an introduction that was made; a block may still end it.
    pub vouched: Vec<RequestId>,
}

/// A request that waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What.
    pub wish: Wish,
    /// It came as this fact.
    pub moment: u64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A message with that number.
    Message(Target, Option<u32>),
    /// A broadcast with that number.
    Broadcast(Option<u32>),
    /// Who is online, or was.
    Who(Option<u64>),
    /// A block or unblock.
    Block(Target, bool),
    /// The end.
    Logout,
    /// An introduction.
    Call(Target),
    /// Whether there is somebody.
    Know(Target),
    /// Which files are offered.
    Files,
}

/// Whether one user blocks another, as far as it can be known from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relation {
    /// He does, or did before what is under way.
    pub on: bool,
    /// Changes that were asked for and are not answered.
    pub open: u32,
    /// The fact that last changed anything about it.
    pub changed: u64,
}

/// An answer that may be unknowable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Certainly.
    Yes,
    /// Certainly not.
    No,
    /// It may be so or not.
    Either,
}
