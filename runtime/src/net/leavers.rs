//! Connections that end, and the patience with them.

use std::collections::VecDeque;
use std::time::Duration;

use starling_core::id::ConnId;
use starling_core::time::Time;

/// How long a connection may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many end at once; beyond, the longest-lasting is cut.
const LEAVERS_MAX: usize = 1024;

/// The connections that end, in the order in which the patience with them ends.
#[derive(Debug, Default)]
pub(crate) struct Leavers(VecDeque<(Time, ConnId)>);

impl Leavers {
    /// Another one, from `now` on.
    pub(crate) fn push(&mut self, conn: ConnId, now: Time) {
        self.0.push_back((now + PATIENCE, conn));
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The longest-lasting.
    pub(crate) fn pop(&mut self) -> Option<ConnId> {
        self.0.pop_front().map(|(_, conn)| conn)
    }

    /// One that must be cut now.
    pub(crate) fn pop_overdue(&mut self, now: Time) -> Option<ConnId> {
        let due = self.deadline().is_some_and(|until| until <= now) || self.0.len() > LEAVERS_MAX;
        if due { self.pop() } else { None }
    }

    /// When the next must be cut.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.0.front().map(|(until, _)| *until)
    }

    /// Forgets those at the front of which `is_gone` says that they have ended by themselves.
    pub(crate) fn forget(&mut self, mut is_gone: impl FnMut(ConnId) -> bool) {
        while self.0.front().is_some_and(|(_, conn)| is_gone(*conn)) {
            self.0.pop_front();
        }
    }
}
