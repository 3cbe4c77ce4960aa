//! Owners of whom it is not known yet whether they send what is right.
//!
//! One who lies costs one chunk, however long it takes to find out. A slot that he grants meanwhile is kept, so that one
//! who is honest is not left idle for a round trip after his first chunk.

use alloc::vec::Vec;
use core::fmt;

use super::{Download, Order};
use crate::time::Time;

impl<K: Ord + Copy + fmt::Debug> Download<K> {
    /// Notes whether an owner's first chunk is being verified.
    pub(super) fn note_judged(&mut self, key: K) {
        let is_judged = self.verifying.iter().any(|(owner, _)| *owner == key);
        if let Some(owner) = self.owners.get_mut(&key) {
            owner.judge(owner.delivered == 0 && is_judged);
        }
    }

    /// Answers the grants that were kept until it was known what their owners are worth, or long enough.
    pub(super) fn answer_kept(&mut self, now: Time, out: &mut Vec<Order<K>>) {
        let kept = self.owners.iter_mut().filter_map(|(key, owner)| Some((*key, owner.take_kept(now)?)));
        for (key, suggested) in kept.collect::<Vec<_>>() {
            self.answer(key, suggested, now, out);
        }
    }
}
