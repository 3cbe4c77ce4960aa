//! What a file is: the hash of its content, and its size. Its name is a label.

use core::fmt;

/// The BLAKE3 hash of a whole file, as `b3sum` prints it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(pub [u8; ContentId::BYTES]);

impl ContentId {
    /// Bytes of an id.
    pub const BYTES: usize = 32;
}

/// What is offered and fetched.
///
/// The size belongs to it: a list of chunk hashes proves the id, but not how long the file is
/// ([`Manifest::check`](super::Manifest::check)), so those who say another size speak of something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    /// The hash of the whole.
    pub id: ContentId,
    /// Bytes of it, at most [`Layout::SIZE_MAX`](super::Layout::SIZE_MAX).
    pub size: u64,
}

/// The beginning of a content id in hexadecimal digits, as a person types it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdPrefix {
    bytes: [u8; ContentId::BYTES],
    digits: usize,
}

impl IdPrefix {
    /// Digits at least: fewer would be a guess.
    pub const DIGITS_MIN: usize = 8;

    /// Reads digits in either case; nothing if they are too few or too many, or are none.
    #[must_use]
    pub fn parse(text: &str) -> Option<IdPrefix> {
        let digits = text.len();
        if !(IdPrefix::DIGITS_MIN..=2 * ContentId::BYTES).contains(&digits) {
            return None;
        }
        let mut bytes = [0; ContentId::BYTES];
        for (place, char) in text.chars().enumerate() {
            let half = u8::try_from(char.to_digit(16)?).ok()?;
            bytes[place / 2] |= if place % 2 == 0 { half << 4 } else { half };
        }
        Some(IdPrefix { bytes, digits })
    }

    /// Whether an id begins so.
    #[must_use]
    pub fn fits(&self, id: &ContentId) -> bool {
        let whole = self.digits / 2;
        let is_half_right = self.digits.is_multiple_of(2) || self.bytes[whole] >> 4 == id.0[whole] >> 4;
        self.bytes[..whole] == id.0[..whole] && is_half_right
    }
}

impl fmt::Display for ContentId {
    /// In hexadecimal digits; a precision says how many of the 64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2 * ContentId::BYTES);
        (0..digits.min(2 * ContentId::BYTES)).try_for_each(|digit| {
            let byte = self.0[digit / 2];
            let half = if digit % 2 == 0 { byte >> 4 } else { byte & 0xf };
            write!(f, "{half:x}")
        })
    }
}

impl fmt::Debug for ContentId {
    /// Enough to tell contents apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentId({self:.8})")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::{ContentId, IdPrefix};

    #[test]
    fn a_prefix_fits_what_begins_so() {
        let mut id = ContentId([0xab; 32]);
        id.0[4] = 0xcd;
        let fits = |text: &str| IdPrefix::parse(text).map(|prefix| prefix.fits(&id));
        for text in ["abababab", "ABABABAB", "ababababc", "ababababcd"] {
            assert_eq!(fits(text), Some(true), "{text}");
        }
        assert_eq!((fits("ababababd"), fits("abababac")), (Some(false), Some(false)));
        for text in ["", "abababa", "abababag", "\u{e4}bababa", &"a".repeat(65)] {
            assert_eq!(fits(text), None, "{text}");
        }
    }

    #[test]
    fn an_id_reads_as_its_digits() {
        let mut id = ContentId([0xab; 32]);
        id.0[0] = 0x01;
        assert_eq!(format!("{id:.8}"), "01ababab");
        assert_eq!(format!("{id}").len(), 64);
        assert_eq!(format!("{id:?}"), "ContentId(01ababab)");
    }
}
