//! How fast bytes go, measured where they go.

use core::time::Duration;

use crate::time::micros;

/// The rate of one way, over about the last second in which something went.
///
/// An exponentially decaying window, kept as two sums that are halved together: whoever is idle is not slow,
/// because only spans in which something was under way are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meter {
    bytes: u64,
    micros: u64,
}

impl Meter {
    /// The window: what is older counts half, what is twice as old a quarter.
    const WINDOW_MICROS: u64 = 1_000_000;

    /// So many bytes took so long.
    pub(super) fn note(&mut self, bytes: u64, took: Duration) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.micros = self.micros.saturating_add(micros(took));
        while self.micros > Meter::WINDOW_MICROS {
            self.bytes /= 2;
            self.micros /= 2;
        }
    }

    /// Bytes a second; nothing before the first measurement.
    pub(super) fn bytes_per_second(&self) -> Option<u64> {
        let scaled = self.bytes.saturating_mul(1_000_000);
        (self.bytes > 0).then(|| scaled / self.micros.max(1))
    }

    /// How long so many bytes take; nothing before the first measurement.
    pub(super) fn span_of(&self, bytes: u64) -> Option<Duration> {
        let rate = self.bytes_per_second()?.max(1);
        Some(Duration::from_micros(bytes.saturating_mul(1_000_000) / rate))
    }

    /// How many bytes go in so long; 0 before the first measurement.
    pub(super) fn bytes_in(&self, span: Duration) -> u64 {
        self.bytes_per_second().unwrap_or(0).saturating_mul(micros(span)) / 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_follows_what_it_measures() {
        let mut meter = Meter::default();
        assert_eq!(meter.bytes_per_second(), None);
        (0..100).for_each(|_| meter.note(1_000, Duration::from_millis(10)));
        assert_eq!(meter.bytes_per_second(), Some(100_000));
        assert_eq!(meter.span_of(50_000), Some(Duration::from_millis(500)));
        (0..300).for_each(|_| meter.note(4_000, Duration::from_millis(10)));
        let rate = meter.bytes_per_second().expect("measured");
        assert!((370_000..=400_000).contains(&rate), "{rate}");
        assert_eq!(meter.bytes_in(Duration::from_secs(2)), rate * 2);
    }

    #[test]
    fn no_foreign_number_breaks_it() {
        let mut meter = Meter::default();
        meter.note(u64::MAX, Duration::ZERO);
        meter.note(u64::MAX, Duration::MAX);
        assert!(meter.span_of(u64::MAX).is_some());
    }
}
