//! Small swarms in which everything can happen, made from a seed.

use std::ops::Range;
use std::time::Duration;

use starling_core::seed::{Dice, Seed};
use starling_core::swarm::POLICIES;
use starling_core::time::Time;

use super::figures::Figures;
use super::setup::{Nature, PeerSetup, Setup};
use super::world::run;

/// A number in a range.
fn number(dice: &mut Dice, range: Range<u64>) -> u64 {
    range.start + dice.below(range.end - range.start)
}

/// A small swarm: one honest seeder who stays, some who download, some of whom leave, and up to nine times as many who
/// lie, refuse, stall or slander.
#[must_use]
pub fn small(seed: u64) -> Setup {
    let mut dice = Dice::public(Seed::from(seed));
    let honest = number(&mut dice, 1..9);
    let others = match number(&mut dice, 0..3) {
        0 => 0,
        1 => number(&mut dice, 0..honest + 2),
        _ => number(&mut dice, 0..honest * 9 + 1),
    };
    let layout = Setup::layout_of(
        u32::try_from(number(&mut dice, 1..64)).unwrap_or(1),
        1_024 << number(&mut dice, 0..7),
    );
    let mut peer = |nature, seeds| PeerSetup {
        nature,
        seeds,
        comes: Time::ZERO,
        leaves: None,
        leaves_after_permille: None,
        up: number(&mut dice, 100_000..5_000_000),
        down: number(&mut dice, 200_000..10_000_000),
    };
    let mut peers = vec![peer(Nature::Honest, true)];
    peers.extend((0..honest).map(|_| peer(Nature::Honest, false)));
    peers.extend((0..others).map(|_| peer(Nature::Poisoner, false)));
    for peer in &mut peers[1..] {
        if peer.nature == Nature::Poisoner {
            let natures = [Nature::Poisoner, Nature::Denier, Nature::Staller, Nature::Framer];
            peer.nature = natures[usize::try_from(dice.below(4)).unwrap_or(0)];
        }
        peer.comes = Time::from_micros(number(&mut dice, 0..2_000_000));
        if dice.below(5) == 0 {
            peer.leaves = Some(peer.comes + Duration::from_micros(number(&mut dice, 0..3_000_000)));
        }
    }
    Setup {
        seed,
        peers,
        layout,
        policy: POLICIES[usize::from(dice.below(4) == 0)],
        rtt: Duration::from_micros(number(&mut dice, 500..200_000)),
        loss_ppm: u32::try_from(number(&mut dice, 0..50_000)).unwrap_or(0),
        until: Time::from_secs(3_600),
    }
}

/// Runs a small swarm: what was not as promised in it, if anything was.
///
/// # Errors
/// The promise that was broken, in words.
pub fn verdict(seed: u64) -> Result<Figures, String> {
    let setup = small(seed);
    let poisoners = setup.peers.iter().filter(|peer| peer.nature == Nature::Poisoner).count();
    let figures = run(setup);
    if !figures.is_complete() {
        return Err("somebody who stayed does not have everything".to_owned());
    }
    if figures.courses.iter().any(|course| course.wrong as usize > poisoners) {
        return Err("somebody got more than one wrong chunk from a liar".to_owned());
    }
    Ok(figures)
}
