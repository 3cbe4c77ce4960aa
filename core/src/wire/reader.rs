//! Frames out of a stream that is cut anywhere.

use alloc::vec::Vec;
use bytes::{Buf, Bytes};
use core::{fmt, mem};

use super::fault::PeerFault;
use super::frame::{HEAD_BYTES, Head, RawFrame, body_len};
use super::kind::{Kind, Phase};

/// Cuts one direction of a connection into frames.
///
/// A frame that lies whole in what was fed is a slice of it. Only a frame whose end has not come yet is
/// copied, into memory that grows with what really came, and only after its head was judged: a claim of
/// a great length costs nothing. A reader that holds no bytes holds no memory either.
#[derive(Clone, Default)]
pub struct Reader {
    /// The beginning of a frame, its head first, never the whole of it.
    partial: Vec<u8>,
    /// What follows it, as it was fed.
    chunk: Bytes,
    /// What was fed while `chunk` was not yet read. Empty whenever `chunk` is.
    later: Vec<u8>,
    fault: Option<PeerFault>,
}

impl Reader {
    /// A reader at the beginning of a stream.
    #[must_use]
    pub const fn new() -> Reader {
        Reader { partial: Vec::new(), chunk: Bytes::new(), later: Vec::new(), fault: None }
    }

    /// Takes what came next. After a fault it is dropped.
    pub fn feed(&mut self, bytes: Bytes) {
        if self.fault.is_some() {
            return;
        }
        if self.chunk.is_empty() {
            self.chunk = bytes;
        } else {
            self.later.extend_from_slice(&bytes);
        }
    }

    /// The next frame, if the whole of it has come.
    ///
    /// Its head is judged by `phase`, the state of the connection now; so a caller that waits for
    /// something that will change the state asks for no frame meanwhile.
    ///
    /// # Errors
    /// [`PeerFault::UnknownKind`], [`PeerFault::Reserved`], [`PeerFault::OutOfState`] or
    /// [`PeerFault::TooLong`], as soon as a head is complete. From then on the reader holds no bytes and
    /// repeats its fault.
    pub fn next(&mut self, phase: Phase) -> Result<Option<RawFrame>, PeerFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.read(phase).inspect_err(|fault| *self = Reader { fault: Some(*fault), ..Reader::new() })
    }

    /// Keeps what it holds in memory of its own, so that a wait does not pin what was fed.
    pub fn let_go(&mut self) {
        self.chunk = Bytes::copy_from_slice(&self.chunk);
    }

    /// Bytes it holds.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.partial.len() + self.chunk.len() + self.later.len()
    }

    /// How many whole frames of such kinds it holds, counted up to `at_most`. Their heads are not judged.
    #[must_use]
    pub fn waiting_frames(&self, at_most: usize, counts: impl Fn(&Kind) -> bool) -> usize {
        let (mut at, mut frames) = (0, 0);
        while frames < at_most {
            let Some(head) = self.peek_head(at) else { break };
            at += HEAD_BYTES + body_len(head);
            if at > self.buffered() {
                break;
            }
            frames += usize::from(counts(&Kind(head[0])));
        }
        frames
    }

    fn read(&mut self, phase: Phase) -> Result<Option<RawFrame>, PeerFault> {
        loop {
            let frame = if self.partial.is_empty() { self.slice(phase)? } else { self.complete(phase)? };
            if self.chunk.is_empty() && !self.later.is_empty() {
                self.chunk = mem::take(&mut self.later).into();
            }
            if frame.is_some() || self.chunk.is_empty() {
                return Ok(frame);
            }
        }
    }

    /// A frame that lies whole in the chunk. If there is none, the chunk is kept as a partial frame.
    fn slice(&mut self, phase: Phase) -> Result<Option<RawFrame>, PeerFault> {
        if let Some(bytes) = self.chunk.first_chunk() {
            let head = Head::judge(*bytes, phase)?;
            if head.frame_len() <= self.chunk.len() {
                self.chunk.advance(HEAD_BYTES);
                return Ok(Some(RawFrame { kind: head.kind, body: self.chunk.split_to(head.body_len) }));
            }
        }
        self.partial = mem::take(&mut self.chunk).to_vec();
        Ok(None)
    }

    /// The partial frame, if the chunk completes it.
    fn complete(&mut self, phase: Phase) -> Result<Option<RawFrame>, PeerFault> {
        self.fill_partial(HEAD_BYTES);
        let Some(bytes) = self.partial.first_chunk() else { return Ok(None) };
        let head = Head::judge(*bytes, phase)?;
        self.fill_partial(head.frame_len());
        if self.partial.len() < head.frame_len() {
            return Ok(None);
        }
        let mut body = Bytes::from(mem::take(&mut self.partial));
        body.advance(HEAD_BYTES);
        Ok(Some(RawFrame { kind: head.kind, body }))
    }

    /// Moves bytes from the chunk until the partial frame has `len` of them. Its room at most doubles each
    /// time, so it follows what came, and ends exact, so that the frame needs no copy.
    fn fill_partial(&mut self, len: usize) {
        let missing = len.saturating_sub(self.partial.len());
        let piece = self.chunk.split_to(missing.min(self.chunk.len()));
        let needed = self.partial.len() + piece.len();
        if needed > self.partial.capacity() {
            let room = needed.max(2 * self.partial.capacity()).min(len);
            self.partial.reserve_exact(room - self.partial.len());
        }
        self.partial.extend_from_slice(&piece);
    }

    fn peek_head(&self, at: usize) -> Option<[u8; HEAD_BYTES]> {
        let mut head = [0; HEAD_BYTES];
        for (place, byte) in (at..).zip(&mut head) {
            *byte = self.peek(place)?;
        }
        Some(head)
    }

    fn peek(&self, mut at: usize) -> Option<u8> {
        for part in [&self.partial[..], &self.chunk, &self.later] {
            match part.get(at) {
                Some(byte) => return Some(*byte),
                None => at -= part.len(),
            }
        }
        None
    }
}

impl fmt::Debug for Reader {
    /// How much it holds, not what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} bytes, {:?})", self.buffered(), self.fault)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::wire::Kind;

    const PING: &[u8] = &[0x04, 0, 0, 4, 1, 2, 3, 4];
    const ACTIVE: &[u8] = &[0x18, 0, 0, 0];

    fn online(reader: &mut Reader) -> Result<Option<RawFrame>, PeerFault> {
        reader.next(Phase::Online)
    }

    fn fed(parts: &[&'static [u8]]) -> Reader {
        let mut reader = Reader::new();
        for part in parts {
            reader.feed(Bytes::from_static(part));
        }
        reader
    }

    #[test]
    fn frames_are_slices_of_what_was_fed() {
        let stream = Bytes::from([PING, ACTIVE, PING].concat());
        let mut reader = Reader::new();
        reader.feed(stream.clone());
        let first = online(&mut reader).unwrap().unwrap();
        assert_eq!(first.body.as_ptr(), stream[4..].as_ptr());
        assert_eq!(online(&mut reader).unwrap().unwrap().kind, Kind::ACTIVE);
        let last = online(&mut reader).unwrap().unwrap();
        assert_eq!(last.body.as_ptr_range().end, stream.as_ptr_range().end);
        assert_eq!(online(&mut reader), Ok(None));
    }

    #[test]
    fn an_idle_reader_lets_go_of_what_was_fed() {
        let stream = Bytes::from([PING, PING].concat());
        let mut reader = Reader::new();
        reader.feed(stream.clone());
        while online(&mut reader).unwrap().is_some() {}
        assert!(stream.is_unique());
        assert_eq!(reader.partial.capacity() + reader.later.capacity(), 0);
    }

    #[test]
    fn a_partial_frame_does_not_pin_what_was_fed() {
        let stream = Bytes::from([PING, &PING[..5]].concat());
        let mut reader = Reader::new();
        reader.feed(stream.clone());
        drop(online(&mut reader));
        assert_eq!(online(&mut reader), Ok(None));
        assert!(stream.is_unique());
        assert_eq!(reader.buffered(), 5);
    }

    #[test]
    fn memory_follows_what_came_and_not_what_was_claimed() {
        let mut reader = Reader::new();
        let text_max = 4 + crate::limits::TEXT_MAX;
        reader.feed(Bytes::from_static(&[0x11, 0, 0x40, 4]));
        for came in 1..text_max {
            assert_eq!(online(&mut reader), Ok(None));
            reader.feed(Bytes::from_static(b"x"));
            assert!(reader.partial.capacity() <= (2 * (came + HEAD_BYTES)).min(text_max + HEAD_BYTES));
        }
        assert_eq!(online(&mut reader), Ok(None));
        reader.feed(Bytes::from_static(b"x"));
        assert_eq!(online(&mut reader).unwrap().unwrap().body.len(), text_max);
    }

    #[test]
    fn what_is_fed_early_keeps_its_order() {
        let mut reader = fed(&[PING, &PING[..2], &PING[2..], ACTIVE, &PING[..7]]);
        assert_eq!(reader.waiting_frames(9, |_| true), 3);
        assert_eq!(reader.waiting_frames(2, |_| true), 2);
        for (kind, left) in [(Kind::PING, 2), (Kind::PING, 1), (Kind::ACTIVE, 0)] {
            assert_eq!(online(&mut reader).unwrap().unwrap().kind, kind);
            assert_eq!(reader.waiting_frames(9, |_| true), left);
        }
        reader.feed(Bytes::from_static(&PING[7..]));
        assert_eq!(online(&mut reader).unwrap().unwrap().kind, Kind::PING);
        assert_eq!(reader.buffered(), 0);
    }

    #[test]
    fn a_fault_stays_and_keeps_nothing() {
        let mut reader = fed(&[PING, &[0x90], ACTIVE]);
        assert!(online(&mut reader).unwrap().is_some());
        for _ in 0..2 {
            assert_eq!(online(&mut reader), Err(PeerFault::UnknownKind));
            assert_eq!((reader.buffered(), reader.waiting_frames(9, |_| true)), (0, 0));
            reader.feed(Bytes::from_static(PING));
        }
    }

    #[test]
    fn heads_are_judged_by_kind_then_length() {
        let cases = [
            ([0x80, 0, 0, 0], PeerFault::UnknownKind),
            ([0x84, 0, 0, 4], PeerFault::UnknownKind),
            ([0x00, 0xff, 0xff, 0xff], PeerFault::UnknownKind),
            ([0x03, 0xff, 0xff, 0xff], PeerFault::Reserved),
            ([0x02, 0xff, 0xff, 0xff], PeerFault::OutOfState),
            ([0x50, 0, 0, 0], PeerFault::OutOfState),
            ([0x18, 0, 0, 1], PeerFault::TooLong),
            ([0x11, 0, 0x40, 5], PeerFault::TooLong),
        ];
        for (head, fault) in cases {
            let mut reader = Reader::new();
            reader.feed(Bytes::from(vec![head[0]]));
            assert_eq!(online(&mut reader), Ok(None));
            reader.feed(Bytes::copy_from_slice(&head[1..]));
            assert_eq!(online(&mut reader), Err(fault), "{head:?}");
        }
    }
}
