//! What a connection still has to write.

use std::collections::VecDeque;

use bytes::Bytes;
use starling_core::wire::Frame;

/// Room of a buffer that is allocated for a connection.
const ROOM_MIN_BYTES: usize = 256;
/// A frame of so many bytes that goes to many is never copied: many who are slow then cost no more than one.
const SHARE_MIN_BYTES: usize = 4096;

/// Frames in the order of sending, less what has been written.
///
/// Empty, it owns nothing. A frame that goes to many is held as the one encoding they share; only when
/// a second frame comes before a small one is written are they copied together, so that one write takes both.
#[derive(Debug, Default)]
pub(crate) struct OutBuf {
    len: usize,
    /// What is written next. Empty only if all is.
    first: Piece,
    /// What is written after it.
    rest: VecDeque<Piece>,
}

#[derive(Debug, Default)]
enum Piece {
    #[default]
    Empty,
    /// One encoding, shared with others.
    Shared(Bytes),
    /// A buffer of its own, of which the first `written` bytes are out.
    Owned { bytes: Vec<u8>, written: usize },
}

impl OutBuf {
    /// What is to be written next: all of it, or a beginning.
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.first.as_slice()
    }

    /// Bytes that are to be written.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a frame that goes to this connection only.
    pub(crate) fn push(&mut self, frame: &Frame, spare: &mut Spare) {
        self.len += frame.len();
        frame.encode_into(self.tail(frame.len(), spare));
    }

    /// Appends an encoding that goes to many.
    pub(crate) fn push_shared(&mut self, encoded: &Bytes, spare: &mut Spare) {
        self.len += encoded.len();
        if matches!(self.first, Piece::Empty) {
            self.first = Piece::Shared(encoded.clone());
        } else if encoded.len() >= SHARE_MIN_BYTES {
            self.rest.push_back(Piece::Shared(encoded.clone()));
        } else {
            self.tail(encoded.len(), spare).extend_from_slice(encoded);
        }
    }

    /// Takes note that the first `count` bytes of [`as_slice`](OutBuf::as_slice) are written.
    pub(crate) fn advance(&mut self, count: usize, spare: &mut Spare) {
        self.len -= count;
        match &mut self.first {
            Piece::Empty => {}
            Piece::Shared(bytes) => drop(bytes.split_to(count)),
            Piece::Owned { written, .. } => *written += count,
        }
        if self.first.as_slice().is_empty() {
            let next = self.rest.pop_front().unwrap_or_default();
            std::mem::replace(&mut self.first, next).save(spare);
            if self.rest.is_empty() {
                self.rest = VecDeque::new();
            }
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self, spare: &mut Spare) {
        let OutBuf { first, rest, .. } = std::mem::take(self);
        first.save(spare);
        rest.into_iter().for_each(|piece| piece.save(spare));
    }

    /// The buffer to append `more` bytes to.
    fn tail(&mut self, more: usize, spare: &mut Spare) -> &mut Vec<u8> {
        let last = match self.rest.back_mut() {
            Some(last) => last,
            None => &mut self.first,
        };
        if last.as_slice().len() < SHARE_MIN_BYTES || matches!(last, Piece::Owned { .. }) {
            last.make_owned(more, spare);
        } else {
            self.rest.push_back(Piece::Owned { bytes: spare.get(more), written: 0 });
        }
        match self.rest.back_mut().unwrap_or(&mut self.first) {
            Piece::Owned { bytes, .. } => bytes,
            Piece::Empty | Piece::Shared(_) => unreachable!("the last piece was just made an owned one"),
        }
    }
}

impl Piece {
    fn as_slice(&self) -> &[u8] {
        match self {
            Piece::Empty => &[],
            Piece::Shared(bytes) => bytes,
            Piece::Owned { bytes, written } => &bytes[*written..],
        }
    }

    /// Makes room for `more` bytes in a buffer of its own.
    fn make_owned(&mut self, more: usize, spare: &mut Spare) {
        match self {
            Piece::Owned { bytes, written } if *written > bytes.len() / 2 => {
                bytes.drain(..*written);
                *written = 0;
            }
            Piece::Owned { .. } => {}
            Piece::Empty | Piece::Shared(_) => {
                let mut bytes = spare.get(self.as_slice().len() + more);
                bytes.extend_from_slice(self.as_slice());
                *self = Piece::Owned { bytes, written: 0 };
            }
        }
    }

    fn save(self, spare: &mut Spare) {
        if let Piece::Owned { bytes, .. } = self {
            spare.put(bytes);
        }
    }
}

/// Buffers that were emptied and wait for the next connection that needs one.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Spare {
    /// Bytes that wait at most.
    const BYTES_MAX: usize = 1024 * 1024;
    /// A larger buffer is not kept.
    const BUFFER_MAX_BYTES: usize = 64 * 1024;

    fn get(&mut self, len: usize) -> Vec<u8> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer.reserve(len.max(ROOM_MIN_BYTES));
        buffer
    }

    fn put(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= Spare::BUFFER_MAX_BYTES && self.bytes + buffer.capacity() <= Spare::BYTES_MAX
        {
            buffer.clear();
            self.bytes += buffer.capacity();
            self.buffers.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn owns_nothing(out: &OutBuf) -> bool {
        matches!(out.first, Piece::Empty) && out.rest.capacity() == 0 && out.is_empty()
    }

    #[test]
    fn a_single_shared_frame_is_not_copied() {
        let (mut out, mut spare) = (OutBuf::default(), Spare::default());
        let frame = shared("hello");
        out.push_shared(&frame, &mut spare);
        assert_eq!(out.as_slice().as_ptr(), frame.as_ptr());
        out.advance(2, &mut spare);
        assert_eq!(out.as_slice(), b"llo");
        out.advance(3, &mut spare);
        assert!(owns_nothing(&out));
    }

    #[test]
    fn large_shared_frames_are_never_copied() {
        let (mut out, mut spare) = (OutBuf::default(), Spare::default());
        let large = Bytes::from(vec![7; SHARE_MIN_BYTES]);
        for _ in 0..3 {
            out.push_shared(&large, &mut spare);
            out.push_shared(&shared("small"), &mut spare);
        }
        for _ in 0..3 {
            assert_eq!(out.as_slice().as_ptr(), large.as_ptr());
            out.advance(SHARE_MIN_BYTES, &mut spare);
            assert_eq!(out.as_slice(), b"small");
            out.advance(5, &mut spare);
        }
        assert!(owns_nothing(&out));
    }

    #[test]
    fn what_is_written_in_pieces_comes_out_whole_and_in_order() {
        let (mut out, mut spare) = (OutBuf::default(), Spare::default());
        let (mut put, mut got) = (Vec::new(), Vec::new());
        for n in 0_usize..3_000 {
            let len = if n % 29 == 0 { SHARE_MIN_BYTES + n } else { n % 37 + 1 };
            let frame = Bytes::from(vec![u8::try_from(n % 251).unwrap(); len]);
            put.extend_from_slice(&frame);
            out.push_shared(&frame, &mut spare);
            for step in 0..2 {
                let count = out.as_slice().len().min((n + step) * 7 % 301);
                got.extend_from_slice(&out.as_slice()[..count]);
                out.advance(count, &mut spare);
            }
            assert_eq!(out.len(), put.len() - got.len());
            assert_eq!(out.as_slice().is_empty(), out.is_empty());
        }
        while !out.is_empty() {
            got.extend_from_slice(out.as_slice());
            out.advance(out.as_slice().len(), &mut spare);
        }
        assert_eq!(got, put);
        assert!(owns_nothing(&out));
    }

    #[test]
    fn an_emptied_buffer_is_used_again() {
        let (mut out, mut spare) = (OutBuf::default(), Spare::default());
        out.push_shared(&shared("a"), &mut spare);
        out.push_shared(&shared("b"), &mut spare);
        let place = out.as_slice().as_ptr();
        out.advance(2, &mut spare);
        out.push_shared(&shared("c"), &mut spare);
        out.push_shared(&shared("d"), &mut spare);
        assert_eq!(out.as_slice().as_ptr(), place);
        assert_eq!(out.as_slice(), b"cd");
        assert_eq!(spare.bytes, 0);
    }
}
