//! The keys of devices, with the real programs: where they are kept, and what they are good for.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use starling_core::device::{DeviceProof, EXPORTER_LABEL, Exported};
use starling_core::id::Seq;
use starling_core::wire::{Hello, LoginName, Password, PeerFault, Phase, Reader, ServerFrame, VERSION};
use starling_runtime::tls;
use starling_runtime::tls::device::DeviceSecret;
use starling_tests::program::{Program, Programs, start_server};
use tempfile::TempDir;

/// A folder for a server and for devices.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a folder"));
        fs::create_dir(place.folder("server")).expect("it is ours");
        fs::write(place.folder("server").join("credentials.txt"), "hans falcon\n").expect("it is ours");
        place
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn server(&self, scope: &str) -> (Program, SocketAddr) {
        let arguments = ["0", "60", "120", "--bind", "127.0.0.1", "--lockout-scope", scope];
        start_server(&programs(), &arguments, &self.folder("server"))
    }

    /// Types `lines` on a device, and waits for the end: all that was said, and the exit status.
    fn types(&self, device: &str, at: SocketAddr, lines: &str) -> (String, i32) {
        let arguments = [at.ip().to_string(), at.port().to_string()];
        let mut client = Program::start(&programs().client, &arguments, &self.folder(device));
        client.write(lines.as_bytes());
        client.end_input();
        client.ends()
    }

    /// The keys of a device.
    fn keys(&self, device: &str) -> Vec<PathBuf> {
        let servers = files(&self.folder(device).join("state/starling"));
        let kept = servers.iter().flat_map(|server| files(server));
        kept.filter(|path| path.extension().is_some_and(|end| end == "key")).collect()
    }

    /// What `client fingerprint` says on a device.
    fn fingerprints(&self, device: &str) -> (String, i32) {
        Program::start(&programs().client, &["fingerprint"], &self.folder(device)).ends()
    }
}

fn programs() -> Programs {
    Programs { server: env!("CARGO_BIN_EXE_server").into(), client: env!("CARGO_BIN_EXE_client").into() }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.expect("it can be read").path()).collect()
}

fn is_welcome((said, status): &(String, i32)) -> bool {
    said.starts_with("Welcome") && *status == 0
}

#[test]
fn a_key_is_made_at_the_first_welcome_and_kept() {
    let place = Place::new();
    let (_server, at) = place.server("account");
    assert_eq!(place.fingerprints("laptop"), (String::new(), 2));
    assert_eq!(place.types("laptop", at, "hans\nwrong\n").1, 4);
    assert_eq!(place.types("laptop", at, "my password\nhans\n").1, 4);
    assert_eq!(place.types("laptop", at, "falcon\nhans\n").1, 4);
    // What is known of the folder with files is kept at once; of whoever typed, nothing.
    let kept = files(&place.folder("laptop").join("state/starling"));
    let is_index =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index-"));
    assert!(kept.iter().all(is_index), "what was typed is nowhere: {kept:?}");

    assert!(is_welcome(&place.types("laptop", at, "hans\nfalcon\n")));
    let keys = place.keys("laptop");
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].file_name().expect("a name"), "hans.key");
    assert_eq!(fs::metadata(&keys[0]).expect("it is there").permissions().mode() & 0o777, 0o600);
    let key = fs::read_to_string(&keys[0]).expect("PEM");
    assert!(is_welcome(&place.types("laptop", at, "hans\nfalcon\n")));
    assert_eq!(fs::read_to_string(&keys[0]).expect("PEM"), key, "it is made once");

    let public = DeviceSecret::from_pem(&key).expect("a key").key().expect("its public half");
    let server = keys[0].parent().and_then(Path::file_name).expect("a folder").to_string_lossy();
    let line = format!("{server} hans {}\n", tls::device::fingerprint(public));
    assert_eq!(place.fingerprints("laptop"), (line, 0));
}

#[test]
fn a_device_is_known_after_a_restart_and_nobody_locks_it_out() {
    let place = Place::new();
    let (server, at) = place.server("device");
    assert!(is_welcome(&place.types("laptop", at, "hans\nfalcon\n")));
    let (said, status) = place.types("elsewhere", at, "hans\na\nb\nc\n");
    assert!(said.contains("This account is locked for 60 seconds.") && status == 4, "{said}");
    assert!(is_welcome(&place.types("laptop", at, "hans\nfalcon\n")));
    drop(server);
    let (_server, at) = place.server("device");
    let (said, status) = place.types("elsewhere", at, "hans\nfalcon\n");
    assert!(
        said.starts_with("This account is locked after repeated login failures.") && status == 4,
        "{said}"
    );
    assert!(is_welcome(&place.types("laptop", at, "hans\nfalcon\n")));
}

#[test]
fn a_device_that_failed_is_locked_after_a_restart_and_locks_nobody_else() {
    let place = Place::new();
    let (server, at) = place.server("device");
    assert!(is_welcome(&place.types("laptop", at, "hans\nfalcon\n")));
    assert_eq!(place.types("laptop", at, "hans\na\nb\nc\n").1, 4);
    drop(server);
    let (_server, at) = place.server("device");
    let (said, status) = place.types("laptop", at, "hans\nfalcon\n");
    assert!(
        said.starts_with("This account is locked after repeated login failures.") && status == 4,
        "{said}"
    );
    assert!(is_welcome(&place.types("elsewhere", at, "hans\nfalcon\n")));
}

#[test]
fn a_damaged_key_is_told_of_and_the_login_goes_on() {
    let place = Place::new();
    let (_server, at) = place.server("account");
    assert!(is_welcome(&place.types("laptop", at, "hans\nfalcon\n")));
    let key = place.keys("laptop").remove(0);
    fs::write(&key, "no key").expect("it is ours");
    assert!(is_welcome(&place.types("laptop", at, "hans\nfalcon\n")));
    let words = fs::read_to_string(place.folder("laptop").join("stderr.txt")).expect("words");
    assert!(words.contains("Cannot use the key of this device"), "{words}");
    assert_eq!(fs::read_to_string(&key).expect("it is there"), "no key");
    assert_eq!(place.fingerprints("laptop"), (String::new(), 2));
}

/// The client's end of an encrypted connection.
struct Peer {
    stream: StreamOwned<ClientConnection, TcpStream>,
    reader: Reader,
}

impl Peer {
    fn connect(at: SocketAddr) -> Peer {
        let name = ServerName::from(at.ip());
        let session = ClientConnection::new(tls::client::by_key(), name).expect("a session");
        let stream = StreamOwned::new(session, TcpStream::connect(at).expect("a connection"));
        let mut peer = Peer { stream, reader: Reader::new() };
        peer.says(&Hello::Hello { version: VERSION, product: "test/1".to_owned() });
        assert!(matches!(peer.hears(), ServerFrame::Greeting(_)));
        peer
    }

    fn exported(&self) -> Exported {
        let exported = self.stream.conn.export_keying_material(Exported::default(), EXPORTER_LABEL, None);
        exported.expect("the keys are agreed")
    }

    fn says(&mut self, hello: &Hello) {
        let mut bytes = Vec::new();
        hello.frame().encode_into(&mut bytes);
        self.stream.write_all(&bytes).expect("it is taken");
    }

    /// Tries to log in: the answer.
    fn tries(&mut self, password: &'static str, device: DeviceProof) -> ServerFrame {
        let name = LoginName::cut(Bytes::from_static(b"hans")).expect("a name");
        let password = Password::cut(Bytes::from_static(password.as_bytes())).expect("a password");
        self.says(&Hello::Login { name, password, seen: Seq::START, device: Some(device) });
        self.hears()
    }

    fn hears(&mut self) -> ServerFrame {
        loop {
            if let Some(raw) = self.reader.next(Phase::FromServer).expect("no fault") {
                return ServerFrame::decode(raw).expect("a frame of a server");
            }
            let mut room = [0; 4096];
            let count = self.stream.read(&mut room).expect("the connection lasts");
            assert!(count > 0, "the connection lasts");
            self.reader.feed(Bytes::copy_from_slice(&room[..count]));
        }
    }
}

/// A proof is good for the connection it was made on: each LOGIN there, and nothing elsewhere.
#[test]
fn t45_a_proof_cannot_be_carried_to_another_connection() {
    let place = Place::new();
    let (_server, at) = place.server("account");
    let device = DeviceSecret::generate().expect("a key");
    let prove = |peer: &Peer| device.prove(&peer.exported()).expect("a proof");
    let mut first = Peer::connect(at);
    let proof = prove(&first);
    let fault = ServerFrame::Fault(PeerFault::BadProof);
    // More often than an account may fail.
    for _ in 0..4 {
        let mut other = Peer::connect(at);
        let own = prove(&other);
        assert_ne!(own, proof);
        assert_eq!(other.tries("falcon", proof), fault);
        let mut swapped = Peer::connect(at);
        let foreign = DeviceSecret::generate().and_then(|foreign| foreign.key()).expect("a key");
        let own = prove(&swapped);
        assert_eq!(swapped.tries("falcon", DeviceProof { key: foreign, ..own }), fault);
    }
    assert!(matches!(first.tries("wrong", proof), ServerFrame::LoginRefused(_)));
    assert!(matches!(first.tries("falcon", proof), ServerFrame::Welcome { .. }));
}
