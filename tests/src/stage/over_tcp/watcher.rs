//! A connection that only asks whether the server is there: its answer proves that a turn is over.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use starling_core::wire::{Frame, Hello, Phase, Reader, ServerFrame, VERSION};
use starling_runtime::tls;

/// A server that does not answer for so long never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever watches a server from before its login.
pub(super) struct Watcher {
    stream: StreamOwned<ClientConnection, TcpStream>,
    reader: Reader,
    nonce: u32,
}

impl Watcher {
    pub(super) fn connect(server: SocketAddr) -> io::Result<Watcher> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::from(server.ip());
        let session = ClientConnection::new(tls::client::by_key(), name).map_err(io::Error::other)?;
        let stream = StreamOwned::new(session, stream);
        let mut watcher = Watcher { stream, reader: Reader::new(), nonce: 0 };
        watcher.send(&Hello::Hello { version: VERSION, product: "watcher".to_owned() }.frame())?;
        Ok(watcher)
    }

    /// Waits until the server has seen everything that was written to it before, and has acted on the time
    /// that it is.
    ///
    /// # Errors
    /// If the connection is over: the server gives a login only so much time.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        // A turn reads before it looks at the clock; so the second answer comes after both.
        for _ in 0..2 {
            self.nonce += 1;
            self.send(&Frame::ping(self.nonce))?;
            while self.next()? != (ServerFrame::Pong { nonce: self.nonce }) {}
        }
        Ok(())
    }

    fn send(&mut self, frame: &Frame) -> io::Result<()> {
        let mut bytes = Vec::new();
        frame.encode_into(&mut bytes);
        self.stream.write_all(&bytes)?;
        self.stream.flush()
    }

    fn next(&mut self) -> io::Result<ServerFrame> {
        let wrong = |fault| io::Error::other(format!("{fault:?}"));
        loop {
            if let Some(raw) = self.reader.next(Phase::FromServer).map_err(wrong)? {
                return ServerFrame::decode(raw).map_err(wrong);
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                len => self.reader.feed(buffer[..len].to_vec().into()),
            }
        }
    }
}
