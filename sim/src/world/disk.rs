//! The store's host: when a batch is committed, if at all, and what the server is told.

use std::time::Duration;

use starling_core::server::{Input, PageOrder};
use starling_core::store::{Batch, StoreOutcome};
use starling_core::time::Time;

use super::World;
use crate::checker::fact::Fact;
use crate::fault::{FaultKind, Mask};
use crate::mark::Mark;
use crate::queue::Due;
use crate::store::{Moment, Store};
use crate::tape::Reader;

/// The store and what it has under way.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) store: Store,
    pub(super) lane: Reader,
    under_way: Option<UnderWay>,
    orders: u32,
    last_number: u64,
    loading: Vec<Option<PageOrder>>,
    full_until: Time,
    /// A batch of a life that is over, still on its way.
    stale: Option<Batch>,
    /// Microseconds by which the wall clock is ahead of the world's time.
    pub(super) wall: u64,
}

#[derive(Clone, Debug)]
struct UnderWay {
    order: u32,
    batch: Batch,
    fate: Fate,
    outcome: Option<StoreOutcome>,
    /// From the commit to the answer.
    answer: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Commit,
    Fail,
    UnknownKept,
    UnknownLost,
}

/// What the store needs when nothing is wrong.
const WRITE: Duration = Duration::from_micros(300);
const ANSWER: Duration = Duration::from_micros(100);
const READ: Duration = Duration::from_micros(200);

impl Disk {
    pub(super) fn new(store: Store, lane: Reader) -> Disk {
        // 2001-09-09, as good a day as any.
        let wall = 1_000_000_000_000_000;
        Disk {
            store,
            lane,
            under_way: None,
            orders: 0,
            last_number: 0,
            loading: Vec::new(),
            full_until: Time::ZERO,
            stale: None,
            wall,
        }
    }

    /// How long a password check takes.
    pub(super) fn verify_delay(&mut self, mask: Mask) -> Duration {
        let slow = mask.has(FaultKind::StoreSlow) && self.lane.chance(40);
        if slow { Duration::from_millis(1 + u64::from(self.lane.byte())) } else { Duration::from_micros(50) }
    }

    /// Nothing more fits on the disk until it is healed.
    pub(super) fn fill(&mut self) {
        self.full_until = Time::NEVER;
    }

    /// The disk is well again.
    pub(super) fn heal(&mut self) {
        self.full_until = Time::ZERO;
    }

    fn slowness(&mut self, mask: Mask) -> Option<Duration> {
        if !mask.has(FaultKind::StoreSlow) || !self.lane.chance(24) {
            return None;
        }
        let byte = u64::from(self.lane.byte());
        let span = if byte >= 240 { (byte - 239) * 250 } else { byte };
        Some(Duration::from_millis(span))
    }
}

impl World {
    // --- Batches ---

    pub(super) fn order_batch(&mut self, batch: Batch) {
        if self.disk.under_way.is_some() {
            let story = format!("batch {:?} is ordered while another is under way", batch.key);
            return self.judge.accuse(self.now, "store", story);
        }
        if batch.key.number == self.disk.last_number {
            self.judge.book.marks.reach(Mark::Again);
        }
        self.disk.last_number = batch.key.number;
        // "Failed" says that nothing is kept: of a batch that is, a store can only say that it cannot tell.
        let kept = self.disk.store.has(batch.key);
        let fate = match self.draw_fate() {
            Fate::Fail if kept => Fate::UnknownLost,
            fate => fate,
        };
        let slow = self.disk.slowness(self.mask);
        if slow.is_some() {
            self.strike(FaultKind::StoreSlow, None);
        }
        // Slow before the commit, or after it.
        let (before, after) = match slow {
            Some(span) if span.subsec_millis().is_multiple_of(2) => (span, Duration::ZERO),
            Some(span) => (Duration::ZERO, span),
            None => (Duration::ZERO, Duration::ZERO),
        };
        self.disk.orders += 1;
        let order = self.disk.orders;
        self.disk.under_way = Some(UnderWay { order, batch, fate, outcome: None, answer: ANSWER + after });
        self.queue.plan(self.now + WRITE + before, Due::Commit { order });
    }

    fn draw_fate(&mut self) -> Fate {
        if self.now < self.disk.full_until {
            return Fate::Fail;
        }
        let can = |kind| self.mask.has(kind);
        let (full, failed) = (can(FaultKind::StoreFull), can(FaultKind::StoreFailed));
        let (kept, lost) = (can(FaultKind::UnknownKept), can(FaultKind::UnknownLost));
        if !(full || failed || kept || lost) {
            return Fate::Commit;
        }
        match self.disk.lane.byte() {
            248..=251 if failed => {
                self.strike(FaultKind::StoreFailed, None);
                Fate::Fail
            }
            252 if full => {
                self.strike(FaultKind::StoreFull, None);
                let span = Duration::from_millis(50) * u32::from(self.disk.lane.byte());
                self.disk.full_until = self.now + span;
                Fate::Fail
            }
            244..=247 if lost => {
                self.strike(FaultKind::UnknownLost, None);
                Fate::UnknownLost
            }
            253..=255 if kept => {
                self.strike(FaultKind::UnknownKept, None);
                Fate::UnknownKept
            }
            _ => Fate::Commit,
        }
    }

    /// The moment in which a batch becomes durable, or does not.
    pub(super) fn commit(&mut self, order: u32) {
        let moment = self.moment();
        let waited_for = |under_way: &&mut UnderWay| under_way.order == order;
        if self.disk.under_way.as_mut().filter(waited_for).is_none() || self.doom(false) {
            return;
        }
        let Some(under_way) = self.disk.under_way.as_mut() else { return };
        let outcome = match under_way.fate {
            Fate::Commit | Fate::UnknownKept => self.disk.store.commit(&under_way.batch, moment),
            Fate::Fail => StoreOutcome::Failed,
            Fate::UnknownLost => StoreOutcome::Unknown,
        };
        let unknown = under_way.fate == Fate::UnknownKept;
        under_way.outcome = Some(if unknown { StoreOutcome::Unknown } else { outcome });
        let answer = under_way.answer;
        if outcome == StoreOutcome::Committed {
            let batch = std::mem::take(&mut under_way.batch.writes);
            batch.iter().for_each(|write| self.judge.see(self.now, &Fact::Kept { write }));
        }
        if !self.doom(true) {
            self.queue.plan(self.now + answer, Due::Stored { order });
        }
    }

    pub(super) fn stored(&mut self, order: u32) {
        let Some(done) = self.disk.under_way.take_if(|under_way| under_way.order == order) else { return };
        let outcome = done.outcome.unwrap_or(StoreOutcome::Unknown);
        self.feed(Input::Stored { key: done.batch.key, outcome }, None);
        self.settle();
    }

    // --- Pages ---

    pub(super) fn order_page(&mut self, page: PageOrder) {
        let delay = READ + self.disk.slowness(self.mask).unwrap_or_default();
        let order = u32::try_from(self.disk.loading.len()).expect("few orders");
        self.disk.loading.push(Some(page));
        self.queue.plan(self.now + delay, Due::Loaded { order });
    }

    pub(super) fn loaded(&mut self, order: u32) {
        let Some(page) = self.disk.loading[order as usize].take() else { return };
        let failed = self.mask.has(FaultKind::LoadFailed) && self.disk.lane.chance(16);
        let letters = if failed {
            self.strike(FaultKind::LoadFailed, None);
            None
        } else {
            let letters = self.disk.store.load(&page);
            if letters.last().is_some_and(|last| last.seq < page.upto) {
                self.judge.book.marks.reach(Mark::Paged);
            }
            Some(letters)
        };
        self.feed(Input::Loaded { user: page.user, ticket: page.ticket, letters }, None);
        self.settle();
    }

    // --- Crashes ---

    /// The server is gone: what becomes of what it had ordered.
    pub(super) fn abandon_orders(&mut self) {
        self.disk.loading.iter_mut().for_each(|order| *order = None);
        self.disk.last_number = 0;
        let Some(under_way) = self.disk.under_way.take() else { return };
        self.judge.book.marks.reach(Mark::CrashInCommit);
        if under_way.outcome == Some(StoreOutcome::Committed) {
            self.tally.faults.count(FaultKind::BatchUnanswered);
        } else if under_way.outcome.is_none() {
            self.tally.faults.count(FaultKind::BatchLost);
            self.disk.stale = Some(under_way.batch);
        }
    }

    /// A batch of the last life reaches the store only now: it must be refused.
    pub(super) fn deliver_stale(&mut self) {
        let Some(batch) = self.disk.stale.take() else { return };
        self.tally.faults.count(FaultKind::StaleBatch);
        let moment = self.moment();
        if self.disk.store.commit(&batch, moment) == StoreOutcome::Committed {
            self.judge.accuse(
                self.now,
                "store",
                format!("a batch of an older life is kept: {:?}", batch.key),
            );
        }
    }

    /// The clocks of the server's computer.
    pub(super) fn moment(&self) -> Moment {
        let now = self.server.clock.local(self.now);
        Moment { boot: self.server.boot, now, wall: self.disk.wall + self.now.as_micros() }
    }
}
