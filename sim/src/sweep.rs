//! Many runs, one seed after the other: what they add up to, and the first that fails.

use std::ops::Range;

use crate::checker::Violation;
use crate::fault::Faults;
use crate::mark::Marks;
use crate::outcome::{Plan, run_as};
use crate::tape::Tape;

/// What a range of seeds adds up to.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// Runs.
    pub runs: u64,
    /// Connections that were tried.
    pub sessions: u64,
    /// Inputs to machines.
    pub events: u64,
    /// Simulated microseconds.
    pub micros: u64,
    /// Faults by kind.
    pub faults: Faults,
    /// Rare states.
    pub marks: Marks,
    /// Failing seeds, ascending.
    pub failed: Vec<(u64, Violation)>,
    /// The sum of the hashes of all runs, each mixed with its seed: independent of their order.
    pub hash: u64,
}

impl Sweep {
    /// Runs all seeds of a range.
    #[must_use]
    pub fn over(plan: Plan, seeds: Range<u64>) -> Sweep {
        let mut sweep = Sweep::default();
        seeds.for_each(|seed| sweep.run(plan, seed));
        sweep
    }

    /// Runs one seed.
    pub fn run(&mut self, plan: Plan, seed: u64) {
        let outcome = run_as(plan, &Tape::seeded(seed), false);
        self.runs += 1;
        self.sessions += outcome.sessions;
        self.events += outcome.events;
        self.micros += outcome.until.as_micros();
        self.faults.add(&outcome.faults);
        self.marks.add(&outcome.marks);
        self.hash =
            self.hash.wrapping_add((outcome.hash ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31));
        self.failed.extend(outcome.violation.map(|violation| (seed, violation)));
    }

    /// Adds what another part of the range came to.
    pub fn add(&mut self, other: Sweep) {
        self.runs += other.runs;
        self.sessions += other.sessions;
        self.events += other.events;
        self.micros += other.micros;
        self.faults.add(&other.faults);
        self.marks.add(&other.marks);
        self.hash = self.hash.wrapping_add(other.hash);
        self.failed.extend(other.failed);
        self.failed.sort_by_key(|(seed, _)| *seed);
    }
}
