//! Chunks on their way out: they take turns, a piece each.

use std::collections::VecDeque;

use bytes::Bytes;
use starling_core::id::ConnId;
use starling_core::swarm::Content;
use starling_core::wire::PIECE_MAX;

use super::keeper::TransferId;

/// The chunks that are being sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Uploads(VecDeque<Upload>);

/// A chunk that is being sent.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) id: TransferId,
    pub(super) content: Content,
    pub(super) chunk: u32,
    /// Bytes that were sent.
    pub(super) sent: usize,
}

impl Uploads {
    pub(super) fn begin(&mut self, id: TransferId, content: Content, chunk: u32) {
        assert!(self.0.iter().all(|upload| upload.id != id), "Upload: transfer {id:?} is under way");
        self.0.push_back(Upload { id, content, chunk, sent: 0 });
    }

    pub(super) fn stop(&mut self, id: TransferId) {
        self.0.retain(|upload| upload.id != id);
    }

    pub(super) fn closed(&mut self, peer: ConnId) {
        self.0.retain(|upload| upload.id.0 != peer);
    }

    pub(super) fn can_go_on(&self, mut has_room: impl FnMut(ConnId) -> bool) -> bool {
        self.0.iter().any(|upload| has_room(upload.id.0))
    }

    /// The first one that can go on: it is taken out, and comes back behind the others.
    pub(super) fn take(&mut self, mut has_room: impl FnMut(ConnId) -> bool) -> Option<Upload> {
        let place = self.0.iter().position(|upload| has_room(upload.id.0))?;
        self.0.remove(place)
    }

    pub(super) fn put_back(&mut self, upload: Upload) {
        self.0.push_back(upload);
    }
}

impl Upload {
    /// The next piece of the chunk; nothing at its end.
    pub(super) fn piece(&mut self, chunk: &Bytes) -> Option<Bytes> {
        let rest = chunk.slice(self.sent..);
        let piece = rest.slice(..rest.len().min(PIECE_MAX));
        self.sent += piece.len();
        (!piece.is_empty()).then_some(piece)
    }
}
