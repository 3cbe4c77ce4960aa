//! What a disk says of a download that was interrupted: which chunks are on it.
//!
//! A note is written after the data that it speaks of is safe. There are two places for it, used by turns, so that
//! a note that was being written when the power went leaves the one before it whole. A note (integers big-endian):
//!
//! | bytes | |
//! |---|---|
//! | 8 | `starling`, in ASCII |
//! | 2 | version, 1 |
//! | 8 | its number: each is one greater than the one before |
//! | 32 | content id |
//! | 8 | size of the file in bytes |
//! | 8 | bytes of a chunk |
//! | an eighth of the number of chunks | bitmap |
//! | 16 | the first half of the BLAKE3 hash of all this |
//!
//! Behind the notes is a table with the hash of each chunk that was verified, 32 bytes each, written before anything
//! is safe. It says what is worth a look, no more: whoever takes up a download hashes what the table names and no note
//! does. So a program that is killed loses nothing that was verified since the last note.

use alloc::vec::Vec;

use super::bitmap::Bitmap;
use super::content::ContentId;
use super::layout::Layout;
use super::manifest::ChunkHash;

const MAGIC: &[u8; 8] = b"starling";
const VERSION: u16 = 1;
const HEAD_BYTES: usize = 8 + 2 + 8 + ContentId::BYTES + 8 + 8;
const SUM_BYTES: usize = 16;
const HASH_BYTES: usize = size_of::<ChunkHash>();
/// Disks write so many bytes whole or not at all, at most: no write to one place reaches into the other.
const PLACE_BYTES: usize = 4096;

/// One note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The later the greater; neither 0 nor the greatest there is.
    pub number: u64,
    /// The chunks that are on the disk.
    pub held: Bitmap,
}

/// The file that a note speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What it is.
    pub content: ContentId,
    /// How it is cut.
    pub layout: Layout,
}

impl Subject {
    /// The bytes of a note, and where they belong.
    ///
    /// # Panics
    /// If the bitmap is of another number of chunks.
    #[must_use]
    pub fn write(&self, note: &Note) -> (u64, Vec<u8>) {
        assert_eq!(note.held.chunks(), self.layout.count(), "the bitmap is of another file");
        let mut bytes = Vec::with_capacity(self.note_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&note.number.to_be_bytes());
        bytes.extend_from_slice(&self.content.0);
        bytes.extend_from_slice(&self.layout.size().to_be_bytes());
        bytes.extend_from_slice(&self.layout.chunk_bytes().to_be_bytes());
        bytes.extend_from_slice(note.held.bytes());
        bytes.extend_from_slice(&sum(&bytes));
        let place = if note.number.is_multiple_of(2) { self.place_bytes() } else { 0 };
        (place as u64, bytes)
    }

    /// The newest note that is whole and speaks of this very file; nothing if there is none.
    #[must_use]
    pub fn read(&self, file: &[u8]) -> Option<Note> {
        let odd = self.read_one(file).filter(|note| !note.number.is_multiple_of(2));
        let even = file.get(self.place_bytes()..).and_then(|rest| self.read_one(rest));
        odd.into_iter()
            .chain(even.filter(|note| note.number.is_multiple_of(2)))
            .max_by_key(|note| note.number)
    }

    /// Where the hash of a chunk belongs in the table, which ends where that of the first chunk there is not belongs.
    #[must_use]
    pub fn hash_at(&self, chunk: u32) -> u64 {
        let table = 2 * self.place_bytes() as u64;
        table + u64::from(chunk) * HASH_BYTES as u64
    }

    /// The chunks that the table names and a note does not, each with its hash.
    pub fn unnoted<'a>(
        &self,
        table: &'a [u8],
        noted: &'a Bitmap,
    ) -> impl Iterator<Item = (u32, ChunkHash)> + use<'a> {
        let hashes = (0..self.layout.count()).zip(table.as_chunks().0);
        let is_said = |hash: &ChunkHash| *hash != [0; HASH_BYTES];
        hashes
            .filter(move |(chunk, hash)| is_said(hash) && !noted.contains(*chunk))
            .map(|(chunk, hash)| (chunk, *hash))
    }

    /// Bytes of the file in which notes and table are kept.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.hash_at(self.layout.count())
    }

    fn read_one(&self, place: &[u8]) -> Option<Note> {
        let (said, rest) = place.get(..self.note_bytes())?.split_at(self.note_bytes() - SUM_BYTES);
        let number = u64::from_be_bytes(*said.get(10..)?.first_chunk()?);
        let held = Bitmap::read(said.get(HEAD_BYTES..)?, self.layout.count())?;
        let note = Note { number, held };
        (number > 0 && number < u64::MAX && rest == sum(said) && self.write(&note).1.starts_with(said))
            .then_some(note)
    }

    fn note_bytes(&self) -> usize {
        HEAD_BYTES + self.layout.count().div_ceil(8) as usize + SUM_BYTES
    }

    fn place_bytes(&self) -> usize {
        self.note_bytes().next_multiple_of(PLACE_BYTES)
    }
}

/// Against damage, not against people: whoever can write it can write the data, too.
fn sum(bytes: &[u8]) -> [u8; SUM_BYTES] {
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&blake3::hash(bytes).as_bytes()[..SUM_BYTES]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::layout::ChunkBounds;
    use proptest::prelude::*;

    fn subject(size: u64) -> Subject {
        let layout = Layout::new(size, ChunkBounds::USUAL).expect("not too big");
        Subject { content: ContentId([7; 32]), layout }
    }

    fn note(number: u64, subject: Subject, held: &[u32]) -> Note {
        let mut bitmap = Bitmap::none(subject.layout.count());
        held.iter().for_each(|chunk| _ = bitmap.insert(*chunk));
        Note { number, held: bitmap }
    }

    fn put(file: &mut Vec<u8>, (at, bytes): (u64, Vec<u8>)) {
        let at = usize::try_from(at).expect("small");
        file.resize(file.len().max(at + bytes.len()), 0);
        file[at..at + bytes.len()].copy_from_slice(&bytes);
    }

    #[test]
    fn the_newest_note_counts() {
        for size in [0, 1, 10 << 20, 1 << 40] {
            let (subject, mut file) = (subject(size), Vec::new());
            assert_eq!(subject.read(&file), None);
            for number in 1..6 {
                let note = note(number, subject, &[0, u32::try_from(number).expect("small")]);
                put(&mut file, subject.write(&note));
                assert_eq!(subject.read(&file), Some(note));
            }
            assert!(file.len() as u64 <= subject.hash_at(0), "the table is behind them");
        }
    }

    #[test]
    fn the_table_names_what_no_note_does() {
        let subject = subject(5 * 64 * 1024);
        let mut table = alloc::vec![0; 5 * HASH_BYTES];
        for chunk in [1_u8, 2, 4] {
            table[usize::from(chunk) * HASH_BYTES..][..HASH_BYTES].fill(chunk);
        }
        let noted = note(1, subject, &[0, 2]).held;
        let named: Vec<_> = subject.unnoted(&table, &noted).collect();
        assert_eq!(named, [(1, [1; HASH_BYTES]), (4, [4; HASH_BYTES])]);
        let cut = &table[..5 * HASH_BYTES - 1];
        assert_eq!(subject.unnoted(cut, &noted).count(), 1, "half a hash is none");
        assert_eq!(subject.file_bytes(), subject.hash_at(4) + 32);
    }

    #[test]
    fn a_note_of_another_file_is_none() {
        let subject = subject(10 << 20);
        let mut file = Vec::new();
        put(&mut file, subject.write(&note(1, subject, &[3])));
        let other = Subject { content: ContentId([8; 32]), ..subject };
        assert_eq!(other.read(&file), None);
        let other =
            Subject { layout: Layout::new((10 << 20) - 1, ChunkBounds::USUAL).expect("small"), ..subject };
        assert_eq!(other.read(&file), None, "as many chunks, and another size");
        let bounds = ChunkBounds { min: 128 << 10, max: 1 << 20 };
        let other = Subject { layout: Layout::new(10 << 20, bounds).expect("small"), ..subject };
        assert_eq!(other.read(&file), None, "another size of chunks");
    }

    proptest! {
        /// A write that stops anywhere, with anything behind the bytes that arrived, leaves the note before it.
        #[test]
        fn a_torn_note_leaves_the_one_before(number in 1_u64..9, torn in 0_usize..200, noise in any::<u8>()) {
            let (subject, mut file) = (subject(10 << 20), Vec::new());
            let before = note(number, subject, &[1]);
            put(&mut file, subject.write(&before));
            let after = note(number + 1, subject, &[1, 2]);
            let (at, mut bytes) = subject.write(&after);
            let whole = bytes.clone();
            bytes.iter_mut().skip(torn).for_each(|byte| *byte = noise);
            let expected = if bytes == whole { after } else { before };
            put(&mut file, (at, bytes));
            prop_assert_eq!(subject.read(&file), Some(expected));
        }

        #[test]
        fn damage_is_noticed(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let subject = subject(10 << 20);
            let (_, mut bytes) = subject.write(&note(1, subject, &[1, 159]));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(subject.read(&bytes), None);
        }
    }
}
