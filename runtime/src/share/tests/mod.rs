//! A folder, what is offered of it, and what is fetched into it.

mod caching;
mod crashes;
mod indexing;
mod parts;
mod reading;

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use starling_core::filename::FileName;
use starling_core::seed::{Dice, Seed};
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::{ChunkHasher, ContentId, Layout, Manifest};
use tempfile::TempDir;

use super::index::{Change, Found, Index, Offer, Settings};
use super::{ChunkReader, Folder};

/// Small chunks, so that small files have many.
const SMALL: ChunkBounds = ChunkBounds { min: 1024, max: 4096 };

/// A folder to offer, and another for what programs keep.
struct Bed {
    place: TempDir,
    folder: Arc<Folder>,
}

impl Bed {
    fn new() -> Bed {
        let place = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::open(&place.path().join("offered")).unwrap());
        Bed { place, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    /// What is in the folder, hidden or not.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn settings(&self) -> Settings {
        Settings {
            bounds: SMALL,
            quiet: Duration::from_millis(5),
            ..Settings::usual(Some(self.place.path().join("state")))
        }
    }

    fn index(&self) -> Watched {
        let (sender, changes) = channel();
        let sender = Mutex::new(sender);
        let tell = move |changes: Vec<Change>| {
            changes.into_iter().for_each(|change| _ = sender.lock().unwrap().send(change));
        };
        let index = Index::start(Arc::clone(&self.folder), &self.settings(), tell).unwrap();
        Watched { index, changes }
    }
}

/// An index, and what it tells.
struct Watched {
    index: Index,
    changes: Receiver<Change>,
}

impl Watched {
    /// Waits until the answer for a name is this one.
    fn until(&self, wanted: &str, is_right: impl Fn(Found) -> bool) -> Found {
        let wanted = name(wanted);
        loop {
            let found = self.index.find(&wanted);
            if is_right(found) {
                return found;
            }
            let change = self.changes.recv_timeout(Duration::from_secs(60));
            change.unwrap_or_else(|error| panic!("{wanted} stays {found:?}: {error}"));
        }
    }

    /// Waits until the file was looked at again, long enough after it was written.
    fn until_settled(&self, wanted: &str) {
        let is_settled =
            || self.index.shared.lock().cache.get(&name(wanted)).is_some_and(|known| known.is_settled);
        while !is_settled() {
            let _ = self.changes.recv_timeout(Duration::from_millis(10));
        }
    }

    fn until_offered(&self, name: &str, content: &[u8]) -> Offer {
        let wanted = id(content);
        match self.until(name, |found| matches!(found, Found::Offered(offer) if offer.content == wanted)) {
            Found::Offered(offer) => offer,
            found => panic!("{found:?}"),
        }
    }
}

fn name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).expect("a name")
}

fn id(content: &[u8]) -> ContentId {
    ContentId(*blake3::hash(content).as_bytes())
}

fn layout(size: usize) -> Layout {
    Layout::new(size as u64, SMALL).expect("small")
}

fn dice(seed: u64) -> Dice {
    Dice::public(Seed::from(seed))
}

fn below(dice: &mut Dice, bound: usize) -> usize {
    usize::try_from(dice.below(bound as u64)).expect("it is below a length")
}

/// Bytes that differ from those of another seed everywhere.
fn content(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at / 7 % 251).unwrap().wrapping_mul(3).wrapping_add(seed)).collect()
}

/// The bytes of one chunk.
fn chunk_of(content: &[u8], chunk: u32) -> &[u8] {
    let range = layout(content.len()).range(chunk).expect("there is one");
    let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
    &content[start..end]
}

fn manifest_of(content: &[u8]) -> Manifest {
    let layout = layout(content.len());
    let hashes = (0..layout.count()).map(|chunk| {
        let mut hasher = ChunkHasher::new(layout, chunk).unwrap();
        assert!(hasher.update(chunk_of(content, chunk)));
        hasher.finish().unwrap()
    });
    let list: Vec<u8> = hashes.flatten().collect();
    Manifest::check(id(content), layout, &list).expect("it agrees")
}

/// Everything of a chunk, in small pieces; nothing if it was withdrawn on the way.
fn read_all(mut reader: ChunkReader) -> Option<Vec<u8>> {
    let (mut all, mut piece) = (Vec::new(), [0; 300]);
    loop {
        match reader.read(&mut piece).ok()? {
            0 => return Some(all),
            read => all.extend_from_slice(&piece[..read]),
        }
    }
}
