//! News that goes out in batches.

use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use crate::time::Time;

/// How much later than its cause a batch goes out at most.
pub const BATCH_SPAN: Duration = Duration::from_millis(100);

/// What is to be told, until it is.
///
/// The first news after a pause goes out at once, so that nobody waits at the start of a swarm, where everything
/// waits for the first copies; what follows within [`BATCH_SPAN`] goes out together.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    news: Vec<T>,
    quiet_until: Time,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Batch { news: Vec::new(), quiet_until: Time::ZERO }
    }
}

impl<T> Batch<T> {
    /// One more.
    pub fn add(&mut self, news: T) {
        self.news.push(news);
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.news.is_empty()
    }

    /// What waits, due or not.
    #[must_use]
    pub fn waiting(&self) -> &[T] {
        &self.news
    }

    /// When to take it; an instant that has passed means now.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        (!self.news.is_empty()).then_some(self.quiet_until)
    }

    /// What is due, if it is.
    pub fn take(&mut self, now: Time) -> Option<Vec<T>> {
        if self.news.is_empty() || now < self.quiet_until {
            return None;
        }
        self.quiet_until = now + BATCH_SPAN;
        Some(mem::take(&mut self.news))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_goes_at_once_and_the_next_together() {
        let mut batch = Batch::default();
        let start = Time::from_secs(1);
        assert_eq!((batch.deadline(), batch.take(start)), (None, None));
        batch.add(7);
        assert!(batch.deadline().is_some_and(|at| at <= start));
        assert_eq!(batch.take(start), Some(alloc::vec![7]));
        batch.add(8);
        batch.add(9);
        let next = start + BATCH_SPAN;
        assert_eq!(batch.waiting(), [8, 9]);
        assert_eq!((batch.deadline(), batch.take(start)), (Some(next), None));
        assert_eq!(batch.take(next), Some(alloc::vec![8, 9]));
        assert_eq!(batch.deadline(), None);
    }
}
