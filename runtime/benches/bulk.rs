//! What it costs to send a file from one client to another: from disk to disk through two hubs on the loopback, with
//! TLS, hashing and all. `cargo bench -p starling-runtime --bench bulk`
//!
//! Both folders are in memory if there is such a place. Both clients are in this process, each with its loop in a
//! thread of its own. A stand-in for the machine asks for chunk after chunk, some at a time.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};
use starling_core::client::{FileEvent, FileOrder, Input};
use starling_core::device::DeviceKey;
use starling_core::direct::{Pass, Role};
use starling_core::filename::FileName;
use starling_core::id::ConnId;
use starling_core::swarm::{Content, Manifest};
use starling_core::time::Time;
use starling_core::wire::{PeerFrame, Phase, Reader, Transfer};
use starling_runtime::client::files::{Files, Stock};
use starling_runtime::client::peers::Hub;
use starling_runtime::share::{Folder, Found, Settings};
use starling_runtime::tls::device::DeviceSecret;
use starling_runtime::tls::peer::PeerConfigs;
use tempfile::TempDir;

const MIB: usize = 1024 * 1024;
const NAME: &str = "bulk";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Chunks under way at once.
const AT_ONCE: u32 = 4;

fn main() {
    // As a test, it only has to work.
    let is_bench = env::args().any(|arg| arg == "--bench");
    let (size, rounds) = if is_bench { (1024 * MIB, 3) } else { (24 * MIB, 1) };
    let offered = folder();
    let path = offered.path().join(NAME);
    fill(&path, size).expect("room for a file");
    // One that was just written is looked at twice.
    thread::sleep(Duration::from_millis(200));
    for _ in 0..rounds {
        let fetched = folder();
        let (cpu, wall) = measure(offered.path(), fetched.path());
        let mib = size as f64 / MIB as f64;
        println!(
            "{mib} MiB: {:.0} MiB/s, {:.2} s of CPU for each GiB, at most {} in memory",
            mib / wall.as_secs_f64(),
            cpu.as_secs_f64() * 1024.0 / mib,
            peak()
        );
    }
}

/// Writes a file that does not repeat itself soon.
fn fill(path: &Path, size: usize) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    for mib in 0..size / MIB {
        let bytes: Vec<u8> = (0..MIB).map(|at| ((at * (2 * mib + 1)) >> 7).to_le_bytes()[0]).collect();
        file.write_all(&bytes)?;
    }
    Ok(())
}

/// In memory, if there is a place for files in it.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// CPU of both clients, and the time from the first order to the file with its name.
fn measure(from: &Path, to: &Path) -> (Duration, Duration) {
    let (offer, offered) = channel();
    let (introduce, introduced) = channel();
    thread::scope(|both| {
        let thread = |name: &str| thread::Builder::new().name(name.to_owned());
        let sending = thread("sends").spawn_scoped(both, move || block_on(upload(from, offer, introduced)));
        let fetching =
            thread("fetches").spawn_scoped(both, move || block_on(download(to, offered, introduce)));
        sending.and(fetching).expect("threads").join().expect("it comes")
    })
}

fn block_on<T>(client: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a loop").block_on(client)
}

/// What one has to know of the other.
struct Offer {
    key: DeviceKey,
    place: SocketAddr,
    manifest: Manifest,
}

/// Sends what it is asked for, until the other one has gone.
async fn upload(folder: &Path, offer: Sender<Offer>, introduced: Receiver<DeviceKey>) {
    let (mut client, mut stock, key, place) = Client::open(folder).await;
    let found = loop {
        match stock.index().find(&name()) {
            Found::Offered(offer) => break offer,
            _ => assert!(stock.changed().await, "it is offered some time"),
        }
    };
    let manifest = stock.index().manifest(&found.content).expect("it was hashed");
    offer.send(Offer { key, place, manifest }).expect("somebody waits");
    let until = Time::from_secs(60);
    client.hub.expect(introduced.recv().expect("somebody comes"), until, Time::from_secs(1));
    loop {
        match client.next().await {
            Input::PeerReceived { peer, bytes } => {
                for (transfer, content, chunk) in client.frames(bytes).into_iter().filter_map(choice) {
                    client.order(FileOrder::Upload { peer, transfer, content, chunk });
                }
            }
            Input::PeerClosed { .. } => return,
            _ => {}
        }
    }
}

fn choice(transfer: Transfer) -> Option<(u32, Content, u32)> {
    match transfer {
        Transfer::Choose { content, transfer, chunk } => Some((transfer, content, chunk)),
        _ => None,
    }
}

/// Fetches the file.
async fn download(
    folder: &Path,
    offered: Receiver<Offer>,
    introduce: Sender<DeviceKey>,
) -> (Duration, Duration) {
    let (mut client, _, key, _) = Client::open(folder).await;
    let offer = offered.recv().expect("somebody offers it");
    introduce.send(key).expect("somebody waits");
    client.hub.dial(Pass([1; Pass::BYTES]), Role::Caller, offer.key, &[offer.place]);
    let Input::PeerOpened { peer, .. } = client.next().await else { panic!("it is dialed first") };
    let (cpu, wall) = (cpu(), Instant::now());
    let mut fetching = Fetching::new(offer.manifest, peer);
    client.order(FileOrder::Prepare { name: name(), content: fetching.content() });
    while fetching.react(&mut client).await {}
    let spent = (self::cpu() - cpu, wall.elapsed());
    client.hub.close(peer);
    client.files.finish();
    client.hub.drain().await;
    spent
}

/// A download from one other client.
struct Fetching {
    manifest: Manifest,
    peer: ConnId,
    next: u32,
    missing: u32,
    /// Bytes that have not come, of each transfer: it has the number of its chunk.
    left: Vec<u64>,
}

impl Fetching {
    fn new(manifest: Manifest, peer: ConnId) -> Fetching {
        let layout = manifest.layout();
        let ranges = (0..layout.count()).filter_map(|chunk| layout.range(chunk));
        let left = ranges.map(|range| range.end - range.start).collect();
        Fetching { manifest, peer, next: 0, missing: layout.count(), left }
    }

    fn content(&self) -> Content {
        Content { id: self.manifest.content(), size: self.manifest.layout().size() }
    }

    /// Does what is to be done next; false at the end.
    async fn react(&mut self, client: &mut Client) -> bool {
        match client.next().await {
            Input::File(FileEvent::Prepared { result, .. }) => {
                assert_eq!(result.expect("room").held(), 0);
                (0..AT_ONCE).for_each(|_| self.choose(client));
            }
            Input::PeerReceived { bytes, .. } => {
                for transfer in client.frames(bytes) {
                    self.write(transfer, client);
                }
            }
            Input::File(FileEvent::Written { result, .. }) => {
                assert!(result.expect("room"), "it is right");
                self.missing -= 1;
                if self.missing == 0 {
                    client.order(FileOrder::Complete { name: name(), manifest: self.manifest.clone() });
                }
            }
            Input::File(FileEvent::Completed { result, .. }) => {
                result.expect("nobody has the name");
                return false;
            }
            other => panic!("{other:?}"),
        }
        true
    }

    fn choose(&mut self, client: &mut Client) {
        if self.next < self.manifest.layout().count() {
            let choose = Transfer::Choose { content: self.content(), transfer: self.next, chunk: self.next };
            client.hub.send(self.peer, &PeerFrame::Transfer(choose).frame());
            self.next += 1;
        }
    }

    fn write(&mut self, transfer: Transfer, client: &mut Client) {
        let Transfer::Piece { transfer, bytes } = transfer else { panic!("{transfer:?}") };
        let left = &mut self.left[transfer as usize];
        *left -= bytes.len() as u64;
        let last = *left == 0;
        let hash = self.manifest.hash(transfer).expect("there is one");
        let peer = self.peer;
        client.order(FileOrder::Write { name: name(), peer, transfer, chunk: transfer, hash, bytes, last });
        if last {
            self.choose(client);
        }
    }
}

/// A client without a machine.
struct Client {
    hub: Hub,
    files: Files,
    reader: Reader,
}

impl Client {
    async fn open(folder: &Path) -> (Client, Stock, DeviceKey, SocketAddr) {
        let stock = Stock::open(Folder::open(folder).expect("a folder"), &Settings::usual(None));
        let stock = stock.expect("an index");
        let secret = DeviceSecret::generate().expect("a key");
        let mut hub = Hub::open(HERE, HERE).await;
        let port = hub.reach().expect("it listens").port;
        hub.begin(PeerConfigs::of(&secret).expect("a good key"));
        let files = Files::of(stock.clone()).expect("threads");
        let client = Client { hub, files, reader: Reader::new() };
        (client, stock, secret.key().expect("a good key"), SocketAddr::new(HERE, port))
    }

    async fn next(&mut self) -> Input {
        self.files.next_beside(&mut self.hub).await
    }

    fn order(&mut self, order: FileOrder) {
        self.files.order(order, &mut self.hub);
    }

    fn frames(&mut self, bytes: Bytes) -> Vec<Transfer> {
        self.reader.feed(bytes);
        let mut frames = Vec::new();
        while let Some(raw) = self.reader.next(Phase::FromPeer).expect("a frame") {
            let PeerFrame::Transfer(transfer) = PeerFrame::decode(raw).expect("a frame") else {
                panic!("it is about files")
            };
            frames.push(transfer);
        }
        frames
    }
}

fn name() -> FileName {
    FileName::parse(NAME.as_bytes()).expect("a name")
}

/// Of all threads of this process, the system's share included.
fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.cast_unsigned(), u32::try_from(spent.tv_nsec).unwrap_or_default())
}

/// Memory of this process at most until now, as the system says it.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(|| "?".to_owned(), |peak| peak.trim().to_owned())
}
