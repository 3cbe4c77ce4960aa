//! Two clients without machines, each with a folder, and a connection between them.

mod sending;
mod writing;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{FileEvent, FileOrder, FileTrouble, Input};
use starling_core::device::DeviceKey;
use starling_core::direct::{Pass, Role};
use starling_core::filename::FileName;
use starling_core::id::ConnId;
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::{Bitmap, Content, Manifest};
use starling_core::time::Time;
use starling_core::wire::{PeerFrame, Phase, Reader, Transfer};
use tempfile::TempDir;

use super::{Files, Stock};
use crate::client::peers::Hub;
use crate::share::{Folder, Found, Settings};
use crate::tls::device::DeviceSecret;
use crate::tls::peer::PeerConfigs;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const KIB: usize = 1024;
/// Small files have many chunks of some pieces.
const SMALL: ChunkBounds = ChunkBounds { min: 256 * 1024, max: 256 * 1024 };
/// A chunk that is larger than all buffers on its way.
const LARGE: ChunkBounds = ChunkBounds { min: 64 * 1024 * 1024, max: 64 * 1024 * 1024 };

/// Somebody with a folder.
struct Person {
    place: TempDir,
    hub: Hub,
    files: Files,
    stock: Stock,
    key: DeviceKey,
    addr: SocketAddr,
    reader: Reader,
}

impl Person {
    async fn new(bounds: ChunkBounds) -> Person {
        let place = tempfile::tempdir().unwrap();
        let settings = Settings { bounds, quiet: Duration::from_millis(5), ..Settings::usual(None) };
        let stock = Stock::open(Folder::open(&place.path().join("shared")).unwrap(), &settings).unwrap();
        let secret = DeviceSecret::generate().unwrap();
        let mut hub = Hub::open(HERE, HERE).await;
        let addr = SocketAddr::new(HERE, hub.reach().unwrap().port);
        hub.begin(PeerConfigs::of(&secret).unwrap());
        let files = Files::of(stock.clone()).unwrap();
        Person { place, hub, files, stock, key: secret.key().unwrap(), addr, reader: Reader::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join("shared").join(name)
    }

    /// Puts a file into the folder in one step, and waits until it is offered.
    async fn offers(&mut self, name: &str, content: &[u8]) -> Manifest {
        fs::write(self.path(".new"), content).unwrap();
        fs::rename(self.path(".new"), self.path(name)).unwrap();
        self.until_offered(name).await
    }

    async fn until_offered(&mut self, name: &str) -> Manifest {
        let name = self::name(name);
        loop {
            if let Found::Offered(offer) = self.stock.index().find(&name) {
                return self.stock.index().manifest(&offer.content).unwrap();
            }
            assert!(self.stock.changed().await);
        }
    }

    fn order(&mut self, order: FileOrder) {
        self.files.order(order, &mut self.hub);
    }

    async fn next(&mut self) -> Input {
        self.files.next_beside(&mut self.hub).await
    }

    /// The next event about files.
    async fn event(&mut self) -> FileEvent {
        match self.next().await {
            Input::File(event) => event,
            other => panic!("nothing about files but {other:?}"),
        }
    }

    async fn prepares(&mut self, manifest: &Manifest) -> Result<Bitmap, FileTrouble> {
        self.order(FileOrder::Prepare { name: name("report.pdf"), content: content_of(manifest) });
        match self.event().await {
            FileEvent::Prepared { name, result } if name == self::name("report.pdf") => result,
            other => panic!("{other:?}"),
        }
    }

    /// Takes the next bytes of a chunk.
    fn writes(&mut self, manifest: &Manifest, (transfer, chunk): (u32, u32), bytes: &[u8], last: bool) {
        self.order(FileOrder::Write {
            name: name("report.pdf"),
            peer: NOBODY,
            transfer,
            chunk,
            hash: manifest.hash(chunk).unwrap(),
            bytes: Bytes::copy_from_slice(bytes),
            last,
        });
    }

    async fn has_written(&mut self, wanted: u32) -> Result<bool, FileTrouble> {
        match self.event().await {
            FileEvent::Written { transfer, result, .. } if transfer == wanted => result,
            other => panic!("{other:?}"),
        }
    }

    async fn completes(&mut self, manifest: &Manifest) -> Result<(), FileTrouble> {
        self.order(FileOrder::Complete { name: name("report.pdf"), manifest: manifest.clone() });
        match self.event().await {
            FileEvent::Completed { result, .. } => result,
            other => panic!("{other:?}"),
        }
    }

    fn releases(&mut self) {
        self.order(FileOrder::Release { name: name("report.pdf") });
    }

    fn uploads(&mut self, peer: ConnId, transfer: u32, manifest: &Manifest, chunk: u32) {
        self.order(FileOrder::Upload { peer, transfer, content: content_of(manifest), chunk });
    }

    async fn has_uploaded(&mut self, wanted: u32) -> (u64, bool) {
        match self.event().await {
            FileEvent::Uploaded { transfer, bytes, whole, .. } if transfer == wanted => (bytes, whole),
            other => panic!("{other:?}"),
        }
    }

    /// The next frame; nothing at the end.
    async fn frame(&mut self) -> Option<PeerFrame> {
        loop {
            if let Some(raw) = self.reader.next(Phase::FromPeer).unwrap() {
                return Some(PeerFrame::decode(raw).unwrap());
            }
            match self.hub.next().await {
                Input::PeerReceived { bytes, .. } => self.reader.feed(bytes),
                Input::PeerClosed { .. } => return None,
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next piece, and of which transfer.
    async fn piece(&mut self) -> (u32, Bytes) {
        match self.frame().await {
            Some(PeerFrame::Transfer(Transfer::Piece { transfer, bytes })) => (transfer, bytes),
            other => panic!("{other:?}"),
        }
    }

    /// A chunk of so many bytes, piece by piece.
    async fn chunk(&mut self, wanted: u32, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            let (transfer, bytes) = self.piece().await;
            assert_eq!(transfer, wanted);
            all.extend_from_slice(&bytes);
        }
        all
    }
}

const NOBODY: ConnId = ConnId { slot: 9, generation: 9 };

/// Two who have met, and the connection as each has it.
async fn pair(bounds: ChunkBounds) -> (Person, ConnId, Person, ConnId) {
    let (mut hans, mut luke) = (Person::new(bounds).await, Person::new(bounds).await);
    luke.hub.expect(hans.key, Time::from_secs(60), Time::from_secs(1));
    hans.hub.dial(Pass([1; Pass::BYTES]), Role::Caller, luke.key, &[luke.addr]);
    let Input::PeerOpened { peer: to_luke, .. } = hans.hub.next().await else { panic!() };
    let Input::PeerOpened { peer: to_hans, .. } = luke.hub.next().await else { panic!() };
    (hans, to_luke, luke, to_hans)
}

fn name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).unwrap()
}

fn content_of(manifest: &Manifest) -> Content {
    Content { id: manifest.content(), size: manifest.layout().size() }
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at / 7 % 251).unwrap()).collect()
}

fn chunk_of<'a>(content: &'a [u8], manifest: &Manifest, chunk: u32) -> &'a [u8] {
    let range = manifest.layout().range(chunk).unwrap();
    &content[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
}
