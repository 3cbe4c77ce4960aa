//! How a file is cut into chunks: a function of its size alone, so that everybody who has it cuts it the same way.

use core::ops::Range;

/// The bounds between which a chunk's size is chosen. Powers of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkBounds {
    /// Bytes of a chunk at least; not below 1,024, which is the leaf of the hash tree.
    pub min: u64,
    /// Bytes of a chunk at most, unless there would be more than [`Layout::CHUNKS_MAX`].
    pub max: u64,
}

impl ChunkBounds {
    /// 64 KiB to 4 MiB.
    pub const USUAL: ChunkBounds = ChunkBounds { min: 64 * 1024, max: 4 * 1024 * 1024 };
}

/// The chunks of a file.
///
/// Chunks have one size, a power of two; the last one is what remains. So each is a whole subtree of the
/// BLAKE3 tree over the file (BLAKE3 specification, §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layout {
    size: u64,
    chunk_bytes: u64,
}

impl Layout {
    /// Chunks of a file at most: their bitmap has 4 KiB, their list 1 MiB.
    pub const CHUNKS_MAX: u32 = 32_768;
    /// A file has some so many chunks, where the bounds allow it.
    const CHUNKS_AIM: u64 = 1_024;
    /// Bytes of a file at most: there is no greater chunk than 2⁴⁷ bytes, and no disk for it.
    pub const SIZE_MAX: u64 = 1 << 62;

    /// Cuts a file of `size` bytes; nothing for one that is greater than [`Layout::SIZE_MAX`].
    #[must_use]
    pub fn new(size: u64, bounds: ChunkBounds) -> Option<Layout> {
        if size > Layout::SIZE_MAX {
            return None;
        }
        let usual = size.div_ceil(Layout::CHUNKS_AIM).next_power_of_two().clamp(bounds.min, bounds.max);
        let least = size.div_ceil(u64::from(Layout::CHUNKS_MAX)).next_power_of_two();
        Some(Layout { size, chunk_bytes: usual.max(least) })
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of every chunk but the last.
    #[must_use]
    pub const fn chunk_bytes(&self) -> u64 {
        self.chunk_bytes
    }

    /// How many chunks there are: none for an empty file, [`Layout::CHUNKS_MAX`] at most.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.size.div_ceil(self.chunk_bytes)).unwrap_or(Layout::CHUNKS_MAX)
    }

    /// Where the chunk with this number lies in the file; nothing if there is none.
    #[must_use]
    pub fn range(&self, chunk: u32) -> Option<Range<u64>> {
        let start = u64::from(chunk).checked_mul(self.chunk_bytes).filter(|start| *start < self.size)?;
        Some(start..self.size.min(start + self.chunk_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{ChunkBounds, Layout};
    use proptest::prelude::*;

    const KIB: u64 = 1024;

    fn layout(size: u64) -> Layout {
        Layout::new(size, ChunkBounds::USUAL).expect("not too big")
    }

    #[test]
    fn sizes_that_were_promised() {
        for (size, count, chunk) in [
            (0, 0, 64 * KIB),
            (1, 1, 64 * KIB),
            (640 * KIB, 10, 64 * KIB),
            (1024 * KIB, 16, 64 * KIB),
            (64 * 1024 * KIB, 1_024, 64 * KIB),
            (64 * 1024 * KIB + 1, 513, 128 * KIB),
            (1 << 30, 1_024, 1_024 * KIB),
            (100 << 30, 25_600, 4 * 1_024 * KIB),
            (1 << 40, 32_768, 32 * 1_024 * KIB),
            (Layout::SIZE_MAX, 32_768, 1 << 47),
        ] {
            assert_eq!((layout(size).count(), layout(size).chunk_bytes()), (count, chunk), "{size}");
        }
        assert_eq!(Layout::new(Layout::SIZE_MAX + 1, ChunkBounds::USUAL), None);
    }

    proptest! {
        #[test]
        fn chunks_lie_side_by_side(size in prop_oneof![0..200 * KIB, 0..=Layout::SIZE_MAX]) {
            let layout = layout(size);
            let count = layout.count();
            prop_assert!(count <= Layout::CHUNKS_MAX && layout.chunk_bytes().is_power_of_two());
            prop_assert_eq!(layout.range(count), None);
            let mut places = [0, 1, count / 2, count.saturating_sub(2), count.saturating_sub(1)];
            places.sort_unstable();
            for chunk in places.into_iter().filter(|chunk| *chunk < count) {
                let range = layout.range(chunk).expect("there is one");
                prop_assert_eq!(range.start, u64::from(chunk) * layout.chunk_bytes());
                let is_last = chunk + 1 == count;
                prop_assert_eq!(is_last, range.end == size);
                prop_assert!(is_last || range.end - range.start == layout.chunk_bytes());
            }
        }
    }
}
