//! The other end of a connection, blocking.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use starling_core::device::DeviceProof;
use starling_core::id::Seq;
use starling_core::wire::{Frame, Hello, LoginName, Password, Phase, Reader, Request, ServerFrame, VERSION};

/// A client that does only what a test tells it.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    reader: Reader,
    /// What came before an answer that was waited for.
    passed: VecDeque<ServerFrame>,
}

impl Peer {
    pub(super) fn connect(addr: SocketAddr) -> Peer {
        Peer { stream: TcpStream::connect(addr).unwrap(), reader: Reader::new(), passed: VecDeque::new() }
    }

    pub(super) fn login(&mut self, name: &str, password: &str) {
        self.login_from(name, password, None);
    }

    pub(super) fn login_from(&mut self, name: &str, password: &str, device: Option<DeviceProof>) {
        self.write(&Hello::Hello { version: VERSION, product: "test/1".to_owned() }.frame());
        let name = LoginName::cut(Bytes::copy_from_slice(name.as_bytes())).unwrap();
        let password = Password::cut(Bytes::copy_from_slice(password.as_bytes())).unwrap();
        self.write(&Hello::Login { name, password, seen: Seq::START, device }.frame());
    }

    pub(super) fn send(&mut self, request: &Request) {
        self.write(&request.frame());
    }

    /// Returns once the server has read everything sent before.
    pub(super) fn ping(&mut self) {
        self.send(&Request::Ping { nonce: 77 });
        self.until_pong();
    }

    /// As [`ping`](Peer::ping), for the first frames of a connection.
    pub(super) fn ping_before_login(&mut self) {
        if self.passed.is_empty() {
            self.write(&Hello::Hello { version: VERSION, product: "test/1".to_owned() }.frame());
        }
        self.write(&Hello::Ping { nonce: 77 }.frame());
        self.until_pong();
    }

    fn until_pong(&mut self) {
        loop {
            match self.read().expect("the connection lasts") {
                ServerFrame::Pong { nonce: 77 } => return,
                other => self.passed.push_back(other),
            }
        }
    }

    pub(super) fn next(&mut self) -> ServerFrame {
        self.passed.pop_front().or_else(|| self.read()).expect("the connection lasts")
    }

    pub(super) fn next_but_presence(&mut self) -> ServerFrame {
        loop {
            match self.next() {
                ServerFrame::Presence(_) => {}
                other => return other,
            }
        }
    }

    /// Whether the server closes now, in order: not with a reset.
    pub(super) fn is_over(&mut self) -> bool {
        self.stream.read(&mut [0]).unwrap() == 0
    }

    fn write(&mut self, frame: &Frame) {
        let mut bytes = Vec::new();
        frame.encode_into(&mut bytes);
        self.stream.write_all(&bytes).unwrap();
    }

    fn read(&mut self) -> Option<ServerFrame> {
        loop {
            if let Some(raw) = self.reader.next(Phase::FromServer).unwrap() {
                return Some(ServerFrame::decode(raw).unwrap());
            }
            let mut room = [0; 4096];
            match self.stream.read(&mut room).unwrap() {
                0 => return None,
                count => self.reader.feed(Bytes::copy_from_slice(&room[..count])),
            }
        }
    }
}
