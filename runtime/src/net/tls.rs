//! An encrypted stream of the server: a TLS session between a connection and its socket.
//!
//! At most one record of ciphertext waits for the socket; what is not yet encrypted waits in the out-buffer of
//! the connection, where the machine's limits count it.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::{ServerConfig, ServerConnection};
use starling_core::device::{EXPORTER_LABEL, Exported};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use crate::tls::ALPN;

/// The plaintext of a full record.
const RECORD_BYTES: usize = 16 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct TlsStream {
    stream: TcpStream,
    session: ServerConnection,
    /// Plaintext that has been decrypted and not yet read.
    unread_bytes: usize,
    /// About so many bytes of ciphertext wait for the socket.
    pending_bytes: usize,
    /// The peer has been told that nothing more will come.
    closing: bool,
}

impl TlsStream {
    /// The server's end of a connection that was just accepted.
    ///
    /// # Errors
    /// None that a sound configuration gives.
    pub(crate) fn new(stream: TcpStream, config: Arc<ServerConfig>) -> Result<TlsStream, rustls::Error> {
        let mut session = ServerConnection::new(config)?;
        session.set_buffer_limit(Some(RECORD_BYTES * 2));
        Ok(TlsStream { stream, session, unread_bytes: 0, pending_bytes: 0, closing: false })
    }

    /// The keys are not agreed yet.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// What both ends can export for this connection (RFC 8446 §7.5), once the keys are agreed.
    pub(crate) fn exported(&self) -> Option<Exported> {
        self.session.export_keying_material(Exported::default(), EXPORTER_LABEL, None).ok()
    }

    /// Ciphertext that waits for the socket, in bytes, roughly.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Reads plaintext into `room`; 0 bytes are the end of the stream, said or not.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.session.reader().read(room) {
                Ok(count) => {
                    self.unread_bytes = self.unread_bytes.saturating_sub(count);
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Poll::Ready(Ok(0)),
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                Err(_) => {}
            }
            let mut socket = Socket { stream: &mut self.stream, cx };
            match self.session.read_tls(&mut socket) {
                Ok(0) => return Poll::Ready(Ok(0)),
                Ok(_) => self.process(cx)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Takes in what was read: a step of the handshake, or plaintext. A peer that is wrong is sent an alert.
    fn process(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let was_handshaking = self.session.is_handshaking();
        let processed = self.session.process_new_packets();
        if self.session.wants_write() {
            // Nobody waits for it: if the socket takes nothing now, the wake-up comes with the next flush.
            let _ = self.poll_flush(cx)?;
        }
        let state = processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        self.unread_bytes = state.plaintext_bytes_to_read();
        let agreed = was_handshaking && !self.session.is_handshaking();
        if agreed && self.session.alpn_protocol() != Some(ALPN) {
            return Err(io::Error::new(ErrorKind::InvalidData, "the peer does not speak of Starling"));
        }
        Ok(())
    }

    /// Whether there may be something to read.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The socket knows nothing of what it has given already.
        if self.unread_bytes > 0 { Poll::Ready(()) } else { self.stream.poll_read_ready(cx).map(drop) }
    }

    /// Encrypts a beginning of `bytes`, once the socket has taken what was encrypted before and the keys are agreed.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(cx))?;
        if self.session.is_handshaking() {
            // What the peer says next wakes the connection.
            return Poll::Pending;
        }
        let count = self.session.writer().write(&bytes[..bytes.len().min(RECORD_BYTES)])?;
        self.pending_bytes += count;
        let _ = self.poll_flush(cx)?;
        Poll::Ready(Ok(count))
    }

    /// Writes ciphertext until the socket has all of it.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            let mut socket = Socket { stream: &mut self.stream, cx };
            match self.session.write_tls(&mut socket) {
                Ok(count) => self.pending_bytes = self.pending_bytes.saturating_sub(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.pending_bytes = self.pending_bytes.max(1);
                    return Poll::Pending;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.pending_bytes = 0;
        Poll::Ready(Ok(()))
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closing {
            self.closing = true;
            self.session.send_close_notify();
        }
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A socket as the session wants it: what would block says so, and wakes the connection later.
struct Socket<'a, 'b> {
    stream: &'a mut TcpStream,
    cx: &'a mut Context<'b>,
}

fn now<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl Read for Socket<'_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut room = ReadBuf::new(room);
        now(Pin::new(&mut *self.stream).poll_read(self.cx, &mut room))?;
        Ok(room.filled().len())
    }
}

impl Write for Socket<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        now(Pin::new(&mut *self.stream).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        now(Pin::new(&mut *self.stream).poll_write_vectored(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::Ipv4Addr;

    use rustls::pki_types::ServerName;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::tls::key::ServerKey;

    /// Far more than a record, and than what one read takes.
    const SENT_BYTES: usize = 100_000;

    /// The shard reads again only if the stream says that there may be more.
    #[tokio::test]
    async fn what_was_decrypted_is_read_although_the_socket_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let config = crate::tls::server::config(&ServerKey::open(folder.path()).unwrap()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let peer = tokio::spawn(async move {
            let stream = TcpStream::connect(addr).await.unwrap();
            let name = ServerName::try_from("starling").unwrap();
            let connector = TlsConnector::from(crate::tls::client::by_key());
            let mut stream = connector.connect(name, stream).await.unwrap();
            stream.write_all(&vec![7; SENT_BYTES]).await.unwrap();
            stream.flush().await.unwrap();
            stream
        });
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsStream::new(stream, config).unwrap();
        let (mut room, mut read) = ([0; 999], 0);
        while read < SENT_BYTES {
            read += poll_fn(|cx| stream.poll_read(cx, &mut room)).await.unwrap();
            if read < SENT_BYTES {
                poll_fn(|cx| stream.poll_readable(cx)).await;
            }
        }
        drop(peer.await.unwrap());
        assert_eq!(poll_fn(|cx| stream.poll_read(cx, &mut room)).await.unwrap(), 0, "the end is seen");
    }
}
