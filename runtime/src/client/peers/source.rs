//! Where the pieces of a chunk come from: a reader that blocks, in a thread of a pool, a few pieces at a time.
//!
//! No thread waits for a slow receiver: a job reads, hands over what it read with the reader, and is done.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use starling_core::wire::{HEAD_BYTES, Kind, PIECE_MAX};

use crate::share::ChunkReader;
use crate::share::pool::Handle;

/// Bytes before those of a piece: the head of a frame, and the number of the transfer.
const START_BYTES: usize = HEAD_BYTES + 4;
/// A frame with a full piece.
const FRAME_BYTES: usize = START_BYTES + PIECE_MAX;
/// Pieces that are read at once. More take memory, on each connection, and are no faster.
const PIECES: usize = 2;

/// Memory that is kept for the next chunks, of all connections.
const SPARE_MAX: usize = 8;

/// Memory for pieces, to be used again. Copies are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        self.lock().pop().unwrap_or_else(|| vec![0; PIECES * FRAME_BYTES])
    }

    fn give(&self, room: Vec<u8>) {
        let mut spare = self.lock();
        if spare.len() < SPARE_MAX {
            spare.push(room);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A chunk that is to be sent.
pub struct Source {
    pool: Handle,
    reader: Reader,
}

/// Opens a file, so it runs in the pool.
type Open = Box<dyn FnOnce() -> Option<ChunkReader> + Send>;

enum Reader {
    Closed(Open),
    Open(ChunkReader),
}

impl Source {
    /// What `open` gives, read by the threads of `pool`; nothing if it is not there (any more).
    pub fn new(pool: Handle, open: impl FnOnce() -> Option<ChunkReader> + Send + 'static) -> Source {
        Source { pool, reader: Reader::Closed(Box::new(open)) }
    }

    /// Has the next pieces of a transfer read, and `tell` called with them: they are all if there is no source any
    /// more. Nothing comes back if the chunk is not (any more) what was offered. False if the pool is gone: it is never full of
    /// reads (`turns.rs`).
    pub(super) fn read(
        self,
        transfer: u32,
        spare: Spare,
        tell: impl FnOnce(Option<(Pieces, Option<Source>)>) + Send + 'static,
    ) -> bool {
        let pool = self.pool.clone();
        pool.run(Box::new(move || tell(self.fill(transfer, spare)))).is_ok()
    }

    fn fill(self, transfer: u32, spare: Spare) -> Option<(Pieces, Option<Source>)> {
        let mut reader = match self.reader {
            Reader::Closed(open) => open()?,
            Reader::Open(reader) => reader,
        };
        let pieces = Pieces::read(&mut reader, transfer, spare)?;
        let is_more = reader.left() > 0;
        let source = Source { pool: self.pool, reader: Reader::Open(reader) };
        Some((pieces, is_more.then_some(source)))
    }
}

/// Pieces of one chunk, each in its frame, as they travel.
#[derive(Debug)]
pub(super) struct Pieces {
    room: Vec<u8>,
    spare: Spare,
    /// Where the next frame begins, and the last one ends.
    next: usize,
    end: usize,
}

impl Pieces {
    /// Nothing if the chunk is not what was offered.
    fn read(reader: &mut ChunkReader, transfer: u32, spare: Spare) -> Option<Pieces> {
        let mut pieces = Pieces { room: spare.take(), spare, next: 0, end: 0 };
        for frame in pieces.room.chunks_exact_mut(FRAME_BYTES) {
            let (start, piece) = frame.split_first_chunk_mut::<START_BYTES>()?;
            let bytes = reader.read(piece).ok()?;
            *start = start_of(transfer, bytes)?;
            pieces.end += START_BYTES + bytes;
            if reader.left() == 0 {
                break;
            }
        }
        Some(pieces)
    }

    /// The next frame; nothing if there is none.
    pub(super) fn frame(&self) -> Option<&[u8]> {
        let frame = &self.room[self.next..self.end];
        (!frame.is_empty()).then(|| &frame[..frame.len().min(FRAME_BYTES)])
    }

    /// The frame was sent; so many bytes of the chunk were in it.
    pub(super) fn sent(&mut self) -> usize {
        let frame = (self.end - self.next).min(FRAME_BYTES);
        self.next += frame;
        frame.saturating_sub(START_BYTES)
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.spare.give(std::mem::take(&mut self.room));
    }
}

/// What stands before a piece of so many bytes in its frame.
fn start_of(transfer: u32, bytes: usize) -> Option<[u8; START_BYTES]> {
    let [_, high, mid, low] = u32::try_from(4 + bytes).ok()?.to_be_bytes();
    let [one, two, three, four] = transfer.to_be_bytes();
    Some([Kind::PIECE.0, high, mid, low, one, two, three, four])
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use starling_core::wire::{PeerFrame, Transfer};

    use super::*;

    #[test]
    fn a_piece_is_framed_as_the_protocol_says() {
        for len in [1, 7, 300, PIECE_MAX] {
            let piece = Transfer::Piece { transfer: 0x0102_0304, bytes: Bytes::from(vec![9; len]) };
            let mut encoded = BytesMut::new();
            PeerFrame::Transfer(piece).frame().encode_into(&mut encoded);
            let (start, rest) = encoded.split_first_chunk().unwrap();
            assert_eq!((*start, rest.len()), (start_of(0x0102_0304, len).unwrap(), len));
        }
    }
}
