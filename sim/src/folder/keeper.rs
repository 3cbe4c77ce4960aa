//! What a client orders about its folder, done as a driver does it: one thing after the other, and answered later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use starling_core::client::{FileEvent, FileOrder};
use starling_core::filename::FileName;
use starling_core::id::ConnId;
use starling_core::wire::{Frame, PeerFrame, Transfer};

use super::download::{Download, Incoming, Piece};
use super::uploads::Uploads;
use super::{Folder, Part};

/// The number of a transfer, and the connection on which it is.
pub(super) type TransferId = (ConnId, u32);

/// What came of orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The machine is to be told.
    Told(FileEvent),
    /// A piece of a chunk is to be sent.
    Send {
        /// On which connection.
        peer: ConnId,
        /// A PIECE.
        frame: Frame,
    },
}

/// What one run of a client has under way with a [`Folder`].
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    pub(super) downloads: BTreeMap<FileName, Download>,
    pub(super) incoming: BTreeMap<TransferId, Incoming>,
    /// Transfers that came to an end: their numbers are not used again.
    pub(super) over: BTreeSet<TransferId>,
    uploads: Uploads,
    pub(super) answers: VecDeque<FileEvent>,
    /// Connections that have ended.
    closed: BTreeSet<ConnId>,
}

impl Keeper {
    /// Does what is ordered. What comes of it is asked for with [`Keeper::next`].
    ///
    /// # Panics
    /// If the order breaks the contract.
    pub fn perform(&mut self, folder: &mut Folder, order: &FileOrder) {
        match order {
            FileOrder::Prepare { name, content } => self.prepare(folder, name, *content),
            FileOrder::Write { name, peer, transfer, chunk, hash, bytes, last } => {
                self.insist_open(*peer, order);
                let piece = Piece { chunk: *chunk, hash: *hash, bytes, last: *last };
                self.write(folder, name, (*peer, *transfer), &piece);
            }
            FileOrder::Forget { name, peer, transfer } => self.forget(name, (*peer, *transfer)),
            FileOrder::Complete { name, manifest } => self.complete(folder, name, manifest),
            FileOrder::Release { name } => self.release(folder, name),
            FileOrder::Upload { peer, transfer, content, chunk } => {
                self.insist_open(*peer, order);
                assert!(*chunk < folder.layout(*content).count(), "{order:?}: there is no such chunk");
                if folder.note_asked() {
                    self.uploads.begin((*peer, *transfer), *content, *chunk);
                }
            }
            FileOrder::Stop { peer, transfer } => {
                self.uploads.stop((*peer, *transfer));
                self.answers.retain(|answer| uploaded(answer) != Some((*peer, *transfer)));
            }
            FileOrder::List { content } => {
                let manifest = folder.offered(*content).map(|file| file.manifest().clone());
                self.answers.push_back(FileEvent::Listed { content: *content, manifest });
            }
        }
    }

    fn insist_open(&self, peer: ConnId, order: &FileOrder) {
        assert!(!self.closed.contains(&peer), "{order:?}: the connection has ended");
    }

    /// A connection has ended, on whichever side: what was to be sent on it is not, and nothing is told about that.
    pub fn closed(&mut self, peer: ConnId) {
        self.closed.insert(peer);
        self.uploads.closed(peer);
        self.answers.retain(|answer| uploaded(answer).is_none_or(|(of, _)| of != peer));
    }

    /// There is something to do; `has_room` says on which connections more can be sent.
    #[must_use]
    pub fn is_busy(&self, has_room: impl FnMut(ConnId) -> bool) -> bool {
        !self.answers.is_empty() || self.uploads.can_go_on(has_room)
    }

    /// The next thing that came of the orders, if anything did yet. Uploads take turns, piece by piece, where there is
    /// room to send.
    pub fn next(&mut self, folder: &mut Folder, has_room: impl FnMut(ConnId) -> bool) -> Option<Done> {
        if let Some(answer) = self.answers.pop_front() {
            self.is_told(folder, &answer);
            return Some(Done::Told(answer));
        }
        let mut upload = self.uploads.take(has_room)?;
        let (peer, transfer) = upload.id;
        let chunk = self.chunk(folder, upload.content, upload.chunk);
        if let Some(bytes) = chunk.as_ref().and_then(|chunk| upload.piece(chunk)) {
            let is_last = chunk.as_ref().is_some_and(|chunk| upload.sent == chunk.len());
            let bytes = folder.given(bytes, is_last);
            self.uploads.put_back(upload);
            let frame = PeerFrame::Transfer(Transfer::Piece { transfer, bytes }).frame();
            return Some(Done::Send { peer, frame });
        }
        let (bytes, whole) = (upload.sent as u64, chunk.is_some());
        Some(Done::Told(FileEvent::Uploaded { peer, transfer, bytes, whole }))
    }

    /// The client has ended. What was verified stays.
    pub fn end(self, folder: &mut Folder) {
        self.leave(folder, Part::sync);
    }

    /// The client was killed. Only those chunks stay of which it was told that they are here.
    pub fn crash(self, folder: &mut Folder) {
        self.leave(folder, Part::crash);
    }

    fn leave(self, folder: &mut Folder, become_of: impl Fn(&mut Part)) {
        for (name, download) in self.downloads {
            if let Some(part) = download.part(&name, folder) {
                become_of(part);
                part.busy = false;
            }
        }
    }
}

/// Which upload an answer is about, if it is about one.
fn uploaded(answer: &FileEvent) -> Option<TransferId> {
    match answer {
        FileEvent::Uploaded { peer, transfer, .. } => Some((*peer, *transfer)),
        _ => None,
    }
}
