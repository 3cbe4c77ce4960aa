//! How a request ends.

use super::fault::PeerFault;
use super::fields::Fields;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, nothing to say: a message that is safe, a broadcast that reached everybody, a block, an unblock.
    Accepted,
    /// The receiver is offline; the message is safe and waits for his next login.
    Queued,
    /// The broadcast was withheld from somebody who blocked its sender.
    Partly,
    /// There was nobody to broadcast to.
    NobodyOnline,
    /// The login is over; the server closes.
    LoggedOut,
    /// It did not happen.
    Refused(Refusal),
}

/// Why a request did not happen. The person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such user.
    UnknownUser,
    /// The target is the user himself.
    Yourself,
    /// The receiver has blocked the sender.
    BlockedBy,
    /// That user is blocked already.
    AlreadyBlocked,
    /// That user was not blocked.
    NotBlocked,
    /// The receiver's mailbox is full.
    MailboxFull,
    /// The server cannot store anything now.
    CannotStore,
    /// The user has blocked the other one.
    BlockedByYou,
    /// The other one is offline.
    Offline,
    /// The other one's client, or the user's own, cannot be reached by others.
    Unreachable,
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Outcome; 15] = [
        Outcome::Accepted,
        Outcome::Queued,
        Outcome::Partly,
        Outcome::NobodyOnline,
        Outcome::LoggedOut,
        Outcome::Refused(Refusal::UnknownUser),
        Outcome::Refused(Refusal::Yourself),
        Outcome::Refused(Refusal::BlockedBy),
        Outcome::Refused(Refusal::AlreadyBlocked),
        Outcome::Refused(Refusal::NotBlocked),
        Outcome::Refused(Refusal::MailboxFull),
        Outcome::Refused(Refusal::CannotStore),
        Outcome::Refused(Refusal::BlockedByYou),
        Outcome::Refused(Refusal::Offline),
        Outcome::Refused(Refusal::Unreachable),
    ];

    /// The numbers of PROTOCOL.md: below 16 the request took effect, from 16 on it was refused.
    pub(super) const fn code(self) -> u8 {
        match self {
            Outcome::Accepted => 1,
            Outcome::Queued => 2,
            Outcome::Partly => 3,
            Outcome::NobodyOnline => 4,
            Outcome::LoggedOut => 5,
            Outcome::Refused(Refusal::UnknownUser) => 16,
            Outcome::Refused(Refusal::Yourself) => 17,
            Outcome::Refused(Refusal::BlockedBy) => 18,
            Outcome::Refused(Refusal::AlreadyBlocked) => 19,
            Outcome::Refused(Refusal::NotBlocked) => 20,
            Outcome::Refused(Refusal::MailboxFull) => 21,
            Outcome::Refused(Refusal::CannotStore) => 22,
            Outcome::Refused(Refusal::BlockedByYou) => 23,
            Outcome::Refused(Refusal::Offline) => 24,
            Outcome::Refused(Refusal::Unreachable) => 25,
        }
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Outcome, PeerFault> {
        let code = fields.u8()?;
        Outcome::ALL.into_iter().find(|outcome| outcome.code() == code).ok_or(PeerFault::Malformed)
    }
}
