//! What a command asked for, and how its outcome reads.

use alloc::vec::Vec;

use super::view::{Complaint, Line, Listing};
use crate::name::Name;
use crate::wire::{Finding, Outcome, Refusal};

/// What was asked for: it decides which answers fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A message to somebody.
    Message(Name),
    /// A broadcast.
    Broadcast,
    /// Who is online.
    Who,
    /// Who was online.
    Since,
    /// A block of somebody.
    Block(Name),
    /// The end of a block.
    Unblock(Name),
    /// The files that are offered.
    Files,
    /// Something about downloads.
    Fetch,
    /// A private session with somebody.
    Start(Name),
    /// A text for somebody in a private session.
    Say(Name),
    /// The end of a private session.
    Stop(Name),
}

/// What a person is told in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing: all is well.
    Silence,
    /// One line.
    Line(Line),
    /// Several lines.
    Lines(Vec<Line>),
    /// One name a line, at least one, sorted.
    Names(Vec<Name>),
    /// One file a line, at least one, sorted.
    Files(Vec<Listing>),
}

/// An answer that does not fit what was asked: the server broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misfit;

impl Asked {
    /// How an outcome reads.
    ///
    /// # Errors
    /// [`Misfit`]: this cannot end so.
    pub(super) fn outcome(self, outcome: Outcome) -> Result<Answer, Misfit> {
        Ok(Answer::Line(match (self, outcome) {
            (Asked::Message(_) | Asked::Broadcast, Outcome::Accepted) => return Ok(Answer::Silence),
            (Asked::Message(to), Outcome::Queued) => Line::Queued(to),
            (Asked::Broadcast, Outcome::Partly) => Line::Partly,
            (Asked::Broadcast, Outcome::NobodyOnline) => Line::NobodyOnline,
            (Asked::Block(whom), Outcome::Accepted) => Line::Blocked(whom),
            (Asked::Unblock(whom), Outcome::Accepted) => Line::Unblocked(whom),
            // There is such a person; but there was no session, or the server would not have been asked.
            (Asked::Say(to), Outcome::Accepted) => Line::Refused(Complaint::NoSession(to.as_str().into())),
            (asked, Outcome::Refused(refusal)) => Line::Refused(asked.complaint(refusal)?),
            _ => return Err(Misfit),
        }))
    }

    fn complaint(self, refusal: Refusal) -> Result<Complaint, Misfit> {
        Ok(match (self, refusal) {
            (Asked::Message(name) | Asked::Block(name) | Asked::Unblock(name), Refusal::UnknownUser) => {
                Complaint::UnknownUser(name.as_str().into())
            }
            (Asked::Say(to), Refusal::UnknownUser) => Complaint::UnknownUser(to.as_str().into()),
            (Asked::Say(_), Refusal::Yourself) => Complaint::MessageYourself,
            (Asked::Message(_), Refusal::Yourself) => Complaint::MessageYourself,
            (Asked::Message(to), Refusal::BlockedBy) => Complaint::BlockedBy(to),
            (Asked::Message(to), Refusal::MailboxFull) => Complaint::MailboxFull(to),
            (Asked::Message(_), Refusal::CannotStore) => Complaint::CannotStore,
            (Asked::Block(_), Refusal::Yourself) => Complaint::BlockYourself,
            (Asked::Block(whom), Refusal::AlreadyBlocked) => Complaint::AlreadyBlocked(whom),
            (Asked::Unblock(_), Refusal::Yourself) => Complaint::UnblockYourself,
            (Asked::Unblock(whom), Refusal::NotBlocked) => Complaint::NotBlocked(whom),
            (Asked::Block(_) | Asked::Unblock(_), Refusal::CannotStore) => Complaint::NotStored,
            _ => return Err(Misfit),
        })
    }

    /// This asks for names.
    pub(super) fn is_for_names(self) -> bool {
        matches!(self, Asked::Who | Asked::Since)
    }

    /// How a complete list of files reads, in the order of their names; those that are the same one stand in one line.
    pub(super) fn files(mut findings: Vec<Finding>) -> Answer {
        findings.sort_unstable();
        findings.dedup();
        let mut files: Vec<Listing> = Vec::new();
        for Finding { offer, owner } in findings {
            match files.last_mut().filter(|file| file.offer == offer) {
                Some(file) => file.owners.push(owner),
                None => files.push(Listing { offer, owners: Vec::from([owner]) }),
            }
        }
        if files.is_empty() { Answer::Line(Line::NoFiles) } else { Answer::Files(files) }
    }

    /// How a complete list of names reads, as it came from the server in no particular order.
    pub(super) fn names(self, mut names: Vec<Name>) -> Answer {
        if !names.is_empty() {
            names.sort_unstable();
            return Answer::Names(names);
        }
        Answer::Line(if self == Asked::Since { Line::NobodySince } else { Line::NobodyOnline })
    }
}

impl Answer {
    /// Files that it holds, once for each owner.
    pub(super) fn findings_held(&self) -> usize {
        match self {
            Answer::Files(files) => files.iter().map(|file| file.owners.len()).sum(),
            Answer::Silence | Answer::Line(_) | Answer::Lines(_) | Answer::Names(_) => 0,
        }
    }

    /// Names that it holds.
    pub(super) fn names_held(&self) -> usize {
        match self {
            Answer::Names(names) => names.len(),
            Answer::Silence | Answer::Line(_) | Answer::Lines(_) | Answer::Files(_) => 0,
        }
    }
}
