//! A note about a shown letter, as it lies on the disk.

use starling_core::client::Note;
use starling_core::id::{MsgId, Seq};
use starling_core::name::Name;

/// Bytes of a record. All have the same, so that a torn one spoils no other.
pub(super) const RECORD_BYTES: usize = 64;

/// Fields in big endian: place, instance, counter (8 bytes each), length of the name (1), name (32),
/// zeros (3), CRC-32 of all before it (4).
pub(super) type Record = [u8; RECORD_BYTES];

const NAME_AT: usize = 25;
const CHECKSUM_AT: usize = RECORD_BYTES - 4;

/// The record of a note.
pub(super) fn encode(note: &Note) -> Record {
    let mut record = [0; RECORD_BYTES];
    let name = note.from.as_bytes();
    record[..8].copy_from_slice(&note.seq.to_bits().to_be_bytes());
    record[8..16].copy_from_slice(&note.id.instance.to_be_bytes());
    record[16..24].copy_from_slice(&note.id.counter.to_be_bytes());
    record[24] = note.from.len();
    record[NAME_AT..NAME_AT + name.len()].copy_from_slice(name);
    let checksum = crc32fast::hash(&record[..CHECKSUM_AT]);
    record[CHECKSUM_AT..].copy_from_slice(&checksum.to_be_bytes());
    record
}

/// The note of a record; nothing if the record is damaged.
pub(super) fn decode(record: &Record) -> Option<Note> {
    let checksum = crc32fast::hash(&record[..CHECKSUM_AT]);
    if record[CHECKSUM_AT..] != checksum.to_be_bytes() {
        return None;
    }
    let name = record.get(NAME_AT..NAME_AT + usize::from(record[24]))?;
    Some(Note {
        seq: Seq::from_bits(number(record, 0)),
        from: Name::parse(name).ok()?,
        id: MsgId { instance: number(record, 8), counter: number(record, 16) },
    })
}

fn number(record: &Record, at: usize) -> u64 {
    record[at..at + 8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &str) -> Note {
        let id = MsgId { instance: u64::MAX - 1, counter: 77 };
        Note { seq: Seq::MAX, from: Name::parse(name.as_bytes()).unwrap(), id }
    }

    #[test]
    fn a_note_comes_back_as_it_was() {
        for name in ["x", "yoda", "abcdefghijklmnopqrstuvwxyz_.-012"] {
            assert_eq!(decode(&encode(&note(name))), Some(note(name)));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let record = encode(&note("yoda"));
        for bit in 0..RECORD_BYTES * 8 {
            let mut damaged = record;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn zeros_are_no_note() {
        assert_eq!(decode(&[0; RECORD_BYTES]), None);
    }
}
