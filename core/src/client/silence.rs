//! Whether anybody is still there at the other end of a connection.
//!
//! Two silences are told apart. The other side must hear something every [`KEEP_ALIVE`], so a ping goes out
//! when nothing else did. And this side must hear something every [`SILENCE`]: it may have said much
//! that needs no answer, so a ping goes out also when nothing was heard for long.

use core::time::Duration;

use crate::limits::KEEP_ALIVE;
use crate::time::Time;

/// Whoever says nothing for so long is gone.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// When either side was last heard.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    sent: Time,
    heard: Time,
    pinged: Time,
    nonce: u32,
}

impl Silence {
    /// A connection that opened now.
    pub(super) fn new(now: Time) -> Silence {
        Silence { sent: now, heard: now, pinged: now, nonce: 0 }
    }

    /// Something was sent.
    pub(super) fn note_sent(&mut self, now: Time) {
        self.sent = now;
    }

    /// Something came.
    pub(super) fn note_heard(&mut self, now: Time) {
        self.heard = now;
    }

    /// Nothing was heard for [`SILENCE`].
    pub(super) fn is_lost(&self, now: Time) -> bool {
        now >= self.lost_at()
    }

    /// The nonce of a ping, if one is due.
    pub(super) fn ping(&mut self, now: Time) -> Option<u32> {
        (now >= self.ping_at()).then(|| {
            self.pinged = now;
            self.nonce = self.nonce.wrapping_add(1);
            self.nonce
        })
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Time {
        self.ping_at().min(self.lost_at())
    }

    fn ping_at(&self) -> Time {
        self.sent.min(self.heard.max(self.pinged)) + KEEP_ALIVE
    }

    fn lost_at(&self) -> Time {
        self.heard + SILENCE
    }

    pub(super) fn check(&self, now: Time) {
        assert!(
            self.sent <= now && self.heard <= now && self.pinged <= now,
            "nothing happened in the future"
        );
        assert!(self.pinged <= self.sent, "a ping is something that was sent");
    }
}
