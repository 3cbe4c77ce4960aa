//! Whom to bid to next, and how much.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::{Download, Order};
use crate::time::Time;

/// Chunks under way at a time from all owners, beyond what travels during a round trip: one that comes and one that
/// follows.
const UNDER_WAY_MIN: usize = 2;
/// Bids beyond that: owners who grant late or never.
const BIDS_SPARE: usize = 2;
/// Chunks under way at a time from all owners at most.
const UNDER_WAY_MAX: usize = 64;

impl<K: Ord + Copy + fmt::Debug> Download<K> {
    /// How many chunks may be under way: as many as come during a round trip, and some.
    pub(super) fn under_way_max(&self) -> usize {
        let trips = self.owners.values().filter(|owner| owner.under_way > 0).map(|owner| owner.round_trip());
        let trip = trips.max().unwrap_or(Duration::ZERO);
        let travelling = self.downlink.bytes_in(trip) / self.layout.chunk_bytes();
        let travelling = usize::try_from(travelling).unwrap_or(UNDER_WAY_MAX);
        travelling.saturating_add(UNDER_WAY_MIN).min(UNDER_WAY_MAX)
    }

    /// Bids until there are enough bids and chunks under way.
    pub(super) fn refill(&mut self, now: Time, out: &mut Vec<Order<K>>) {
        if self.is_complete() {
            return;
        }
        self.note_company(now);
        let aim = self.under_way_max() + BIDS_SPARE;
        let has = self.held.held();
        loop {
            let bids: u32 = self.owners.values().map(|owner| owner.fresh_bids(now)).sum();
            if self.transfers.len() + bids as usize >= aim {
                break;
            }
            let Some(key) = self.next_owner(now) else { break };
            let Some(owner) = self.owners.get_mut(&key) else { break };
            owner.bid(now);
            out.push(Order::Bid { owner: key, wants: owner.bids(), has });
            let ages_at = owner.bids_age_at(now);
            self.wake_by(ages_at);
        }
    }

    /// One of those who have something to give and of whom least is asked already.
    fn next_owner(&mut self, now: Time) -> Option<K> {
        let chunk_bytes = self.layout.chunk_bytes();
        let (mut least, mut count, mut chosen) = (u32::MAX, 0, None);
        let mut dice = self.dice.clone();
        for (key, owner) in &self.owners {
            let is_aged = owner.bids() > 0 && owner.fresh_bids(now) == 0;
            if is_aged || !owner.is_open(now) || owner.engaged() >= owner.window(chunk_bytes) {
                continue;
            }
            let engaged = owner.engaged();
            if engaged > least || !self.is_useful(*key, now) {
                continue;
            }
            if engaged < least {
                (least, count) = (engaged, 0);
            }
            count += 1;
            if dice.below(count) == 0 {
                chosen = Some(*key);
            }
        }
        self.dice = dice;
        chosen
    }

    fn is_useful(&self, key: K, now: Time) -> bool {
        let Some(owner) = self.owners.get(&key) else { return false };
        self.wanted.meets(&owner.has) || self.latest_to_duplicate(key, now).is_some()
    }

    /// Notes whether anybody has anything that is missing.
    fn note_company(&mut self, now: Time) {
        let is_missing = |chunk: u32| !self.held.contains(chunk);
        let has_some = self.owners.values().any(|owner| {
            !owner.barred && (self.wanted.meets(&owner.has) || owner.has.iter().any(is_missing))
        });
        if has_some {
            self.lonely_since = None;
        } else if self.lonely_since.is_none() {
            self.lonely_since = Some(now);
            self.wake_by(Some(now + super::LONELY_MAX));
        }
    }
}
