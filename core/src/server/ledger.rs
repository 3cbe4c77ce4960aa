//! What waits for being stored: one group commit at a time.
//!
//! The first write waits a moment for company, so that one commit serves many, and so that mail which
//! its receiver acknowledges in that moment needs no commit at all. What is written is looked up only
//! when the batch is made.

use alloc::collections::BTreeSet;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::cx::Sleeper;
use super::lane::Lane;
use crate::alarms::Alarms;
use crate::device::DeviceKey;
use crate::id::{Epoch, Seq, Ticket, UserId};
use crate::limits::Limits;
use crate::name::AccountName;
use crate::store::{Batch, BatchKey, StoreOutcome, Write};
use crate::time::Time;

/// How long the deletion of mail that has arrived may wait for company: nobody waits for it.
const TIDY_DELAY: Duration = Duration::from_millis(100);

/// Something to be written, to be looked up when the batch is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Letter {
        to: UserId,
        seq: Seq,
    },
    Block {
        by: UserId,
        whom: UserId,
        on: bool,
    },
    /// The attempt of that number, if any, is answered once it is written.
    Failures {
        lane: Lane,
        attempt: Option<Ticket>,
    },
    /// A device is remembered, or no longer.
    Device {
        user: UserId,
        account: AccountName,
        key: DeviceKey,
    },
    Arrived {
        user: UserId,
    },
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    epoch: Epoch,
    number: u64,
    /// What waits, and until when; the earliest first.
    queue: VecDeque<(Time, Order)>,
    arrived: BTreeSet<UserId>,
    /// Until when the deletions wait, if there are any.
    tidy_at: Option<Time>,
    under_way: Option<UnderWay>,
    armed: Option<Time>,
}

/// The batch that the store has, and what each of its writes was ordered as.
#[derive(Clone, Debug)]
struct UnderWay {
    batch: Batch,
    orders: Vec<Order>,
    /// The store could not tell: the batch is ordered again then.
    again: Option<Time>,
}

impl Ledger {
    pub(crate) fn new(epoch: Epoch) -> Ledger {
        Ledger {
            epoch,
            number: 0,
            queue: VecDeque::new(),
            arrived: BTreeSet::new(),
            tidy_at: None,
            under_way: None,
            armed: None,
        }
    }

    /// Something is to be kept. The deletion of mail that has arrived is asked for once and may wait longer.
    pub(crate) fn put(&mut self, order: Order, now: Time, limits: &Limits, alarms: &mut Alarms<Sleeper>) {
        match order {
            Order::Arrived { user } => {
                self.arrived.insert(user);
                self.tidy_at.get_or_insert(now + TIDY_DELAY);
            }
            _ => self.queue.push_back((now + limits.commit_delay, order)),
        }
        self.arm(alarms);
    }

    /// When the next batch is made, if something waits.
    fn due(&self) -> Option<Time> {
        let first = self.queue.front().map(|(until, _)| *until);
        [first, self.tidy_at].into_iter().flatten().min()
    }

    /// Commits at once what waits: the server stops.
    pub(crate) fn hurry_all(&mut self, now: Time, alarms: &mut Alarms<Sleeper>) {
        self.queue.iter_mut().for_each(|(until, _)| *until = now);
        self.tidy_at = self.tidy_at.map(|_| now);
        self.arm(alarms);
    }

    /// Nothing waits and nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.arrived.is_empty() && self.under_way.is_none()
    }

    /// What is to be done now: order a batch (again), or make one from what waits.
    pub(crate) fn woken(&mut self, now: Time) -> Due {
        self.armed = None;
        let is_due = self.due().is_some_and(|at| at <= now);
        match &mut self.under_way {
            Some(under_way) => match under_way.again {
                Some(at) if at <= now => {
                    under_way.again = None;
                    Due::Again(under_way.batch.clone())
                }
                _ => Due::Nothing,
            },
            None if is_due => Due::Commit,
            None => Due::Nothing,
        }
    }

    /// Makes a batch of what has waited for its whole delay: younger mail may yet be acknowledged and need no
    /// write. While the store is busy the next batch gathers, so a hurry of mail still shares its commits.
    /// `look_up` says what an order has become, if it is still needed.
    pub(crate) fn commit(
        &mut self,
        now: Time,
        limits: &Limits,
        mut look_up: impl FnMut(&Order) -> Option<Write>,
    ) -> Option<Batch> {
        debug_assert!(self.under_way.is_none(), "one batch at a time");
        let (mut writes, mut orders, mut bytes) = (Vec::new(), Vec::new(), 0);
        while bytes < limits.commit_bytes_max {
            let Some((_, order)) = self.queue.pop_front_if(|(until, _)| *until <= now) else { break };
            if let Some(write) = look_up(&order) {
                bytes += weight(&write);
                writes.push(write);
                orders.push(order);
            }
        }
        // Nobody waits for a deletion, and one that comes later takes more letters with it.
        let tidies = self.tidy_at.is_some_and(|at| at <= now);
        if tidies && bytes < limits.commit_bytes_max {
            for user in core::mem::take(&mut self.arrived) {
                let order = Order::Arrived { user };
                writes.extend(look_up(&order));
                orders.push(order);
            }
            self.tidy_at = None;
        }
        if writes.is_empty() {
            return None;
        }
        self.number += 1;
        let batch = Batch { key: BatchKey { epoch: self.epoch, number: self.number }, writes };
        self.under_way = Some(UnderWay { batch: batch.clone(), orders, again: None });
        Some(batch)
    }

    /// The store has answered: the orders that are settled, and whether they are kept.
    ///
    /// Nothing if the answer is not the one that is waited for, or settles nothing yet.
    pub(crate) fn stored(
        &mut self,
        key: BatchKey,
        outcome: StoreOutcome,
        now: Time,
        limits: &Limits,
        alarms: &mut Alarms<Sleeper>,
    ) -> Option<(Vec<Order>, bool)> {
        let waited_for = |under_way: &UnderWay| under_way.batch.key == key && under_way.again.is_none();
        let mut under_way = self.under_way.take_if(|under_way| waited_for(under_way))?;
        if outcome == StoreOutcome::Unknown {
            under_way.again = Some(now + limits.store_retry);
            self.under_way = Some(under_way);
            self.arm(alarms);
            return None;
        }
        self.arm(alarms);
        Some((under_way.orders, outcome == StoreOutcome::Committed))
    }

    /// Asks to be woken for what still waits.
    pub(crate) fn arm(&mut self, alarms: &mut Alarms<Sleeper>) {
        let wanted = match &self.under_way {
            Some(under_way) => under_way.again,
            None => self.due(),
        };
        if let Some(at) = wanted {
            alarms.arm(Sleeper::Ledger, &mut self.armed, at);
        }
    }

    pub(crate) fn check(&self) {
        assert_eq!(self.arrived.is_empty(), self.tidy_at.is_none(), "deletions that wait have a time");
        let wakes = self.armed.is_some();
        match &self.under_way {
            Some(under_way) => {
                assert!(under_way.again.is_none() || wakes, "an open batch is asked for again")
            }
            None => assert!(self.due().is_none() || wakes, "a due commit wakes"),
        }
    }
}

/// What the ledger has to do.
pub(crate) enum Due {
    Nothing,
    Commit,
    Again(Batch),
}

/// About how many bytes a write brings to the disk.
fn weight(write: &Write) -> usize {
    match write {
        Write::Letter { text, .. } => 64 + text.len(),
        Write::Arrived { .. } | Write::Block { .. } | Write::Failures { .. } | Write::Device { .. } => 64,
    }
}
