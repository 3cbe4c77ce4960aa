//! A bucket of tokens, kept as one instant.

use core::time::Duration;

use crate::time::Time;

/// How fast things may come: `burst` at once, then one every `interval`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    interval_micros: u64,
    slack_micros: u64,
}

impl Rate {
    /// `burst` at once, then `per_second` a second. More than a million a second is no limit.
    #[must_use]
    pub(crate) fn new(burst: u32, per_second: u32) -> Rate {
        let interval_micros = 1_000_000 / u64::from(per_second.max(1));
        Rate { interval_micros, slack_micros: interval_micros * u64::from(burst.saturating_sub(1)) }
    }
}

impl Rate {
    /// Practically no limit.
    #[cfg(test)]
    pub(crate) const PLENTY: Rate = Rate { interval_micros: 1, slack_micros: 1_000_000_000 };
}

/// The generic cell rate algorithm (ITU-T I.371, virtual scheduling): the bucket is the instant at which
/// it would be full again, so it needs neither a counter nor an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    full_at: Time,
}

impl Bucket {
    /// Takes so many tokens, also such as are not there yet. If none is left: the instant from which there is
    /// another.
    pub(crate) fn charge(&mut self, tokens: u32, rate: Rate, now: Time) -> Option<Time> {
        let cost = Duration::from_micros(rate.interval_micros.saturating_mul(u64::from(tokens)));
        self.full_at = self.full_at.max(now) + cost;
        let next = self.full_at.before(Duration::from_micros(rate.slack_micros));
        (next > now).then_some(next)
    }

    /// Takes a token if there is one. What is refused costs nothing.
    pub(crate) fn take(&mut self, rate: Rate, now: Time) -> bool {
        let there = self.full_at.before(Duration::from_micros(rate.slack_micros)) <= now;
        if there {
            self.charge(1, rate, now);
        }
        there
    }

    /// Nothing is missing.
    pub(crate) fn is_full(&self, now: Time) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_steady_rate() {
        let rate = Rate::new(3, 500);
        let mut bucket = Bucket::default();
        let start = Time::from_secs(5);
        assert_eq!(bucket.charge(1, rate, start), None);
        assert_eq!(bucket.charge(1, rate, start), None);
        let next = start + Duration::from_millis(2);
        assert_eq!(bucket.charge(1, rate, start), Some(next));
        assert_eq!(bucket.charge(1, rate, next), Some(next + Duration::from_millis(2)));
    }

    #[test]
    fn what_costs_much_is_granted_and_then_waited_for() {
        let rate = Rate::new(3, 1);
        let mut bucket = Bucket::default();
        let start = Time::from_secs(5);
        assert_eq!(bucket.charge(5, rate, start), Some(start + Duration::from_secs(3)));
        assert_eq!(bucket.charge(1, rate, start + Duration::from_secs(5)), None);
    }

    #[test]
    fn a_rest_fills_the_bucket_but_not_beyond_the_burst() {
        let rate = Rate::new(2, 1);
        let mut bucket = Bucket::default();
        let later = Time::from_secs(1_000);
        assert_eq!(bucket.charge(1, rate, Time::ZERO), None);
        assert_eq!(bucket.charge(1, rate, later), None);
        assert_eq!(bucket.charge(1, rate, later), Some(later + Duration::from_secs(1)));
    }
}
