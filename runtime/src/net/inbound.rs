//! One buffer into which all connections of a shard read.

use bytes::{Bytes, BytesMut};

/// Bytes that are allocated at once; many small reads share them.
const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that a read finds room for, at least.
const ROOM_MIN_BYTES: usize = 16 * 1024;

/// Hands out room to read into, and what was read as a [`Bytes`] that needed neither a copy nor, most of
/// the time, an allocation.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    /// All of it is room; what was read is split off at the front.
    room: BytesMut,
}

impl Inbound {
    /// Where to read to: between 16 and 64 KiB.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.room.len() < ROOM_MIN_BYTES {
            self.room.clear();
            self.room.resize(CHUNK_BYTES, 0);
        }
        &mut self.room
    }

    /// The first `len` bytes of the room, which were read.
    pub(crate) fn take(&mut self, len: usize) -> Bytes {
        self.room.split_to(len).freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_lies_where_it_was_read_to() {
        let mut inbound = Inbound::default();
        inbound.room()[..5].copy_from_slice(b"hello");
        let place = inbound.room().as_ptr();
        let bytes = inbound.take(5);
        assert_eq!((&bytes[..], bytes.as_ptr()), (&b"hello"[..], place));
        assert_eq!(inbound.room().len(), CHUNK_BYTES - 5);
    }

    #[test]
    fn there_is_always_room() {
        let mut inbound = Inbound::default();
        for len in [1, 70, 4_000, 16_000] {
            for _ in 0..100 {
                assert!((ROOM_MIN_BYTES..=CHUNK_BYTES).contains(&inbound.room().len()));
                drop(inbound.take(len));
            }
        }
    }
}
