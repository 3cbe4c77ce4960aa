//! A folder that is offered, with something outside it that nobody may touch.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use starling_core::filename::FileName;
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::resume::Subject;
use starling_core::swarm::{ChunkHasher, ContentId, Layout, Manifest};
use starling_runtime::share::{Folder, Found, Index, Offer, Part, Settings, Verdict, WriteError};
use tempfile::TempDir;

/// Small chunks, so that small files have many.
pub(crate) const SMALL: ChunkBounds = ChunkBounds { min: 1024, max: 4096 };
/// What stands outside.
pub(crate) const SECRET: &[u8] = b"a secret of somebody else";

/// The folder, and what surrounds it.
pub(crate) struct Offers {
    place: TempDir,
    pub(crate) folder: Arc<Folder>,
}

impl Offers {
    pub(crate) fn new() -> Offers {
        let place = tempfile::tempdir().expect("a folder");
        fs::write(place.path().join("secret"), SECRET).expect("a file");
        let folder = Folder::open(&place.path().join("offered")).expect("a folder");
        Offers { place, folder: Arc::new(folder) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.place.path().join("secret")
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).expect("a file");
    }

    /// Outside everything is as it was, and nothing has come.
    pub(crate) fn outside_is_untouched(&self) {
        assert_eq!(fs::read(self.secret()).expect("it is there"), SECRET);
        let around = fs::read_dir(self.place.path()).expect("a folder");
        let mut names: Vec<_> = around.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        assert_eq!(names, ["offered", "secret"]);
    }

    /// Indexes it; a file is left alone for `quiet` first.
    pub(crate) fn index(&self, quiet: Duration) -> Watched {
        let (sender, told) = channel();
        let sender = Mutex::new(sender);
        // If nobody listens any more, nobody needs to know.
        let tell = move |_| _ = sender.lock().map(|sender| sender.send(()));
        let settings = Settings { bounds: SMALL, quiet, ..Settings::usual(None) };
        let index = Index::start(Arc::clone(&self.folder), &settings, tell).expect("an index");
        Watched { index, told }
    }

    /// Downloads a file that nobody disturbs, in two runs.
    pub(crate) fn download(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        let manifest = manifest_of(content);
        let subject = Subject { content: manifest.content(), layout: manifest.layout() };
        for run in 0..2 {
            let part = Arc::new(Part::open(&self.folder, &file_name(name), subject)?);
            for chunk in (0..subject.layout.count()).filter(|chunk| run == 1 || chunk % 2 == 0) {
                let hash = manifest.hash(chunk).expect("there is one");
                let Some(mut writer) = part.writer(chunk, hash) else { continue };
                assert!(writer.write(chunk_of(content, chunk))?);
                assert_eq!(writer.finish()?, Verdict::Right);
            }
            part.sync()?;
            if run == 1 {
                part.complete(&self.folder)?;
            }
        }
        Ok(())
    }
}

/// An index, and that it has told something.
pub(crate) struct Watched {
    pub(crate) index: Index,
    told: Receiver<()>,
}

impl Watched {
    /// Waits until a file with this content is offered.
    pub(crate) fn until_offered(&self, name: &str, content: &[u8]) -> Offer {
        let (wanted, name) = (ContentId(*blake3::hash(content).as_bytes()), file_name(name));
        loop {
            match self.index.find(&name) {
                Found::Offered(offer) if offer.content == wanted => return offer,
                found => {
                    let told = self.told.recv_timeout(Duration::from_secs(60));
                    told.unwrap_or_else(|error| panic!("{name} stays {found:?}: {error}"));
                }
            }
        }
    }

    /// The names of everything that is offered.
    pub(crate) fn names(&self) -> Vec<String> {
        self.index.offers().into_iter().map(|(name, _)| name.as_str().to_owned()).collect()
    }
}

pub(crate) fn file_name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text:?} is a name"))
}

/// Bytes that differ from those of another seed everywhere.
pub(crate) fn content(size: usize, seed: u8) -> Vec<u8> {
    let byte = |at: usize| u8::try_from(at / 7 % 251).expect("a byte");
    (0..size).map(|at| byte(at).wrapping_mul(3).wrapping_add(seed)).collect()
}

pub(crate) fn layout(size: usize) -> Layout {
    Layout::new(size as u64, SMALL).expect("it is small")
}

/// The bytes of one chunk.
pub(crate) fn chunk_of(content: &[u8], chunk: u32) -> &[u8] {
    let range = layout(content.len()).range(chunk).expect("there is one");
    let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).expect("it is small"));
    &content[start..end]
}

pub(crate) fn manifest_of(content: &[u8]) -> Manifest {
    let layout = layout(content.len());
    let hashes = (0..layout.count()).map(|chunk| {
        let mut hasher = ChunkHasher::new(layout, chunk).expect("there is one");
        assert!(hasher.update(chunk_of(content, chunk)));
        hasher.finish().expect("it is whole")
    });
    Manifest::of(layout, &hashes.flatten().collect::<Vec<u8>>()).expect("as many as there are")
}

/// What is at a path, without following a link.
pub(crate) fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}
