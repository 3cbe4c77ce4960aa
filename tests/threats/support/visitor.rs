//! Somebody who speaks TLS to a real server, and says what a test wants.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use starling_core::id::{RequestId, Seq};
use starling_core::wire::{Hello, Outcome, Phase, Reader, Request, ServerFrame, VERSION};
use starling_runtime::tls;
use starling_tests::program::PATIENCE;

use super::house::{encoded, login};

/// See the module.
pub(crate) struct Visitor {
    pub(crate) stream: StreamOwned<ClientConnection, TcpStream>,
    reader: Reader,
}

/// A client's end of a session, with the handshake still to come.
pub(crate) fn session(
    config: Arc<ClientConfig>,
    stream: TcpStream,
) -> StreamOwned<ClientConnection, TcpStream> {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let name = ServerName::try_from("starling").expect("a name");
    StreamOwned::new(ClientConnection::new(config, name).expect("a session"), stream)
}

impl Visitor {
    /// Connected; the handshake is done with the first word.
    pub(crate) fn at(addr: SocketAddr) -> Visitor {
        Visitor::over(TcpStream::connect(addr).expect("a server that listens"))
    }

    pub(crate) fn over(stream: TcpStream) -> Visitor {
        Visitor { stream: session(tls::client::by_key(), stream), reader: Reader::new() }
    }

    /// Somebody who is logged in.
    pub(crate) fn online(addr: SocketAddr, name: &str, password: &str) -> Visitor {
        let mut visitor = Visitor::at(addr);
        visitor.knocks(name, password);
        visitor.is_welcome();
        visitor
    }

    /// Says hello, a name and a password.
    pub(crate) fn knocks(&mut self, name: &str, password: &str) {
        let hello = Hello::Hello { version: VERSION, product: "test".into() };
        let login = login(name.as_bytes(), password.as_bytes());
        self.says(&[encoded(&hello.frame()), encoded(&login.frame())].concat());
    }

    /// Waits for the welcome.
    pub(crate) fn is_welcome(&mut self) {
        assert!(matches!(self.next(), Some(ServerFrame::Greeting(_))));
        let answer = self.next();
        assert!(matches!(answer, Some(ServerFrame::Welcome { .. })), "{answer:?}");
    }

    pub(crate) fn asks(&mut self, request: &Request) {
        self.says(&encoded(&request.frame()));
    }

    pub(crate) fn says(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).expect("a server that listens");
    }

    /// Says that, and that there is no more to come; what the server answers before it closes, too.
    pub(crate) fn says_all(&mut self, bytes: &[u8]) -> Vec<ServerFrame> {
        // It may close before it has all of it.
        let _ = self.stream.write_all(bytes);
        self.stream.conn.send_close_notify();
        let _ = self.stream.flush();
        let _ = self.stream.sock.shutdown(Shutdown::Write);
        std::iter::from_fn(|| self.next()).collect()
    }

    /// The next frame; none if the server has closed.
    pub(crate) fn next(&mut self) -> Option<ServerFrame> {
        let mut room = [0; 16 * 1024];
        loop {
            if let Some(raw) = self.reader.next(Phase::FromServer).expect("no fault") {
                return Some(ServerFrame::decode(raw).expect("a frame of a server"));
            }
            match self.stream.read(&mut room) {
                Ok(0) => return None,
                Ok(count) => self.reader.feed(Bytes::copy_from_slice(&room[..count])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the server says nothing"),
                Err(_) => return None,
            }
        }
    }

    /// The next frame that `wanted` takes; the others are passed over.
    pub(crate) fn until<T>(&mut self, mut wanted: impl FnMut(ServerFrame) -> Option<T>) -> T {
        loop {
            let frame = self.next().expect("the server stays");
            if let Some(found) = wanted(frame) {
                return found;
            }
        }
    }

    /// The next letter: its place and its text.
    pub(crate) fn next_letter(&mut self) -> (Seq, String) {
        self.until(|frame| match frame {
            ServerFrame::Mail { seq, text, .. } => Some((seq, text.as_str().to_owned())),
            _ => None,
        })
    }

    /// The outcome of the request with that number.
    pub(crate) fn outcome(&mut self, number: u32) -> Outcome {
        self.until(|frame| match frame {
            ServerFrame::Done { request: RequestId(request), outcome } if request == number => Some(outcome),
            _ => None,
        })
    }

    /// Letters that come before the answer to a sign of life, which is given after what was said before.
    pub(crate) fn letters_until_pong(&mut self) -> Vec<Seq> {
        let mut letters = Vec::new();
        self.asks(&Request::Ping { nonce: 1 });
        self.until(|frame| {
            if let ServerFrame::Mail { seq, .. } = &frame {
                letters.push(*seq);
            }
            matches!(frame, ServerFrame::Pong { nonce: 1 }).then_some(())
        });
        letters
    }
}

/// The hello of an honest client.
pub(crate) fn hello() -> Vec<u8> {
    let name = ServerName::try_from("starling").expect("a name");
    let mut session = ClientConnection::new(tls::client::by_key(), name).expect("a session");
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).expect("memory takes all");
    bytes
}
