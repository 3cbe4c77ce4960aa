//! The seam under a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use starling_core::device::Exported;

use super::tls::TlsStream;

/// A stream of bytes in both directions.
///
/// The methods that return `Pending` wake the task of `cx` when it is worth trying again.
#[derive(Debug)]
pub(crate) enum Transport {
    /// Bytes as they are: to measure what TLS costs, and for tests that look at every byte.
    Plain(TcpStream),
    /// Encrypted bytes. Boxed, because a session is large and connections move.
    Tls(Box<TlsStream>),
}

impl Transport {
    /// Nothing can be said yet: the peers do not have their keys.
    pub(crate) fn is_handshaking(&self) -> bool {
        match self {
            Transport::Plain(_) => false,
            Transport::Tls(stream) => stream.is_handshaking(),
        }
    }

    /// What TLS exports for this connection, and for no other; nothing where nothing is agreed.
    pub(crate) fn exported(&self) -> Option<Exported> {
        match self {
            Transport::Plain(_) => None,
            Transport::Tls(stream) => stream.exported(),
        }
    }

    /// What was taken by [`poll_write`](Transport::poll_write), but not yet by the system; bytes, roughly.
    pub(crate) fn pending_bytes(&self) -> usize {
        match self {
            Transport::Plain(_) => 0,
            Transport::Tls(stream) => stream.pending_bytes(),
        }
    }

    /// Reads into `room`; 0 bytes are the end of the stream.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(stream) => {
                let mut buf = ReadBuf::new(room);
                ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
                Poll::Ready(Ok(buf.filled().len()))
            }
            Transport::Tls(stream) => stream.poll_read(cx, room),
        }
    }

    /// Whether there may be something to read, or the end.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Transport::Plain(stream) => stream.poll_read_ready(cx).map(drop),
            Transport::Tls(stream) => stream.poll_readable(cx),
        }
    }

    /// Takes a beginning of `bytes`.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => stream.poll_write(cx, bytes),
        }
    }

    /// Gives the system what was taken.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(_) => Poll::Ready(Ok(())),
            Transport::Tls(stream) => stream.poll_flush(cx),
        }
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => stream.poll_shutdown(cx),
        }
    }
}
