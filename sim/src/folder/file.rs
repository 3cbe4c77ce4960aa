//! A file, and what follows from its bytes.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use starling_core::swarm::{ChunkBounds, ChunkHash, ChunkHasher, Content, Layout, Manifest};

/// A file whose content is known. Copies share their bytes.
#[derive(Clone)]
pub struct File {
    bytes: Bytes,
    manifest: Manifest,
}

impl File {
    /// Hashes it, chunk by chunk.
    ///
    /// # Panics
    /// If no file is so large.
    #[must_use]
    pub fn of(bytes: Bytes, bounds: ChunkBounds) -> File {
        let layout = Layout::new(bytes.len() as u64, bounds).expect("it fits into memory");
        let hashes = (0..layout.count()).map(|chunk| hash(layout, chunk, &bytes[range(layout, chunk)]));
        let list: Vec<u8> = hashes.flat_map(|hash| hash.expect("a chunk is whole")).collect();
        let manifest = Manifest::of(layout, &list).expect("as many hashes as chunks");
        File { bytes, manifest }
    }

    /// What it is.
    #[must_use]
    pub fn content(&self) -> Content {
        Content { id: self.manifest.content(), size: self.layout().size() }
    }

    /// How it is cut.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.manifest.layout()
    }

    /// The hashes of its chunks.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// One chunk of it; nothing if there is none of this number.
    #[must_use]
    pub fn chunk(&self, chunk: u32) -> Option<Bytes> {
        (chunk < self.layout().count()).then(|| self.bytes.slice(range(self.layout(), chunk)))
    }
}

/// The hash of these bytes as a chunk; nothing if the chunk is longer or shorter, or there is none.
pub(super) fn hash(layout: Layout, chunk: u32, bytes: &[u8]) -> Option<ChunkHash> {
    let mut hasher = ChunkHasher::new(layout, chunk)?;
    hasher.update(bytes).then(|| hasher.finish()).flatten()
}

/// Where a chunk lies in a file that is in memory.
fn range(layout: Layout, chunk: u32) -> Range<usize> {
    let range = layout.range(chunk).expect("there is such a chunk");
    let place = |at| usize::try_from(at).expect("it is in memory");
    place(range.start)..place(range.end)
}

impl fmt::Debug for File {
    /// What it is, not what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({:?})", self.content())
    }
}
