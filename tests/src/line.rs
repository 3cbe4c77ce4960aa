//! One connection: a stream, what lies encrypted in between, and what it has not yet taken.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection};

/// How the two ends speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// By TLS 1.3.
    Tls,
    /// In the clear.
    Plain,
}

impl Secrecy {
    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Secrecy::Tls => "tls",
            Secrecy::Plain => "plain",
        }
    }
}

/// Makes lines of one kind.
#[derive(Debug)]
pub struct Dialer(Option<Arc<ClientConfig>>);

impl Dialer {
    /// Whoever holds this key is trusted: it is the server that was started a moment ago.
    #[must_use]
    pub fn new(secrecy: Secrecy) -> Dialer {
        Dialer((secrecy == Secrecy::Tls).then(starling_runtime::tls::client::by_key))
    }

    /// Connects. On the loopback that takes no longer than the server's system needs.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(&self, addr: SocketAddr) -> io::Result<Line> {
        let stream = TcpStream::connect(addr)?;
        let session = self.0.as_ref().map(|config| {
            let name = ServerName::try_from("starling").map_err(io::Error::other)?;
            ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)
        });
        Line::over(stream, session.transpose()?.map(Connection::from))
    }
}

/// A connection that never blocks.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    session: Option<Box<Connection>>,
    /// What is to be written; a voice appends to it.
    pub out: Vec<u8>,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// So many bytes, perhaps none, and there may be more.
    Full(usize),
    /// So many bytes, and no more now.
    Some(usize),
    /// The other side has closed.
    End,
}

impl Line {
    /// A connection over this stream: with such a session in between, or in the clear.
    ///
    /// # Errors
    /// What the system says.
    pub fn over(stream: TcpStream, session: Option<Connection>) -> io::Result<Line> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut line = Line { stream, session: session.map(Box::new), out: Vec::new() };
        line.flush()?;
        Ok(line)
    }

    /// Its session, once the handshake is done.
    #[must_use]
    pub fn session(&self) -> Option<&Connection> {
        self.session.as_deref().filter(|session| !session.is_handshaking())
    }

    /// Says that nothing more will be written, and writes what the system takes.
    ///
    /// # Errors
    /// If the connection is broken.
    pub fn end(&mut self) -> io::Result<()> {
        self.flush()?;
        if let Some(session) = &mut self.session {
            session.send_close_notify();
        }
        self.flush()?;
        self.stream.shutdown(Shutdown::Write)
    }

    /// What the system is to watch.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// Something is to be written.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.out.is_empty() || self.session.as_ref().is_some_and(|session| session.wants_write())
    }

    /// Reads once. Less than the room means that there was no more: another read would only say so.
    ///
    /// # Errors
    /// If the connection is broken.
    pub fn read(&mut self, room: &mut [u8]) -> io::Result<Came> {
        match &mut self.session {
            None => read_once(&mut self.stream, room),
            Some(_) => self.decrypt(room),
        }
    }

    fn decrypt(&mut self, room: &mut [u8]) -> io::Result<Came> {
        let Some(session) = &mut self.session else { return Ok(Came::Some(0)) };
        let mut tap = Tap { stream: &mut self.stream, is_drained: false };
        match session.read_tls(&mut tap) {
            Ok(0) => return Ok(Came::End),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Came::Some(0)),
            Err(error) => return Err(error),
        }
        let more = !tap.is_drained;
        session.process_new_packets().map_err(io::Error::other)?;
        let count = match session.reader().read(room) {
            Ok(0) => return Ok(Came::End),
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            count => count?,
        };
        // What breaks here is noticed when it is read: first comes what was said before.
        let _ = self.flush();
        // An encrypted piece may bring nothing for whoever listens, and still something has happened.
        Ok(if more || count == 0 || count == room.len() { Came::Full(count) } else { Came::Some(count) })
    }

    /// Writes what the system takes.
    ///
    /// # Errors
    /// If the connection is broken.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(session) = &mut self.session else {
            let written = write_all(&mut self.stream, &self.out)?;
            self.out.drain(..written);
            return Ok(());
        };
        loop {
            if !session.is_handshaking() && !self.out.is_empty() {
                let taken = session.writer().write(&self.out)?;
                self.out.drain(..taken);
            }
            while session.wants_write() {
                match session.write_tls(&mut self.stream) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            if session.is_handshaking() || self.out.is_empty() {
                return Ok(());
            }
        }
    }
}

fn read_once(stream: &mut TcpStream, room: &mut [u8]) -> io::Result<Came> {
    match stream.read(room) {
        Ok(0) => Ok(Came::End),
        Ok(count) if count == room.len() => Ok(Came::Full(count)),
        Ok(count) => Ok(Came::Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Came::Some(0)),
        Err(error) => Err(error),
    }
}

fn write_all(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// A stream that notices when it has given everything it had.
struct Tap<'a> {
    stream: &'a mut TcpStream,
    is_drained: bool,
}

impl Read for Tap<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(room)?;
        self.is_drained = count < room.len();
        Ok(count)
    }
}
