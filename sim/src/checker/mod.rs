//! The checkers: what must hold, judged from inputs and outputs alone.
//!
//! A [`Judge`] is told facts, one after the other; each checker looks at each, then the common [`Book`]
//! is brought up to date. The first thing that must not be is kept: after it nothing is sure.

pub mod block;
pub mod book;
pub mod bound;
pub mod cast;
pub mod fact;
pub mod fetch;
pub mod file;
pub mod idle;
pub mod letter;
pub mod lock;
pub mod presence;
pub mod reply;
pub mod said;
pub mod session;
pub mod share;
pub mod sight;
pub mod stream;
pub mod talk;
pub mod who;

use starling_core::time::Time;
use starling_core::wire::ServerFrame;

use block::Blocks;
use book::Book;
use bound::Bounds;
use cast::Casts;
use fact::Fact;
use file::Files;
use idle::Idle;
use letter::Letters;
use lock::Locks;
use presence::Presences;
use reply::Replies;
use session::Sessions;
use stream::Streams;
use talk::Talks;
use who::Who;

use crate::stock::Stock;

/// Nothing wrong, or what.
pub type Finding = Result<(), String>;

/// What is wrong, in words.
macro_rules! fail {
    ($($text:tt)*) => { Err(format!($($text)*)) };
}
pub(crate) use fail;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, in the world's time.
    pub at: Time,
    /// Which checker saw it.
    pub checker: &'static str,
    /// What.
    pub story: String,
}

/// All checkers over one world.
#[derive(Clone, Debug)]
pub struct Judge {
    /// What all of them know.
    pub book: Book,
    /// The first thing that must not be.
    pub violation: Option<Violation>,
    /// Locks; persons who aim at their ends ask.
    pub locks: Locks,
    /// Messages; they are told what is typed.
    pub letters: Letters,
    sessions: Sessions,
    idle: Idle,
    casts: Casts,
    blocks: Blocks,
    presences: Presences,
    who: Who,
    replies: Replies,
    streams: Streams,
    talks: Talks,
    files: Files,
    bounds: Bounds,
    /// Which files there are, in a world that has some.
    pub stock: Option<Stock>,
    /// Texts carry numbers, so what is said can be followed. A script's do not.
    pub numbered: bool,
}

impl Judge {
    /// Checkers that have seen nothing.
    #[must_use]
    pub fn new(book: Book, numbered: bool) -> Judge {
        Judge {
            book,
            violation: None,
            locks: Locks::default(),
            letters: Letters::default(),
            sessions: Sessions::default(),
            idle: Idle::default(),
            casts: Casts::default(),
            blocks: Blocks::default(),
            presences: Presences::default(),
            who: Who::default(),
            replies: Replies::default(),
            streams: Streams::default(),
            talks: Talks::default(),
            files: Files::default(),
            stock: None,
            bounds: Bounds::default(),
            numbered,
        }
    }

    /// Judges a fact and takes it down, and what follows from it.
    pub fn see(&mut self, world: Time, fact: &Fact<'_>) {
        match fact {
            Fact::Told { link, frame } => self.notice_joined(world, *link, frame),
            Fact::Cast { links, .. } => links.iter().for_each(|link| self.notice(world, *link)),
            _ => {}
        }
        self.take(world, fact);
        if let Fact::Told { link, frame: ServerFrame::Welcome { .. } | ServerFrame::Mail { .. } } = fact
            && let Some(user) = self.book.joining(*link)
            && self.numbered
            // Who does not take what he is sent may be left waiting, and nobody can see until when.
            && !self.book.sight(*link).paused
            && let Some(now) = self.letters.caught_up(user)
        {
            self.take(world, &Fact::Joined { link: *link, now });
        }
    }

    /// Whoever is told anything but his mail has been sent all of it; and so has whoever others are told of.
    fn notice_joined(&mut self, world: Time, link: u32, frame: &ServerFrame) {
        match frame {
            ServerFrame::Done { .. } | ServerFrame::Names(_) => self.notice(world, link),
            ServerFrame::Presence(list) => {
                // Only the last that is said of somebody is about the session that he has now.
                let is_last = |at: usize| {
                    list.changes[at + 1..].iter().all(|later| later.name != list.changes[at].name)
                };
                let came =
                    list.changes.iter().enumerate().filter(|(at, change)| change.online && is_last(*at));
                let users = came.filter_map(|(_, change)| self.book.people.find(change.name));
                let links = users.filter_map(|user| self.book.online[usize::from(user)]).chain([link]);
                links.collect::<Vec<_>>().into_iter().for_each(|link| self.notice(world, link));
            }
            _ => {}
        }
    }

    fn notice(&mut self, world: Time, link: u32) {
        if self.book.joining(link).is_some() {
            self.take(world, &Fact::Joined { link, now: false });
        }
    }

    fn take(&mut self, world: Time, fact: &Fact<'_>) {
        if self.violation.is_none()
            && let Err((checker, story)) = self.look(fact)
        {
            self.violation = Some(Violation { at: world, checker, story });
        }
        self.book.note(fact);
    }

    /// Asks those checkers that a fact can tell something; of the frequent facts that is a few.
    fn look(&mut self, fact: &Fact<'_>) -> Result<(), (&'static str, String)> {
        let book = &mut self.book;
        match fact {
            Fact::Heard { .. } | Fact::Started { .. } | Fact::Paused { .. } => Ok(()),
            Fact::Typed { .. }
            | Fact::Shown { .. }
            | Fact::Exited { .. }
            | Fact::Folder { .. }
            | Fact::Piece { .. } => self.look_at_person(fact),
            Fact::Asked { .. } => {
                self.idle.see(fact, book).map_err(by("idle"))?;
                self.look_at_person(fact)
            }
            Fact::Stepped { .. } => {
                self.sessions.see(fact, book).map_err(by("session"))?;
                self.idle.see(fact, book).map_err(by("idle"))?;
                self.presences.see(fact, book).map_err(by("presence"))?;
                self.bounds.see(fact, book).map_err(by("bound"))?;
                if self.numbered { self.casts.see(fact, book).map_err(by("cast")) } else { Ok(()) }
            }
            Fact::Cast { .. } | Fact::Told { frame: ServerFrame::Mail { .. }, .. } => {
                self.sessions.see(fact, book).map_err(by("session"))?;
                self.look_at_person(fact)
            }
            Fact::Told { frame: ServerFrame::Done { .. }, .. } => {
                self.sessions.see(fact, book).map_err(by("session"))?;
                self.blocks.see(fact, book).map_err(by("block"))?;
                self.look_at_person(fact)
            }
            _ => {
                self.look_at_server(fact)?;
                self.look_at_person(fact)
            }
        }
    }

    /// What a server promises, whatever is said.
    fn look_at_server(&mut self, fact: &Fact<'_>) -> Result<(), (&'static str, String)> {
        let book = &mut self.book;
        self.sessions.see(fact, book).map_err(by("session"))?;
        self.locks.see(fact, book).map_err(by("lock"))?;
        self.idle.see(fact, book).map_err(by("idle"))?;
        self.blocks.see(fact, book).map_err(by("block"))?;
        self.presences.see(fact, book).map_err(by("presence"))?;
        self.who.see(fact, book).map_err(by("who"))?;
        self.bounds.see(fact, book).map_err(by("bound"))
    }

    /// What becomes of everything that is said.
    fn look_at_person(&mut self, fact: &Fact<'_>) -> Result<(), (&'static str, String)> {
        if !self.numbered {
            return Ok(());
        }
        let book = &mut self.book;
        self.letters.see(fact, book).map_err(by("letter"))?;
        self.casts.see(fact, book).map_err(by("cast"))?;
        self.replies.see(fact, book).map_err(by("reply"))?;
        self.streams.see(fact, book).map_err(by("stream"))?;
        self.talks.see(fact, book).map_err(by("talk"))?;
        match &self.stock {
            Some(stock) => self.files.see(fact, stock, book).map_err(by("file")),
            None => Ok(()),
        }
    }

    /// A person is about to say something: its number, to whom (nobody in particular: a broadcast), and what.
    pub fn say(&mut self, tag: u32, from: u16, to: Option<u16>, text: &[u8]) {
        self.book.speaks(tag, from);
        self.letters.say(tag, from, to, text);
    }

    /// Something is wrong that no fact tells.
    pub fn accuse(&mut self, at: Time, checker: &'static str, story: String) {
        self.violation.get_or_insert(Violation { at, checker, story });
    }
}

fn by(checker: &'static str) -> impl FnOnce(String) -> (&'static str, String) {
    move |story| (checker, story)
}
