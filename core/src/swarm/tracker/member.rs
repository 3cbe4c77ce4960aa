//! One who takes part in a content.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::super::bitmap::Bitmap;
use crate::id::UserId;

/// Reporters of a claim that are needed to drop it.
const REPORTERS: usize = 3;
/// Chunks of one claimant that are doubted at a time; reports beyond are lost.
const DOUBTS_MAX: usize = 256;
/// Chunks that are under way to one member; what he says beyond is not counted.
const FLYING_MAX: usize = 128;

#[derive(Clone, Debug)]
pub(super) struct Member {
    held: Bitmap,
    flying: BTreeSet<u32>,
    pub(super) watches: bool,
    /// Who says of which chunk that it is not given.
    doubts: BTreeMap<u32, Vec<UserId>>,
}

impl Member {
    pub(super) fn new(chunks: u32) -> Member {
        Member {
            held: Bitmap::none(chunks),
            flying: BTreeSet::new(),
            watches: false,
            doubts: BTreeMap::new(),
        }
    }

    pub(super) const fn held(&self) -> &Bitmap {
        &self.held
    }

    /// He has it or will have it.
    pub(super) fn counts(&self, chunk: u32) -> bool {
        self.held.contains(chunk) || self.flying.contains(&chunk)
    }

    pub(super) fn flying(&self) -> impl Iterator<Item = u32> + '_ {
        self.flying.iter().copied()
    }

    /// He has got a chunk. True if it did not count before.
    pub(super) fn gain(&mut self, chunk: u32) -> bool {
        let counted = self.counts(chunk);
        self.flying.remove(&chunk);
        self.held.insert(chunk) && !counted
    }

    /// He has not, after all. True if it counts no longer.
    pub(super) fn lose(&mut self, chunk: u32) -> bool {
        self.doubts.remove(&chunk);
        self.held.remove(chunk)
    }

    /// It is under way to him. True if it did not count before.
    pub(super) fn start(&mut self, chunk: u32) -> bool {
        let is_new = chunk < self.held.chunks() && !self.counts(chunk) && self.flying.len() < FLYING_MAX;
        is_new && self.flying.insert(chunk)
    }

    /// It is not. True if it counts no longer.
    pub(super) fn stop(&mut self, chunk: u32) -> bool {
        self.flying.remove(&chunk) && !self.held.contains(chunk)
    }

    /// Somebody says that he does not give it. True if he is the third, and the claim is dropped.
    pub(super) fn doubt(&mut self, reporter: UserId, chunk: u32) -> bool {
        let is_room = self.doubts.len() < DOUBTS_MAX || self.doubts.contains_key(&chunk);
        if !self.held.contains(chunk) || !is_room {
            return false;
        }
        let reporters = self.doubts.entry(chunk).or_default();
        if !reporters.contains(&reporter) {
            reporters.push(reporter);
        }
        let is_believed = reporters.len() >= REPORTERS;
        is_believed && self.lose(chunk)
    }
}
