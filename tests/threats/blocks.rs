//! Getting past a block: by a letter, a broadcast, a list, a notice; in either direction.
//!
//! Four users do anything in any order. One property waits after each step and compares everything that
//! everybody sees with a model that is too simple to be wrong. The other does not wait, lets the limits be
//! what they are, and asks one thing: whether something crossed a block.

mod model;
mod team;
mod watch;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use starling_core::server::{Config, Fault};

use crate::support::house::patient;
use crate::support::tenth_of;
use model::{Model, Step, sights, step};
use team::Team;
use watch::Watch;

/// Sequences for each property, if the attack is whole.
const SEQUENCES: u32 = 1_000_000;
/// Sequences after which a leak that was made on purpose must have been found.
const SEQUENCES_TO_FIND: u32 = 1_000;
/// Steps of one sequence in sixteen, and of the others.
const STEPS_MAX: usize = 400;
const STEPS_USUAL: usize = 32;

type Verdict = Result<(), TestCaseError>;

fn sequences() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![
        15 => prop::collection::vec(step(), 1..STEPS_USUAL),
        1 => prop::collection::vec(step(), 1..STEPS_MAX),
    ]
}

/// Everybody sees what the model says, and nothing else.
fn all_see_what_they_must(mut config: Config, steps: Vec<Step>) -> Verdict {
    // Each change is told, so that the model need not know patience.
    config.limits.presence_calm = Duration::ZERO;
    let mut team = Team::new(config);
    let mut model = Model::default();
    for step in steps {
        let mut expected = model.does(step, team.numbers + 1, team.house.now);
        team.does(step);
        let mut heard = team.hears();
        team.house.pass(Duration::from_millis(60));
        heard.extend(team.hears());
        team.lets_go(&heard);
        let mut seen = sights(&heard);
        expected.sort();
        seen.sort();
        prop_assert_eq!(seen, expected, "{:?}", step);
    }
    team.house.server.check();
    Ok(())
}

/// From the reply to a block to the request that ends it nothing crosses it, whatever is still under way.
fn nothing_crosses(config: Config, steps: Vec<Step>) -> Verdict {
    let mut team = Team::new(config);
    let mut watch = Watch::default();
    for step in steps {
        watch.begins(step, &team);
        let number = team.does(step);
        watch.asks(step, number);
        let heard = team.hears();
        watch.sees(&heard, team.numbers)?;
        team.lets_go(&heard);
        watch.forgets(&team);
    }
    team.house.server.check();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(tenth_of(SEQUENCES)))]

    /// What is refused, withheld and hidden, and what is not, because a block works in one direction.
    #[test]
    fn t19_a_block_holds_on_every_path_and_in_one_direction_only(steps in sequences()) {
        all_see_what_they_must(patient(), steps)?;
    }

    /// However restless the blocker is, and whatever was under way when the block began.
    #[test]
    fn t19_nothing_crosses_a_block_while_it_holds(steps in sequences()) {
        nothing_crosses(patient(), steps)?;
    }
}

/// Both properties notice a server that lets something through on one path only.
#[test]
fn t19_a_server_that_leaks_is_found_out() {
    let leaks = [
        Fault::BlockSkippedOffline,
        Fault::BroadcastIgnoresBlocks,
        Fault::WhoShowsBlockers,
        Fault::PresenceToBlocked,
    ];
    for leak in leaks {
        let properties: [fn(Config, Vec<Step>) -> Verdict; 2] = [all_see_what_they_must, nothing_crosses];
        for (number, property) in properties.into_iter().enumerate() {
            let config = Config { planted: Some(leak), ..patient() };
            let runs = ProptestConfig {
                cases: SEQUENCES_TO_FIND,
                max_shrink_iters: 0,
                failure_persistence: None,
                ..ProptestConfig::default()
            };
            let found = TestRunner::new(runs).run(&sequences(), |steps| property(config.clone(), steps));
            assert!(found.is_err(), "{leak:?} is not noticed by property {number}");
        }
    }
}
