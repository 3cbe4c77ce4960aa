//! Persons: who they are, what they do next, and what their devices remember.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use starling_core::client::{KnownKey, Memory, Note};
use starling_core::id::{MsgId, Seq, ServerId};
use starling_core::name::Name;

use crate::checker::said::DEVICES;
use crate::folder::Folder;
use crate::options::Habit;
use crate::tape::{RECORD_BYTES, Reader, scale};

/// Somebody at a keyboard.
#[derive(Clone, Debug)]
pub struct Person {
    /// Which user he is.
    pub user: u16,
    /// How he is.
    pub habit: Habit,
    /// His decisions.
    pub lane: Reader,
    /// A decision that was read and waits for its time.
    pub next: Option<[u8; RECORD_BYTES]>,
    /// The client he looks at.
    pub client: Option<u32>,
    /// Clients he left running on a dead line.
    pub older: Vec<u32>,
    /// What his devices remember.
    pub devices: [Device; DEVICES],
    /// He does nothing more of his own.
    pub resting: bool,
}

impl Person {
    /// Somebody who has not begun.
    #[must_use]
    pub fn new(user: u16, habit: Habit, lane: Reader) -> Person {
        Person {
            user,
            habit,
            lane,
            next: None,
            client: None,
            older: Vec::new(),
            devices: Default::default(),
            resting: false,
        }
    }
}

/// What clients keep on a device: for each server and user, and for all of them the folder.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// What is offered from there, and where downloads go.
    pub folder: Folder,
    accounts: BTreeMap<(ServerId, Name), Kept>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    seen: Seq,
    marks: BTreeMap<(Name, u64), u64>,
    /// Notes that are not yet among the marks: most are never asked for.
    fresh: Vec<Note>,
    peers: BTreeMap<Name, KnownKey>,
}

impl Device {
    /// A letter was shown.
    pub fn note(&mut self, account: (ServerId, Name), note: Note) {
        let kept = self.accounts.entry(account).or_default();
        kept.seen = kept.seen.max(note.seq);
        kept.fresh.push(note);
        if kept.fresh.len() == 256 {
            kept.settle();
        }
    }

    /// This is known of somebody's key.
    pub fn remember(&mut self, account: (ServerId, Name), user: Name, known: KnownKey) {
        self.accounts.entry(account).or_default().peers.insert(user, known);
    }

    /// What it remembers.
    pub fn recall(&mut self, account: (ServerId, Name)) -> Memory {
        let Some(kept) = self.accounts.get_mut(&account) else { return Memory::default() };
        kept.settle();
        let mark = |(&(name, instance), &counter): (&(Name, u64), &u64)| (name, MsgId { instance, counter });
        let peers = kept.peers.iter().map(|(name, known)| (*name, *known)).collect();
        Memory { seen: kept.seen, marks: kept.marks.iter().map(mark).collect(), device: None, peers }
    }
}

impl Kept {
    fn settle(&mut self) {
        for note in self.fresh.drain(..) {
            let mark = self.marks.entry((note.from, note.id.instance)).or_default();
            *mark = (*mark).max(note.id.counter);
        }
    }
}

/// What a person can do. Tamer ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Nothing, for good.
    Rest,
    /// Says something to somebody.
    Say,
    /// Asks who is online.
    Who,
    /// Says something to everybody.
    Cast,
    /// Asks who was online.
    Since,
    /// Types something that is no good command.
    Slip,
    /// Says many things at once.
    Paste,
    /// Says something long.
    Long,
    /// Blocks somebody.
    Block,
    /// Unblocks somebody.
    Unblock,
    /// Begins a private session.
    Start,
    /// Says something in one.
    Whisper,
    /// Ends one.
    Stop,
    /// Logs out.
    Logout,
    /// Ends his input.
    End,
    /// Presses Ctrl-C.
    Interrupt,
    /// Types something at the very moment of his time-out, or right beside it.
    Late,
    /// Logs in a second time.
    Second,
    /// Kills his client.
    Kill,
    /// Pulls the plug of his computer.
    Power,
    /// His client is killed between showing and noting the next letter.
    KillAtNote,
    /// His client does not run for a while.
    Sleep,
    /// His line dies; he takes another device.
    Abandon,
}

/// A table of verbs and how many of 256 bytes mean each; what is left means the second.
type Habits = &'static [(Verb, u8)];

const TALKER: Habits = &[
    (Verb::Rest, 2),
    (Verb::Say, 40),
    (Verb::Start, 14),
    (Verb::Whisper, 22),
    (Verb::Stop, 4),
    (Verb::Who, 14),
    (Verb::Cast, 26),
    (Verb::Since, 10),
    (Verb::Slip, 12),
    (Verb::Paste, 14),
    (Verb::Long, 4),
    (Verb::Block, 10),
    (Verb::Unblock, 8),
    (Verb::Logout, 12),
    (Verb::End, 6),
    (Verb::Interrupt, 4),
    (Verb::Late, 12),
    (Verb::Second, 6),
    (Verb::Kill, 6),
    (Verb::Power, 4),
    (Verb::KillAtNote, 10),
    (Verb::Sleep, 6),
    (Verb::Abandon, 8),
];

const RESTLESS: Habits = &[
    (Verb::Rest, 1),
    (Verb::Say, 20),
    (Verb::Start, 10),
    (Verb::Whisper, 10),
    (Verb::Who, 8),
    (Verb::Cast, 8),
    (Verb::Paste, 6),
    (Verb::Logout, 70),
    (Verb::End, 20),
    (Verb::Interrupt, 10),
    (Verb::Late, 12),
    (Verb::Second, 10),
    (Verb::Kill, 20),
    (Verb::Power, 8),
    (Verb::KillAtNote, 14),
    (Verb::Sleep, 8),
    (Verb::Abandon, 20),
];

const BLOCKER: Habits = &[
    (Verb::Rest, 2),
    (Verb::Say, 30),
    (Verb::Start, 14),
    (Verb::Whisper, 12),
    (Verb::Stop, 4),
    (Verb::Who, 24),
    (Verb::Cast, 24),
    (Verb::Since, 16),
    (Verb::Slip, 4),
    (Verb::Paste, 6),
    (Verb::Block, 44),
    (Verb::Unblock, 36),
    (Verb::Logout, 24),
    (Verb::End, 4),
    (Verb::Interrupt, 4),
    (Verb::Kill, 4),
    (Verb::Power, 2),
    (Verb::Abandon, 2),
];

const FORGETFUL: Habits = &[
    (Verb::Rest, 2),
    (Verb::Say, 60),
    (Verb::Who, 10),
    (Verb::Cast, 14),
    (Verb::Slip, 30),
    (Verb::Logout, 70),
    (Verb::End, 20),
    (Verb::Interrupt, 6),
    (Verb::Late, 20),
    (Verb::Second, 10),
    (Verb::Kill, 10),
    (Verb::Abandon, 4),
];

impl Habit {
    /// What a byte means to somebody like that.
    #[must_use]
    pub fn verb(self, byte: u8) -> Verb {
        let habits = match self {
            Habit::Talker => TALKER,
            Habit::Restless => RESTLESS,
            Habit::Blocker => BLOCKER,
            Habit::Forgetful => FORGETFUL,
        };
        let mut left = byte;
        for (verb, weight) in habits {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *verb,
            }
        }
        habits[1].0
    }
}

/// How a person logs in. Tamer ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// With the right password.
    Right,
    /// With so many wrong ones first.
    Wrong(u8),
    /// As soon as the lock of his account ends, or a microsecond beside it.
    AtLockEnd(i8),
    /// Under a name that nobody has.
    Stranger(u8),
    /// Types the right password and is gone.
    AndGone,
    /// Types nothing.
    Mute,
    /// Empty lines first.
    Empty,
}

impl Entry {
    /// What two bytes mean.
    #[must_use]
    pub fn of(habit: Habit, what: u8, more: u8) -> Entry {
        let what = if habit == Habit::Forgetful { what.saturating_mul(2) } else { what };
        match what {
            0..=159 => Entry::Right,
            160..=199 => Entry::Wrong(1 + scale(more, 3)),
            200..=219 => Entry::AtLockEnd(i8::try_from(scale(more, 3)).unwrap_or(0) - 1),
            220..=229 => Entry::Stranger(more % 3),
            230..=239 => Entry::AndGone,
            240..=247 => Entry::Empty,
            _ => Entry::Mute,
        }
    }
}

/// How long somebody thinks: mostly less than `most`, rarely much longer.
#[must_use]
pub fn pause(most: Duration, byte: u8) -> Duration {
    match byte {
        0..=239 => most * u32::from(byte) / 240,
        _ => most + Duration::from_secs(u64::from(byte - 239) * 2),
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verb::Rest => "does no more",
            Verb::Say => "says something",
            Verb::Who => "asks who is online",
            Verb::Cast => "says something to all",
            Verb::Since => "asks who was online",
            Verb::Slip => "types nonsense",
            Verb::Paste => "says many things at once",
            Verb::Long => "says something long",
            Verb::Block => "blocks",
            Verb::Unblock => "unblocks",
            Verb::Start => "begins a private session",
            Verb::Whisper => "says something in private",
            Verb::Stop => "ends a private session",
            Verb::Logout => "logs out",
            Verb::End => "ends his input",
            Verb::Interrupt => "presses Ctrl-C",
            Verb::Late => "types at the moment of his time-out",
            Verb::Second => "logs in a second time",
            Verb::Kill => "kills his client",
            Verb::Power => "pulls the plug",
            Verb::KillAtNote => "is to be killed at his next note",
            Verb::Sleep => "sleeps",
            Verb::Abandon => "leaves a dead line behind",
        })
    }
}
