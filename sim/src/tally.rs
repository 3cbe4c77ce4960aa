//! What a run adds up to.

use starling_core::time::Time;

use crate::fault::{FaultKind, Faults};

/// Counters of a world, and the hash of its trace.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Inputs to machines.
    pub events: u64,
    /// Connections that were tried: one person's life, or one host's, each.
    pub sessions: u64,
    /// What persons did, and faults that struck: what a shrinker makes small.
    pub steps: u32,
    /// Faults by kind.
    pub faults: Faults,
    hash: u64,
}

/// Multiplier of FNV-1a for 64 bits.
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Tally {
    /// An event joins the trace.
    #[inline]
    pub fn event(&mut self, at: Time, who: u64, what: u64, bytes: &[u8]) {
        self.events += 1;
        self.mix(at.as_micros());
        self.mix(who << 8 | what);
        self.mix(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        // What lies between is a text, and that is told apart where it is typed.
        let ends = [bytes.first_chunk(), bytes.last_chunk()];
        ends.into_iter().flatten().for_each(|word| self.mix(u64::from_le_bytes(*word)));
    }

    /// A word joins the trace.
    #[inline]
    pub fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(PRIME);
    }

    /// A fault strikes.
    pub fn fault(&mut self, kind: FaultKind) {
        self.faults.count(kind);
        self.steps += 1;
    }

    /// The hash of everything that happened.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }
}
