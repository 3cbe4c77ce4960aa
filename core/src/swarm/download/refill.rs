//! Whom to bid to next, and how much.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::{Download, Order, Owner, Transfer};
use crate::time::Time;

/// Chunks under way at a time from all owners, beyond what travels during a round trip. Each of them may wait behind one
/// or two others at its owner: with fewer, a down-link that is as fast as the up-links is idle between two chunks.
const UNDER_WAY_MIN: usize = 6;
/// Bids beyond that: owners who grant late or never.
const BIDS_SPARE: usize = 8;
/// Under load a round trip takes so many times the least that was measured: what is sent meanwhile waits in the network.
const BUSY_TRIPS: u32 = 8;
/// Chunks under way at a time from all owners at most.
const UNDER_WAY_MAX: usize = 64;
/// A chunk of somebody who has never sent anything, and sends nothing of this one for so long, takes no other's place: of
/// such owners there may be many, and each has one.
const SILENT_MAX: Duration = Duration::from_secs(1);

impl<K: Ord + Copy + fmt::Debug> Download<K> {
    /// How many chunks may be under way: as many as come during four round trips, and some. Under load a round trip takes
    /// more than twice the least that was measured; and of what is measured at first the half is waiting for answers: with
    /// room for as much again it grows to what the link can take.
    pub(super) fn under_way_max(&self) -> usize {
        let chunks = self.bytes_in_trips(1).div_ceil(self.layout.chunk_bytes());
        let travelling = usize::try_from(chunks).unwrap_or(UNDER_WAY_MAX);
        travelling.saturating_mul(4).saturating_add(UNDER_WAY_MIN).min(UNDER_WAY_MAX)
    }

    /// With how many chunks under way a granted slot is still taken. A slot that is given back costs its owner a round
    /// trip, so where those are long, what was bid for is taken.
    pub(super) fn taken_max(&self) -> usize {
        let chunks = self.bytes_in_trips(BUSY_TRIPS) / self.layout.chunk_bytes();
        self.under_way_max() + usize::try_from(chunks).unwrap_or(BIDS_SPARE).min(BIDS_SPARE)
    }

    /// How many chunks are under way that will come, as far as can be told.
    pub(super) fn coming(&self, now: Time) -> usize {
        self.transfers.iter().filter(|one| self.given_up_at(one).is_none_or(|at| now < at)).count()
    }

    /// When a chunk that is under way is not counted any more, as it looks now.
    pub(super) fn given_up_at(&self, transfer: &Transfer<K>) -> Option<Time> {
        let is_unknown = self.owners.get(&transfer.owner).is_none_or(|owner| owner.delivered == 0);
        (is_unknown && transfer.bytes == 0).then(|| transfer.chosen_at + SILENT_MAX)
    }

    /// How much comes during so many round trips.
    fn bytes_in_trips(&self, times: u32) -> u64 {
        let trips = self.owners.values().filter(|owner| owner.under_way > 0).map(|owner| owner.round_trip());
        let (count, all) = trips.fold((0, Duration::ZERO), |(count, all), trip| (count + 1, all + trip));
        let trip = all / count.max(1);
        self.downlink.bytes_in(trip.saturating_mul(times))
    }

    /// Bids until there are enough bids and chunks under way.
    pub(super) fn refill(&mut self, now: Time, out: &mut Vec<Order<K>>) {
        if self.is_complete() {
            return;
        }
        self.answer_kept(now, out);
        self.repeat_bids(now, out);
        self.note_company(now);
        self.postpone(now, out);
        let mut lacking = self.lacking(now);
        if lacking > 0 {
            let mut open = self.open_owners(now);
            while lacking > 0 {
                let Some(key) = self.next_owner(&mut open) else { break };
                self.bid(key, false, now, out);
                lacking -= 1;
            }
        }
        self.hope(now, out);
        self.look_again(now);
    }

    /// Says anew what was bid for long ago and is not answered.
    fn repeat_bids(&mut self, now: Time, out: &mut Vec<Order<K>>) {
        let has = self.here_or_coming();
        for (key, owner) in &mut self.owners {
            if owner.repeats_bids(now) {
                out.push(Order::Bid { owner: *key, wants: owner.bids(), has, later: owner.later });
            }
        }
    }

    /// Bids at this owner, if more bids are wanted.
    pub(super) fn ask(&mut self, key: K, now: Time, out: &mut Vec<Order<K>>) {
        let chunk_bytes = self.layout.chunk_bytes();
        let is_open = |owner: &Owner| owner.is_open(now) && owner.engaged() < owner.window(chunk_bytes);
        if self.owners.get(&key).is_some_and(is_open) && self.lacking(now) > 0 {
            self.bid(key, false, now, out);
        }
    }

    /// Bids that are lacking.
    fn lacking(&self, now: Time) -> usize {
        let bids: usize = self.owners.values().map(|owner| owner.fresh_bids(now) as usize).sum();
        let aim = self.under_way_max() + BIDS_SPARE;
        aim.saturating_sub(self.coming(now) + bids)
    }

    fn bid(&mut self, key: K, later: bool, now: Time, out: &mut Vec<Order<K>>) {
        let has = self.here_or_coming();
        let Some(owner) = self.owners.get_mut(&key) else { return };
        owner.bid(later, now);
        let bid = Order::Bid { owner: key, wants: owner.bids(), has, later };
        // The last word holds, so what was not said yet need not be said.
        match out.iter_mut().find(|order| matches!(order, Order::Bid { owner, .. } if *owner == key)) {
            Some(unsaid) => *unsaid = bid,
            None => out.push(bid),
        }
        let ages_at = owner.bids_age_at(now);
        self.wake_by(ages_at);
    }

    /// Bids at owners of whom nothing is wanted any more are bids for what they will get.
    fn postpone(&mut self, now: Time, out: &mut Vec<Order<K>>) {
        let is_over = |key: &K, owner: &Owner| owner.bids() > 0 && !owner.later && !self.is_useful(*key, now);
        let over: Vec<K> =
            self.owners.iter().filter(|(key, owner)| is_over(key, owner)).map(|(key, _)| *key).collect();
        let has = self.here_or_coming();
        for key in over {
            let Some(owner) = self.owners.get_mut(&key) else { continue };
            owner.later = true;
            out.push(Order::Bid { owner: key, wants: owner.bids(), has, later: true });
        }
    }

    /// Bids for what owners will get, where they have nothing now.
    fn hope(&mut self, now: Time, out: &mut Vec<Order<K>>) {
        let may_get = |key: &K, owner: &Owner| {
            owner.is_open(now) && owner.bids() == 0 && !owner.has.is_complete() && !self.is_useful(*key, now)
        };
        let hopes: Vec<K> =
            self.owners.iter().filter(|(key, owner)| may_get(key, owner)).map(|(key, _)| *key).collect();
        if self.wanted.held() > 0 {
            hopes.into_iter().for_each(|key| self.bid(key, true, now, out));
        }
    }

    /// Who has something to give and can be asked for more: of each, how much is asked already, and how much may be.
    fn open_owners(&self, now: Time) -> Vec<(K, u32, u32)> {
        let chunk_bytes = self.layout.chunk_bytes();
        let is_aged = |owner: &Owner| !owner.later && owner.bids() > 0 && owner.fresh_bids(now) == 0;
        let open = self.owners.iter().filter(|(_, owner)| owner.is_open(now) && !is_aged(owner));
        let open = open.map(|(key, owner)| (*key, owner.engaged(), owner.window(chunk_bytes)));
        open.filter(|(key, engaged, window)| engaged < window && self.is_useful(*key, now)).collect()
    }

    /// One of those of whom least is asked, all alike. He counts as asked for one more.
    fn next_owner(&mut self, open: &mut Vec<(K, u32, u32)>) -> Option<K> {
        let least = open.iter().map(|(_, engaged, _)| *engaged).min()?;
        let count = open.iter().filter(|(_, engaged, _)| *engaged == least).count() as u64;
        let chosen = usize::try_from(self.dice.below(count)).unwrap_or(0);
        let mut all = open.iter().enumerate().filter(|(_, (_, engaged, _))| *engaged == least);
        let (place, (key, _, window)) = all.nth(chosen).map(|(place, owner)| (place, *owner))?;
        open[place].1 += 1;
        if open[place].1 >= window {
            open.swap_remove(place);
        }
        Some(key)
    }

    fn is_useful(&self, key: K, now: Time) -> bool {
        let Some(owner) = self.owners.get(&key) else { return false };
        let is_wanted = self.wanted.meets(&owner.has) && !self.keeps_for_another(key, now);
        is_wanted || self.latest_to_duplicate(key, now).is_some()
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
