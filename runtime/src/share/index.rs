//! What is offered of a folder.
//!
//! A file is offered once it is hashed, as long as it stays as it was then. Threads of `indexer.rs` hash, one of
//! `watch.rs` looks for what has changed; whoever asks is answered at once.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use starling_core::filename::FileName;
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::{ContentId, Layout, Manifest};

use super::cache::{Cache, List};
use super::folder::Folder;
use super::reading::ChunkReader;
use super::record::Known;
use super::state::{State, Status};
use super::watch::Signal;
use super::watcher::Watcher;
use super::{indexer, watch};

/// How a folder is indexed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder for what programs keep, in which the cache lies; nothing to keep none.
    pub state: Option<PathBuf>,
    /// Between which sizes chunks are cut. They must be the same for everybody in a team.
    pub bounds: ChunkBounds,
    /// Threads that hash.
    pub threads: usize,
    /// So long nothing must have happened to a file before it is hashed: it may be in the middle of being written.
    pub quiet: Duration,
    /// How often everything is looked at, although nothing was reported.
    pub rescan: Duration,
}

impl Settings {
    /// Two threads, a look each minute, and the usual chunks. A file is left alone for longer than the clock of a
    /// file system ticks, so that its stamp says something when it is hashed.
    #[must_use]
    pub const fn usual(state: Option<PathBuf>) -> Settings {
        let (quiet, rescan) = (Duration::from_millis(150), Duration::from_secs(60));
        Settings { state, bounds: ChunkBounds::USUAL, threads: 2, quiet, rescan }
    }
}

/// A content that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it is.
    pub content: ContentId,
    /// How large it is, and how it is cut.
    pub layout: Layout,
}

/// The answer to a question for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is no such file, or it is none that is offered.
    Nothing,
    /// It is there, and what it is will be known later.
    BeingIndexed,
    /// It is offered.
    Offered(Offer),
}

/// Another answer than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// To the question for this name.
    pub name: FileName,
    /// What is answered now.
    pub found: Found,
}

/// What is offered of one folder. Dropping it ends its threads.
pub struct Index {
    pub(super) shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Index {
    /// Lists the folder and begins to hash it. `tell` is called from other threads; it must not block for long, and
    /// not drop the index. Two changes of the same name may come in either order: [`Index::find`] says what holds.
    ///
    /// # Errors
    /// If the folder cannot be read, or the system has no thread left. Without a cache, or a way to watch, it goes
    /// on as well as it can.
    pub fn start(
        folder: Arc<Folder>,
        settings: &Settings,
        tell: impl Fn(Vec<Change>) + Send + Sync + 'static,
    ) -> std::io::Result<Index> {
        let (signals, received) = std::sync::mpsc::channel();
        let watcher = Watcher::start(folder.path(), &signals);
        let cache = open_cache(&folder, settings);
        let shared = Shared {
            folder,
            bounds: settings.bounds,
            quiet: settings.quiet,
            state: Mutex::new(State::new(cache)),
            changed: Condvar::new(),
            is_over: AtomicBool::new(false),
            tell: Box::new(tell),
            signals: Mutex::new(signals),
        };
        let mut index = Index { shared: Arc::new(shared), threads: Vec::new() };
        for number in 0..settings.threads.max(1) {
            let shared = Arc::clone(&index.shared);
            let thread = std::thread::Builder::new().name(format!("index-{number}"));
            index.threads.push(thread.spawn(move || indexer::work(&shared))?);
        }
        index.shared.scan()?;
        let (shared, rescan) = (Arc::clone(&index.shared), settings.rescan);
        let thread = std::thread::Builder::new().name("watch".to_owned());
        index.threads.push(thread.spawn(move || watch::work(&shared, &received, watcher, rescan))?);
        Ok(index)
    }

    /// The answer to a question for a name.
    #[must_use]
    pub fn find(&self, name: &FileName) -> Found {
        self.shared.lock().find(name)
    }

    /// No file whose name `fits` waits to be hashed.
    #[must_use]
    pub fn is_settled(&self, fits: impl Fn(&FileName) -> bool) -> bool {
        let state = self.shared.lock();
        let mut waiting = state.files.keys().filter(|name| state.find(name) == Found::BeingIndexed);
        !waiting.any(fits)
    }

    /// Everything that is offered, by name.
    #[must_use]
    pub fn offers(&self) -> Vec<(FileName, Offer)> {
        let state = self.shared.lock();
        let offered = state.files.iter().filter_map(|(name, status)| match status {
            Status::Offered(offer) => Some((name.clone(), *offer)),
            Status::BeingIndexed => None,
        });
        let mut offered: Vec<(FileName, Offer)> = offered.collect();
        drop(state);
        offered.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        offered
    }

    /// The chunks of a content that is offered. Reads from the disk: the caller may have to wait. Nothing also if what
    /// was kept of it is damaged; then it will be offered again soon.
    #[must_use]
    pub fn manifest(&self, content: &ContentId) -> Option<Manifest> {
        let names = self.shared.lock().names_of(content).to_vec();
        names.iter().find_map(|name| {
            let list = self.shared.lock().cache.list(name);
            let manifest = list.and_then(List::read);
            if manifest.is_none() {
                self.shared.hash_again(name);
            }
            manifest
        })
    }

    /// Opens a chunk of a content for reading; nothing if it is not offered (any more). Opens a file: the caller may
    /// have to wait, and again whenever he reads.
    #[must_use]
    pub fn chunk(&self, content: &ContentId, chunk: u32) -> Option<ChunkReader> {
        let names = self.shared.lock().names_of(content).to_vec();
        names.into_iter().find_map(|name| ChunkReader::open(&self.shared, name, content, chunk))
    }

    /// Offers a file that has just been completed, without reading it: `manifest` was checked chunk by chunk.
    /// False if it is not there any more.
    pub fn adopt(&self, name: &FileName, manifest: &Manifest) -> bool {
        let Ok(Some(stamp)) = self.shared.folder.stamp(name) else { return false };
        if stamp.size != manifest.layout().size() {
            return false;
        }
        let change = self.shared.lock().offer(name, Known::new(stamp, manifest, true), Some(manifest.list()));
        self.shared.tell(change.into_iter().collect());
        true
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.shared.signal(Signal::Over);
        drop(self.shared.lock());
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A panic was told when it happened.
            let _ = thread.join();
        }
        self.shared.lock().cache.flush();
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

/// What its threads and readers share.
pub(super) struct Shared {
    pub(super) folder: Arc<Folder>,
    pub(super) bounds: ChunkBounds,
    pub(super) quiet: Duration,
    state: Mutex<State>,
    /// Something waits to be looked at, or nothing ever will again.
    pub(super) changed: Condvar,
    pub(super) is_over: AtomicBool,
    tell: Box<dyn Fn(Vec<Change>) + Send + Sync>,
    signals: Mutex<Sender<Signal>>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, changes: Vec<Change>) {
        if !changes.is_empty() {
            (self.tell)(changes);
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        // If nobody listens any more, it is over.
        let _ = self.signals.lock().unwrap_or_else(PoisonError::into_inner).send(signal);
    }

    /// Has everything in the folder looked at that is not offered as it is. The threads begin while it is listed.
    pub(super) fn scan(&self) -> std::io::Result<()> {
        const BATCH: usize = 512;
        let offered = self.lock().offered();
        let is_same = |name: &FileName, stamp| self.folder.stamp(name).is_ok_and(|now| now == Some(stamp));
        let same: HashSet<FileName> =
            offered.into_iter().filter(|(name, stamp)| is_same(name, *stamp)).map(|(name, _)| name).collect();
        let mut there = HashSet::new();
        let mut names = self.folder.names()?;
        loop {
            let batch = names.by_ref().take(BATCH).collect::<std::io::Result<Vec<FileName>>>()?;
            if batch.is_empty() {
                break;
            }
            let mut state = self.lock();
            let changes = batch.iter().filter_map(|name| state.notice(name)).collect();
            state.queue.extend(batch.iter().filter(|name| !same.contains(*name)).cloned());
            drop(state);
            self.changed.notify_all();
            self.tell(changes);
            there.extend(batch);
        }
        let missing: Vec<FileName> =
            self.lock().files.keys().filter(|name| !there.contains(*name)).cloned().collect();
        // One that came while the folder was listed is there all the same.
        let is_gone = |name: &&FileName| self.folder.stamp(name).is_ok_and(|stamp| stamp.is_none());
        let gone: Vec<&FileName> = missing.iter().filter(is_gone).collect();
        let mut state = self.lock();
        let changes = gone.into_iter().filter_map(|name| state.remove(name)).collect();
        state.forget_others();
        drop(state);
        self.tell(changes);
        Ok(())
    }

    /// Has one file looked at.
    pub(super) fn look_at(&self, name: FileName) {
        let mut state = self.lock();
        let change = state.notice(&name);
        state.queue.insert(name);
        drop(state);
        self.changed.notify_one();
        self.tell(change.into_iter().collect());
    }

    /// Something was reported of a file: if it is not what it was, it is not offered from now on.
    pub(super) fn glance_at(&self, name: &FileName) {
        // If it cannot be said now, it will be looked at soon.
        let Ok(stamp) = self.folder.stamp(name) else { return };
        let mut state = self.lock();
        let is_same = state.cache.get(name).is_some_and(|known| Some(known.stamp) == stamp);
        let change = match stamp {
            Some(_) if is_same => None,
            Some(_) => state.withdraw(name),
            None => state.remove(name),
        };
        drop(state);
        self.tell(change.into_iter().collect());
    }

    /// What is known of a file has turned out to be damaged.
    fn hash_again(&self, name: &FileName) {
        self.lock().cache.forget(name);
        self.withdraw(name);
    }

    /// A file is not what it was: it is not offered until it has been looked at.
    pub(super) fn withdraw(&self, name: &FileName) {
        let change = self.lock().withdraw(name);
        self.tell(change.into_iter().collect());
        self.signal(Signal::Look(name.clone(), self.quiet));
    }
}

/// The cache of this folder; one in memory if there is no place for it, or another program has it.
fn open_cache(folder: &Folder, settings: &Settings) -> Cache {
    let Some(state) = &settings.state else { return Cache::in_memory() };
    let id = ContentId(*blake3::hash(folder.path().as_os_str().as_encoded_bytes()).as_bytes());
    let path = state.join(format!("index-{id:.16}"));
    Cache::open(&path, settings.bounds).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "what is known of files is not kept");
        Cache::in_memory()
    })
}
