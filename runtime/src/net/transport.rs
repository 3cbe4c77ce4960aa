//! The seam under a connection: plain TCP today; an encrypted stream has the same three verbs.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A stream of bytes in both directions.
///
/// The methods that return `Pending` wake the task of `cx` when it is worth trying again.
#[derive(Debug)]
pub(crate) enum Transport {
    /// Bytes as they are.
    Plain(TcpStream),
}

impl Transport {
    /// Reads into `room`; 0 bytes are the end of the stream.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        let Transport::Plain(stream) = self;
        let mut buf = ReadBuf::new(room);
        ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    /// Whether there is something to read, or the end.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Transport::Plain(stream) = self;
        stream.poll_read_ready(cx).map(drop)
    }

    /// Writes a beginning of `bytes`.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Transport::Plain(stream) = self;
        Pin::new(stream).poll_write(cx, bytes)
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Transport::Plain(stream) = self;
        Pin::new(stream).poll_shutdown(cx)
    }
}
