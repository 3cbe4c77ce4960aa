//! One direction of a connection: what its writer wrote, what is under way, and what its reader finds.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use starling_core::time::Time;

use crate::fault::{FaultKind, Faults};
use crate::rule::Rule;
use crate::tape::Reader;

/// What decides about every piece on its way.
#[derive(Debug)]
pub(crate) struct Road<'a> {
    /// How pieces are treated.
    pub(crate) rule: &'a Rule,
    /// The decisions.
    pub(crate) lane: &'a mut Reader,
    /// What goes wrong is counted here.
    pub(crate) faults: &'a mut Faults,
}

/// Between the parts of a piece that was cut.
const CUT_GAP: Duration = Duration::from_micros(300);

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
    /// The writer writes; [`flush`](crate::network::Network::flush) hands it to the system.
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

    /// What was held up, or aimed at a later moment, moves on.
    pub fn release(&mut self, now: Time) {
        self.held_until = Time::ZERO;
        self.aim = None;
        self.pieces.iter_mut().for_each(|piece| piece.at = piece.at.min(now));
        self.last_at = self.last_at.min(now);
    }

    /// The writer's system takes what it can. Returns the bytes that still wait.
    pub(crate) fn flush(&mut self, now: Time, road: &mut Road<'_>) -> usize {
        if self.deaf {
            self.waiting.clear();
            self.waiting_bytes = 0;
            return 0;
        }
        let room = (road.rule.window_bytes as usize).saturating_sub(self.under_way);
        let taken = room.min(self.waiting_bytes);
        if taken > 0 {
            let at = self.arrival(now, taken, road);
            self.take(taken, at);
            if road.rule.join(road.lane) && self.pieces.len() > 1 {
                self.join(at, road.faults);
            }
        }
        if self.waiting_bytes > 0 {
            road.faults.count(FaultKind::ShortWrite);
        } else if self.end.is_some() && self.ended_at.is_none() {
            self.ended_at = Some(self.last_at.max(now + road.rule.latency));
        }
        self.waiting_bytes
    }

    /// What the reader finds now.
    pub(crate) fn read(&mut self, now: Time, road: &mut Road<'_>, arena: &mut BytesMut) -> Arrival {
        self.planned = self.planned.filter(|at| *at > now);
        if self.due().is_none_or(|at| at > now) {
            return Arrival::Nothing;
        }
        let Some(bytes) = self.pop(now, arena) else {
            self.deaf = true;
            return Arrival::End(self.end.unwrap_or(End::Reset));
        };
        Arrival::Bytes(self.cut(bytes, now, road))
    }

    /// When the reader should look, if nobody has planned to look by then.
    pub(crate) fn next_look(&mut self, now: Time) -> Option<Time> {
        let due = self.due().filter(|due| *due < Time::NEVER)?.max(now);
        let earlier = self.planned.is_none_or(|planned| due < planned);
        earlier.then(|| *self.planned.insert(due))
    }

    fn due(&self) -> Option<Time> {
        if self.unread || self.deaf {
            return None;
        }
        let first = self.pieces.front().map(|piece| piece.at).or(self.ended_at)?;
        Some(first.max(self.held_until))
    }

    fn arrival(&mut self, now: Time, bytes: usize, road: &mut Road<'_>) -> Time {
        let mut sent = now;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if let Some(micros) = (bytes * 1_000_000).checked_div(u64::from(road.rule.bytes_per_second)) {
            let span = Duration::from_micros(micros);
            sent = self.busy_until.max(now) + span;
            self.busy_until = sent;
            road.faults.count(FaultKind::Narrow);
        }
        let at = (sent + road.rule.delay(road.lane, road.faults)).max(self.last_at);
        self.aim.take().map_or(at, |aim| at.max(aim))
    }

    fn take(&mut self, mut bytes: usize, at: Time) {
        self.last_at = at;
        self.waiting_bytes -= bytes;
        self.under_way += bytes;
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

    fn cut(&mut self, mut bytes: Bytes, now: Time, road: &mut Road<'_>) -> Bytes {
        let first = road.rule.cut(bytes.len(), road.lane, road.faults);
        if first < bytes.len() {
            let rest = bytes.split_off(first);
            self.under_way += rest.len();
            self.pieces.push_front(Piece { at: now + CUT_GAP, bytes: rest });
            self.last_at = self.last_at.max(now + CUT_GAP);
        }
        bytes
    }
}
