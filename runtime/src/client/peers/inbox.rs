//! What comes from another client, cut where frames end.
//!
//! The machine takes bytes cut anywhere; but a frame that lies whole in what it is fed need not be put together there.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use starling_core::wire::{HEAD_BYTES, PIECE_MAX};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

/// Room for what is passed on at once.
const ROOM_BYTES: usize = 2 * FRAME_MAX;
/// A longer frame is passed on as it comes.
const FRAME_MAX: usize = HEAD_BYTES + 4 + PIECE_MAX;
/// So long the beginning of a frame waits for its end: that something comes is a sign of life, too.
const HOLD_MAX: Duration = Duration::from_secs(1);

/// Memory into which is read, for all connections: so much of it is kept for the next.
const KEPT_MAX: usize = 64;

/// Memory into which was read, and which is to be used again. Copies are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Rooms(Arc<Mutex<Vec<BytesMut>>>);

impl Rooms {
    /// Some that has room for a frame, or that nobody uses any more: of such what was used last, which caches still have.
    fn take(&self) -> BytesMut {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.iter_mut().rposition(|room| room.capacity() >= FRAME_MAX || room.try_reclaim(ROOM_BYTES)) {
            Some(free) => kept.remove(free),
            None => BytesMut::with_capacity(ROOM_BYTES),
        }
    }

    /// Somebody may still use what was read into it and passed on; what was not is thrown away.
    fn give(&self, mut room: BytesMut) {
        // What is left in it would never leave room again.
        room.clear();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.push(room);
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Inbox {
    rooms: Rooms,
    bytes: BytesMut,
    /// The memory of `bytes` is one of `rooms`.
    has_room: bool,
    /// Where the frame begins that is not whole yet; beyond what has come if its beginning was passed on.
    whole: usize,
}

impl Inbox {
    /// For a connection at its beginning.
    pub(super) fn new(rooms: Rooms) -> Inbox {
        Inbox { rooms, bytes: BytesMut::new(), has_room: false, whole: 0 }
    }

    /// The next bytes; nothing at the end.
    ///
    /// # Errors
    /// As reading.
    pub(super) async fn next<R: AsyncRead + Unpin>(&mut self, reader: &mut R) -> io::Result<Option<Bytes>> {
        if self.bytes.is_empty() {
            return poll_fn(|cx| self.poll(reader, cx)).await;
        }
        match timeout(HOLD_MAX, poll_fn(|cx| self.poll(reader, cx))).await {
            Ok(next) => next,
            Err(_) => match self.let_go() {
                Some(bytes) => Ok(Some(bytes)),
                None => poll_fn(|cx| self.poll(reader, cx)).await,
            },
        }
    }

    /// The beginning of a frame, if its head is there.
    fn let_go(&mut self) -> Option<Bytes> {
        self.frame_bytes()?;
        self.whole = self.bytes.len() + self.wanted();
        Some(self.take(self.bytes.len()))
    }

    /// Reads as long as there is something to read, and room for it.
    fn poll<R: AsyncRead + Unpin>(
        &mut self,
        reader: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            let (ready, wanted) = (self.ready(), self.wanted().min(FRAME_MAX));
            if self.bytes.capacity() - self.bytes.len() < wanted {
                if ready > 0 {
                    return Poll::Ready(Ok(Some(self.take(ready))));
                }
                self.change_room();
            }
            let mut room = (&mut self.bytes).limit(wanted);
            let read = pin!(reader.read_buf(&mut room)).poll(cx);
            match read {
                Poll::Ready(Ok(0)) if self.bytes.is_empty() => return Poll::Ready(Ok(None)),
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(Some(self.take(self.bytes.len())))),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if ready > 0 => return Poll::Ready(Ok(Some(self.take(ready)))),
                Poll::Pending => {
                    // A connection that waits holds no memory.
                    if self.bytes.is_empty() {
                        self.leave_room(BytesMut::new());
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Goes on in memory that has room.
    fn change_room(&mut self) {
        let mut room = self.rooms.take();
        room.extend_from_slice(&self.bytes);
        self.leave_room(room);
        self.has_room = true;
    }

    /// Others may have the memory now.
    fn leave_room(&mut self, next: BytesMut) {
        let room = std::mem::replace(&mut self.bytes, next);
        if std::mem::take(&mut self.has_room) {
            self.rooms.give(room);
        }
    }

    /// How much can be passed on.
    fn ready(&mut self) -> usize {
        while let Some(frame) = self.frame_bytes() {
            let end = self.whole + frame;
            if end > self.bytes.len() && frame <= FRAME_MAX {
                break;
            }
            self.whole = end;
        }
        self.whole.min(self.bytes.len())
    }

    /// So many bytes are missing, of a head or of a frame.
    fn wanted(&self) -> usize {
        let end = match self.frame_bytes() {
            Some(frame) => self.whole + frame,
            None if self.whole > self.bytes.len() => self.whole,
            None => self.whole + HEAD_BYTES,
        };
        end - self.bytes.len()
    }

    /// Of how many bytes the frame is that is not whole yet, if its head is there.
    fn frame_bytes(&self) -> Option<usize> {
        let [_, high, mid, low] = self.bytes.get(self.whole..)?.first_chunk::<HEAD_BYTES>()?.map(usize::from);
        Some(HEAD_BYTES + (high << 16 | mid << 8 | low))
    }

    fn take(&mut self, len: usize) -> Bytes {
        self.whole = self.whole.saturating_sub(len);
        self.bytes.split_to(len).freeze()
    }
}

#[cfg(test)]
mod tests {
    use starling_core::text::Text;
    use starling_core::wire::{PeerFrame, Transfer};
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// What comes out if so many bytes are read at once.
    async fn passed_on(bytes: &[u8], at_once: usize) -> Vec<Bytes> {
        let (mut reader, mut writer) = tokio::io::duplex(at_once);
        let mut inbox = Inbox::new(Rooms::default());
        let mut all = Vec::new();
        let read = async {
            while let Some(bytes) = inbox.next(&mut reader).await.unwrap() {
                all.push(bytes);
            }
        };
        let written = async move {
            writer.write_all(bytes).await.unwrap();
            drop(writer);
        };
        tokio::join!(read, written);
        all
    }

    fn frames(of: &[PeerFrame]) -> BytesMut {
        let mut bytes = BytesMut::new();
        of.iter().for_each(|frame| frame.frame().encode_into(&mut bytes));
        bytes
    }

    fn piece(len: usize) -> PeerFrame {
        PeerFrame::Transfer(Transfer::Piece { transfer: 1, bytes: vec![7; len].into() })
    }

    #[tokio::test]
    async fn what_is_passed_on_ends_where_frames_end() {
        let text = Text::parse(Bytes::from_static(b"words")).unwrap();
        let one = frames(&[piece(PIECE_MAX), PeerFrame::Whisper { text }, piece(1), piece(PIECE_MAX)]);
        let ends = [FRAME_MAX, FRAME_MAX + 9, FRAME_MAX + 18, 2 * FRAME_MAX + 18];
        let all: Vec<u8> = (0..5).flat_map(|_| one.to_vec()).collect();
        for at_once in [1000, 16 * 1024, 64 * 1024, 1024 * 1024] {
            let came = passed_on(&all, at_once).await;
            let mut at = 0;
            for bytes in &came {
                assert!(bytes.len() <= ROOM_BYTES);
                at += bytes.len();
                assert!(ends.contains(&(at % one.len())) || at.is_multiple_of(one.len()), "{at}");
            }
            assert_eq!(came.concat(), all);
        }
    }

    /// However the bytes come, and however long somebody still uses the last ones.
    #[tokio::test]
    async fn memory_is_used_again() {
        let text = Text::parse(Bytes::from_static(b"words")).unwrap();
        let one = frames(&[PeerFrame::Whisper { text }, piece(PIECE_MAX), piece(900)]);
        let (rooms, held) = (Rooms::default(), 8);
        let (mut reader, mut writer) = tokio::io::duplex(10_000);
        let mut inbox = Inbox::new(rooms.clone());
        let read = async {
            let mut last = std::collections::VecDeque::new();
            while let Some(bytes) = inbox.next(&mut reader).await.unwrap() {
                last.push_back(bytes);
                if last.len() > held {
                    last.pop_front();
                }
            }
        };
        let written = async move {
            for _ in 0..200 {
                writer.write_all(&one).await.unwrap();
            }
            drop(writer);
        };
        tokio::join!(read, written);
        assert!(rooms.0.lock().unwrap().len() <= held + 2);
    }

    /// Whoever claims more than a frame may have costs no more than others.
    #[tokio::test]
    async fn a_frame_that_is_too_long_is_not_waited_for() {
        let mut all = vec![9, 0xff, 0xff, 0xff];
        all.resize(300_000, 5);
        let came = passed_on(&all, 10_000).await;
        assert_eq!(came.concat(), all);
        assert!(came.len() > 2 && came.iter().all(|bytes| bytes.len() <= ROOM_BYTES));
    }

    #[tokio::test]
    async fn the_beginning_of_a_frame_can_be_let_go() {
        let all = frames(&[piece(1000), piece(20)]);
        for cut in [1, 3, 4, 700] {
            let (mut inbox, mut cx) =
                (Inbox::new(Rooms::default()), Context::from_waker(std::task::Waker::noop()));
            let (mut reader, mut writer) = tokio::io::duplex(4096);
            writer.write_all(&all[..cut]).await.unwrap();
            assert!(inbox.poll(&mut reader, &mut cx).is_pending());
            let begun = inbox.let_go();
            assert_eq!(begun.as_ref().map(|bytes| bytes.len()), (cut >= HEAD_BYTES).then_some(cut));
            writer.write_all(&all[cut..all.len() - 1]).await.unwrap();
            let next = inbox.next(&mut reader).await.unwrap().unwrap();
            assert_eq!(begun.map_or(0, |bytes| bytes.len()) + next.len(), 1008);
        }
    }
}
