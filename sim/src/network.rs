//! Byte streams between hosts, as TCP gives them: reliable and in order while they last, and nothing more.
//!
//! A [`Link`] is one connection, a [`Pipe`] one direction of it. A pipe models the writer's out-buffer,
//! what is under way or unread (bounded by a window), and what ends it. When a piece arrives, and in how
//! many parts, is the [`Rule`]'s decision; storms hold a pipe up or cut it. The model is pure: it plans
//! arrivals in the queue it is handed and never calls anybody.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use starling_core::id::ConnId;
use starling_core::time::Time;

use crate::fault::{FaultKind, Faults};
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

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The writer is done.
    Fin,
    /// Somebody broke it.
    Reset,
}

/// What a look at a pipe brings its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Bytes.
    Bytes(Bytes),
    /// The end.
    End(End),
    /// Nothing yet.
    Nothing,
}

#[derive(Clone, Debug)]
struct Piece {
    at: Time,
    bytes: Bytes,
}

/// One direction of a connection.
#[derive(Clone, Debug, Default)]
pub struct Pipe {
    /// What the writer's system has not taken.
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// What is under way, or has arrived and is not read.
    pieces: VecDeque<Piece>,
    under_way: usize,
    /// The writer's last word; it is under way once nothing waits.
    end: Option<End>,
    ended_at: Option<Time>,
    /// The last piece arrives then; none may overtake it.
    last_at: Time,
    /// The link is busy sending until then.
    busy_until: Time,
    /// Nothing arrives before.
    held_until: Time,
    /// The next piece arrives exactly then.
    aim: Option<Time>,
    /// The reader does not read now.
    unread: bool,
    /// The reader is gone: whatever comes is dropped.
    deaf: bool,
    planned: Option<Time>,
}

impl Pipe {
    /// The writer writes; [`Network::flush`] hands it to the system.
    pub fn write(&mut self, bytes: Bytes) {
        if self.end.is_none() && !self.deaf {
            self.waiting_bytes += bytes.len();
            self.waiting.push_back(bytes);
        }
    }

    /// Bytes that the writer's system has not taken.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Something was written, or is under way, or unread.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.deaf && (self.waiting_bytes > 0 || self.under_way > 0)
    }

    /// Bytes under way or unread.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// The writer has nothing more to say. What waits is still sent, or dropped.
    pub fn finish(&mut self, end: End, flush: bool) {
        if !flush {
            self.waiting.clear();
            self.waiting_bytes = 0;
        }
        self.end.get_or_insert(end);
    }

    /// The reader is gone.
    pub fn deafen(&mut self) {
        self.deaf = true;
        self.waiting.clear();
        self.pieces.clear();
        self.waiting_bytes = 0;
        self.under_way = 0;
    }

    /// The connection breaks: of what is under way only `kept` bytes arrive, then a reset.
    pub fn reset(&mut self, mut kept: usize) {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.pieces.retain_mut(|piece| {
            piece.bytes.truncate(kept);
            kept -= piece.bytes.len();
            !piece.bytes.is_empty()
        });
        self.under_way = self.pieces.iter().map(|piece| piece.bytes.len()).sum();
        self.last_at = self.pieces.back().map_or(Time::ZERO, |piece| piece.at);
        self.end = Some(End::Reset);
        self.ended_at = None;
    }

    /// Whether its reader has been told the end, or will never be.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.deaf
    }

    /// The reader stops reading, or goes on.
    pub fn set_unread(&mut self, unread: bool) {
        self.unread = unread;
    }

    /// The next piece that is sent arrives at `at`, if it would have arrived before.
    pub fn aim(&mut self, at: Time) {
        self.aim = Some(at);
    }

    /// Nothing arrives before `until`.
    pub fn hold(&mut self, until: Time) {
        self.held_until = self.held_until.max(until);
    }

    /// What was held up moves on.
    pub fn release(&mut self) {
        self.held_until = Time::ZERO;
    }

    fn due(&self) -> Option<Time> {
        if self.unread || self.deaf {
            return None;
        }
        let first = self.pieces.front().map(|piece| piece.at).or(self.ended_at)?;
        Some(first.max(self.held_until))
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

/// Between the parts of a piece that was cut.
const CUT_GAP: Duration = Duration::from_micros(300);
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
        if pipe.deaf {
            pipe.waiting.clear();
            pipe.waiting_bytes = 0;
            return 0;
        }
        let room = (rule.window_bytes as usize).saturating_sub(pipe.under_way);
        let taken = room.min(pipe.waiting_bytes);
        if taken > 0 {
            let at = pipe.arrival(now, taken, rule, lane, faults);
            pipe.take(taken, at);
            if rule.join(lane) && pipe.pieces.len() > 1 {
                pipe.join(at, faults);
            }
        }
        if taken < pipe.waiting_bytes + taken && pipe.waiting_bytes > 0 {
            faults.count(FaultKind::ShortWrite);
        }
        if pipe.waiting_bytes == 0 && pipe.end.is_some() && pipe.ended_at.is_none() {
            pipe.ended_at = Some(pipe.last_at.max(now + rule.latency));
        }
        let left = pipe.waiting_bytes;
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
        pipe.planned = pipe.planned.filter(|at| *at > now);
        if pipe.due().is_none_or(|at| at > now) {
            plan(pipe, link, up, now, queue);
            return Arrival::Nothing;
        }
        let Some(bytes) = pipe.pop(now, arena) else {
            pipe.deaf = true;
            return Arrival::End(pipe.end.unwrap_or(End::Reset));
        };
        let bytes = pipe.cut(bytes, now, rule, lane, faults);
        plan(pipe, link, up, now, queue);
        Arrival::Bytes(bytes)
    }

    /// Plans the next look at a pipe after something about it changed.
    pub fn plan(&mut self, link: u32, up: bool, now: Time, queue: &mut Queue) {
        plan(self.links[link as usize].pipe(up), link, up, now, queue);
    }
}

fn plan(pipe: &mut Pipe, link: u32, up: bool, now: Time, queue: &mut Queue) {
    let Some(due) = pipe.due().filter(|due| *due < Time::NEVER) else { return };
    let due = due.max(now);
    if pipe.planned.is_none_or(|planned| due < planned) {
        pipe.planned = Some(due);
        queue.plan(due, Due::Arrive { link, up });
    }
}

impl Pipe {
    fn arrival(
        &mut self,
        now: Time,
        bytes: usize,
        rule: &Rule,
        lane: &mut Reader,
        faults: &mut Faults,
    ) -> Time {
        let mut sent = now;
        if rule.bytes_per_second > 0 {
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            let span = Duration::from_micros(bytes * 1_000_000 / u64::from(rule.bytes_per_second));
            sent = self.busy_until.max(now) + span;
            self.busy_until = sent;
            faults.count(FaultKind::Narrow);
        }
        let at = (sent + rule.delay(lane, faults)).max(self.last_at);
        self.aim.take().map_or(at, |aim| at.max(aim))
    }

    fn take(&mut self, mut bytes: usize, at: Time) {
        self.last_at = at;
        self.waiting_bytes -= bytes;
        self.under_way += bytes;
        if self.waiting_bytes == 0 {
            self.pieces.extend(self.waiting.drain(..).map(|bytes| Piece { at, bytes }));
            return;
        }
        while bytes > 0 {
            let Some(mut first) = self.waiting.pop_front() else { return };
            if first.len() > bytes {
                self.waiting.push_front(first.split_off(bytes));
            }
            bytes -= first.len();
            self.pieces.push_back(Piece { at, bytes: first });
        }
    }

    /// What is still under way waits for the newest piece.
    fn join(&mut self, at: Time, faults: &mut Faults) {
        if self.pieces.iter().any(|piece| piece.at < at) {
            faults.count(FaultKind::Join);
            self.pieces.iter_mut().for_each(|piece| piece.at = at);
        }
    }

    /// Everything that has arrived, as one.
    fn pop(&mut self, now: Time, arena: &mut BytesMut) -> Option<Bytes> {
        let first = self.pieces.pop_front()?.bytes;
        self.under_way -= first.len();
        if self.pieces.front().is_none_or(|piece| piece.at > now) {
            return Some(first);
        }
        arena.extend_from_slice(&first);
        while let Some(piece) = self.pieces.pop_front_if(|piece| piece.at <= now) {
            self.under_way -= piece.bytes.len();
            arena.extend_from_slice(&piece.bytes);
        }
        Some(arena.split().freeze())
    }

    fn cut(
        &mut self,
        mut bytes: Bytes,
        now: Time,
        rule: &Rule,
        lane: &mut Reader,
        faults: &mut Faults,
    ) -> Bytes {
        let first = rule.cut(bytes.len(), lane, faults);
        if first < bytes.len() {
            let rest = bytes.split_off(first);
            self.under_way += rest.len();
            self.pieces.push_front(Piece { at: now + CUT_GAP, bytes: rest });
            self.last_at = self.last_at.max(now + CUT_GAP);
        }
        bytes
    }
}
