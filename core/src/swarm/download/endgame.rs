//! The end of a download: nothing is unassigned, and somebody is slower than another would be.

use core::fmt;

use super::{Download, Transfer};
use crate::time::{Time, micros};

impl<K: Ord + Copy + fmt::Debug> Download<K> {
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
        let alone =
            others.filter(|one| self.transfers.iter().filter(|two| two.chunk == one.chunk).count() == 1);
        let last = alone.max_by_key(|one| self.ends_at(one, now))?;
        (self.ends_at(last, now) > sooner).then_some(last.chunk)
    }

    /// Nothing is wanted that is not under way already.
    pub(super) fn wanted_is_over(&self) -> bool {
        self.wanted.held() == 0
    }

    /// When a transfer will end, judged by what has come of it so far; never, if nothing has for too long.
    fn ends_at(&self, transfer: &Transfer<K>, now: Time) -> Time {
        let chunk_bytes = self.layout.chunk_bytes();
        let Some(owner) = self.owners.get(&transfer.owner) else { return Time::NEVER };
        let passed = now - transfer.chosen_at;
        let expected = owner.round_trip() + owner.expected(chunk_bytes) * owner.under_way.max(1);
        if transfer.bytes == 0 {
            return if passed > expected * 2 { Time::NEVER } else { transfer.chosen_at + expected };
        }
        let missing = chunk_bytes.saturating_sub(transfer.bytes);
        let rest = micros(passed).saturating_mul(missing) / transfer.bytes;
        now + core::time::Duration::from_micros(rest)
    }
}
