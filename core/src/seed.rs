//! Chance, handed in from outside.
//!
//! The generator is named (ChaCha8, <https://cr.yp.to/chacha.html>): a standard generator may change
//! between versions of a library, and old seeds must keep their meaning. Numbers are drawn through
//! [`Dice::below`] for the same reason.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a machine's whole randomness grows from: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Seed(bytes)
    }
}

impl core::fmt::Debug for Seed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The two streams a machine draws from: what others may see must tell nothing about what they may not.
#[derive(Clone, Debug)]
pub struct Dice {
    rng: ChaCha8Rng,
}

impl Dice {
    /// The public stream: jitter, picks.
    #[must_use]
    pub fn public(seed: Seed) -> Dice {
        Dice::stream(seed, 0)
    }

    /// The private stream: tokens, instances.
    #[must_use]
    pub fn secrets(seed: Seed) -> Dice {
        Dice::stream(seed, 1)
    }

    fn stream(seed: Seed, stream: u64) -> Dice {
        let mut rng = ChaCha8Rng::from_seed(seed.0);
        rng.set_stream(stream);
        Dice { rng }
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// A number below `bound`, without bias (Lemire, "Fast Random Integer Generation in an Interval", 2019).
    ///
    /// # Panics
    /// If `bound` is 0: there is no such number.
    #[expect(clippy::cast_possible_truncation, reason = "the low half of the product is what is compared")]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            if (product as u64) >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }
}
