//! Planted faults: each deliberate mistake is found soon, and shrunk to a story that fits on a screen.

use std::ops::Range;

use starling_core::client::ClientFault;
use starling_core::server::Fault;
use starling_sim::options::Planted;
use starling_sim::shrink::shrink;
use starling_sim::{Plan, Tape, run_as};

/// Seeds until a fault must be found.
const SEEDS: Range<u64> = 0..1_000;
/// Steps of a shrunk story.
const STEPS_MAX: usize = 12;
/// Failing seeds that are asked for a short story.
const FAILURES_MAX: u32 = 3;

/// A mistake, the sessions until it was found, and the steps of its shrunk story.
///
/// The table stands in BENCHMARKS.md too. The figures change when worlds are drawn differently.
const TABLE: [(Planted, u64, usize); 15] = [
    (Planted::Server(Fault::BlockSkippedOffline), 11, 4),
    (Planted::Server(Fault::BroadcastIgnoresBlocks), 13, 4),
    (Planted::Server(Fault::PresenceToBlocked), 4, 1),
    (Planted::Server(Fault::WhoShowsBlockers), 11, 4),
    (Planted::Server(Fault::EpochNotRaised), 56, 8),
    (Planted::Server(Fault::FailureCountedTwice), 4, 1),
    (Planted::Server(Fault::LockEndsLate), 15, 1),
    (Planted::Server(Fault::FailuresNotStored), 4, 1),
    (Planted::Server(Fault::TimeoutLate), 52, 1),
    (Planted::Server(Fault::KeepAliveIsActivity), 52, 1),
    (Planted::Server(Fault::AcceptedTooEarly), 6, 2),
    (Planted::Server(Fault::SentIsReceived), 853, 7),
    (Planted::Server(Fault::BlockNotStored), 6, 2),
    (Planted::Server(Fault::TwoSessions), 69, 3),
    (Planted::Client(ClientFault::IgnoreCursor), 119, 2),
];

#[test]
fn every_planted_fault_is_found_and_made_small() {
    let mut table = String::from("| planted fault | sessions until found | steps |\n|---|---|---|\n");
    let mut holds = true;
    for (planted, sessions, steps) in TABLE {
        let (found, story) = measure(planted);
        table += &format!("| {planted} | {found} | {story} |\n");
        assert!(story <= STEPS_MAX, "{planted} takes {story} steps to tell");
        holds &= (found, story) == (sessions, steps);
    }
    assert!(holds, "the table is not true any more. It is now:\n{table}");
}

/// Sessions until a mistake is found, and the steps of its story.
///
/// A seed may only fail by a coincidence that is long to tell; so the next few that fail are asked as well
/// where the first has no short story.
fn measure(planted: Planted) -> (u64, usize) {
    let plan = Plan { planted: Some(planted), ..Plan::default() };
    let mut sessions = 0;
    let mut found: Option<(u64, usize)> = None;
    let mut asked = 0;
    for seed in SEEDS {
        let outcome = run_as(plan, &Tape::seeded(seed), false);
        sessions += outcome.sessions;
        if outcome.violation.is_some() {
            let shrunk = shrink(plan, &Tape::seeded(seed)).expect("it fails");
            let (first, story) = found.unwrap_or((sessions, usize::MAX));
            let story = story.min(shrunk.outcome.steps.len());
            found = Some((first, story));
            asked += 1;
            if story <= STEPS_MAX || asked == FAILURES_MAX {
                break;
            }
        }
    }
    found.unwrap_or_else(|| panic!("{planted} is not found within {} seeds", SEEDS.end))
}
