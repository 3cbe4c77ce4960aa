//! Swarms in which some lie, slander, stall or flood: simulated, so that what they cost can be measured in time.

use std::time::Duration;

use starling_sim::swarm::{Figures, Nature, Setup, run};

use crate::support::{dice, tenth_of};

/// 10 Mbit/s.
const RATE: u64 = 1_250_000;
const KIB: u64 = 1_024;

/// Seeders and downloaders in one house.
fn near(seeders: usize, downloaders: usize, chunks: u32) -> Setup {
    Setup::equal(seeders, downloaders, Setup::layout_of(chunks, 16 * KIB), RATE)
}

/// Seeders and downloaders of 4 to 16 MiB, somewhere between one house and two continents, over lines that lose up to
/// one piece in fifty.
fn anywhere(seed: u64, seeders: usize, downloaders: usize) -> Setup {
    let mut dice = dice(seed);
    let chunks = u32::try_from(64 + dice.below(193)).expect("few chunks");
    let rtt = Duration::from_micros(1_000 + dice.below(199_000));
    let loss_ppm = u32::try_from(dice.below(20_000)).expect("a part of a million");
    let layout = Setup::layout_of(chunks, 64 * KIB);
    Setup { seed, rtt, loss_ppm, ..Setup::equal(seeders, downloaders, layout, RATE) }
}

fn complete(setup: Setup) -> Figures {
    let (seed, figures) = (setup.seed, run(setup));
    assert!(figures.is_complete(), "seed {seed}: somebody does not have everything");
    figures
}

/// One of five owners sends nothing but what is wrong.
#[test]
fn t29_a_liar_costs_everybody_one_chunk() {
    for seed in 0..1_000 {
        let figures = complete(Setup { seed, ..near(4, 2, 24).and(Nature::Poisoner, 1) });
        assert!(figures.courses.iter().all(|course| course.wrong <= 1), "seed {seed}");
    }
}

/// A third of all say of everybody else that he gives nothing.
#[test]
fn t30_slander_does_not_slow_the_honest() {
    let clean = complete(near(1, 14, 128));
    let framed = complete(near(1, 14, 128).and(Nature::Framer, 6));
    assert!(framed.last() <= clean.last() * 10 / 9, "{:?} and {:?}", clean.last(), framed.last());
}

/// Of fifty, nine in ten say that they have everything, and refuse or send what is wrong. The five others take at most
/// three times as long as among themselves, and as fifty of whom none lies.
#[test]
fn t31_nine_liars_in_ten_do_not_triple_the_time() {
    for seed in 0..u64::from(tenth_of(30)) {
        let deniers = usize::try_from(dice(seed).below(46)).expect("not more than all");
        let honest = anywhere(seed, 1, 4);
        let liars = honest.clone().and(Nature::Denier, deniers).and(Nature::Poisoner, 45 - deniers);
        let (alone, among_liars) = (complete(honest).last(), complete(liars).last());
        let clean = complete(anywhere(seed, 1, 49)).last();
        let limit = clean.min(alone) * 3;
        assert!(among_liars <= limit, "seed {seed}, {deniers} refuse: {clean:?}, {alone:?}, {among_liars:?}");
    }
}

/// One of three owners, or of two, grants and never sends.
#[test]
fn t32_a_staller_costs_less_than_fifteen_seconds() {
    for seed in 0..u64::from(tenth_of(200)) {
        for seeders in [2, 1] {
            let honest = anywhere(seed, seeders, 1);
            let clean = complete(honest.clone()).last();
            let stalled = complete(honest.and(Nature::Staller, 1)).last();
            assert!(stalled <= clean + Duration::from_secs(15), "seed {seed}: {clean:?} and {stalled:?}");
        }
    }
}

/// Of fifty, nine in ten grant and never send: they cost the five others no more than one may.
#[test]
fn t32_nine_stallers_in_ten_cost_no_more_than_one_may() {
    for seed in 0..u64::from(tenth_of(30)) {
        let honest = anywhere(seed, 1, 4);
        let clean = complete(honest.clone()).last();
        let stalled = complete(honest.and(Nature::Staller, 45)).last();
        assert!(stalled <= clean + Duration::from_secs(15), "seed {seed}: {clean:?} and {stalled:?}");
    }
}

/// Three bid ten thousand times a second each for everything, again and again.
#[test]
fn t33_who_floods_gets_no_more_than_a_share() {
    for seed in 0..u64::from(tenth_of(30)) {
        let figures = complete(anywhere(seed, 1, 1).and(Nature::Flooder, 3));
        let fair = figures.bound * 4;
        assert!(figures.last() <= fair * 10 / 7, "seed {seed}: {:?}, fair is {fair:?}", figures.last());
    }
}
