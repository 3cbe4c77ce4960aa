//! What happened, told to a person: the steps of a run, in a line each.

use std::fmt;

use starling_core::name::Name;
use starling_core::time::Time;

use crate::checker::fact::{Command, Target};
use crate::fault::FaultKind;
use crate::people::People;
use crate::person::{Entry, Verb};
use crate::stock::Stock;

/// One step: something that a person did or that befell the world.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// When, in the world's time.
    pub at: Time,
    /// Who did it, or whom it befell.
    pub who: Option<u16>,
    /// What.
    pub what: Deed,
}

/// What a step was.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// Logged in, on a device.
    Enter(Entry, u8),
    /// Did something that has no command.
    Do(Verb),
    /// Typed a command.
    Type(Command),
    /// A fault struck.
    Struck(FaultKind),
    /// The server starts again.
    Restart,
}

impl Step {
    /// The step as a line.
    #[must_use]
    pub fn line(&self, people: &People) -> String {
        let name = |user: u16| people.names().get(usize::from(user)).map_or("somebody", Name::as_str);
        let who = self.who.map_or("", name);
        let target = |target: Target| match target {
            Target::User(user) => name(user),
            Target::Nobody => Target::NOBODY,
            Target::Impossible => Target::IMPOSSIBLE,
        };
        let at = self.at;
        match self.what {
            Deed::Enter(entry, device) => {
                let how = match entry {
                    Entry::Right => "with the right password".to_owned(),
                    Entry::Wrong(times) => format!("after {times} wrong passwords"),
                    Entry::AtLockEnd(beside) => format!("{beside:+} µs beside the end of the lock"),
                    Entry::Stranger(_) => "under an unknown name".to_owned(),
                    Entry::AndGone => "and is gone".to_owned(),
                    Entry::Mute => "and types nothing".to_owned(),
                    Entry::Empty => "after empty lines".to_owned(),
                };
                format!("@{at} {who} logs in on device {device} {how}")
            }
            Deed::Do(verb) => format!("@{at} {who} {verb}"),
            Deed::Type(Command::Message(to, tag)) => format!("@{at} {who}> message {} m{tag}", target(to)),
            Deed::Type(Command::Broadcast(tag)) => format!("@{at} {who}> broadcast m{tag}"),
            Deed::Type(Command::Start(whom)) => format!("@{at} {who}> startprivate {}", target(whom)),
            Deed::Type(Command::Whisper(to, tag)) => format!("@{at} {who}> private {} m{tag}", target(to)),
            Deed::Type(Command::Stop(whom)) => format!("@{at} {who}> stopprivate {}", target(whom)),
            Deed::Type(Command::Who) => format!("@{at} {who}> whoelse"),
            Deed::Type(Command::Since(seconds)) => format!("@{at} {who}> whoelsesince {seconds}"),
            Deed::Type(Command::Block(whom, true)) => format!("@{at} {who}> block {}", target(whom)),
            Deed::Type(Command::Block(whom, false)) => format!("@{at} {who}> unblock {}", target(whom)),
            Deed::Type(Command::Fetch(which, version)) => {
                let version = version.map_or(String::new(), |version| format!(", content {version}"));
                format!("@{at} {who}> p2pDownload {}{version}", Stock::NAMES[usize::from(which)])
            }
            Deed::Type(Command::Cancel(which)) => {
                format!("@{at} {who}> cancel {}", Stock::NAMES[usize::from(which)])
            }
            Deed::Type(Command::Downloads) => format!("@{at} {who}> downloads"),
            Deed::Type(Command::Files) => format!("@{at} {who}> files"),
            Deed::Type(Command::Logout) => format!("@{at} {who}> logout"),
            Deed::Type(Command::Slip(slip)) => {
                format!("@{at} {who}> {}", Command::SLIPS[usize::from(slip)].0.escape_ascii())
            }
            Deed::Struck(kind) if who.is_empty() => format!("@{at} FAULT {kind}"),
            Deed::Struck(kind) => format!("@{at} FAULT {kind}: {who}"),
            Deed::Restart => format!("@{at} the server starts again"),
        }
    }
}

/// All steps of a run as text, a line each.
#[must_use]
pub fn told(steps: &[Step], people: &People) -> String {
    steps.iter().map(|step| step.line(people) + "\n").collect()
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
