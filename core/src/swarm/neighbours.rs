//! With whom of a swarm one is connected: the organ of everybody who downloads or serves a content.
//!
//! A random graph in which everybody calls twenty others and is called by as many is connected, and its diameter is a
//! few steps, with overwhelming probability (Bollobás, "Random Graphs", chapter 10): whoever has something new is
//! never far from those who miss it. So whom to call is left to chance.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::seed::Dice;

/// How many one calls.
pub const CALLED_MAX: usize = 20;
/// How many one is connected with, whoever called.
pub const NEIGHBOURS_MAX: usize = 40;

/// Those of one content. `K` names a peer.
#[derive(Clone, Debug)]
pub struct Neighbours<K> {
    /// Those we are connected with; true if we called.
    linked: BTreeMap<K, bool>,
    /// Those who could be called.
    known: BTreeSet<K>,
}

impl<K> Default for Neighbours<K> {
    fn default() -> Self {
        Neighbours { linked: BTreeMap::new(), known: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Neighbours<K> {
    /// Somebody could be called.
    pub fn met(&mut self, peer: K) {
        if !self.linked.contains_key(&peer) {
            self.known.insert(peer);
        }
    }

    /// Somebody must not be called (again): he is gone, or not to be trusted.
    pub fn forget(&mut self, peer: K) {
        self.known.remove(&peer);
        self.linked.remove(&peer);
    }

    /// Somebody is a neighbour no longer; he can be called again.
    pub fn put_off(&mut self, peer: K) {
        if self.linked.remove(&peer).is_some() {
            self.known.insert(peer);
        }
    }

    /// Whom to call now, if there are too few; he counts as a neighbour until he is gone or does not answer.
    pub fn call(&mut self, dice: &mut Dice) -> Option<K> {
        let called = self.linked.values().filter(|called| **called).count();
        if called >= CALLED_MAX || self.linked.len() >= NEIGHBOURS_MAX || self.known.is_empty() {
            return None;
        }
        let place = usize::try_from(dice.below(self.known.len() as u64)).unwrap_or(0);
        let peer = *self.known.iter().nth(place)?;
        self.known.remove(&peer);
        self.linked.insert(peer, true);
        Some(peer)
    }

    /// Somebody calls: whether he becomes a neighbour. Whoever crosses our own call does.
    pub fn is_welcome(&mut self, peer: K) -> bool {
        let is_welcome = self.linked.contains_key(&peer) || self.linked.len() < NEIGHBOURS_MAX;
        if is_welcome {
            self.known.remove(&peer);
            self.linked.entry(peer).or_insert(false);
        }
        is_welcome
    }

    /// Somebody is a neighbour, or is being called.
    #[must_use]
    pub fn contains(&self, peer: K) -> bool {
        self.linked.contains_key(&peer)
    }

    /// The neighbours, in order.
    pub fn iter(&self) -> impl Iterator<Item = K> + '_ {
        self.linked.keys().copied()
    }

    /// The neighbours, as a list.
    #[must_use]
    pub fn list(&self) -> Vec<K> {
        self.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn nobody_has_more_neighbours_than_that_and_nobody_is_called_twice() {
        let mut dice = Dice::public(Seed::from(5));
        let mut neighbours = Neighbours::default();
        (0..100).for_each(|peer| neighbours.met(peer));
        let called: BTreeSet<u32> = core::iter::from_fn(|| neighbours.call(&mut dice)).collect();
        assert_eq!(called.len(), CALLED_MAX);
        let welcome = (100..200).filter(|peer| neighbours.is_welcome(*peer)).count();
        assert_eq!(welcome, NEIGHBOURS_MAX - CALLED_MAX);
        assert!(neighbours.is_welcome(*called.first().expect("twenty")), "calls that cross are one");
        neighbours.forget(*called.first().expect("twenty"));
        let next = neighbours.call(&mut dice).expect("there is room, and somebody to call");
        assert!(!called.contains(&next));
        assert_eq!(neighbours.list().len(), NEIGHBOURS_MAX);
    }
}
