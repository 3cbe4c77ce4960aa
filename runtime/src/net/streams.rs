//! All connections of a shard: reading, sending, flushing, ending.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use starling_core::device::Exported;
use starling_core::id::ConnId;
use starling_core::server::Input;
use starling_core::time::Time;
use starling_core::wire::Frame;

use super::complaints::Complaints;
use super::connection::{Connection, Read, Rest, Stage, Written};
use super::inbound::Inbound;
use super::leavers::Leavers;
use super::outbuf::Spare;
use super::ready::{ReadyList, Who};
use super::slots::Slots;
use super::transport::Transport;
use crate::clock::Clock;

/// A connection with more to write is flushed before the end of the turn.
const FLUSH_EARLY_BYTES: usize = 64 * 1024;
/// When all connections together have more to write, all are flushed before the end of the turn.
const UNFLUSHED_MAX_BYTES: usize = 16 * 1024 * 1024;
/// What one turn may add to the out-buffer of a connection that is about to be cut.
const TURN_SLACK_BYTES: usize = 1024 * 1024;

/// What came of serving a connection.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// For the machine.
    pub(crate) input: Option<Input>,
    /// Bytes that were read.
    pub(crate) bytes: usize,
    /// There may be more to read now.
    pub(crate) more: bool,
}

/// The connections of a shard. What they have to tell collects in `reports`.
#[derive(Debug)]
pub(crate) struct Streams {
    conns: Slots<Connection>,
    ready: Arc<ReadyList>,
    inbound: Inbound,
    spare: Spare,
    dirty: Vec<ConnId>,
    unflushed_bytes: usize,
    /// No out-buffer grows beyond this.
    out_max_bytes: usize,
    leavers: Leavers,
    complaints: Complaints,
    /// The network's patience is not the machine's: it is real time even where a test moves the other.
    clock: Clock,
    reports: VecDeque<Input>,
}

impl Streams {
    /// No connections yet. A peer with more than `unread_hard_bytes` unread is expected to be cut.
    pub(crate) fn new(ready: Arc<ReadyList>, unread_hard_bytes: u32) -> Streams {
        Streams {
            conns: Slots::default(),
            ready,
            inbound: Inbound::default(),
            spare: Spare::default(),
            dirty: Vec::new(),
            unflushed_bytes: 0,
            out_max_bytes: unread_hard_bytes as usize + TURN_SLACK_BYTES,
            leavers: Leavers::default(),
            complaints: Complaints::default(),
            clock: Clock::boot(),
            reports: VecDeque::new(),
        }
    }

    /// How many connections there are, those that end included.
    pub(crate) fn len(&self) -> usize {
        self.conns.len()
    }

    /// The next thing that happened to a connection while it was written to.
    pub(crate) fn next_report(&mut self) -> Option<Input> {
        self.reports.pop_front()
    }

    /// Whether the machine may be told about `conn`.
    pub(crate) fn is_open(&mut self, conn: ConnId) -> bool {
        self.conns.get_mut(conn).is_some_and(|connection| connection.is_open())
    }

    /// Drops a connection that has come to its end by itself; whether the machine knew it.
    pub(crate) fn forget(&mut self, conn: ConnId) -> bool {
        let known = self.conns.get_mut(conn).is_some_and(|connection| connection.is_known());
        if known {
            self.remove(conn);
        }
        known
    }

    /// Takes a new connection in.
    pub(crate) fn open(&mut self, transport: Transport, from: IpAddr) -> ConnId {
        let ready = &self.ready;
        let conn = self.conns.insert(|id| Connection::new(transport, from, ready.waker(Who::Slot(id.slot))));
        // It is looked at once, so that it is woken from then on.
        ready.push(Who::Slot(conn.slot));
        conn
    }

    /// What TLS exports for a connection.
    pub(crate) fn exported(&mut self, conn: ConnId) -> Option<Exported> {
        self.conns.get_mut(conn)?.exported()
    }

    /// Whether the connection in a slot still agrees on its keys, which costs a thousand times as much as a frame.
    pub(crate) fn is_handshaking(&mut self, slot: u32) -> bool {
        self.conns.at_mut(slot).is_some_and(|(_, connection)| connection.is_handshaking())
    }

    /// Serves a slot that was woken: what can be written goes onto the list of the turn, and what can be read
    /// is returned.
    pub(crate) fn serve(&mut self, slot: u32) -> Served {
        let Some((conn, connection)) = self.conns.at_mut(slot) else { return Served::default() };
        if !connection.is_known() {
            self.part(conn);
            return Served::default();
        }
        if connection.unwritten_bytes() > 0 && !connection.dirty {
            connection.dirty = true;
            self.dirty.push(conn);
        }
        if connection.stage != Stage::Open {
            return Served::default();
        }
        let (count, more) = match connection.read(&mut self.inbound) {
            Read::More(count) => (count, true),
            Read::Drained(count) => (count, false),
            Read::Nothing => return Served::default(),
            Read::Foreign => {
                let now = self.clock.now();
                if self.complaints.may_complain(connection.from, now) {
                    tracing::info!(from = %connection.from, "a connection spoke something else than Starling and was closed");
                }
                return Served { input: Some(Input::Closed { conn }), ..Served::default() };
            }
            Read::End => return Served { input: Some(Input::Closed { conn }), ..Served::default() },
        };
        let input = (count > 0).then(|| Input::Received { conn, bytes: self.inbound.take(count) });
        Served { input, bytes: count, more }
    }

    /// Puts a frame into one out-buffer.
    pub(crate) fn send(&mut self, conn: ConnId, frame: &Frame) {
        let spare = &mut self.spare;
        let Some(connection) = self.conns.get_mut(conn).filter(|c| c.is_open()) else { return };
        connection.out.push(frame, spare);
        self.after_push(conn, frame.len());
    }

    /// Puts a frame into many out-buffers. It is encoded once.
    pub(crate) fn send_many(&mut self, to: &[ConnId], frame: &Frame) {
        let mut encoded = Vec::with_capacity(frame.len());
        frame.encode_into(&mut encoded);
        let encoded = Bytes::from(encoded);
        for conn in to {
            let Some(connection) = self.conns.get_mut(*conn).filter(|c| c.is_open()) else { continue };
            connection.out.push_shared(&encoded, &mut self.spare);
            self.after_push(*conn, encoded.len());
        }
    }

    fn after_push(&mut self, conn: ConnId, bytes: usize) {
        let Some(connection) = self.conns.get_mut(conn) else { return };
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push(conn);
        }
        let len = connection.out.len();
        self.unflushed_bytes += bytes;
        if len > FLUSH_EARLY_BYTES && len - bytes <= FLUSH_EARLY_BYTES {
            self.flush_one(conn);
        } else if len > self.out_max_bytes {
            self.overflow(conn);
        }
        if self.unflushed_bytes > UNFLUSHED_MAX_BYTES {
            self.flush();
        }
    }

    /// The out-buffer may not grow. The machine is told how full it is, which makes it cut the connection;
    /// should it not, the connection counts as broken.
    fn overflow(&mut self, conn: ConnId) {
        self.flush_one(conn);
        if let Some(connection) = self.conns.get_mut(conn)
            && connection.unwritten_bytes() > self.out_max_bytes
        {
            connection.stage = Stage::Broken;
            self.reports.push_back(Input::Closed { conn });
        }
    }

    /// Writes what the dirty connections have to write.
    pub(crate) fn flush(&mut self) {
        self.unflushed_bytes = 0;
        let mut dirty = std::mem::take(&mut self.dirty);
        for conn in dirty.drain(..) {
            if let Some(connection) = self.conns.get_mut(conn) {
                connection.dirty = false;
                self.flush_one(conn);
            }
        }
        self.dirty = dirty;
    }

    /// Whether some connection waits to be flushed.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    fn flush_one(&mut self, conn: ConnId) {
        let Some(connection) = self.conns.get_mut(conn) else { return };
        if !connection.is_open() {
            return self.part(conn);
        }
        if connection.flush(&mut self.spare) == Written::Broken {
            connection.stage = Stage::Broken;
            self.reports.push_back(Input::Closed { conn });
            return;
        }
        let bytes = u32::try_from(connection.unwritten_bytes()).unwrap_or(u32::MAX);
        if bytes != connection.told {
            connection.told = bytes;
            self.reports.push_back(Input::Unread { conn, bytes });
        }
    }

    /// Reads no more from a connection.
    pub(crate) fn pause(&mut self, conn: ConnId) {
        self.switch(conn, Stage::Open, Stage::Paused);
    }

    /// Reads again from a connection.
    pub(crate) fn resume(&mut self, conn: ConnId) {
        if self.switch(conn, Stage::Paused, Stage::Open) {
            self.ready.push(Who::Slot(conn.slot));
        }
    }

    fn switch(&mut self, conn: ConnId, from: Stage, to: Stage) -> bool {
        let Some(connection) = self.conns.get_mut(conn).filter(|c| c.stage == from) else { return false };
        connection.stage = to;
        true
    }

    /// Ends a connection: at once, or after what it has to write.
    pub(crate) fn close(&mut self, conn: ConnId, flush: bool) {
        let Some(connection) = self.conns.get_mut(conn) else { return };
        if !flush || connection.stage == Stage::Broken {
            return self.remove(conn);
        }
        connection.stage = Stage::Leaving(Rest::default());
        self.leavers.push(conn, self.clock.now());
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push(conn);
        }
    }

    fn remove(&mut self, conn: ConnId) {
        if let Some(mut connection) = self.conns.remove(conn) {
            connection.out.clear(&mut self.spare);
        }
    }

    fn part(&mut self, conn: ConnId) {
        if let Some(connection) = self.conns.get_mut(conn)
            && connection.part(&mut self.inbound, &mut self.spare)
        {
            self.remove(conn);
        }
    }

    /// Cuts up to `count` of those that end, the longest-lasting first: somebody else needs their room.
    pub(crate) fn hurry(&mut self, count: usize) {
        for _ in 0..count {
            let Some(conn) = self.leavers.pop() else { return };
            self.remove(conn);
        }
    }

    /// Whether some connection ends that could make room.
    pub(crate) fn may_hurry(&self) -> bool {
        !self.leavers.is_empty()
    }

    /// Cuts those that end too slowly. Returns when to look again.
    pub(crate) fn part_overdue(&mut self, clock: &Clock) -> Option<Time> {
        let conns = &mut self.conns;
        self.leavers.forget(|conn| conns.get_mut(conn).is_none());
        if self.leavers.is_empty() {
            return None;
        }
        let now = clock.now();
        while let Some(conn) = self.leavers.pop_overdue(now) {
            self.remove(conn);
        }
        self.leavers.deadline()
    }
}
