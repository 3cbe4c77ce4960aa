//! Seeded worlds: nothing goes wrong, everything rare is reached, and the same seed is the same life.

use starling_sim::fault::FaultKind;
use starling_sim::mark::Mark;
use starling_sim::options::Scenario;
use starling_sim::sweep::Sweep;
use starling_sim::{Plan, Tape, run_as};

/// Enough for every rare state, and for 30,000 sessions.
const SEEDS: u64 = 1_000;

fn clean(sweep: &Sweep) {
    if let Some((seed, violation)) = sweep.failed.first() {
        panic!(
            "seed {seed} at {}: {}: {}\nshrink it with: cargo run --release --bin sim -- shrink {seed}",
            violation.at, violation.checker, violation.story,
        );
    }
}

#[test]
fn a_sweep_is_clean_and_reaches_everything() {
    let sweep = Sweep::over(Plan::default(), 0..SEEDS);
    clean(&sweep);
    let silent: Vec<&str> =
        FaultKind::ALL.iter().filter(|kind| sweep.faults.of(**kind) == 0).map(|kind| kind.text()).collect();
    assert!(silent.is_empty(), "faults that never struck: {silent:?}");
    let missing: Vec<&str> = sweep.marks.missing().map(Mark::text).collect();
    assert!(missing.is_empty(), "marks that were not reached: {missing:?}");
    assert!(sweep.sessions >= 5_000, "{} sessions are too few", sweep.sessions);
}

#[test]
fn a_calm_world_is_clean() {
    let plan = Plan { scenario: Scenario::Calm, ..Plan::default() };
    clean(&Sweep::over(plan, 0..100));
}

#[test]
fn the_same_tape_is_the_same_life() {
    for seed in 0..100 {
        let tape = Tape::seeded(seed);
        let first = run_as(Plan::default(), &tape, false);
        let second = run_as(Plan::default(), &tape, false);
        assert_eq!(first.hash, second.hash, "seed {seed}");
        // What a run has read of its tape is all that matters.
        let written = run_as(Plan::default(), &tape.written_out(&first.read), false);
        assert_eq!(first.hash, written.hash, "seed {seed}, written out");
    }
}

#[test]
fn a_trace_changes_nothing() {
    for seed in 0..10 {
        let tape = Tape::seeded(seed);
        let (plain, traced) = (run_as(Plan::default(), &tape, false), run_as(Plan::default(), &tape, true));
        assert_eq!(plain.hash, traced.hash);
        assert!(plain.trace.is_empty() && traced.trace.len() > 10);
    }
}

#[test]
fn worlds_for_measuring_are_clean() {
    let plan = Plan { scenario: Scenario::Busy, ..Plan::default() };
    clean(&Sweep::over(plan, 0..1));
}
