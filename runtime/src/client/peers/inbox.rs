//! What comes from another client, cut where frames end.
//!
//! The machine takes bytes cut anywhere; but a frame that lies whole in what it is fed need not be put together there.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use starling_core::wire::PIECE_MAX;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

/// Room for what is passed on at once.
const ROOM_BYTES: usize = 128 * 1024;
/// Bytes of the head of a frame: one says of which kind it is, three how many bytes follow.
const HEAD_BYTES: usize = 4;
/// A longer frame is passed on as it comes.
const FRAME_MAX: usize = HEAD_BYTES + 4 + PIECE_MAX;
/// So long the beginning of a frame waits for its end: that something comes is a sign of life, too.
const HOLD_MAX: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: BytesMut,
    /// Where the frame begins that is not whole yet; beyond what has come if its beginning was passed on.
    whole: usize,
}

impl Inbox {
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
            Err(_) if self.bytes.len() >= HEAD_BYTES => {
                self.whole = self.bytes.len() + self.wanted();
                Ok(Some(self.take(self.bytes.len())))
            }
            Err(_) => poll_fn(|cx| self.poll(reader, cx)).await,
        }
    }

    /// Reads as long as there is something to read, and room for it.
    fn poll<R: AsyncRead + Unpin>(
        &mut self,
        reader: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            let (ready, wanted) = (self.ready(), self.wanted());
            if ready > 0 && self.bytes.len() + wanted > ROOM_BYTES {
                return Poll::Ready(Ok(Some(self.take(ready))));
            }
            if self.bytes.capacity() - self.bytes.len() < wanted {
                self.bytes.reserve(ROOM_BYTES - self.bytes.len());
            }
            let mut room = (&mut self.bytes).limit(wanted);
            let read = pin!(reader.read_buf(&mut room)).poll(cx);
            match read {
                Poll::Ready(Ok(0)) if self.bytes.is_empty() => return Poll::Ready(Ok(None)),
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(Some(self.take(self.bytes.len())))),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if ready > 0 => return Poll::Ready(Ok(Some(self.take(ready)))),
                Poll::Pending => return Poll::Pending,
            }
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
        (end - self.bytes.len()).min(FRAME_MAX)
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
