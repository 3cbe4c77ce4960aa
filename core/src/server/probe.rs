//! The question whether anybody is at the other end of a session, while another login waits for the answer.

use core::time::Duration;

use crate::id::ConnId;
use crate::time::Time;
use crate::wire::Request;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    /// When nobody is.
    until: Time,
    /// It was not listened to when it was asked: what comes next may have been sent long before, by somebody who is gone.
    /// So only the answer counts.
    by_answer: bool,
}

impl Probe {
    /// Asked now, for so long. `throttled` says until when the peer must wait, if he must; of one who is `deaf` nothing is
    /// read just now.
    pub(super) fn new(now: Time, patience: Duration, throttled: Option<Time>, deaf: bool) -> Probe {
        let mut probe = Probe { until: now + patience, by_answer: deaf };
        probe.put_off(patience, throttled);
        probe
    }

    /// Whether anything that comes says that somebody is there.
    pub(super) const fn is_answered_by_anything(self) -> bool {
        !self.by_answer
    }

    /// Whether this request of a connection is the answer.
    pub(super) fn is_answered_by(request: &Request, conn: ConnId) -> bool {
        matches!(request, Request::Pong { nonce } if *nonce == conn.generation)
    }

    /// He cannot answer while he must wait.
    pub(super) fn put_off(&mut self, patience: Duration, throttled: Option<Time>) {
        if let Some(until) = throttled {
            self.until = self.until.max(until + patience);
        }
    }

    /// When nobody is there.
    pub(super) const fn until(self) -> Time {
        self.until
    }
}
