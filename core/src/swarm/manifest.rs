//! The hash of each chunk of a file, and how they make up the hash of the whole.
//!
//! A chunk is a whole subtree of the BLAKE3 tree over the file, and its hash is the chaining value of that subtree
//! (BLAKE3 specification, §2.1 and §2.4; module `hazmat` of the crate). So the list of them is checked against
//! the content id alone, and whoever sends it need not be trusted. Leaves, inner nodes and the root are hashed with
//! flags of their own: no list, and no file, can pass for another kind of node.

use bytes::Bytes;

use blake3::hazmat::{HasherExt as _, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};

use super::content::ContentId;
use super::layout::Layout;

/// The hash of a chunk: the content id itself if there is only one.
pub type ChunkHash = [u8; ContentId::BYTES];

/// The hashes of all chunks of a file, which agree with its content id. Copies share their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    content: ContentId,
    layout: Layout,
    list: Bytes,
}

impl Manifest {
    /// Checks a list that somebody sent: the hashes one after the other. Nothing if it is not that of `content`.
    ///
    /// The size is not proven by a list: one of inner nodes passes for a size that has so few chunks. But no bytes
    /// of that size have those hashes, so contents are told apart by id *and* size wherever owners are compared.
    #[must_use]
    pub fn check(content: ContentId, layout: Layout, list: &[u8]) -> Option<Manifest> {
        let manifest = Manifest::of(layout, list)?;
        (manifest.content == content).then_some(manifest)
    }

    /// The manifest of a file whose chunks have these hashes; nothing if there are too many or too few.
    #[must_use]
    pub fn of(layout: Layout, list: &[u8]) -> Option<Manifest> {
        let (hashes, rest) = list.as_chunks();
        if !rest.is_empty() || hashes.len() != layout.count() as usize {
            return None;
        }
        Some(Manifest { content: root(hashes), layout, list: Bytes::copy_from_slice(list) })
    }

    /// What the file is.
    #[must_use]
    pub const fn content(&self) -> ContentId {
        self.content
    }

    /// How it is cut.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// The hashes one after the other, 32 bytes each.
    #[must_use]
    pub const fn list(&self) -> &Bytes {
        &self.list
    }

    /// The hash of the chunk with this number; nothing if there is none.
    #[must_use]
    pub fn hash(&self, chunk: u32) -> Option<ChunkHash> {
        self.list.as_chunks().0.get(chunk as usize).copied()
    }
}

/// The content id of a file whose chunks have these hashes.
fn root(hashes: &[ChunkHash]) -> ContentId {
    ContentId(match hashes {
        [] => *blake3::hash(&[]).as_bytes(),
        [only] => *only,
        more => {
            let (left, right) = halves(more);
            *merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash).as_bytes()
        }
    })
}

/// The chaining value over one chunk or more. As deep as the number of chunks has bits.
fn subtree(hashes: &[ChunkHash]) -> ChunkHash {
    match hashes {
        [only] => *only,
        more => {
            let (left, right) = halves(more);
            merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
        }
    }
}

/// The left half has the greatest power of two of chunks that leaves something for the right one.
fn halves(hashes: &[ChunkHash]) -> (&[ChunkHash], &[ChunkHash]) {
    const LEAF: usize = blake3::CHUNK_LEN;
    let leaves = (hashes.len() * LEAF) as u64;
    let left = usize::try_from(left_subtree_len(leaves)).unwrap_or(usize::MAX) / LEAF;
    hashes.split_at(left.min(hashes.len()))
}

/// The hash of one chunk, from its bytes as they come.
///
/// Some 2 KiB large, and only as fast as the pieces are long: 16 KiB at a time is enough.
#[derive(Clone, Debug)]
pub struct ChunkHasher {
    hasher: blake3::Hasher,
    /// Bytes that are still to come.
    missing: u64,
    /// The chunk is the whole file, so that its hash is the root.
    is_whole: bool,
}

impl ChunkHasher {
    /// For the chunk with this number; nothing if there is none.
    #[must_use]
    pub fn new(layout: Layout, chunk: u32) -> Option<ChunkHasher> {
        let range = layout.range(chunk)?;
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(range.start);
        Some(ChunkHasher { hasher, missing: range.end - range.start, is_whole: layout.count() == 1 })
    }

    /// Takes the next bytes; false, and nothing is taken, if they are more than are missing.
    #[must_use]
    pub fn update(&mut self, piece: &[u8]) -> bool {
        let Some(missing) = self.missing.checked_sub(piece.len() as u64) else { return false };
        self.missing = missing;
        self.hasher.update(piece);
        true
    }

    /// How many bytes are still to come.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.missing
    }

    /// The hash; nothing if bytes are missing.
    #[must_use]
    pub fn finish(&self) -> Option<ChunkHash> {
        let hash =
            |whole| if whole { *self.hasher.finalize().as_bytes() } else { self.hasher.finalize_non_root() };
        (self.missing == 0).then(|| hash(self.is_whole))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::swarm::layout::ChunkBounds;
    use proptest::prelude::*;

    const SMALL: ChunkBounds = ChunkBounds { min: 1024, max: 4096 };

    fn file(size: usize) -> Vec<u8> {
        (0..size).map(|at| u8::try_from(at * 7 % 251).expect("a byte")).collect()
    }

    fn list_of(file: &[u8], layout: Layout, piece_bytes: usize) -> Vec<u8> {
        let chunks = (0..layout.count()).map(|chunk| {
            let range = layout.range(chunk).expect("there is one");
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).expect("small"));
            let mut hasher = ChunkHasher::new(layout, chunk).expect("there is one");
            assert!(file[start..end].chunks(piece_bytes).all(|piece| hasher.update(piece)));
            assert!(!hasher.update(b"x"), "it is full");
            hasher.finish().expect("nothing is missing")
        });
        chunks.flatten().collect()
    }

    #[test]
    fn lists_make_up_the_hash_of_the_file() {
        let sizes =
            [0, 1, 1023, 1024, 1025, 2048, 2049, 3072, 4096, 5000, 8191, 16_384, 16_385, 100_000, 1 << 20];
        for size in sizes {
            let file = file(size);
            let layout = Layout::new(size as u64, SMALL).expect("small");
            let list = list_of(&file, layout, 1000);
            let content = ContentId(*blake3::hash(&file).as_bytes());
            let manifest = Manifest::check(content, layout, &list).expect("it agrees");
            assert_eq!(
                (manifest.content(), manifest.layout(), &manifest.list()[..]),
                (content, layout, &list[..])
            );
            let hashes: Vec<u8> =
                (0..layout.count()).filter_map(|chunk| manifest.hash(chunk)).flatten().collect();
            assert_eq!(hashes, list);
            assert_eq!(manifest.hash(layout.count()), None);
        }
    }

    #[test]
    fn a_hash_needs_every_byte() {
        let layout = Layout::new(3000, SMALL).expect("small");
        let mut hasher = ChunkHasher::new(layout, 2).expect("there is one");
        assert_eq!((hasher.missing(), hasher.finish()), (952, None));
        assert!(!hasher.update(&[0; 953]) && hasher.update(&[0; 951]) && hasher.finish().is_none());
        assert!(hasher.update(&[0]) && hasher.finish().is_some());
        assert!(ChunkHasher::new(layout, 3).is_none());
    }

    proptest! {
        #[test]
        fn ids_are_those_of_blake3(size in 0_usize..200_000, piece_bytes in 1_usize..20_000, min in 10_u32..15, max in 0_u32..4) {
            let bounds = ChunkBounds { min: 1 << min, max: 1 << (min + max) };
            let file = file(size);
            let layout = Layout::new(size as u64, bounds).expect("small");
            let manifest = Manifest::of(layout, &list_of(&file, layout, piece_bytes)).expect("as many as there are");
            prop_assert_eq!(manifest.content().0, *blake3::hash(&file).as_bytes());
        }

        #[test]
        fn any_other_list_is_refused(size in 2000_usize..50_000, at in any::<prop::sample::Index>(), bit in 0_u8..8, len in 0_usize..1700) {
            let file = file(size);
            let layout = Layout::new(size as u64, SMALL).expect("small");
            let list = list_of(&file, layout, 5000);
            let content = ContentId(*blake3::hash(&file).as_bytes());
            let mut flipped = list.clone();
            flipped[at.index(list.len())] ^= 1 << bit;
            prop_assert_eq!(Manifest::check(content, layout, &flipped), None);
            if let Some(shorter) = list.get(..len).filter(|shorter| *shorter != list) {
                prop_assert_eq!(Manifest::check(content, layout, shorter), None);
            }
        }
    }
}
