//! What will happen, in the order in which it will: a heap keyed by (time, number).
//!
//! Two things at one instant happen in the order in which they were planned, but for alarms: at equal
//! times an input beats a chime, so alarms stand after everything else of their instant.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use starling_core::time::Time;

/// What the world does when its time comes. Small: it is copied about the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The first piece on a pipe arrives.
    Arrive {
        /// Which link.
        link: u32,
        /// Towards the server, or from it.
        up: bool,
    },
    /// The request to connect reaches the server.
    Knock {
        /// Which link.
        link: u32,
    },
    /// The answer to the request to connect reaches the client.
    Answer {
        /// Which link.
        link: u32,
    },
    /// Somebody who closed a connection waits no longer for the rest to be read.
    Linger {
        /// Which link.
        link: u32,
    },
    /// The server's alarm.
    ServerAlarm,
    /// The alarm of a client.
    ClientAlarm {
        /// Which client.
        client: u32,
    },
    /// A client's disk does the next thing.
    Turn {
        /// Which client.
        client: u32,
    },
    /// A password has been checked.
    Verified {
        /// Index into the orders under way.
        order: u32,
    },
    /// The store commits a batch, or does not.
    Commit {
        /// Counts batches.
        order: u32,
    },
    /// The store answers an order to commit.
    Stored {
        /// Counts batches.
        order: u32,
    },
    /// The store answers an order to load.
    Loaded {
        /// Index into the orders under way.
        order: u32,
    },
    /// A person does the next thing.
    Person {
        /// Which person.
        person: u32,
    },
    /// A person comes, when all is calm.
    Enter {
        /// Which person.
        person: u32,
    },
    /// A misbehaving host does the next thing.
    Rogue {
        /// Which host.
        rogue: u32,
    },
    /// The next storm over the network.
    Weather,
    /// The next blow to the server process.
    Process,
    /// The server starts again.
    Restart,
    /// The storm is over.
    Calm {
        /// Which part of the calm begins.
        stage: u8,
    },
}

/// What can be planned.
pub trait Planned: Copy {
    /// Of two things at one instant, the one of lower rank happens first, whichever was planned first.
    fn rank(self) -> u8;
}

impl Planned for Due {
    /// Alarms yield to everything else of their instant.
    fn rank(self) -> u8 {
        match self {
            Due::ServerAlarm | Due::ClientAlarm { .. } => 1,
            Due::Calm { .. } => 2,
            _ => 0,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry<D> {
    /// Time in the high half, then a byte of rank, then the number: one comparison decides.
    key: u128,
    due: D,
}

impl<D: Copy> Entry<D> {
    fn at(self) -> Time {
        Time::from_micros((self.key >> 64) as u64)
    }
}

impl<D> PartialEq for Entry<D> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<D> Eq for Entry<D> {}

impl<D> Ord for Entry<D> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl<D> PartialOrd for Entry<D> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The plan of a world.
///
/// Most of what is planned happens soon and in the order in which it was planned: what is under way on a
/// steady network. That waits in a lane, first in, first out; only the rest needs the heap.
#[derive(Clone, Debug)]
pub struct Queue<D = Due> {
    heap: BinaryHeap<Reverse<Entry<D>>>,
    /// Ascending.
    lane: VecDeque<Entry<D>>,
    planned: u64,
    now: Time,
}

impl<D> Default for Queue<D> {
    fn default() -> Self {
        Queue { heap: BinaryHeap::new(), lane: VecDeque::new(), planned: 0, now: Time::ZERO }
    }
}

/// What happens so soon may wait in the lane.
const SOON: Duration = Duration::from_millis(5);

impl<D: Planned> Queue<D> {
    /// Plans `due` for `at`.
    pub fn plan(&mut self, at: Time, due: D) {
        self.planned += 1;
        let order = (u64::from(due.rank()) << 56) | self.planned;
        let key = u128::from(at.as_micros()) << 64 | u128::from(order);
        let entry = Entry { key, due };
        let in_order = self.lane.back().is_none_or(|last| last.key < key);
        if in_order && at <= self.now + SOON {
            self.lane.push_back(entry);
        } else {
            self.heap.push(Reverse(entry));
        }
    }

    /// The next thing, taken off the plan.
    pub fn pop(&mut self) -> Option<(Time, D)> {
        let from_lane = match (self.lane.front(), self.heap.peek()) {
            (Some(first), Some(Reverse(other))) => first.key < other.key,
            (first, _) => first.is_some(),
        };
        let next =
            if from_lane { self.lane.pop_front() } else { self.heap.pop().map(|Reverse(entry)| entry) };
        let entry = next?;
        self.now = entry.at();
        Some((self.now, entry.due))
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Time> {
        let heap = self.heap.peek().map(|Reverse(entry)| entry.at());
        let lane = self.lane.front().map(|entry| entry.at());
        [heap, lane].into_iter().flatten().min()
    }

    /// Everything planned, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Time, D)> + '_ {
        let heap = self.heap.iter().map(|Reverse(entry)| entry);
        heap.chain(&self.lane).map(|entry| (entry.at(), entry.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_one_instant_inputs_beat_alarms_and_keep_their_order() {
        let mut queue = Queue::default();
        let at = Time::from_secs(1);
        queue.plan(at, Due::ServerAlarm);
        queue.plan(at, Due::Weather);
        queue.plan(at, Due::Process);
        queue.plan(Time::ZERO, Due::Restart);
        let order: Vec<Due> = std::iter::from_fn(|| queue.pop()).map(|(_, due)| due).collect();
        assert_eq!(order, [Due::Restart, Due::Weather, Due::Process, Due::ServerAlarm]);
    }

    #[test]
    fn what_waits_in_the_lane_and_what_waits_in_the_heap_happen_in_one_order() {
        let mut queue = Queue::default();
        let times = [7, 3, 9_000, 3, 4_000, 5, 60_000, 4_500, 1];
        times.iter().for_each(|at| queue.plan(Time::from_micros(*at), Due::Weather));
        let mut sorted = times;
        sorted.sort_unstable();
        let order: Vec<u64> = std::iter::from_fn(|| queue.pop()).map(|(at, _)| at.as_micros()).collect();
        assert_eq!(order, sorted);
    }
}
