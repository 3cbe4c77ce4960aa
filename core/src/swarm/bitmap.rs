//! Which chunks of a file somebody has.

use alloc::boxed::Box;
use core::fmt;

use super::layout::Layout;

/// A bit for each chunk of one file.
///
/// On the wire and on a disk it is bytes, the first chunk in the highest bit of the first byte (as BEP 3 has it);
/// bits behind the last chunk are 0.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap {
    bits: Box<[u8]>,
    chunks: u32,
    held: u32,
}

impl Bitmap {
    /// Nobody's: no chunk of so many. There are [`Layout::CHUNKS_MAX`] at most.
    ///
    /// # Panics
    /// If there are more.
    #[must_use]
    pub fn none(chunks: u32) -> Bitmap {
        assert!(chunks <= Layout::CHUNKS_MAX, "a file has no more chunks");
        Bitmap { bits: alloc::vec![0; chunks.div_ceil(8) as usize].into(), chunks, held: 0 }
    }

    /// Every chunk of so many.
    ///
    /// # Panics
    /// As [`Bitmap::none`].
    #[must_use]
    pub fn all(chunks: u32) -> Bitmap {
        let mut bitmap = Bitmap::none(chunks);
        (0..chunks).for_each(|chunk| _ = bitmap.insert(chunk));
        bitmap
    }

    /// Reads one of so many chunks; nothing if the bytes are too many, too few, or have bits behind the last chunk.
    #[must_use]
    pub fn read(bytes: &[u8], chunks: u32) -> Option<Bitmap> {
        if chunks > Layout::CHUNKS_MAX || bytes.len() != chunks.div_ceil(8) as usize {
            return None;
        }
        let unused = bytes.len() * 8 - chunks as usize;
        if bytes.last().is_some_and(|last| last.trailing_zeros() < u32::try_from(unused).unwrap_or(u32::MAX))
        {
            return None;
        }
        let held = bytes.iter().map(|byte| byte.count_ones()).sum();
        Some(Bitmap { bits: bytes.into(), chunks, held })
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bits
    }

    /// How many chunks the file has.
    #[must_use]
    pub const fn chunks(&self) -> u32 {
        self.chunks
    }

    /// How many of them are here.
    #[must_use]
    pub const fn held(&self) -> u32 {
        self.held
    }

    /// All of them are here.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.held == self.chunks
    }

    /// This one is here; never for one that does not exist.
    #[must_use]
    pub fn contains(&self, chunk: u32) -> bool {
        chunk < self.chunks && self.bits[(chunk / 8) as usize] & mask(chunk) != 0
    }

    /// Notes that this one is here; false if it was, or does not exist.
    pub fn insert(&mut self, chunk: u32) -> bool {
        if chunk >= self.chunks || self.contains(chunk) {
            return false;
        }
        self.bits[(chunk / 8) as usize] |= mask(chunk);
        self.held += 1;
        true
    }

    /// Notes that this one is not here; false if it was not, or does not exist.
    pub fn remove(&mut self, chunk: u32) -> bool {
        if !self.contains(chunk) {
            return false;
        }
        self.bits[(chunk / 8) as usize] &= !mask(chunk);
        self.held -= 1;
        true
    }

    /// Those that are here and in the other, in order: eight bytes at a time, because choosing a chunk asks it.
    pub fn both<'a>(&'a self, other: &'a Bitmap) -> impl Iterator<Item = u32> + 'a {
        let words = self.bits.chunks(8).zip(other.bits.chunks(8)).map(|(one, two)| word(one) & word(two));
        (0_u32..).step_by(64).zip(words).flat_map(|(first, word)| Ones { first, word })
    }

    /// Some chunk is here and in the other.
    #[must_use]
    pub fn meets(&self, other: &Bitmap) -> bool {
        self.bits.iter().zip(&other.bits).any(|(one, two)| one & two != 0)
    }

    /// Some chunk is here and not in the other.
    #[must_use]
    pub fn exceeds(&self, other: &Bitmap) -> bool {
        self.bits.iter().zip(&other.bits).any(|(one, two)| one & !two != 0)
    }

    /// Those that are here, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.chunks).filter(|chunk| self.contains(*chunk))
    }
}

/// Up to eight bytes as a number, the first one highest.
fn word(bytes: &[u8]) -> u64 {
    let mut whole = [0; 8];
    whole[..bytes.len()].copy_from_slice(bytes);
    u64::from_be_bytes(whole)
}

/// The places of the ones in a word, from the highest bit down.
struct Ones {
    first: u32,
    word: u64,
}

impl Iterator for Ones {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let place = (self.word != 0).then(|| self.word.leading_zeros())?;
        self.word &= !(1 << (63 - place));
        Some(self.first + place)
    }
}

const fn mask(chunk: u32) -> u8 {
    0x80 >> (chunk % 8)
}

impl fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bitmap({} of {})", self.held, self.chunks)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    use super::Bitmap;
    use proptest::prelude::*;

    proptest! {
        /// It is a set of small numbers.
        #[test]
        fn it_is_a_set(chunks in 0_u32..70, steps in prop::collection::vec((any::<bool>(), 0_u32..80), 0..200)) {
            let (mut bitmap, mut model) = (Bitmap::none(chunks), BTreeSet::new());
            for (insert, chunk) in steps {
                let expected = match insert {
                    true => chunk < chunks && model.insert(chunk),
                    false => model.remove(&chunk),
                };
                let changed = if insert { bitmap.insert(chunk) } else { bitmap.remove(chunk) };
                prop_assert_eq!(changed, expected);
            }
            prop_assert!(bitmap.iter().eq(model.iter().copied()));
            prop_assert_eq!(bitmap.held() as usize, model.len());
            prop_assert_eq!(Bitmap::read(bitmap.bytes(), chunks), Some(bitmap));
        }

        /// What two have in common is what the one has of the other.
        #[test]
        fn both_is_an_intersection(chunks in 0_u32..200, one in any::<[u64; 4]>(), two in any::<[u64; 4]>()) {
            let bitmap = |words: [u64; 4]| {
                let mut bitmap = Bitmap::none(chunks);
                let is_in = |chunk: &u32| words[(chunk / 64) as usize] >> (chunk % 64) & 1 == 1;
                (0..chunks).filter(is_in).for_each(|chunk| _ = bitmap.insert(chunk));
                bitmap
            };
            let (one, two) = (bitmap(one), bitmap(two));
            let expected: Vec<u32> = one.iter().filter(|chunk| two.contains(*chunk)).collect();
            prop_assert_eq!(one.meets(&two), !expected.is_empty());
            prop_assert_eq!(one.exceeds(&two), one.iter().any(|chunk| !two.contains(chunk)));
            prop_assert_eq!(one.both(&two).collect::<Vec<_>>(), expected);
        }

        /// What is read is written the same way.
        #[test]
        fn any_bytes_are_one_bitmap_or_none(bytes in prop::collection::vec(any::<u8>(), 0..12), chunks in 0_u32..90) {
            if let Some(bitmap) = Bitmap::read(&bytes, chunks) {
                prop_assert_eq!(bitmap.bytes(), &bytes[..]);
                prop_assert!(bitmap.iter().all(|chunk| chunk < chunks));
            }
        }
    }

    #[test]
    fn all_are_as_many_as_there_are() {
        for chunks in [0, 1, 7, 8, 9, 32_768] {
            let all = Bitmap::all(chunks);
            assert!(all.is_complete());
            assert_eq!(all.iter().collect::<Vec<_>>().len(), chunks as usize);
            assert_eq!(Bitmap::read(all.bytes(), chunks), Some(all));
        }
        assert_eq!(Bitmap::read(&[0xff], 7), None);
        assert_eq!(Bitmap::read(&[0], 9), None);
    }
}
