//! The loop: everything the server does, turn by turn, on one thread.
//!
//! A shard is one task over all its connections. Wakers only put slots on a list; a turn serves what is on
//! it, lets the machine decide, and writes to each connection once. So the cost of a turn is the system
//! calls it makes, and no recipient costs a wake-up.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use starling_core::server::{Action, Input, Server as Machine};
use starling_core::time::Time;
use tokio::task::coop::unconstrained;

use super::doors::{ACCEPTS_MAX, Doors};
use super::inbox::Inbox;
use super::verify::{Passwords, Verifier};
use crate::clock::{Alarm, Clock};
use crate::net::ready::{ReadyList, Sources};
use crate::net::streams::Streams;
use crate::store::Writer;

/// Bytes that one turn reads, all connections together: what they cause is written before more comes.
const TURN_BYTES_MAX: usize = 256 * 1024;
/// Steps of handshakes that one turn takes, some 100 microseconds each: a flood of them must not hold up those who talk.
const HANDSHAKES_MAX: usize = 8;
/// Chimes that one turn gives the machine.
const CHIMES_MAX: usize = 16;
/// How often one turn flushes: what the machine says to a change of unread bytes goes out in the same turn.
const FLUSHES_MAX: usize = 4;
/// How long a server may take to stop. What is not written by then is lost.
const STOP_PATIENCE: Duration = Duration::from_secs(4);

/// The machine and everything it drives.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(super) machine: Machine,
    pub(super) clock: Clock,
    /// When this turn began: the time of everything in it.
    pub(super) now: Time,
    pub(super) streams: Streams,
    pub(super) store: Writer,
    pub(super) verifier: Verifier,
    /// Passwords of credentials whose users the store is numbering.
    pub(super) passwords_to_come: VecDeque<Passwords>,
    /// Answers that are known before the step that asked for them is over.
    pub(super) answers: VecDeque<Input>,
    /// Empty between steps; kept for its memory.
    pub(super) actions: Vec<Action>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) phase: Phase,
    doors: Doors,
    /// Connections at once: fewer than descriptors.
    conns_max: usize,
    ready: Arc<ReadyList>,
    /// Slots to serve.
    woken: VecDeque<u32>,
    alarm: Alarm,
    /// The network's patience is real time, also where a test moves the machine's.
    real_clock: Clock,
    real_alarm: Alarm,
}

/// What a shard is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) machine: Machine,
    pub(crate) clock: Clock,
    pub(crate) ready: Arc<ReadyList>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) doors: Doors,
    pub(crate) streams: Streams,
    pub(crate) store: Writer,
    pub(crate) verifier: Verifier,
    pub(crate) conns_max: usize,
}

/// How far a shard has come.
#[derive(Debug)]
pub(super) enum Phase {
    Serving,
    /// The machine was told to stop.
    Stopping {
        until: Time,
    },
    /// The machine has nothing more to say; the last frames go out.
    Draining {
        until: Time,
    },
    Over(Ended),
}

/// Why a server ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// Its store cannot be relied on any more; why.
    StoreBroken(String),
}

impl Shard {
    /// A shard in the tokio runtime of this thread.
    pub(crate) fn new(parts: Parts) -> Shard {
        let real_clock = Clock::boot();
        Shard {
            now: parts.clock.now(),
            alarm: parts.clock.alarm(),
            real_alarm: real_clock.alarm(),
            real_clock,
            machine: parts.machine,
            clock: parts.clock,
            streams: parts.streams,
            store: parts.store,
            verifier: parts.verifier,
            passwords_to_come: VecDeque::new(),
            answers: VecDeque::new(),
            actions: Vec::new(),
            inbox: parts.inbox,
            phase: Phase::Serving,
            doors: parts.doors,
            conns_max: parts.conns_max,
            ready: parts.ready,
            woken: VecDeque::new(),
        }
    }

    /// Serves until it is stopped, or cannot go on.
    pub(crate) async fn run(mut self) -> Ended {
        // Tokio would otherwise interrupt the task after 128 operations on sockets.
        unconstrained(poll_fn(|cx| {
            self.turn(cx);
            self.wait(cx)
        }))
        .await
    }

    fn turn(&mut self, cx: &mut Context<'_>) {
        self.now = self.clock.now();
        let sources = self.ready.collect(&mut self.woken, cx.waker());
        self.accept(sources);
        self.read();
        self.take_notes();
        if matches!(self.phase, Phase::Over(_)) {
            // Nothing may be said any more that the store has not kept.
            return;
        }
        self.chime();
        self.flush();
    }

    fn accept(&mut self, sources: Sources) {
        if sources.doors {
            self.doors.knock();
        }
        if self.doors.is_knocked() {
            // Whoever ends may take his time, but not that of those who come.
            self.streams.hurry(ACCEPTS_MAX.saturating_sub(self.room()));
        }
        for (transport, from) in self.doors.accept(self.room(), &self.real_clock) {
            let conn = self.streams.open(transport, from);
            self.feed(Input::Opened { conn, from });
        }
    }

    /// How many more connections there may be.
    fn room(&self) -> usize {
        self.conns_max.saturating_sub(self.streams.len())
    }

    fn read(&mut self) {
        let (mut bytes, mut handshakes) = (0, 0);
        // Those that have more are served again in the next turn.
        for _ in 0..self.woken.len() {
            if bytes >= TURN_BYTES_MAX {
                return;
            }
            let Some(slot) = self.woken.pop_front() else { return };
            if self.streams.is_handshaking(slot) {
                if handshakes == HANDSHAKES_MAX {
                    self.woken.push_back(slot);
                    continue;
                }
                handshakes += 1;
            }
            let served = self.streams.serve(slot);
            if served.more {
                self.woken.push_back(slot);
            }
            if let Some(input) = served.input {
                bytes += served.bytes;
                self.feed(input);
            }
        }
    }

    fn chime(&mut self) {
        for _ in 0..CHIMES_MAX {
            if !self.is_due() {
                return;
            }
            self.feed(Input::Chime);
        }
    }

    fn is_due(&self) -> bool {
        self.machine.deadline().is_some_and(|at| at <= self.now)
    }

    /// Writes. What that tells the machine may make it say more.
    fn flush(&mut self) {
        for _ in 0..FLUSHES_MAX {
            if !self.streams.is_dirty() {
                return;
            }
            self.streams.flush();
            self.settle();
        }
    }

    /// Begins to stop.
    pub(super) fn stop(&mut self) {
        if matches!(self.phase, Phase::Serving) {
            self.phase = Phase::Stopping { until: self.real_clock.now() + STOP_PATIENCE };
            self.doors.shut();
            self.feed(Input::Stop);
        }
    }

    /// Sets the alarms and goes to sleep, or says how it ended.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let patience = self.streams.part_overdue(&self.real_clock);
        if let Some(ended) = self.ended() {
            return Poll::Ready(ended);
        }
        let busy =
            !self.woken.is_empty() || self.streams.is_dirty() || self.is_due() || self.wants_to_accept();
        if busy {
            cx.waker().wake_by_ref();
        }
        let until = match self.phase {
            Phase::Stopping { until } | Phase::Draining { until } => Some(until),
            Phase::Serving | Phase::Over(_) => None,
        };
        sleep_until(&mut self.alarm, self.machine.deadline(), cx);
        sleep_until(&mut self.real_alarm, earliest([patience, self.doors.deadline(), until]), cx);
        Poll::Pending
    }

    fn wants_to_accept(&self) -> bool {
        self.doors.is_knocked() && (self.room() > 0 || self.streams.may_hurry())
    }

    fn ended(&self) -> Option<Ended> {
        match &self.phase {
            Phase::Serving => None,
            Phase::Draining { .. } if self.streams.len() == 0 => Some(Ended::Stopped),
            Phase::Stopping { until } | Phase::Draining { until } => {
                (*until <= self.real_clock.now()).then_some(Ended::Stopped)
            }
            Phase::Over(ended) => Some(ended.clone()),
        }
    }
}

fn earliest<const N: usize>(deadlines: [Option<Time>; N]) -> Option<Time> {
    deadlines.into_iter().flatten().min()
}

fn sleep_until(alarm: &mut Alarm, deadline: Option<Time>, cx: &mut Context<'_>) {
    let Some(at) = deadline else { return };
    alarm.set(at);
    if alarm.poll_rung(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
}
