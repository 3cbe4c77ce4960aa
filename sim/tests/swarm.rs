//! Simulated swarms: how long they take, and that everybody gets everything. What liars, stallers and flooders can do
//! to them is in `tests/threats/swarms.rs`.

use std::time::Duration;

use starling_core::swarm::policy;
use starling_sim::swarm::small::verdict;
use starling_sim::swarm::{Figures, Nature, Setup, run};

/// 10 Mbit/s.
const RATE: u64 = 1_250_000;
const KIB: u64 = 1_024;

fn equal(seeders: usize, downloaders: usize, chunks: u32) -> Setup {
    Setup::equal(seeders, downloaders, Setup::layout_of(chunks, 16 * KIB), RATE)
}

fn complete(setup: Setup) -> Figures {
    let figures = run(setup);
    assert!(figures.is_complete(), "somebody does not have everything after {:?}", figures.last());
    figures
}

/// The usual policy comes near to the least time that any schedule needs, and nearer than chance.
#[test]
fn a_swarm_is_almost_as_fast_as_its_links() {
    let mut setup = equal(1, 20, 256);
    setup.peers.iter_mut().for_each(|peer| peer.down *= 2);
    let rarest = complete(setup.clone());
    setup.policy = policy("random").expect("a policy");
    let random = complete(setup);
    assert!(rarest.ratio() <= 10_900, "{} ten-thousandths of the least time", rarest.ratio());
    assert!(rarest.ratio() < random.ratio(), "{} and at random {}", rarest.ratio(), random.ratio());
    assert!(rarest.copies_seeded().is_some_and(|copies| copies <= 1_020), "{:?}", rarest.copies_seeded());
}

/// More people than anybody has neighbours: who comes last has enough of them, and is not served last.
#[test]
fn nobody_is_left_behind_for_want_of_neighbours() {
    let figures = complete(Setup { rtt: Duration::from_millis(20), ..equal(1, 64, 1_024) });
    assert!(figures.ratio() <= 10_800, "{}", figures.ratio());
}

#[test]
fn two_computers_are_as_fast_as_their_link() {
    let figures = complete(equal(1, 1, 64));
    assert!(figures.ratio() <= 10_500, "{}", figures.ratio());
    assert_eq!(figures.twice(), 0);
}

#[test]
fn the_same_seed_is_the_same_swarm() {
    let setup = || equal(1, 8, 64).and(Nature::Poisoner, 2).and(Nature::Staller, 1);
    assert_eq!(run(setup()), run(setup()));
    let other = Setup { seed: 1, ..setup() };
    assert_ne!(run(other), run(setup()));
}

/// One who downloads is killed at a third, the seeder after 1.05 copies: the others finish, hardly later.
#[test]
fn who_leaves_is_not_missed() {
    let setup = || Setup::equal(1, 8, Setup::layout_of(1_024, 64 * KIB), RATE);
    let quiet = complete(setup());
    let churn = complete(setup().with_churn());
    assert!(churn.last() <= quiet.last() * 11 / 10, "{:?} after {:?}", churn.last(), quiet.last());
}

/// Small swarms in which up to nine of ten lie, and people come and go. 10,000 seeds: `sim swarm --seeds 0..10000`.
#[test]
fn p11_whatever_happens_everybody_gets_everything() {
    for seed in 0..1_000 {
        if let Err(story) = verdict(seed) {
            panic!("seed {seed}: {story}");
        }
    }
}
