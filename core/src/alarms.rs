//! Many deadlines, one of them next.

use alloc::collections::BTreeSet;

use crate::time::Time;

/// The deadlines of many owners, at most one each.
///
/// Re-arming is lazy: who wants to be woken later than he is armed for leaves the alarm as it is, is
/// woken too early, looks at what he really waits for and arms again. So activity costs no tree
/// operation. Each owner keeps the time he is armed for in a variable of his own.
#[derive(Clone, Debug)]
pub(crate) struct Alarms<K: Ord + Copy> {
    due: BTreeSet<(Time, K)>,
}

impl<K: Ord + Copy> Default for Alarms<K> {
    fn default() -> Self {
        Alarms { due: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Alarms<K> {
    /// Makes sure that `key` is woken at `wanted` or earlier.
    pub(crate) fn arm(&mut self, key: K, armed: &mut Option<Time>, wanted: Time) {
        if armed.is_some_and(|at| at <= wanted) {
            return;
        }
        self.disarm(key, armed);
        self.due.insert((wanted, key));
        *armed = Some(wanted);
    }

    /// Makes sure that `key` is not woken.
    pub(crate) fn disarm(&mut self, key: K, armed: &mut Option<Time>) {
        if let Some(at) = armed.take() {
            self.due.remove(&(at, key));
        }
    }

    /// The next deadline.
    #[must_use]
    pub(crate) fn next(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes the next owner whose deadline is not after `now`; he is no longer armed.
    pub(crate) fn pop(&mut self, now: Time) -> Option<K> {
        let (at, key) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.remove(&(at, key));
        Some(key)
    }
}
