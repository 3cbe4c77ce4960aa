//! The line to the server: frames out of bytes, and whether it is still there.

use bytes::Bytes;

use super::silence::Silence;
use crate::time::Time;
use crate::wire::{PeerFault, Phase, Reader, ServerFrame};

/// The bytes under way from the server, and its silence.
#[derive(Clone, Debug)]
pub(super) struct Link {
    reader: Reader,
    pub(super) silence: Silence,
}

impl Link {
    /// A connection that opened now.
    pub(super) fn new(now: Time) -> Link {
        Link { reader: Reader::new(), silence: Silence::new(now) }
    }

    /// Bytes came; [`Link::next`] takes the frames out of them.
    pub(super) fn feed(&mut self, bytes: Bytes, now: Time) {
        self.silence.note_heard(now);
        self.reader.feed(bytes);
    }

    /// The next whole frame.
    ///
    /// # Errors
    /// The server broke the protocol; nothing after that is to be trusted.
    pub(super) fn next(&mut self) -> Result<Option<ServerFrame>, PeerFault> {
        self.reader.next(Phase::FromServer)?.map(ServerFrame::decode).transpose()
    }
}
