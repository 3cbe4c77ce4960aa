//! A server that says what a test tells it to, for tests of the client's driver and faces alone.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use starling_core::id::{Epoch, MsgId, RequestId, Seq, ServerId};
use starling_core::name::Name;
use starling_core::text::Text;
use starling_core::wire::{Greeting, Hello, Outcome, Phase, RawFrame, Reader, Request, ServerFrame, VERSION};
use starling_runtime::tls;
use starling_runtime::tls::fingerprint::Fingerprint;
use starling_runtime::tls::key::ServerKey;

/// A test that waits for so long waits in vain.
pub(crate) const IN_VAIN: Duration = Duration::from_secs(30);

/// Listens on a port of its own.
pub(crate) struct FakeServer {
    listener: TcpListener,
    config: Arc<ServerConfig>,
    key: Fingerprint,
}

/// One client, seen from the server.
pub(crate) struct Guest {
    pub(crate) stream: StreamOwned<ServerConnection, TcpStream>,
    reader: Reader,
}

impl FakeServer {
    pub(crate) fn start() -> FakeServer {
        let folder = tempfile::tempdir().expect("a folder");
        let key = ServerKey::open(folder.path()).expect("a key");
        let config = tls::server::config(&key).expect("a configuration");
        FakeServer {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"),
            config,
            key: key.fingerprint(),
        }
    }

    pub(crate) fn port(&self) -> String {
        self.listener.local_addr().expect("an address").port().to_string()
    }

    /// What a client needs to trust it without a word.
    pub(crate) fn trust(&self) -> [String; 2] {
        ["--fingerprint".to_owned(), self.key.to_string()]
    }

    /// The next client, greeted.
    pub(crate) fn greet(&self) -> Guest {
        let (stream, _) = self.listener.accept().expect("a client");
        stream.set_read_timeout(Some(IN_VAIN)).expect("a timeout");
        let session = ServerConnection::new(Arc::clone(&self.config)).expect("a session");
        let mut guest = Guest { stream: StreamOwned::new(session, stream), reader: Reader::new() };
        let hello = Hello::decode(guest.frame(Phase::BeforeLogin)).expect("a hello");
        assert!(matches!(hello, Hello::Hello { version: VERSION, .. }), "{hello:?}");
        let product = "fake/1".into();
        guest.says(&ServerFrame::Greeting(Greeting {
            version: VERSION,
            product,
            server: ServerId(7),
            epoch: Epoch(1),
        }));
        guest
    }

    /// The next client, logged in as yoda; and what his device has seen.
    pub(crate) fn welcome(&self) -> (Guest, Seq) {
        let mut guest = self.greet();
        let seen = guest.welcomed();
        (guest, seen)
    }
}

impl Guest {
    /// Logs in as yoda; what his device has seen.
    pub(crate) fn welcomed(&mut self) -> Seq {
        let (typed, password, seen) = self.login();
        assert_eq!((&typed[..], &password[..]), (&b"yoda"[..], &b"wise"[..]));
        self.says(&ServerFrame::Welcome { name: name("yoda") });
        seen
    }

    /// The name, the password and the cursor of a login.
    pub(crate) fn login(&mut self) -> (Vec<u8>, Vec<u8>, Seq) {
        match Hello::decode(self.frame(Phase::BeforeLogin)) {
            Ok(Hello::Login { name, password, seen, .. }) => {
                (name.as_bytes().to_vec(), password.reveal().to_vec(), seen)
            }
            other => panic!("no login but {other:?}"),
        }
    }

    /// The next request that is no sign of life, and does not only say where the client listens.
    pub(crate) fn request(&mut self) -> Request {
        loop {
            match Request::decode(self.frame(Phase::Online)).expect("a request") {
                Request::Ping { nonce } => self.says(&ServerFrame::Pong { nonce }),
                Request::Reach(_) => {}
                request => return request,
            }
        }
    }

    /// Waits for a logout and confirms it.
    pub(crate) fn lets_go(&mut self) {
        match self.request() {
            Request::Logout { request } => self.answers(request, Outcome::LoggedOut),
            other => panic!("no logout but {other:?}"),
        }
    }

    pub(crate) fn answers(&mut self, request: RequestId, outcome: Outcome) {
        self.says(&ServerFrame::Done { request, outcome });
    }

    /// hans says something to everybody.
    pub(crate) fn calls(&mut self, words: &str) {
        self.says(&ServerFrame::Cast { from: name("hans"), text: text(words) });
    }

    /// The `n`th letter of hans.
    pub(crate) fn delivers(&mut self, n: u64, words: &str) {
        let id = MsgId { instance: 5, counter: n };
        self.says(&ServerFrame::Mail { seq: place(n), id, from: name("hans"), text: text(words) });
    }

    pub(crate) fn says(&mut self, frame: &ServerFrame) {
        let mut bytes = Vec::new();
        frame.frame().encode_into(&mut bytes);
        self.stream.write_all(&bytes).and_then(|()| self.stream.flush()).expect("a client that listens");
    }

    fn frame(&mut self, phase: Phase) -> RawFrame {
        let mut room = [0; 4096];
        loop {
            if let Some(frame) = self.reader.next(phase).expect("a client that keeps to the protocol") {
                return frame;
            }
            let read = match self.stream.read(&mut room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.expect("a client that speaks"),
            };
            assert!(read > 0, "the client closed");
            self.reader.feed(Bytes::copy_from_slice(&room[..read]));
        }
    }
}

pub(crate) fn name(given: &str) -> Name {
    Name::parse(given.as_bytes()).expect("a name")
}

pub(crate) fn text(words: &str) -> Text {
    Text::parse(Bytes::copy_from_slice(words.as_bytes())).expect("a text")
}

/// The `n`th place in the mailbox.
pub(crate) fn place(n: u64) -> Seq {
    (0..n).fold(Seq::before_first(Epoch(1)), |seq, _| seq.next())
}
