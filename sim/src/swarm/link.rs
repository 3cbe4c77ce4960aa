//! Access links: one up and one down for each peer, shared by the chunks that go over them.
//!
//! A chunk goes in pieces. An up-link sends one piece at a time, of the oldest chunk whose receiver can take it; a down-link takes them in the order in which they
//! arrive. A sender may have so many pieces of a chunk on their way as a window allows, so a receiver who is
//! sent more than he can take holds his senders back, as TCP does.

use std::collections::VecDeque;
use std::time::Duration;

use starling_core::time::Time;

/// Bytes of a piece at most.
pub(super) const PIECE_BYTES: u64 = 16 * 1024;

/// One chunk on its way.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Who sends it.
    pub(super) from: u32,
    /// Who gets it.
    pub(super) to: u32,
    /// Which.
    pub(super) chunk: u32,
    /// Raised when the place is used again.
    pub(super) generation: u32,
    /// Bytes that were not handed to the link yet, lost ones again.
    pub(super) unsent: u64,
    /// Bytes that have not arrived.
    pub(super) missing: u64,
    /// Bytes of the chunk.
    pub(super) bytes: u64,
    /// All of it was handed to the link once.
    pub(super) is_sent: bool,
    /// When the receiver's word of each piece that is on its way will be here.
    acknowledged_at: VecDeque<Time>,
}

impl Flow {
    /// A chunk that begins its way.
    #[must_use]
    pub(super) fn new(from: u32, to: u32, chunk: u32, bytes: u64, generation: u32) -> Flow {
        let acknowledged_at = VecDeque::new();
        Flow {
            from,
            to,
            chunk,
            generation,
            unsent: bytes,
            missing: bytes,
            bytes,
            is_sent: false,
            acknowledged_at,
        }
    }

    /// When another piece may be sent, with so many on their way at most.
    fn opens_at(&mut self, window: usize, now: Time) -> Time {
        while self.acknowledged_at.front().is_some_and(|at| *at <= now) {
            self.acknowledged_at.pop_front();
        }
        let over = self.acknowledged_at.len().checked_sub(window);
        over.map_or(now, |over| self.acknowledged_at[over])
    }

    /// A piece is on its way, and will be acknowledged then.
    pub(super) fn travels(&mut self, acknowledged_at: Time) {
        self.acknowledged_at.push_back(acknowledged_at);
    }
}

/// What an up-link does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Sends a piece of this flow, past so many others whose receivers are busy.
    Piece(usize, usize),
    /// Every receiver is busy until then.
    Wait(Time),
    /// Nothing.
    Rest,
}

/// The two directions of an access link.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// Bytes a second.
    pub(super) up: u64,
    /// Bytes a second.
    pub(super) down: u64,
    /// Places of the flows that are being sent.
    pub(super) flows: VecDeque<usize>,
    /// A piece is being sent.
    pub(super) is_sending: bool,
    /// When a waiting up-link looks again.
    pub(super) wakes_at: Time,
    /// When everything that has arrived is taken.
    down_free_at: Time,
    /// Pieces of one flow that may be on their way.
    window: usize,
    /// How long the up-link was busy.
    pub(super) busy: Duration,
}

/// How long so many bytes take.
#[must_use]
pub(super) fn span(bytes: u64, rate: u64) -> Duration {
    Duration::from_micros((bytes * 1_000_000).div_ceil(rate.max(1)))
}

impl Link {
    /// An idle link over which an answer comes after `rtt`.
    #[must_use]
    pub(super) fn new(up: u64, down: u64, rtt: Duration) -> Link {
        let travelling = u128::from(up) * rtt.as_micros() / 1_000_000 / u128::from(PIECE_BYTES);
        Link {
            up,
            down,
            flows: VecDeque::new(),
            is_sending: false,
            wakes_at: Time::ZERO,
            down_free_at: Time::ZERO,
            window: usize::try_from(travelling).unwrap_or(usize::MAX).saturating_add(2),
            busy: Duration::ZERO,
        }
    }

    /// Which piece is sent now: of the chunk that was accepted first, unless its receiver is busy. To share the link among
    /// the accepted chunks would make each of them later and none sooner; what is late is not passed on.
    pub(super) fn next(&mut self, flows: &mut [Flow], now: Time) -> Next {
        let mut soonest = Time::NEVER;
        for place in 0..self.flows.len() {
            let index = self.flows[place];
            let opens_at = flows[index].opens_at(self.window, now);
            if opens_at <= now {
                return Next::Piece(index, place);
            }
            soonest = soonest.min(opens_at);
        }
        if soonest == Time::NEVER { Next::Rest } else { Next::Wait(soonest) }
    }

    /// A piece arrives at the down-link then: when it has passed.
    pub(super) fn passes_at(&mut self, bytes: u64, arrives: Time) -> Time {
        self.down_free_at = self.down_free_at.max(arrives) + span(bytes, self.down);
        self.down_free_at
    }
}
