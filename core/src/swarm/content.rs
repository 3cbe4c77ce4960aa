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

    use super::ContentId;

    #[test]
    fn an_id_reads_as_its_digits() {
        let mut id = ContentId([0xab; 32]);
        id.0[0] = 0x01;
        assert_eq!(format!("{id:.8}"), "01ababab");
        assert_eq!(format!("{id}").len(), 64);
        assert_eq!(format!("{id:?}"), "ContentId(01ababab)");
    }
}
