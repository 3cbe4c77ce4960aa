//! Somebody between a client and its server: he passes everything on and notes it, or plays the server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use starling_core::id::{Epoch, ServerId};
use starling_core::wire::{Greeting, ServerFrame, VERSION};
use starling_runtime::tls;
use starling_runtime::tls::key::ServerKey;

use super::house::encoded;

/// See the module.
pub(crate) struct Tap {
    pub(crate) addr: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    role: Role,
    passed_on: Vec<JoinHandle<Passed>>,
    overheard: Vec<JoinHandle<Vec<u8>>>,
}

#[derive(Clone)]
enum Role {
    /// He passes everything on to this server.
    PassesOn(SocketAddr),
    /// He plays the server himself.
    Imposter(Arc<ServerConfig>),
}

/// What was said on one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    pub(crate) by_client: Vec<u8>,
    pub(crate) by_server: Vec<u8>,
}

impl Tap {
    /// Between everybody who comes to its address and the server at `addr`.
    pub(crate) fn before(addr: SocketAddr) -> Tap {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let shared = Arc::new(Mutex::new(Shared {
            role: Role::PassesOn(addr),
            passed_on: Vec::new(),
            overheard: Vec::new(),
        }));
        let tap = Tap { addr: listener.local_addr().expect("an address"), shared: Arc::clone(&shared) };
        thread::spawn(move || listener.incoming().flatten().for_each(|client| meet(client, &shared)));
        tap
    }

    /// From now on he plays the server, with a key of his own: which.
    pub(crate) fn plays_the_server(&self) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let key = ServerKey::open(folder.path()).expect("a key");
        locked(&self.shared).role = Role::Imposter(tls::server::config(&key).expect("a configuration"));
        key.fingerprint().to_string()
    }

    /// What was said on each connection that he passed on, all of which are over.
    pub(crate) fn passed_on(&self) -> Vec<Passed> {
        let over = std::mem::take(&mut locked(&self.shared).passed_on);
        over.into_iter().map(|one| one.join().expect("nothing went wrong")).collect()
    }

    /// What each client said to him as its server; all have gone.
    pub(crate) fn overheard(&self) -> Vec<Vec<u8>> {
        let over = std::mem::take(&mut locked(&self.shared).overheard);
        over.into_iter().map(|one| one.join().expect("nothing went wrong")).collect()
    }
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn meet(client: TcpStream, shared: &Mutex<Shared>) {
    let mut shared = locked(shared);
    match shared.role.clone() {
        Role::PassesOn(addr) => shared.passed_on.push(thread::spawn(move || pass_on(client, addr))),
        Role::Imposter(config) => shared.overheard.push(thread::spawn(move || listen(client, config))),
    }
}

fn pass_on(client: TcpStream, addr: SocketAddr) -> Passed {
    let server = TcpStream::connect(addr).expect("a server that listens");
    let (from, to) = (client.try_clone().expect("a stream"), server.try_clone().expect("a stream"));
    let up = thread::spawn(move || copy(from, to));
    let by_server = copy(server, client);
    Passed { by_client: up.join().expect("nothing went wrong"), by_server }
}

/// Passes on until one side has enough; what was passed on.
fn copy(mut from: TcpStream, mut to: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut room = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut room) {
        all.extend(&room[..count]);
        if to.write_all(&room[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    all
}

/// Greets whoever speaks, as a server does, so that he would say who he is, and then goes; what he has said.
fn listen(client: TcpStream, config: Arc<ServerConfig>) -> Vec<u8> {
    let mut all = Vec::new();
    let session = ServerConnection::new(config).expect("a session");
    let _ = hear(&mut StreamOwned::new(session, client), &mut all);
    all
}

fn hear(stream: &mut StreamOwned<ServerConnection, TcpStream>, all: &mut Vec<u8>) -> io::Result<()> {
    let product = "imposter/1".into();
    let greeting = Greeting { version: VERSION, product, server: ServerId(7), epoch: Epoch(1) };
    hear_once(stream, all)?;
    stream.write_all(&encoded(&ServerFrame::Greeting(greeting).frame()))?;
    stream.flush()?;
    hear_once(stream, all)
}

fn hear_once(stream: &mut impl Read, all: &mut Vec<u8>) -> io::Result<()> {
    let mut room = [0; 4 * 1024];
    match stream.read(&mut room)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            all.extend(&room[..count]);
            Ok(())
        }
    }
}

/// Whether `words` stand somewhere in `bytes`.
pub(crate) fn holds(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|part| part == words.as_bytes())
}
