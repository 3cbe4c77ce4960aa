//! One run: a tape in, an outcome out. The sweep, the fuzzer, the shrinker and the replay call it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use starling_core::time::Time;

use crate::checker::Violation;
use crate::fault::Faults;
use crate::mark::Marks;
use crate::options::{Options, Planted, Scenario};
use crate::story::{Step, told};
use crate::tape::Tape;
use crate::world::World;

/// What kind of world runs, and which mistake its machines make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What kind of world.
    pub scenario: Scenario,
    /// A deliberate mistake.
    pub planted: Option<Planted>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The hash of everything that happened: the same tape gives the same, in every build.
    pub hash: u64,
    /// Connections that were tried.
    pub sessions: u64,
    /// Inputs to machines.
    pub events: u64,
    /// What persons did and what befell them.
    pub steps: Vec<Step>,
    /// Faults by kind.
    pub faults: Faults,
    /// Rare states.
    pub marks: Marks,
    /// The first thing that must not be.
    pub violation: Option<Violation>,
    /// How far the world's time went.
    pub until: Time,
    /// How much was read of each lane.
    pub read: Vec<usize>,
    /// The trace, if it was asked for.
    pub trace: Vec<String>,
    /// The steps, told.
    pub story: String,
}

/// Runs the world of a tape to its end, or to the first thing that must not be.
#[must_use]
pub fn run(tape: &Tape) -> Outcome {
    run_as(Plan::default(), tape, false)
}

/// Runs a world of some kind; `traced` writes every event down.
#[must_use]
pub fn run_as(plan: Plan, tape: &Tape, traced: bool) -> Outcome {
    let options = Options::drawn(plan.scenario, tape, plan.planted);
    let header = options.to_string();
    let mut world = World::new(options, tape);
    if traced {
        world.trace = Some(header.lines().map(str::to_owned).collect());
    }
    // A machine that finds itself wrong panics. That is a finding like any other.
    let ran = catch_unwind(AssertUnwindSafe(|| while world.happen_next() {}));
    if let Err(panic) = ran {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
        world.judge.violation = Some(Violation { at: world.now, checker: "panic", story: text.to_owned() });
    }
    Outcome::of(world)
}

impl Outcome {
    fn of(mut world: World) -> Outcome {
        let mut trace = world.trace.take().unwrap_or_default();
        if let Some(violation) = world.judge.violation.as_ref().filter(|_| !trace.is_empty()) {
            trace.push(format!("{} VIOLATION of {}: {}", violation.at, violation.checker, violation.story));
        }
        Outcome {
            hash: world.tally.hash(),
            sessions: world.tally.sessions,
            events: world.tally.events,
            story: told(&world.steps, world.people()),
            read: world.read(),
            until: world.now,
            steps: world.steps,
            faults: world.tally.faults,
            marks: world.judge.book.marks,
            violation: world.judge.violation,
            trace,
        }
    }
}
