//! What several families of proofs need.

pub(crate) mod authority;
pub(crate) mod deceived;
pub(crate) mod flooder;
pub(crate) mod frames;
pub(crate) mod honest;
pub(crate) mod hostile;
pub(crate) mod house;
pub(crate) mod letters;
pub(crate) mod offers;
pub(crate) mod openings;
pub(crate) mod person;
pub(crate) mod pieces;
pub(crate) mod place;
pub(crate) mod ports;
pub(crate) mod raw;
pub(crate) mod sinks;
pub(crate) mod street;
pub(crate) mod tap;
pub(crate) mod terminal;
pub(crate) mod visitor;

use starling_core::seed::{Dice, Seed};

/// How often an attack is made whose whole takes minutes: a tenth of that, or all of it if the environment says
/// `THREATS=whole`.
pub(crate) fn tenth_of(whole: u32) -> u32 {
    match std::env::var("THREATS") {
        Ok(word) if word == "whole" => whole,
        _ => whole / 10,
    }
}

/// Chance that is the same in every run.
pub(crate) fn dice(seed: u64) -> Dice {
    Dice::public(Seed::from(seed))
}

/// A place in a list of `len`.
pub(crate) fn pick(dice: &mut Dice, len: usize) -> usize {
    let bound = u64::try_from(len).expect("a list is shorter than 64 bits");
    usize::try_from(dice.below(bound)).expect("it is below a length")
}

/// One of `list`.
pub(crate) fn one_of<'a, T>(dice: &mut Dice, list: &'a [T]) -> &'a T {
    &list[pick(dice, list.len())]
}

/// `len` bytes of anything.
pub(crate) fn noise(dice: &mut Dice, len: usize) -> Vec<u8> {
    (0..len).map(|_| u8::try_from(dice.below(256)).expect("a byte")).collect()
}
