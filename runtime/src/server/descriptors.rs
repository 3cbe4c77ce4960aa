//! How many descriptors the process may have, and who gets them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections may not take: data, timers, logs.
const RESERVE: usize = 64;
/// Assumed where the system sets no limit, or one that cannot be meant.
const DESCRIPTORS_MAX: usize = 1 << 20;

/// How the descriptors of the process are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptors {
    /// Connections at once.
    pub conns_max: usize,
    /// Of them, before login.
    pub greeting_max: usize,
}

impl Descriptors {
    /// Raises the soft limit of the process to the hard one, and shares out what it then has.
    #[must_use]
    pub(crate) fn raise() -> Descriptors {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        let current = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
        let count = current.and_then(|count| usize::try_from(count).ok()).unwrap_or(DESCRIPTORS_MAX);
        Descriptors::share_out(count.min(DESCRIPTORS_MAX))
    }

    fn share_out(count: usize) -> Descriptors {
        Descriptors { conns_max: count - RESERVE.min(count / 4), greeting_max: (count / 4).max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_reserved() {
        assert_eq!(Descriptors::share_out(1024), Descriptors { conns_max: 960, greeting_max: 256 });
        assert_eq!(Descriptors::share_out(100), Descriptors { conns_max: 75, greeting_max: 25 });
    }
}
