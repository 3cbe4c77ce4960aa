//! Byte streams between hosts, as TCP gives them: reliable and in order while they last, and nothing more.
//!
//! A [`Link`] is one connection, a [`Pipe`] one direction of it. A pipe models the writer's out-buffer,
//! what is under way or unread (bounded by a window), and what ends it. When a piece arrives, and in how
//! many parts, is the [`Rule`]'s decision; storms hold a pipe up or cut it. The model is pure: it plans
//! arrivals in the queue it is handed and never calls anybody.

use bytes::{Bytes, BytesMut};
use starling_core::id::ConnId;
use starling_core::time::Time;

use crate::fault::Faults;
use crate::pipe::Road;
pub use crate::pipe::{Arrival, End, Pipe};
use crate::queue::{Due, Queue};
use crate::rule::Rule;
use crate::tape::Reader;

/// Who is at the far end of a link, seen from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    /// A client.
    Client(u32),
    /// A host that misbehaves.
    Rogue(u32),
    /// Another client: it is no connection to the server. The number is that of the pair.
    Peer(u32),
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Link {
    /// Who opened it.
    pub far: Far,
    /// The server's name for it, from accept to close.
    pub conn: Option<ConnId>,
    /// Towards the server.
    pub up: Pipe,
    /// From the server.
    pub down: Pipe,
    /// Until then requests to connect are held up.
    pub knock_held: Time,
}

impl Link {
    /// One of its directions.
    pub fn pipe(&mut self, up: bool) -> &mut Pipe {
        if up { &mut self.up } else { &mut self.down }
    }
}

/// All links of a world.
#[derive(Clone, Debug)]
pub struct Network {
    /// How pieces are treated.
    pub rule: Rule,
    /// The decisions.
    pub lane: Reader,
    links: Vec<Link>,
    arena: BytesMut,
}

/// Bytes allocated at once for what is sent.
const ARENA_BYTES: usize = 64 * 1024;

impl Network {
    /// A network without links.
    #[must_use]
    pub fn new(rule: Rule, lane: Reader) -> Network {
        Network { rule, lane, links: Vec::new(), arena: BytesMut::new() }
    }

    /// A link that is about to be opened.
    pub fn add(&mut self, far: Far) -> u32 {
        let link = u32::try_from(self.links.len()).expect("fewer than 2^32 links");
        let (up, down) = (Pipe::default(), Pipe::default());
        self.links.push(Link { far, conn: None, up, down, knock_held: Time::ZERO });
        link
    }

    /// One link.
    pub fn link(&mut self, link: u32) -> &mut Link {
        &mut self.links[link as usize]
    }

    /// What is at the other end of a link.
    #[must_use]
    pub fn far(&self, link: u32) -> Far {
        self.links[link as usize].far
    }

    /// All links.
    pub fn links(&mut self) -> impl Iterator<Item = (u32, &mut Link)> {
        (0..).zip(&mut self.links)
    }

    /// Bytes made by `fill`, in memory that is shared with their neighbours.
    #[inline]
    pub fn bytes(&mut self, len: usize, fill: impl FnOnce(&mut BytesMut)) -> Bytes {
        if self.arena.capacity() < len {
            self.arena.reserve(len.max(ARENA_BYTES));
        }
        fill(&mut self.arena);
        self.arena.split().freeze()
    }

    /// The writer's system takes what it can. Returns the bytes that still wait.
    pub fn flush(&mut self, link: u32, up: bool, now: Time, queue: &mut Queue, faults: &mut Faults) -> usize {
        let Network { rule, lane, links, .. } = self;
        let pipe = links[link as usize].pipe(up);
        let left = pipe.flush(now, &mut Road { rule, lane, faults });
        plan(pipe, link, up, now, queue);
        left
    }

    /// What the reader finds now.
    pub fn read(
        &mut self,
        link: u32,
        up: bool,
        now: Time,
        queue: &mut Queue,
        faults: &mut Faults,
    ) -> Arrival {
        let Network { rule, lane, links, arena } = self;
        let pipe = links[link as usize].pipe(up);
        let arrival = pipe.read(now, &mut Road { rule, lane, faults }, arena);
        plan(pipe, link, up, now, queue);
        arrival
    }

    /// Plans the next look at a pipe after something about it changed.
    pub fn plan(&mut self, link: u32, up: bool, now: Time, queue: &mut Queue) {
        plan(self.links[link as usize].pipe(up), link, up, now, queue);
    }
}

fn plan(pipe: &mut Pipe, link: u32, up: bool, now: Time, queue: &mut Queue) {
    if let Some(due) = pipe.next_look(now) {
        queue.plan(due, Due::Arrive { link, up });
    }
}
