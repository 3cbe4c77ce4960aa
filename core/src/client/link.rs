//! The line to the server: frames out of bytes, and whether anybody is still there.
//!
//! Two silences are told apart. The server must hear something every [`KEEP_ALIVE`], so a ping goes out
//! when nothing else did. And the client must hear something every [`SILENCE`]: it may have said much
//! that needs no answer, so a ping goes out also when nothing was heard for long.

use core::time::Duration;

use bytes::Bytes;

use crate::limits::KEEP_ALIVE;
use crate::time::Time;
use crate::wire::{PeerFault, Phase, Reader, ServerFrame};

/// A server from which nothing came for so long is gone.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// The bytes under way from the server, and when either side was last heard.
#[derive(Clone, Debug)]
pub(super) struct Link {
    reader: Reader,
    sent: Time,
    heard: Time,
    pinged: Time,
    nonce: u32,
}

impl Link {
    /// A connection that opened now.
    pub(super) fn new(now: Time) -> Link {
        Link { reader: Reader::new(), sent: now, heard: now, pinged: now, nonce: 0 }
    }

    /// Something was sent.
    pub(super) fn note_sent(&mut self, now: Time) {
        self.sent = now;
    }

    /// Bytes came; [`Link::next`] takes the frames out of them.
    pub(super) fn feed(&mut self, bytes: Bytes, now: Time) {
        self.heard = now;
        self.reader.feed(bytes);
    }

    /// The next whole frame.
    ///
    /// # Errors
    /// The server broke the protocol; nothing after that is to be trusted.
    pub(super) fn next(&mut self) -> Result<Option<ServerFrame>, PeerFault> {
        self.reader.next(Phase::FromServer)?.map(ServerFrame::decode).transpose()
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
