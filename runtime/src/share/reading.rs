//! Reading a chunk to send it, so that nobody is ever sent a mixture of two contents.
//!
//! A file is read, not mapped: it can be cut or replaced at any moment. As long as its stamp is the one with which it
//! was hashed, its bytes are. If it is another one, the chunk is hashed once more on its way. Either way **the end of
//! a chunk is handed out only when the whole of it was right**: whoever has got less than that knows that he has
//! nothing, and holds it against nobody.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use starling_core::filename::FileName;
use starling_core::swarm::{ChunkHash, ChunkHasher, ContentId};

use super::cache::List;
use super::index::Shared;
use super::part::Part;
use super::stamp::Stamp;

/// A chunk that is being read.
pub struct ChunkReader {
    source: Source,
    /// What of the file is still to be read.
    left: Range<u64>,
}

/// Whose file it is, and how it is known to be right.
enum Source {
    /// A download that is under way: only this program writes it, and the chunk was verified.
    Part(Arc<Part>),
    Offered {
        file: File,
        name: FileName,
        shared: Arc<Shared>,
        proof: Proof,
    },
}

enum Proof {
    /// The stamp will be this one when the whole is read.
    Stamp(Stamp),
    /// The hash will be this one.
    Hash(Box<ChunkHasher>, ChunkHash),
}

/// The chunk is not (any more) what was offered; the file has been withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file was changed")]
pub struct Withdrawn;

impl ChunkReader {
    /// Opens a chunk of an offered file. If that is not what it was any more, and this can be seen at once, it is
    /// withdrawn.
    pub(super) fn open(
        shared: &Arc<Shared>,
        name: FileName,
        content: &ContentId,
        chunk: u32,
    ) -> Option<ChunkReader> {
        let known = shared.lock().cache.get(&name).copied().filter(|known| known.content == *content)?;
        let left = known.layout.range(chunk)?;
        let Some((file, stamp)) = shared.folder.open_stamped(&name).ok().flatten() else {
            shared.withdraw(&name);
            return None;
        };
        let is_same = stamp == known.stamp;
        let proof = if is_same && known.is_settled {
            Proof::Stamp(stamp)
        } else {
            let list = shared.lock().cache.list(&name);
            let hash = list.and_then(List::read).and_then(|manifest| manifest.hash(chunk));
            let hasher = ChunkHasher::new(known.layout, chunk);
            let Some((hasher, hash)) = hasher.zip(hash).filter(|_| stamp.size == known.stamp.size) else {
                shared.withdraw(&name);
                return None;
            };
            Proof::Hash(Box::new(hasher), hash)
        };
        let source = Source::Offered { file, name, shared: Arc::clone(shared), proof };
        Some(ChunkReader { source, left })
    }

    /// For a chunk of a download that is under way, which was verified.
    pub(super) const fn of_part(part: Arc<Part>, left: Range<u64>) -> ChunkReader {
        ChunkReader { source: Source::Part(part), left }
    }

    /// How many bytes are still to be read.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left.end - self.left.start
    }

    /// Fills the beginning of `piece` with the next bytes; how many, 0 at the end. It fills as much as there is.
    ///
    /// # Errors
    /// [`Withdrawn`] instead of the end of the chunk, or earlier, if it is not what was offered.
    pub fn read(&mut self, piece: &mut [u8]) -> Result<usize, Withdrawn> {
        let wanted = usize::try_from(self.left()).map_or(piece.len(), |left| left.min(piece.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let piece = &mut piece[..wanted];
        let is_last = wanted as u64 == self.left();
        let is_right = match &mut self.source {
            Source::Part(part) => part.read(piece, self.left.start).is_ok(),
            Source::Offered { file, proof, .. } => proof.holds(file, piece, self.left.start, is_last),
        };
        if !is_right {
            self.give_up();
            return Err(Withdrawn);
        }
        self.left.start += wanted as u64;
        Ok(wanted)
    }

    fn give_up(&mut self) {
        if let Source::Offered { name, shared, .. } = &self.source {
            shared.withdraw(name);
        }
    }
}

impl Proof {
    /// Reads a piece; false if it is not there, or was the last and the whole is not right.
    fn holds(&mut self, file: &File, piece: &mut [u8], at: u64, is_last: bool) -> bool {
        if file.read_exact_at(piece, at).is_err() {
            return false;
        }
        match self {
            Proof::Stamp(stamp) => !is_last || Stamp::of(file).is_ok_and(|now| now == *stamp),
            Proof::Hash(hasher, hash) => {
                hasher.update(piece) && (!is_last || hasher.finish().is_some_and(|found| found == *hash))
            }
        }
    }
}
