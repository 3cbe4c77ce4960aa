//! Makes a failing tape as simple as it goes: deletes what is not needed, lowers what is.
//!
//! A candidate is kept if it still fails in the same checker and is no worse. Deleting whole records
//! takes whole deeds and whole faults out; lowering a byte makes a choice tamer. The order of attempts is
//! that of delta debugging (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input",
//! 2002): large pieces first, then smaller ones.

use crate::outcome::{Outcome, Plan, run_as};
use crate::tape::{Lane, PAUSE_AT, RECORD_BYTES, Tape};

/// A failing run made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// Its tape.
    pub tape: Tape,
    /// What it comes to.
    pub outcome: Outcome,
    /// Runs that were needed.
    pub runs: u32,
}

/// The most runs that a shrinking takes.
const RUNS_MAX: u32 = 20_000;

struct Shrinker {
    plan: Plan,
    checker: &'static str,
    lanes: Vec<Vec<u8>>,
    best: Outcome,
    cost: Cost,
    runs: u32,
}

/// What is to be made small, the most important first.
type Cost = (usize, usize, u64);

/// Shrinks the run of a tape. Nothing if it does not fail.
#[must_use]
pub fn shrink(plan: Plan, tape: &Tape) -> Option<Shrunk> {
    let first = run_as(plan, tape, false);
    let checker = first.violation.as_ref()?.checker;
    let tape = tape.written_out(&first.read);
    let lanes: Vec<Vec<u8>> = tape.lanes().iter().map(|lane| lane.to_vec()).collect();
    let cost = cost(&first, &lanes);
    let mut shrinker = Shrinker { plan, checker, lanes, best: first, cost, runs: 0 };
    while shrinker.round() {}
    let Shrinker { lanes, best, runs, .. } = shrinker;
    Some(Shrunk { tape: Tape::of_lanes(lanes), outcome: best, runs })
}

fn cost(outcome: &Outcome, lanes: &[Vec<u8>]) -> Cost {
    let bytes = lanes.iter().map(|lane| lane.iter().filter(|byte| **byte != 0).count()).sum();
    let sum = lanes.iter().flatten().map(|byte| u64::from(*byte)).sum();
    (outcome.steps.len(), bytes, sum)
}

impl Shrinker {
    /// One pass of everything. True if something was gained.
    fn round(&mut self) -> bool {
        let before = self.cost;
        for lane in 0..self.lanes.len() {
            self.attempt(|lanes| lanes[lane].clear());
        }
        for lane in 0..self.lanes.len() {
            if Lane::at(lane).is_record() {
                self.delete(lane, RECORD_BYTES);
            } else {
                self.silence(lane);
            }
        }
        for lane in 0..self.lanes.len() {
            self.lower(lane);
        }
        if self.cost == before {
            for lane in (0..self.lanes.len()).filter(|lane| Lane::at(*lane).is_record()) {
                self.wait_instead(lane);
            }
        }
        self.cost < before && self.runs < RUNS_MAX
    }

    /// Runs an edited tape; keeps it if it fails alike and is simpler.
    fn attempt(&mut self, edit: impl FnOnce(&mut Vec<Vec<u8>>)) -> bool {
        if self.runs >= RUNS_MAX {
            return false;
        }
        let mut lanes = self.lanes.clone();
        edit(&mut lanes);
        if lanes == self.lanes {
            return false;
        }
        self.runs += 1;
        let outcome = run_as(self.plan, &Tape::of_lanes(lanes.clone()), false);
        if outcome.violation.as_ref().is_none_or(|violation| violation.checker != self.checker) {
            return false;
        }
        // What lies behind the failure is not needed.
        for (lane, read) in lanes.iter_mut().zip(&outcome.read) {
            lane.truncate(*read);
        }
        let cost = cost(&outcome, &lanes);
        if cost >= self.cost {
            return false;
        }
        (self.lanes, self.best, self.cost) = (lanes, outcome, cost);
        true
    }

    /// Deletes spans of `unit`s, long ones first.
    fn delete(&mut self, lane: usize, unit: usize) {
        let mut span = (self.lanes[lane].len() / unit).next_power_of_two().max(1);
        while span > 0 {
            let mut at = 0;
            while at * unit < self.lanes[lane].len() {
                let from = at * unit;
                let to = (from + span * unit).min(self.lanes[lane].len());
                let gone = self.attempt(|lanes| {
                    lanes[lane].drain(from..to);
                });
                if !gone {
                    at += span;
                }
            }
            span /= 2;
        }
    }

    /// Puts a long pause into the place of records that only let time pass, many records first.
    fn wait_instead(&mut self, lane: usize) {
        let mut span = (self.lanes[lane].len() / RECORD_BYTES / 2).next_power_of_two();
        while span > 0 {
            let mut first = 1;
            while (first + span) * RECORD_BYTES <= self.lanes[lane].len() {
                let from = first * RECORD_BYTES;
                let waits = (0..u8::MAX).step_by(16).chain(240..=u8::MAX).any(|pause| {
                    self.attempt(|lanes| {
                        lanes[lane].drain(from..from + span * RECORD_BYTES);
                        lanes[lane][from - RECORD_BYTES + PAUSE_AT] = pause;
                    })
                });
                first += usize::from(!waits);
            }
            span /= 2;
        }
    }

    /// Makes spans of a lane that is read byte by byte tame, long ones first; their places stay.
    fn silence(&mut self, lane: usize) {
        let len = self.lanes[lane].len();
        let mut span = len.next_power_of_two().max(1);
        while span > 1 {
            for from in (0..len).step_by(span) {
                self.attempt(|lanes| {
                    let to = (from + span).min(lanes[lane].len());
                    if from < to {
                        lanes[lane][from..to].fill(0);
                    }
                });
            }
            span /= 2;
        }
    }

    /// Lowers single bytes: to nothing, by halves, by one.
    fn lower(&mut self, lane: usize) {
        for at in 0..self.lanes[lane].len() {
            let Some(byte) = self.lanes[lane].get(at).copied().filter(|byte| *byte > 0) else { continue };
            for lower in [0, byte / 4, byte / 2, byte - byte / 4, byte - 1] {
                let done = lower < byte
                    && self.attempt(|lanes| {
                        if let Some(place) = lanes[lane].get_mut(at) {
                            *place = lower;
                        }
                    });
                if done {
                    break;
                }
            }
        }
    }
}
