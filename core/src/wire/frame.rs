//! A frame: four bytes of head, then a body.

use bytes::{BufMut, Bytes};
use core::fmt;

use super::fault::PeerFault;
use super::kind::{CONTROL_MAX, Kind, Phase};
use super::names;
use super::outcome::Outcome;
use crate::id::{MsgId, RequestId, Seq};
use crate::name::Name;
use crate::text::Text;

/// Bytes before the body: kind, and the body's length in 24 bits, big endian.
pub const HEAD_BYTES: usize = 4;

/// A frame as it came: its kind is known and allowed, its body not yet read.
#[derive(Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// What kind of frame it is.
    pub kind: Kind,
    /// All after the head.
    pub body: Bytes,
}

impl fmt::Debug for RawFrame {
    /// Kind and length only: a body may hold a text or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind, HEAD_BYTES + self.body.len())
    }
}

/// A head that was judged: there is such a kind, it is allowed here, and the body is not too long for it.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) body_len: usize,
}

impl Head {
    /// Judges a head by the kind first, then by the length.
    pub(super) fn judge(bytes: [u8; HEAD_BYTES], phase: Phase) -> Result<Head, PeerFault> {
        let kind = Kind(bytes[0]);
        let body_len = body_len(bytes);
        if body_len > kind.body_max(phase)? {
            return Err(PeerFault::TooLong);
        }
        Ok(Head { kind, body_len })
    }

    pub(super) const fn frame_len(self) -> usize {
        HEAD_BYTES + self.body_len
    }
}

/// The body's length as a head states it, at most 16 MiB.
pub(super) fn body_len([_, high, mid, low]: [u8; HEAD_BYTES]) -> usize {
    usize::from(high) << 16 | usize::from(mid) << 8 | usize::from(low)
}

/// A frame on its way out: a short head that was made for it, and a tail that may belong to many.
///
/// A relayed text stays in the very bytes it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    head_len: u8,
    head: [u8; Frame::HEAD_MAX],
    tail: Bytes,
}

impl Frame {
    /// Room for the head of four bytes and the fields before the tail: those of MAIL are the longest, with
    /// 61 bytes. Two more make a frame of 96 bytes.
    pub const HEAD_MAX: usize = 63;

    /// A letter for its receiver.
    #[must_use]
    pub fn mail(seq: Seq, id: MsgId, from: Name, text: &Text) -> Frame {
        Start::of(Kind::MAIL).seq(seq).msg_id(id).name(from).end(text.bytes().clone())
    }

    /// A broadcast for those who are online.
    #[must_use]
    pub fn cast(from: Name, text: &Text) -> Frame {
        Start::of(Kind::CAST).name(from).end(text.bytes().clone())
    }

    /// The outcome of a request.
    #[must_use]
    pub fn done(request: RequestId, outcome: Outcome) -> Frame {
        Start::of(Kind::DONE).request(request).u8(outcome.code()).end(Bytes::new())
    }

    /// A sign of life that asks for one.
    #[must_use]
    pub fn ping(nonce: u32) -> Frame {
        Start::of(Kind::PING).u32(nonce).end(Bytes::new())
    }

    /// The answer to the ping with that nonce.
    #[must_use]
    pub fn pong(nonce: u32) -> Frame {
        Start::of(Kind::PONG).u32(nonce).end(Bytes::new())
    }

    /// Changes of presence up to `version` of the online set.
    ///
    /// `items` are whole items of [`PresenceItems`](super::PresenceItems), whose
    /// [`frames`](super::PresenceWindow::frames) cut them to size.
    ///
    /// # Panics
    /// If `items` are more than a frame holds.
    #[must_use]
    pub fn presence(version: u64, items: Bytes) -> Frame {
        let frame = Start::of(Kind::PRESENCE).u64(version).end(items);
        assert!(frame.len() <= HEAD_BYTES + CONTROL_MAX, "presence items are cut into frames");
        frame
    }

    /// A page of names in answer to `request`. [`Frame::names_pages`] cuts many names to size.
    ///
    /// # Panics
    /// If `items` are more than a frame holds.
    #[must_use]
    pub fn names(request: RequestId, last: bool, version: u64, items: Bytes) -> Frame {
        let frame = Start::of(Kind::NAMES).request(request).u8(u8::from(last)).u64(version).end(items);
        assert!(frame.len() <= HEAD_BYTES + CONTROL_MAX, "names are cut into pages");
        frame
    }

    /// The pages that answer `request`, read from `version` of the online set: at least one, and only the
    /// last says that it is. Each is made when it is asked for.
    pub fn names_pages<N>(request: RequestId, version: u64, names: N) -> impl Iterator<Item = Frame>
    where
        N: IntoIterator<Item = Name>,
    {
        names::pages(request, version, names.into_iter())
    }

    /// What kind of frame it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        Kind(self.head[0])
    }

    /// Bytes of the whole frame, its head of four bytes included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a frame has at least a head")]
    pub fn len(&self) -> usize {
        usize::from(self.head_len) + self.tail.len()
    }

    /// What stands last in the frame and may be shared with others: a text, or a list of items. The fields
    /// before it are not part of it.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.tail
    }

    /// Appends the frame to `out`, as it travels.
    ///
    /// # Panics
    /// If `out` cannot grow and is too short.
    pub fn encode_into(&self, out: &mut impl BufMut) {
        out.put_slice(&self.head[..usize::from(self.head_len)]);
        out.put_slice(&self.tail);
    }
}

impl fmt::Debug for Frame {
    /// Kind and length only: a frame may hold a text or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind(), self.len())
    }
}

/// The start of a frame: its kind, and the fields in the order in which they are put.
pub(super) struct Start {
    len: usize,
    bytes: [u8; Frame::HEAD_MAX],
}

impl Start {
    #[inline]
    pub(super) const fn of(kind: Kind) -> Start {
        let mut bytes = [0; Frame::HEAD_MAX];
        bytes[0] = kind.0;
        Start { len: HEAD_BYTES, bytes }
    }

    #[inline]
    pub(super) fn bytes(mut self, field: &[u8]) -> Start {
        self.bytes[self.len..self.len + field.len()].copy_from_slice(field);
        self.len += field.len();
        self
    }

    #[inline]
    pub(super) fn u8(self, value: u8) -> Start {
        self.bytes(&[value])
    }

    #[inline]
    pub(super) fn u16(self, value: u16) -> Start {
        self.bytes(&value.to_be_bytes())
    }

    #[inline]
    pub(super) fn u32(self, value: u32) -> Start {
        self.bytes(&value.to_be_bytes())
    }

    #[inline]
    pub(super) fn u64(self, value: u64) -> Start {
        self.bytes(&value.to_be_bytes())
    }

    #[inline]
    pub(super) fn request(self, request: RequestId) -> Start {
        self.u32(request.0)
    }

    #[inline]
    pub(super) fn seq(self, seq: Seq) -> Start {
        self.u64(seq.to_bits())
    }

    #[inline]
    pub(super) fn msg_id(self, id: MsgId) -> Start {
        self.u64(id.instance).u64(id.counter)
    }

    #[inline]
    pub(super) fn name(self, name: Name) -> Start {
        self.u8(name.len()).bytes(name.as_bytes())
    }

    /// The finished frame: `tail` stands last in it.
    #[inline]
    pub(super) fn end(mut self, tail: Bytes) -> Frame {
        let body_len = u32::try_from(self.len - HEAD_BYTES + tail.len()).unwrap_or(u32::MAX);
        let [over, length @ ..] = body_len.to_be_bytes();
        assert!(over == 0, "the length of a body fits into 24 bits");
        self.bytes[1..HEAD_BYTES].copy_from_slice(&length);
        let head_len = u8::try_from(self.len).expect("a start is no longer than its array");
        Frame { head_len, head: self.bytes, tail }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;
    use crate::wire::{Reader, Request};

    fn text(words: &'static str) -> Text {
        Text::parse(Bytes::from_static(words.as_bytes())).expect("a text")
    }

    fn name(bytes: &str) -> Name {
        Name::parse(bytes.as_bytes()).expect("a name")
    }

    #[test]
    fn a_frame_is_small() {
        assert_eq!(size_of::<Frame>(), 96);
        let longest = name("abcdefghijklmnopqrstuvwxyz_.-012");
        let frame = Frame::mail(Seq::MAX, MsgId { instance: 1, counter: 1 }, longest, &text("x"));
        assert_eq!(usize::from(frame.head_len), 61);
    }

    #[test]
    fn a_relayed_text_keeps_its_bytes() {
        let id = MsgId { instance: 7, counter: 1 };
        let message =
            Request::Message { request: RequestId(1), id, to: name("luke"), text: text("hello there") };
        let mut stream = Vec::new();
        message.frame().encode_into(&mut stream);
        let stream = Bytes::from(stream);
        let came = stream.as_ptr_range();

        let mut reader = Reader::new();
        reader.feed(stream.clone());
        let raw = reader.next(Phase::Online).expect("no fault").expect("a frame");
        let Ok(Request::Message { text, .. }) = Request::decode(raw) else { panic!("a message") };

        let mail = Frame::mail(Seq::START.next(), id, name("hans"), &text);
        let cast = Frame::cast(name("hans"), &text);
        assert_eq!(&mail.body()[..], b"hello there");
        assert_eq!(mail.body().as_ptr_range().end, came.end);
        assert_eq!(cast.clone().body().as_ptr(), mail.body().as_ptr());
    }

    #[test]
    fn debug_tells_neither_texts_nor_bytes() {
        let frame = Frame::cast(name("hans"), &text("secret"));
        assert_eq!(format!("{frame:?}"), "CAST(15 bytes)");
        let raw = RawFrame { kind: Kind::LOGIN, body: Bytes::from_static(b"secret") };
        assert_eq!(format!("{raw:?}"), "LOGIN(10 bytes)");
    }
}
