//! The server's driver: sockets, clock and store around the pure machine.

mod args;
mod commands;
mod config;
mod descriptors;
mod doors;
mod files;
mod inbox;
pub mod log;
mod perform;
pub mod run;
mod shard;
mod signals;
#[cfg(test)]
mod tests;
mod verify;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustls::ServerConfig;
use starling_core::auth::credentials::Entry;
use starling_core::name::Name;
use starling_core::seed::Seed;
use starling_core::server::{Config, Server as Machine};
use starling_core::store::Snapshot;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use self::doors::Doors;
use self::inbox::{Inbox, Note};
pub use self::shard::Ended;
use self::shard::{Parts, Shard};
pub use self::verify::BrokenHash;
use self::verify::{Passwords, Verifier};
use crate::clock::Clock;
use crate::net::listen::listen_on;
use crate::net::ready::{ReadyList, Who};
use crate::net::streams::Streams;
use crate::store::{self, OpenError, Store, Writer};
use crate::tls::fingerprint::Fingerprint;
use crate::tls::key::{KeyError, ServerKey};

/// What a server is started with.
#[derive(Debug)]
pub struct Options {
    /// Where it listens. Port 0: the system chooses.
    pub addr: SocketAddr,
    /// The folder of its data; made when it is missing.
    pub data_dir: PathBuf,
    /// Who may log in.
    pub credentials: Vec<Entry>,
    /// What the operator decides.
    pub config: Config,
    /// Connections at once, those before login included: fewer than the descriptors of the process.
    pub conns_max: usize,
    /// What all chance in it grows from.
    pub seed: Seed,
    /// How it speaks to those who come.
    pub security: Security,
}

/// How a server speaks to those who come.
#[derive(Clone, Debug)]
pub enum Security {
    /// TLS 1.3 with the key in its data folder, which is made when it is missing.
    OwnKey,
    /// TLS 1.3 with a key and certificates from an authority: these two files, in PEM.
    Authority {
        /// Its certificate, and those that lead to the authority.
        certificates: PathBuf,
        /// The key of the first certificate.
        key: PathBuf,
    },
    /// In the clear. No program offers it: it is there to measure what TLS costs, and for tests that look at
    /// every byte.
    Plain,
}

/// Why a server cannot start. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("Cannot listen on {addr}: {source}. {}", advice(.source))]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A password that looks like a hash is none.
    #[error("Cannot use the credentials: {0}.")]
    Credentials(#[from] BrokenHash),
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] OpenError),
    /// There is no key to speak with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key and the certificate do not fit.
    #[error("Cannot use the certificate: {0}. Give the files that belong together with --cert and --key.")]
    Tls(#[from] rustls::Error),
    /// The system has no thread, timer or descriptor left.
    #[error("Cannot start: {0}. Give the process more descriptors and threads.")]
    System(#[source] io::Error),
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "Stop the program that uses the port, or give another.",
        io::ErrorKind::AddrNotAvailable => "Give an address of this computer with --bind.",
        io::ErrorKind::PermissionDenied => "Give a port above 1023.",
        _ => "Give another port, or another address with --bind.",
    }
}

/// A server that runs on a thread of its own. Dropping it ends it at once, as a crash would.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    fingerprint: Option<Fingerprint>,
    inbox: Arc<Inbox>,
    ended: oneshot::Receiver<Ended>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server; once this returns, it listens.
    ///
    /// # Errors
    /// [`StartError`] says what, why, and what to do about it.
    pub fn start(options: Options, clock: Clock) -> Result<Server, StartError> {
        let passwords = Passwords::new(&options.credentials, options.seed.0)?;
        let addr = options.addr;
        let listener = listen_on(addr).map_err(|source| StartError::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(StartError::System)?;
        let (store, snapshot) = open_store(&options, &clock)?;
        // The store holds the folder now, so nobody else makes a key in it.
        let key = open_key(&options)?;
        let tls = key.as_ref().map(crate::tls::server::config).transpose()?;
        let ready = Arc::new(ReadyList::default());
        let inbox = Arc::new(Inbox::new(Arc::clone(&ready)));
        let answers = Arc::clone(&inbox);
        let store = Writer::spawn(store, move |answer| answers.push(Note::Answer(answer)));
        let store = store.map_err(StartError::System)?;
        let verifier = Verifier::new(passwords, Arc::clone(&inbox)).map_err(StartError::System)?;
        verifier.warn_if_uneven();
        let foundations = Foundations {
            options,
            clock,
            ready,
            inbox: Arc::clone(&inbox),
            listener,
            tls,
            store,
            snapshot,
            verifier,
        };
        let (thread, ended) = foundations.spawn().map_err(StartError::System)?;
        let fingerprint = key.map(|key| key.fingerprint());
        Ok(Server { addr, fingerprint, inbox, ended, thread: Some(thread) })
    }

    /// By which people know its key, if it has one.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// What tells it something from elsewhere.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.inbox))
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// If its thread panicked, which is a bug of the server.
    pub async fn ended(&mut self) -> Ended {
        (&mut self.ended).await.expect("the server does not panic")
    }

    /// Lets its thread run on without anybody who waits for it: for a process that ends now.
    pub fn abandon(mut self) {
        self.thread = None;
    }

    /// Blocks until it has ended, and all its files and sockets are closed.
    pub fn join(mut self) {
        self.join_thread();
    }

    fn join_thread(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic was told to whoever waits for the end.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.inbox.push(Note::Kill);
        self.join_thread();
    }
}

/// Tells a server something, from any thread. After the end of the server it does nothing.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Inbox>);

impl Handle {
    /// Makes the server stop: everybody is told, and what was accepted is stored.
    pub fn stop(&self) {
        self.0.push(Note::Stop);
    }

    /// Puts other credentials in the place of those it has, once the store has numbered the new users.
    pub fn use_credentials(&self, credentials: Vec<Entry>) {
        self.0.push(Note::Credentials(credentials));
    }
}

fn open_store(options: &Options, clock: &Clock) -> Result<(Store, Snapshot), StartError> {
    let names: Vec<Name> = options.credentials.iter().map(|entry| entry.name).collect();
    let mut dice = starling_core::seed::Dice::secrets(options.seed);
    let config = store::Config {
        block_duration: options.config.block_duration,
        boot: clock.boot_id().unwrap_or_else(|| u128::from(dice.bits())),
        at: store::Moment { now: clock.now(), wall: clock.wall() },
        server: dice.bits(),
    };
    Ok(Store::open(&options.data_dir, &names, &config)?)
}

fn open_key(options: &Options) -> Result<Option<ServerKey>, KeyError> {
    Ok(match &options.security {
        Security::OwnKey => Some(ServerKey::open(&options.data_dir)?),
        Security::Authority { certificates, key } => Some(ServerKey::of_authority(certificates, key)?),
        Security::Plain => None,
    })
}

/// Everything that a shard's thread makes the shard of.
struct Foundations {
    options: Options,
    clock: Clock,
    ready: Arc<ReadyList>,
    inbox: Arc<Inbox>,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    store: Writer,
    snapshot: Snapshot,
    verifier: Verifier,
}

impl Foundations {
    fn spawn(self) -> io::Result<(JoinHandle<()>, oneshot::Receiver<Ended>)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (tell, ended) = oneshot::channel();
        let shard = self.build(&runtime)?;
        let run = move || drop(tell.send(runtime.block_on(shard.run())));
        let thread = thread::Builder::new().name("shard-0".to_owned()).spawn(run)?;
        Ok((thread, ended))
    }

    fn build(self, runtime: &Runtime) -> io::Result<Shard> {
        let _inside = runtime.enter();
        let doors = Doors::new(vec![self.listener], self.tls, self.ready.waker(Who::Doors))?;
        let options = self.options;
        // Apart from all else that is drawn from the seed, some of which is told to everybody.
        let seed = Seed(blake3::derive_key("starling/1 2026-11-24 server machine", &options.seed.0));
        let unread_hard_bytes = options.config.limits.unread_hard_bytes;
        Ok(Shard::new(Parts {
            machine: Machine::recover(options.config, seed, &self.snapshot, self.clock.now()),
            clock: self.clock,
            streams: Streams::new(Arc::clone(&self.ready), unread_hard_bytes),
            ready: self.ready,
            inbox: self.inbox,
            doors,
            store: self.store,
            verifier: self.verifier,
            conns_max: options.conns_max,
        }))
    }
}
