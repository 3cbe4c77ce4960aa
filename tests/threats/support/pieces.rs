//! Finding any part of a file among other bytes.

use std::collections::HashSet;

/// Bytes of a piece.
const PIECE_BYTES: usize = 32;
/// Bits of the beginning of a piece by which most bytes are told apart from all pieces.
const KEY_BITS: u32 = 24;

/// A file in pieces: whoever has seen 63 bytes of it in a row has seen a whole one.
pub(crate) struct Pieces {
    all: HashSet<[u8; PIECE_BYTES]>,
    /// Whether a piece begins with the key that is the index.
    begins: Vec<bool>,
}

impl Pieces {
    /// Of a file that is no shorter than one.
    pub(crate) fn of(file: &[u8]) -> Pieces {
        let all: HashSet<[u8; PIECE_BYTES]> = file.as_chunks().0.iter().copied().collect();
        assert!(!all.is_empty(), "a file that has a piece");
        let mut begins = vec![false; 1 << KEY_BITS];
        all.iter().for_each(|piece| begins[key(piece)] = true);
        Pieces { all, begins }
    }

    /// Whether a piece stands anywhere in `bytes`.
    pub(crate) fn stand_in(&self, bytes: &[u8]) -> bool {
        let windows = bytes.windows(PIECE_BYTES).filter_map(|window| window.as_array());
        windows.into_iter().any(|window| self.begins[key(window)] && self.all.contains(window))
    }
}

fn key(piece: &[u8; PIECE_BYTES]) -> usize {
    usize::from(piece[0]) << 16 | usize::from(piece[1]) << 8 | usize::from(piece[2])
}
