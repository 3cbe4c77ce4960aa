//! Connections to other clients: dialed, accepted, read and written, for the machine that decides about them.
//!
//! Each has a task of its own, which passes on what it reads and writes what it is given. All tell the [`Hub`],
//! which gives them their ids. Chunks of files pass by the machine: a connection takes them from a [`Source`], piece by
//! piece, as it has room for them.

mod accept;
mod dial;
mod inbox;
mod orders;
mod socket;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod turns;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use starling_core::client::{FileEvent, Input};
use starling_core::device::DeviceKey;
use starling_core::direct::{Pass, Reach, Role};
use starling_core::id::ConnId;
use starling_core::time::Time;
use starling_core::wire::Frame;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio_rustls::TlsStream;

use crate::tls::peer::PeerConfigs;
use accept::Expected;
use dial::Dialer;
pub use source::Source;
use stream::{Memory, Outbox};
pub use turns::READS_MAX;
use windows::Windows;

/// What tasks tell that has not been heard: so many, then they wait.
const NEWS_MAX: usize = 16;

type Stream = TlsStream<Socket>;
type Socket = BufReader<TcpStream>;

/// See the module. Dropped, it ends all its connections.
#[derive(Debug)]
pub struct Hub {
    listener: Option<TcpListener>,
    reach: Option<Reach>,
    dialer: Dialer,
    configs: Option<PeerConfigs>,
    expected: watch::Sender<Expected>,
    streams: BTreeMap<ConnId, Outbox>,
    memory: Memory,
    windows: Windows,
    /// Chunks that are being sent, of which the end is to be told.
    uploads: BTreeSet<(ConnId, u32)>,
    introductions: BTreeMap<Pass, Introduction>,
    accepting: Option<AbortHandle>,
    next: u32,
    tell: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
}

/// Who is looked for by a pass.
#[derive(Debug)]
struct Introduction {
    key: DeviceKey,
    dials: Vec<AbortHandle>,
}

/// What a task tells.
#[derive(Debug)]
enum News {
    /// A handshake is done, in which something went there and back in this time, and the key is one that is looked for.
    Opened { stream: Box<Stream>, round_trip: Duration, key: DeviceKey, pass: Option<Pass> },
    /// Bytes came.
    Received { peer: ConnId, bytes: bytes::Bytes },
    /// A chunk was sent, or no more of it will be.
    Uploaded(FileEvent),
    /// A connection is over.
    Closed { peer: ConnId },
}

impl Hub {
    /// Listens for others, at a port that the system chooses. `own` is the address at which this host stands on the
    /// connection to its server, `server` that of the server.
    ///
    /// Where it cannot listen, it can still dial.
    pub async fn open(own: IpAddr, server: IpAddr) -> Hub {
        let listener = listen().await.ok();
        let port = listener.as_ref().and_then(|listener| listener.local_addr().ok()).map(|addr| addr.port());
        let reach = port.map(|port| Reach { port, hosts: vec![own.to_canonical()] });
        let (tell, news) = mpsc::channel(NEWS_MAX);
        Hub {
            listener,
            reach,
            dialer: Dialer::new(server),
            configs: None,
            expected: watch::Sender::new(Expected::default()),
            streams: BTreeMap::new(),
            memory: Memory::default(),
            windows: Windows::default(),
            uploads: BTreeSet::new(),
            introductions: BTreeMap::new(),
            accepting: None,
            next: 0,
            tell,
            news,
        }
    }

    /// Where it listens.
    pub fn reach(&mut self) -> Option<Reach> {
        self.reach.take()
    }

    /// From now on it meets others with this key.
    pub fn begin(&mut self, configs: PeerConfigs) {
        if let Some(listener) = self.listener.take() {
            let expected = self.expected.subscribe();
            let task = accept::run(listener, Arc::clone(&configs.server), expected, self.tell.clone());
            self.accepting = Some(tokio::spawn(task).abort_handle());
        }
        self.configs = Some(configs);
    }

    /// Whoever proves this key is let through until then.
    pub fn expect(&mut self, key: DeviceKey, until: Time, now: Time) {
        self.expected.send_modify(|expected| expected.add(key, until, now));
    }

    /// Dials all of these.
    pub fn dial(&mut self, pass: Pass, role: Role, key: DeviceKey, candidates: &[SocketAddr]) {
        let Some(configs) = &self.configs else { return };
        let dials = self.dialer.dial(pass, role, key, candidates, &configs.client, &self.tell);
        self.introductions.insert(pass, Introduction { key, dials });
    }

    /// Dials no more for an introduction. Whoever comes with its key comes for another one, or is early for the next.
    pub fn abandon(&mut self, pass: Pass) {
        let Some(introduction) = self.introductions.remove(&pass) else { return };
        introduction.dials.iter().for_each(AbortHandle::abort);
        if self.introductions.values().all(|other| other.key != introduction.key) {
            self.expected.send_modify(|expected| expected.remove(introduction.key));
        }
    }

    /// Writes to another client. If he reads so little that too much waits, his connection is told to be closed soon.
    pub fn send(&mut self, peer: ConnId, frame: &Frame) {
        if let Some(outbox) = self.streams.get(&peer) {
            outbox.put(frame);
        }
    }

    /// Closes a connection once what was written is out, or the other side has not taken it in time.
    pub fn close(&mut self, peer: ConnId) {
        self.forget(peer);
    }

    /// Sends a chunk to another client. Answered with [`FileEvent::Uploaded`], unless the connection ends before.
    pub fn upload(&mut self, peer: ConnId, transfer: u32, source: Source) {
        if let Some(outbox) = self.streams.get(&peer) {
            outbox.upload(transfer, source);
            self.uploads.insert((peer, transfer));
        }
    }

    /// Sends no more of a chunk.
    pub fn stop(&mut self, peer: ConnId, transfer: u32) {
        if self.uploads.remove(&(peer, transfer))
            && let Some(outbox) = self.streams.get(&peer)
        {
            outbox.stop(transfer);
        }
    }

    /// Whether the connection was there.
    fn forget(&mut self, peer: ConnId) -> bool {
        self.uploads.retain(|(of, _)| *of != peer);
        self.streams.remove(&peer).is_some()
    }

    /// What happens next, for the machine.
    pub async fn next(&mut self) -> Input {
        loop {
            // This side can tell, too, so somebody always may.
            let Some(news) = self.news.recv().await else { return std::future::pending().await };
            match news {
                News::Opened { stream, round_trip, key, pass } => {
                    self.next += 1;
                    let peer = ConnId { slot: self.next, generation: 1 };
                    let window = self.windows.open(round_trip);
                    let outbox = stream::begin(*stream, self.memory.clone(), window, peer, self.tell.clone());
                    self.streams.insert(peer, outbox);
                    return Input::PeerOpened { peer, key, pass };
                }
                News::Received { peer, bytes } if self.streams.contains_key(&peer) => {
                    return Input::PeerReceived { peer, bytes };
                }
                News::Uploaded(event) if self.was_awaited(&event) => return Input::File(event),
                News::Closed { peer } if self.forget(peer) => return Input::PeerClosed { peer },
                News::Received { .. } | News::Uploaded(_) | News::Closed { .. } => {}
            }
        }
    }

    /// It is that of a chunk that nobody has stopped meanwhile.
    fn was_awaited(&mut self, event: &FileEvent) -> bool {
        matches!(event, FileEvent::Uploaded { peer, transfer, .. } if self.uploads.remove(&(*peer, *transfer)))
    }

    /// Waits until everything that was written is out, or its connection is over.
    pub async fn drain(&mut self) {
        let streams = std::mem::take(&mut self.streams);
        for outbox in streams.into_values() {
            outbox.finish().await;
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.accepting.iter().for_each(AbortHandle::abort);
        self.introductions.values().flat_map(|introduction| &introduction.dials).for_each(AbortHandle::abort);
    }
}

/// On all addresses of both families, or of the old one.
async fn listen() -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(("0.0.0.0", 0)).await,
    }
}
