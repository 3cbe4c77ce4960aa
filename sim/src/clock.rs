//! The clocks of hosts: an origin of their own, a drift, and a wall clock that jumps.

use starling_core::time::Time;

/// How a host counts time: the world's microseconds, stretched a little, from an origin of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// What the host's clock showed when the world's showed `since`.
    pub base: Time,
    /// A moment of the world.
    pub since: Time,
    /// Parts of a million by which the clock runs fast.
    pub drift_ppm: u16,
}

impl Clock {
    /// A clock that shows `base` at the moment `since` of the world and then runs true.
    #[must_use]
    pub fn started(base: Time, since: Time) -> Clock {
        Clock { base, since, drift_ppm: 0 }
    }

    /// What the host's clock shows at a moment of the world.
    #[must_use]
    pub fn local(&self, world: Time) -> Time {
        let passed = world.as_micros().saturating_sub(self.since.as_micros());
        Time::from_micros(self.base.as_micros() + passed + drifted(passed, self.drift_ppm))
    }

    /// The first moment of the world at which the host's clock shows `local` or more.
    #[must_use]
    pub fn world(&self, local: Time) -> Time {
        if local == Time::NEVER {
            return Time::NEVER;
        }
        let shown = local.as_micros().saturating_sub(self.base.as_micros());
        let ppm = u64::from(self.drift_ppm);
        // Without the fractions, then upwards to the exact first moment: at most a step or two.
        let mut passed = if ppm == 0 { shown } else { shown - shown / (1_000_000 + ppm) * ppm };
        while passed > 0 && passed - 1 + drifted(passed - 1, self.drift_ppm) >= shown {
            passed -= (passed + drifted(passed, self.drift_ppm) - shown).clamp(1, passed);
        }
        while passed + drifted(passed, self.drift_ppm) < shown {
            passed += 1;
        }
        Time::from_micros(self.since.as_micros() + passed)
    }
}

fn drifted(passed: u64, ppm: u16) -> u64 {
    if ppm == 0 {
        0
    } else {
        passed / 1_000_000 * u64::from(ppm) + passed % 1_000_000 * u64::from(ppm) / 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_moment_is_the_first() {
        for ppm in [0, 1, 200, 50_000] {
            let clock = Clock { base: Time::from_secs(5), since: Time::from_secs(7), drift_ppm: ppm };
            for local in [5_000_000, 5_000_001, 6_234_567, 65_000_003, 3_605_000_000] {
                let local = Time::from_micros(local);
                let world = clock.world(local);
                assert!(clock.local(world) >= local);
                let earlier = Time::from_micros(world.as_micros() - 1);
                assert!(world == clock.since || clock.local(earlier) < local, "{ppm} {local}");
            }
        }
    }
}
