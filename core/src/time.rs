//! Instants as plain numbers.
//!
//! The core never reads a clock. Every instant it knows came in with an event, so a whole life of a
//! machine can be written down and played again.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A monotone instant: whole microseconds since the driver's origin.
///
/// The runtime counts from the boot of the computer (sleep included), the simulator from the start of
/// its world. Two `Time`s of different origins must never meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The origin.
    pub const ZERO: Time = Time(0);
    /// Later than every instant a machine will see.
    pub const NEVER: Time = Time(u64::MAX);

    /// The instant `micros` microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Time {
        Time(micros)
    }

    /// The instant `secs` whole seconds after the origin.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Time {
        Time(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the origin.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// This instant less `span`, not before the origin.
    #[must_use]
    pub fn before(self, span: Duration) -> Time {
        Time(self.0.saturating_sub(micros(span)))
    }
}

/// Whole microseconds of `span`, saturating at 584,000 years.
#[must_use]
pub fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Whole seconds of `span`, rounded up: what a person is told when asked to wait.
#[must_use]
pub fn secs_rounded_up(span: Duration) -> u64 {
    micros(span).div_ceil(1_000_000)
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(micros(span)))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;
    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}
