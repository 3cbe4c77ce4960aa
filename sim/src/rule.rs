//! How a network treats what is under way: a rule says of each piece when it arrives, and in how many.

use std::time::Duration;

use crate::fault::{FaultKind, Faults, Mask};
use crate::tape::Reader;

/// How long a piece is under way, beyond the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delay {
    /// Always the least.
    #[default]
    Fixed,
    /// Up to so much more, all equally likely.
    Uniform(Duration),
    /// So much more on average; much more, rarely.
    Exponential(Duration),
    /// Nearly always the least; sometimes so much more, as after a lost packet.
    Bimodal(Duration),
}

/// The rule of a world's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The least a piece is under way.
    pub latency: Duration,
    /// What comes on top.
    pub delay: Delay,
    /// Of 256 arrivals, how many are cut.
    pub cut: u8,
    /// Of 256 pieces, how many wait for the next one.
    pub join: u8,
    /// Bytes a second on one link; 0 for no bound.
    pub bytes_per_second: u32,
    /// Bytes that may be under way or unread before a writer has to wait.
    pub window_bytes: u32,
}

impl Rule {
    /// A network that does its best.
    pub const TAME: Rule = Rule {
        latency: Duration::from_millis(1),
        delay: Delay::Fixed,
        cut: 0,
        join: 0,
        bytes_per_second: 0,
        window_bytes: 64 * 1024,
    };

    /// How strongly `mask` allows what `lane` chooses; `strength` of 255 is the worst.
    #[must_use]
    pub fn drawn(mask: Mask, strength: u8, lane: &mut Reader) -> Rule {
        let [latency, kind, spread, cut, join, narrow, window, _] = lane.record();
        let mut rule = Rule { latency: Duration::from_micros(1_000 + u64::from(latency) * 80), ..Rule::TAME };
        if mask.has(FaultKind::Slow) {
            let spread = Duration::from_millis(u64::from(spread) * (1 + u64::from(strength) / 64));
            rule.delay = match kind / 64 {
                0 => Delay::Fixed,
                1 => Delay::Uniform(spread),
                2 => Delay::Exponential(spread / 4),
                _ => Delay::Bimodal(spread * 4),
            };
        }
        if mask.has(FaultKind::Cut) {
            rule.cut = cut.min(strength);
        }
        if mask.has(FaultKind::Join) {
            rule.join = join.min(strength);
        }
        if mask.has(FaultKind::Narrow) && narrow > 0 {
            rule.bytes_per_second = 2_000 * (1 + u32::from(u8::MAX - narrow.min(strength)));
        }
        if mask.has(FaultKind::ShortWrite) && window > 0 {
            rule.window_bytes = 64 + 256 * u32::from(u8::MAX - window);
        }
        rule
    }

    /// How long the next piece is under way.
    #[inline]
    pub fn delay(&self, lane: &mut Reader, faults: &mut Faults) -> Duration {
        let more = match self.delay {
            Delay::Fixed => return self.latency,
            Delay::Uniform(spread) => spread * u32::from(lane.byte()) / 256,
            Delay::Exponential(mean) => exponential(mean, lane.word()),
            Delay::Bimodal(spread) if lane.chance(8) => spread * (1 + u32::from(lane.byte())) / 256,
            Delay::Bimodal(_) => Duration::ZERO,
        };
        if more > self.latency * 4 {
            faults.count(FaultKind::Slow);
        }
        self.latency + more
    }

    /// How many of `len` bytes arrive first; the others a moment later.
    #[inline]
    pub fn cut(&self, len: usize, lane: &mut Reader, faults: &mut Faults) -> usize {
        if self.cut == 0 || len < 2 || !lane.chance(self.cut) {
            return len;
        }
        faults.count(FaultKind::Cut);
        1 + usize::from(lane.word()) % (len - 1)
    }

    /// Whether what is still under way waits for what is sent now.
    #[inline]
    pub fn join(&self, lane: &mut Reader) -> bool {
        self.join > 0 && lane.chance(self.join)
    }
}

/// A span that is exponentially distributed, from 16 bits of chance: `-mean · log2(1 - chance)`, the
/// logarithm being interpolated between powers of two, so that no float is needed.
fn exponential(mean: Duration, chance: u16) -> Duration {
    let left = 65_536 - u32::from(chance);
    let whole = left.ilog2();
    let fraction = ((left - (1 << whole)) << 8) >> whole;
    let log2_times_256 = (16 - whole) * 256 - fraction;
    mean * log2_times_256 / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_has_its_median_and_its_tail() {
        let mean = Duration::from_millis(100);
        assert_eq!(exponential(mean, 0), Duration::ZERO);
        assert_eq!(exponential(mean, 32_768), mean);
        assert_eq!(exponential(mean, 65_535), mean * 16);
    }
}
