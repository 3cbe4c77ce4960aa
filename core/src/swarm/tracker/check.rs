//! What must hold of a tracker between two calls.

use super::super::content::Content;
use super::Tracker;
use super::content::Swarm;
use crate::time::Time;

impl Tracker {
    /// Asserts what must hold between two calls.
    ///
    /// # Panics
    /// If it does not: that is a bug.
    pub fn check(&self) {
        assert_eq!(self.bytes, self.swarms.values().map(Swarm::bytes).sum(), "every byte is counted");
        assert!(self.bytes <= self.limits.bytes_max, "all together is bounded");
        for (user, part) in &self.users {
            let swarms = || part.contents.iter().filter_map(|content| self.swarms.get(content));
            let bytes = swarms().map(|swarm| swarm.part_bytes(*user)).sum();
            assert!(swarms().all(|swarm| swarm.has_member(*user)), "a part is of a swarm");
            assert_eq!((swarms().count(), part.bytes), (part.contents.len(), bytes), "a part is counted");
            assert!(part.contents.len() <= self.limits.contents_of_user_max, "a part is bounded");
        }
        for swarm in self.swarms.values() {
            assert!((1..=self.limits.members_max).contains(&swarm.members()), "a swarm has members");
            swarm.check();
        }
        let is_there = |(at, content): &(Time, Content)| {
            self.swarms.get(content).is_some_and(|swarm| swarm.quiet_until == *at)
        };
        assert!(self.due.iter().all(is_there), "what is told is there");
    }
}
