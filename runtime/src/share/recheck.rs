//! What a program that was killed had verified and not yet noted.
//!
//! The system has what it wrote, unless the power went, too. So nothing is believed: each chunk that the table names
//! is hashed once more. That is as much as came since the last sync, half a second or 64 MiB.

use starling_core::swarm::resume::Subject;
use starling_core::swarm::{Bitmap, ChunkHash, ChunkHasher};

use super::disk::Disk;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The chunks that are here though no note says so.
pub(super) fn recheck(subject: &Subject, data: &dyn Disk, notes: &dyn Disk, noted: &Bitmap) -> Vec<u32> {
    let table_bytes = subject.file_bytes() - subject.hash_at(0);
    let mut table = vec![0; usize::try_from(table_bytes).unwrap_or(0)];
    // A table that cannot be read names nothing, and whatever is not here is fetched.
    if notes.read(&mut table, subject.hash_at(0)).is_err() {
        return Vec::new();
    }
    let mut piece = Vec::new();
    let mut is_here = |chunk, hash| hash_of(subject, data, chunk, &mut piece) == Some(hash);
    subject
        .unnoted(&table, noted)
        .filter(|(chunk, hash)| is_here(*chunk, *hash))
        .map(|(chunk, _)| chunk)
        .collect()
}

/// The hash of what stands in the place of a chunk.
fn hash_of(subject: &Subject, data: &dyn Disk, chunk: u32, piece: &mut Vec<u8>) -> Option<ChunkHash> {
    let mut left = subject.layout.range(chunk)?;
    let mut hasher = ChunkHasher::new(subject.layout, chunk)?;
    piece.resize(PIECE_BYTES, 0);
    while !left.is_empty() {
        let len = usize::try_from(left.end - left.start).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        data.read(&mut piece[..len], left.start).ok()?;
        if !hasher.update(&piece[..len]) {
            return None;
        }
        left.start += len as u64;
    }
    hasher.finish()
}
