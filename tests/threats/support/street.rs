//! Somebody who comes to a client's own port, with whatever key he likes, and places to which clients may come.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use bytes::Bytes;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use starling_core::device::{DeviceKey, EXPORTER_LABEL, Exported};
use starling_core::wire::{Hello, PeerFrame, Phase, Reader, ServerFrame, VERSION};
use starling_runtime::tls::device::DeviceSecret;
use starling_runtime::tls::peer::PeerConfigs;
use starling_tests::program::PATIENCE;

use super::house::{encoded, login};
use super::raw::{connect_from, rest_of};
use super::visitor::{Visitor, session};

/// A key, and how one meets others with it.
pub(crate) struct Device {
    pub(crate) key: DeviceKey,
    pub(crate) configs: PeerConfigs,
    secret: DeviceSecret,
}

/// A connection to a client.
pub(crate) struct Caller {
    stream: StreamOwned<ClientConnection, TcpStream>,
    reader: Reader,
}

impl Device {
    pub(crate) fn new() -> Device {
        let secret = DeviceSecret::generate().expect("a key");
        let configs = PeerConfigs::of(&secret).expect("a good key");
        Device { key: secret.key().expect("a good key"), configs, secret }
    }

    /// Somebody who is logged in with this key, from that address.
    pub(crate) fn logs_in(&self, from: Ipv4Addr, server: SocketAddr, name: &str, password: &str) -> Visitor {
        let mut visitor = Visitor::over(connect_from(from, server));
        let hello = Hello::Hello { version: VERSION, product: "test".into() };
        visitor.says(&encoded(&hello.frame()));
        assert!(matches!(visitor.next(), Some(ServerFrame::Greeting(_))));
        let session = &visitor.stream.conn;
        let exported = session.export_keying_material(Exported::default(), EXPORTER_LABEL, None);
        let proof = self.secret.prove(&exported.expect("the keys are agreed")).expect("a proof");
        let mut knock = login(name.as_bytes(), password.as_bytes());
        if let Hello::Login { device, .. } = &mut knock {
            *device = Some(proof);
        }
        visitor.says(&encoded(&knock.frame()));
        assert!(matches!(visitor.next(), Some(ServerFrame::Welcome { .. })));
        visitor
    }

    /// Connects to a client with this key.
    pub(crate) fn calls(&self, port: u16) -> Caller {
        Caller::with(Arc::clone(&self.configs.client), port)
    }
}

impl Caller {
    pub(crate) fn with(config: Arc<ClientConfig>, port: u16) -> Caller {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a client that listens");
        Caller { stream: session(config, stream), reader: Reader::new() }
    }

    /// Whoever has closed already does not care.
    pub(crate) fn says(&mut self, frames: &[PeerFrame]) {
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| encoded(&frame.frame())).collect();
        let _ = self.stream.write_all(&bytes).and_then(|()| self.stream.flush());
    }

    /// Begins a handshake and goes no further.
    pub(crate) fn starts(&mut self) {
        let _ = self.stream.conn.write_tls(&mut self.stream.sock);
    }

    /// The next frame.
    pub(crate) fn hears(&mut self) -> PeerFrame {
        let mut room = [0; 4 * 1024];
        loop {
            if let Some(raw) = self.reader.next(Phase::FromPeer).expect("no fault") {
                return PeerFrame::decode(raw).expect("a frame of a client");
            }
            let count = self.stream.read(&mut room).expect("a client that speaks");
            assert!(count > 0, "the client closed");
            self.reader.feed(Bytes::copy_from_slice(&room[..count]));
        }
    }

    /// Waits until the client closes, which it does without a word.
    pub(crate) fn hears_nothing(mut self) {
        assert_eq!(rest_of(&mut self.stream), b"", "nothing is said to a stranger");
    }
}

/// Places at which connections are accepted, and nothing is ever said.
pub(crate) struct Victims {
    pub(crate) ports: Vec<u16>,
    came: Receiver<TcpStream>,
}

impl Victims {
    pub(crate) fn new(count: usize) -> Victims {
        Victims::at(&vec![(Ipv4Addr::LOCALHOST, 0).into(); count])
    }

    /// At these places; port 0 lets the system choose.
    pub(crate) fn at(places: &[SocketAddr]) -> Victims {
        let (tell, came) = channel();
        let ports = places.iter().map(|place| {
            let listener = TcpListener::bind(place).expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let tell = tell.clone();
            // It ends when nobody listens to it any more.
            thread::spawn(move || listener.incoming().flatten().all(|stream| tell.send(stream).is_ok()));
            port
        });
        let ports = ports.collect();
        Victims { ports, came }
    }

    /// The next connection that somebody has made.
    pub(crate) fn next(&self) -> TcpStream {
        self.came.recv_timeout(PATIENCE).expect("somebody comes")
    }

    /// Nobody has come since.
    pub(crate) fn are_left_alone(&self) -> bool {
        self.came.try_recv().is_err()
    }
}
