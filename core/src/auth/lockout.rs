//! Failed logins of one account, and its lock.
//!
//! Knows time and nothing else: not whether the name exists, not who asks. No alarm: a lock that has
//! ended is seen to have ended when somebody asks.

use core::time::Duration;

use crate::limits::FAILURES_MAX;
use crate::time::Time;

/// The failures in a row of one account.
///
/// A lock holds in `[third failure, third failure + duration)`; at its end the count is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lockout {
    failures: u8,
    locked_until: Option<Time>,
}

/// What a failure led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt is allowed.
    TryAgain,
    /// The account is locked until then.
    Locked(Time),
}

impl Lockout {
    /// What was kept over a restart.
    #[must_use]
    pub fn recover(failures: u8, locked_until: Option<Time>) -> Lockout {
        Lockout { failures: failures.min(FAILURES_MAX), locked_until }
    }

    /// What is left of a lock.
    #[must_use]
    pub fn remaining(&self, now: Time) -> Option<Duration> {
        self.locked_until.filter(|until| now < *until).map(|until| until - now)
    }

    /// Counts a failed attempt; it must not be locked. The one that completes the row locks for `duration`.
    pub fn failure(&mut self, now: Time, duration: Duration) -> Verdict {
        debug_assert!(self.remaining(now).is_none(), "an attempt on a locked account is not evaluated");
        if self.locked_until.take().is_some() {
            self.failures = 0;
        }
        self.failures += 1;
        if self.failures < FAILURES_MAX {
            return Verdict::TryAgain;
        }
        self.locked_until = Some(now + duration);
        Verdict::Locked(now + duration)
    }

    /// Counts a right password; true if there was anything to forget.
    pub fn success(&mut self) -> bool {
        core::mem::take(self) != Lockout::default()
    }

    /// Nothing to remember: no failure, or a lock that has ended.
    #[must_use]
    pub fn is_clean(&self, now: Time) -> bool {
        match self.locked_until {
            Some(until) => now >= until,
            None => self.failures == 0,
        }
    }

    /// Failures in a row and the end of the lock, as they are kept.
    #[must_use]
    pub fn record(&self) -> (u8, Option<Time>) {
        (self.failures, self.locked_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_third_failure_locks_for_exactly_the_duration() {
        let mut lockout = Lockout::default();
        assert_eq!(lockout.failure(Time::from_secs(1), MINUTE), Verdict::TryAgain);
        assert_eq!(lockout.failure(Time::from_secs(2), MINUTE), Verdict::TryAgain);
        assert_eq!(lockout.failure(Time::from_secs(3), MINUTE), Verdict::Locked(Time::from_secs(63)));
        assert_eq!(lockout.remaining(Time::from_micros(62_999_999)), Some(Duration::from_micros(1)));
        assert_eq!(lockout.remaining(Time::from_secs(63)), None);
    }

    #[test]
    fn after_a_lock_the_count_begins_at_nothing() {
        let mut lockout = Lockout::recover(3, Some(Time::from_secs(10)));
        assert!(lockout.is_clean(Time::from_secs(10)));
        assert_eq!(lockout.failure(Time::from_secs(10), MINUTE), Verdict::TryAgain);
        assert_eq!(lockout.record(), (1, None));
    }

    #[test]
    fn a_right_password_forgets_the_failures() {
        let mut lockout = Lockout::default();
        lockout.failure(Time::ZERO, MINUTE);
        lockout.failure(Time::ZERO, MINUTE);
        assert!(lockout.success());
        assert!(!lockout.success());
        assert_eq!(lockout.failure(Time::ZERO, MINUTE), Verdict::TryAgain);
    }
}
