//! Writing one chunk of a download, as its bytes come.
//!
//! They are hashed on their way, and the first to write a chunk writes straight to its place: until the chunk is
//! right, nobody believes in what stands there. Whoever else fetches the same chunk meanwhile keeps what he gets in
//! memory until it is right. So bytes that are not verified never come over bytes that are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use starling_core::swarm::{ChunkHash, ChunkHasher};

use super::error::WriteError;
use super::part::Part;

/// Where those who write the same chunk meet. Held while its place on the disk is written.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Somebody writes to its place.
    is_taken: bool,
    /// It is there, and right.
    is_done: bool,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right, and here from now on.
    Right,
    /// It is right, and somebody else was faster.
    Late,
    /// It is too short, or not what it should be: whoever sent it lies, or his disk does.
    Wrong,
}

/// One way in which a chunk comes. Dropping it throws away what has come.
pub struct ChunkWriter {
    part: Arc<Part>,
    chunk: u32,
    hash: ChunkHash,
    hasher: Box<ChunkHasher>,
    slot: Arc<Mutex<Slot>>,
    /// Where the next byte belongs.
    at: u64,
    /// What has come, if another writes to the place.
    kept: Option<Vec<u8>>,
}

impl ChunkWriter {
    pub(super) fn new(
        part: &Arc<Part>,
        chunk: u32,
        hash: ChunkHash,
        slot: Arc<Mutex<Slot>>,
    ) -> Option<ChunkWriter> {
        let layout = part.subject().layout;
        let hasher = Box::new(ChunkHasher::new(layout, chunk)?);
        let at = layout.range(chunk)?.start;
        let was_taken = std::mem::replace(&mut lock(&slot).is_taken, true);
        let kept = was_taken.then(Vec::new);
        Some(ChunkWriter { part: Arc::clone(part), chunk, hash, hasher, slot, at, kept })
    }

    /// Which chunk it is.
    #[must_use]
    pub const fn chunk(&self) -> u32 {
        self.chunk
    }

    /// How many bytes are still to come.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.hasher.missing()
    }

    /// Takes the next bytes; false if there are more than the chunk has.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&mut self, piece: &[u8]) -> Result<bool, WriteError> {
        if !self.hasher.update(piece) {
            return Ok(false);
        }
        match &mut self.kept {
            Some(kept) => kept.extend_from_slice(piece),
            None => {
                let slot = lock(&self.slot);
                if !slot.is_done {
                    self.part.write(piece, self.at)?;
                }
                drop(slot);
                self.at += piece.len() as u64;
            }
        }
        Ok(true)
    }

    /// Judges what has come.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<Verdict, WriteError> {
        if self.hasher.finish() != Some(self.hash) {
            return Ok(Verdict::Wrong);
        }
        let mut slot = lock(&self.slot);
        if slot.is_done {
            return Ok(Verdict::Late);
        }
        if let Some(kept) = self.kept.take() {
            self.part.write(&kept, self.at)?;
        }
        slot.is_done = true;
        self.part.note(self.chunk, &self.hash);
        Ok(Verdict::Right)
    }
}

impl Drop for ChunkWriter {
    fn drop(&mut self) {
        if self.kept.is_none() {
            lock(&self.slot).is_taken = false;
        }
        self.part.leave(self.chunk);
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
