//! The end of a download: one chunk is unassigned and kept for somebody, or nothing is, and somebody is slower than
//! another would be.

use core::fmt;
use core::time::Duration;

use super::{Download, Transfer};
use crate::time::{Time, micros};

/// How soon the end is looked at again. Nothing else comes from one who is silent, and here nobody else may be asked for
/// anything by whose coming it would be noticed.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl<K: Ord + Copy + fmt::Debug> Download<K> {
    /// The last chunk is kept for a second owner while one could still come to deliver.
    pub(super) fn keeps_for_another(&self, key: K, now: Time) -> bool {
        if now >= self.reserve_until || self.wanted.held() != 1 {
            return false;
        }
        let others = || self.owners.iter().filter(|(other, _)| **other != key);
        let has_served = others().any(|(_, other)| other.delivered > 0 || other.under_way > 0);
        !has_served && others().any(|(_, other)| other.is_open(now) && self.wanted.meets(&other.has))
    }

    /// Of the chunks that come from others and that this owner has, the one that would end last, if he can end it sooner
    /// even though he begins now.
    pub(super) fn latest_to_duplicate(&self, key: K, now: Time) -> Option<u32> {
        if !self.wanted_is_over() || now < self.reserve_until {
            return None;
        }
        let owner = self.owners.get(&key)?;
        let chunk_bytes = self.layout.chunk_bytes();
        // Twice as long as it should take: a guess that is wrong costs a chunk.
        let sooner = now + owner.round_trip() + owner.expected(chunk_bytes) * 2;
        let others = self.transfers.iter().filter(|one| one.owner != key && owner.has.contains(one.chunk));
        let alone = others.filter(|one| self.is_alone(one));
        let last = alone.max_by_key(|one| self.ends_at(one, now))?;
        (self.ends_at(last, now) > sooner).then_some(last.chunk)
    }

    /// Sets the alarm for when the end looks different although nothing has come: the last chunk is not kept any longer, or
    /// what one alone is asked for would come sooner from another.
    pub(super) fn look_again(&mut self, now: Time) {
        if self.wanted_is_over() && self.transfers.iter().any(|one| self.is_alone(one)) {
            self.wake_by(Some(now + LOOK_AGAIN));
        }
        if self.wanted.held() == 1 && now < self.reserve_until {
            self.wake_by(Some(self.reserve_until));
        }
    }

    /// No other owner is asked for the same chunk.
    fn is_alone(&self, transfer: &Transfer<K>) -> bool {
        self.transfers.iter().filter(|other| other.chunk == transfer.chunk).count() == 1
    }

    /// Nothing is wanted that is not under way already.
    pub(super) fn wanted_is_over(&self) -> bool {
        self.wanted.held() == 0
    }

    /// When a transfer will end, judged by what has come of it so far, and by how late it is if nothing has.
    fn ends_at(&self, transfer: &Transfer<K>, now: Time) -> Time {
        let chunk_bytes = self.layout.chunk_bytes();
        let Some(owner) = self.owners.get(&transfer.owner) else { return Time::NEVER };
        let passed = now - transfer.chosen_at;
        let expected = owner.round_trip() + owner.expected(chunk_bytes) * owner.under_way.max(1);
        if transfer.bytes == 0 {
            // Of one who is late nothing is known but that: he may well need as long again.
            let late = passed.saturating_sub(expected);
            return (transfer.chosen_at + expected).max(now + late);
        }
        let missing = chunk_bytes.saturating_sub(transfer.bytes);
        let rest = micros(passed).saturating_mul(missing) / transfer.bytes;
        now + Duration::from_micros(rest)
    }
}
