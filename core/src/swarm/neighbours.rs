//! With whom of a swarm one is connected: the organ of everybody who downloads or serves a content.
//!
//! A random graph in which everybody calls twenty others and is called by as many is connected, and its diameter is a
//! few steps, with overwhelming probability (Bollobás, "Random Graphs", chapter 10): whoever has something new is
//! never far from those who miss it. So whom to call is left to chance.
//!
//! Whoever comes late is called by nobody, and finds many who have room for no more. Those who give deal their slots
//! evenly, so with half as many neighbours as others he would be given half as much: he calls more of them, and there is
//! room for many more than everybody has.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::seed::Dice;

/// How many one calls, however many have called.
pub const CALLED_MAX: usize = 20;
/// How many one is to be connected with: with fewer one calls more.
pub const NEIGHBOURS_MIN: usize = 30;
/// How many one is connected with at most, whoever called.
pub const NEIGHBOURS_MAX: usize = 60;

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
        let has_called_enough = called >= CALLED_MAX && self.linked.len() >= NEIGHBOURS_MIN;
        if has_called_enough || self.linked.len() >= NEIGHBOURS_MAX || self.known.is_empty() {
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
        assert_eq!(called.len(), NEIGHBOURS_MIN, "nobody has called him");
        let welcome = (100..200).filter(|peer| neighbours.is_welcome(*peer)).count();
        assert_eq!(welcome, NEIGHBOURS_MAX - NEIGHBOURS_MIN);
        let first = *called.first().expect("thirty");
        assert!(neighbours.is_welcome(first), "calls that cross are one");
        (0..=CALLED_MAX).for_each(|_| assert_eq!(neighbours.call(&mut dice), None, "there is no room"));
        called.iter().take(NEIGHBOURS_MIN - CALLED_MAX + 1).for_each(|peer| neighbours.forget(*peer));
        let next = neighbours.call(&mut dice).expect("there is room, and somebody to call");
        assert!(!called.contains(&next));
        assert_eq!(neighbours.call(&mut dice), None, "twenty are called");
    }

    #[test]
    fn whoever_is_called_by_many_calls_no_more_than_all() {
        let mut dice = Dice::public(Seed::from(6));
        let mut neighbours = Neighbours::default();
        (0..25).for_each(|peer| assert!(neighbours.is_welcome(peer)));
        (100..200).for_each(|peer| neighbours.met(peer));
        let calls = core::iter::from_fn(|| neighbours.call(&mut dice)).count();
        assert_eq!(calls, CALLED_MAX);
    }
}
