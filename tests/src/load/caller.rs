//! Somebody who waits for each answer: one connection on a thread that blocks.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use starling_core::id::Seq;
use starling_core::wire::{Frame, Hello, LoginName, Password, Phase, Reader, ServerFrame, VERSION};
use starling_runtime::tls;

/// An answer that does not come for so long never does.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) stream: StreamOwned<ClientConnection, TcpStream>,
    reader: Reader,
}

/// Connects from an address of one's own; all of 127.0.0.0/8 are.
///
/// # Errors
/// What the system says.
pub(crate) fn connect_from(address: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddrV4::new(address, 0))?;
    connect(&socket, &to)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A client's end of a session.
///
/// # Errors
/// None that a sound configuration gives.
pub(crate) fn session() -> io::Result<ClientConnection> {
    let name = ServerName::try_from("starling").map_err(io::Error::other)?;
    ClientConnection::new(tls::client::by_key(), name).map_err(io::Error::other)
}

impl Caller {
    /// Connects, shakes hands, says hello and is greeted.
    ///
    /// # Errors
    /// If the server does not play its part.
    pub(crate) fn greeted(from: Ipv4Addr, to: SocketAddr) -> io::Result<Caller> {
        let stream = StreamOwned::new(session()?, connect_from(from, to)?);
        let mut caller = Caller { stream, reader: Reader::new() };
        caller.say(&Hello::Hello { version: VERSION, product: "load".to_owned() }.frame())?;
        match caller.next()? {
            ServerFrame::Greeting(_) => Ok(caller),
            other => Err(unplanned(&other)),
        }
    }

    /// Asks to be let in.
    ///
    /// # Errors
    /// If the connection is broken.
    pub(crate) fn knock(&mut self, name: &str, password: &str) -> io::Result<()> {
        let name = LoginName::cut(Bytes::copy_from_slice(name.as_bytes()));
        let password = Password::cut(Bytes::copy_from_slice(password.as_bytes()));
        let (Some(name), Some(password)) = (name, password) else {
            return Err(ErrorKind::InvalidInput.into());
        };
        self.say(&Hello::Login { name, password, seen: Seq::START, device: None }.frame())
    }

    pub(crate) fn say(&mut self, frame: &Frame) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(frame.len());
        frame.encode_into(&mut bytes);
        self.stream.write_all(&bytes)?;
        self.stream.flush()
    }

    /// The next frame.
    ///
    /// # Errors
    /// If none comes.
    pub(crate) fn next(&mut self) -> io::Result<ServerFrame> {
        let mut room = [0; 16 * 1024];
        loop {
            let raw = self.reader.next(Phase::FromServer).map_err(|fault| unplanned(&fault))?;
            if let Some(raw) = raw {
                return ServerFrame::decode(raw).map_err(|fault| unplanned(&fault));
            }
            match self.stream.read(&mut room)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => self.reader.feed(Bytes::copy_from_slice(&room[..count])),
            }
        }
    }
}

fn unplanned(what: &impl std::fmt::Debug) -> io::Error {
    io::Error::other(format!("the server said {what:?}"))
}
