//! What is known of files by their stamps, over restarts, so that no file is hashed twice.
//!
//! A log of `record.rs`, after a line that says what it is; the last record of a name counts. It is written in
//! batches, and nobody waits until it is safe: what is damaged or missing is hashed again. When more than half of
//! it no longer counts, it is replaced as a whole. Lists of hashes stay in it and are read when somebody wants one.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use starling_core::filename::FileName;
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::{ContentId, Layout, Manifest};

use super::log::{Log, Range};
use super::record::{self, Known};

const TITLE: &[u8] = b"starling index 1\n";
/// Bytes that wait to be written in one piece, at most.
const BATCH_BYTES: usize = 256 * 1024;
/// Bytes that no longer count are tolerated up to here.
const WASTE_BYTES: u64 = 1024 * 1024;

/// The cache of one folder.
#[derive(Debug)]
pub(super) struct Cache {
    /// Nothing if it is kept in memory.
    place: Option<Place>,
    log: Log,
    /// Records that are not in the log yet.
    waiting: Vec<u8>,
    known: HashMap<FileName, Entry>,
    live_bytes: u64,
    /// The log could not be written.
    is_stuck: bool,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// As long as it is held, no other program writes this cache.
    _lock: File,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    known: Known,
    /// Where its record begins.
    at: u64,
}

impl Cache {
    /// For this run only.
    pub(super) fn in_memory() -> Cache {
        let mut log = Log::in_memory();
        // Memory takes it.
        let _ = log.append(TITLE);
        Cache::new(None, log)
    }

    /// The one at `path`; empty if it is damaged from the start, and without what follows a damage.
    ///
    /// # Errors
    /// If it cannot be read or written, or another program has it.
    pub(super) fn open(path: &Path, bounds: ChunkBounds) -> io::Result<Cache> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut options = OpenOptions::new();
        let lock = options.append(true).create(true).mode(0o600).open(path.with_added_extension("lock"))?;
        lock.try_lock()?;
        let place = Place { path: path.to_owned(), _lock: lock };
        let mut known = HashMap::new();
        match read_log(path, bounds, &mut known) {
            Ok(good) if good > 0 => {
                let mut cache = Cache::new(Some(place), Log::open(path)?);
                cache.log.cut(good)?;
                cache.live_bytes = known.iter().map(|(name, entry)| bytes_of(name, entry)).sum();
                cache.known = known;
                Ok(cache)
            }
            _ => {
                let mut log = Log::create(path)?;
                log.append(TITLE)?;
                Ok(Cache::new(Some(place), log))
            }
        }
    }

    fn new(place: Option<Place>, log: Log) -> Cache {
        Cache { place, log, waiting: Vec::new(), known: HashMap::new(), live_bytes: 0, is_stuck: false }
    }

    /// What was known of the file with this name when it was last hashed.
    pub(super) fn get(&self, name: &FileName) -> Option<&Known> {
        self.known.get(name).map(|entry| &entry.known)
    }

    /// Where the hashes of its chunks are.
    pub(super) fn list(&self, name: &FileName) -> Option<List> {
        let entry = self.known.get(name)?;
        let Known { content, layout, .. } = entry.known;
        let (at, len) = (entry.at + entry.known.extent(name).0 as u64, entry.known.list_bytes());
        let range = match at.checked_sub(self.log.len()) {
            _ if layout.count() < 2 => Range::Memory(content.0[..32 * layout.count() as usize].to_vec()),
            Some(at) => Range::Memory(self.waiting.get(usize::try_from(at).ok()?..)?.get(..len)?.to_vec()),
            None => self.log.range(at, len)?,
        };
        Some(List { content, layout, range })
    }

    /// Keeps what was found out about a file, and the list of its hashes.
    pub(super) fn put(&mut self, name: &FileName, known: Known, list: &[u8]) {
        let entry = Entry { known, at: self.log.len() + self.waiting.len() as u64 };
        record::write(&mut self.waiting, name, &known, list);
        self.live_bytes += bytes_of(name, &entry);
        if let Some(old) = self.known.insert(name.clone(), entry) {
            self.live_bytes -= bytes_of(name, &old);
        }
        if self.waiting.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    /// The file is gone.
    pub(super) fn forget(&mut self, name: &FileName) {
        if let Some(entry) = self.known.remove(name) {
            self.live_bytes -= bytes_of(name, &entry);
        }
    }

    /// Forgets all files but these.
    pub(super) fn keep(&mut self, is_there: impl Fn(&FileName) -> bool) {
        self.known.retain(|name, _| is_there(name));
        self.live_bytes = self.known.iter().map(|(name, entry)| bytes_of(name, entry)).sum();
    }

    /// Writes what waits, and tidies up if there is much to tidy up. If that fails, what waits stays in memory from
    /// then on: files are offered all the same, and hashed again after the next start.
    pub(super) fn flush(&mut self) {
        if self.is_stuck || self.waiting.is_empty() {
            return;
        }
        if let Err(error) = self.write() {
            tracing::warn!(%error, "what is known of files is not kept");
            self.is_stuck = true;
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.log.append(&self.waiting)?;
        self.waiting.clear();
        let waste = self.log.len().saturating_sub(self.live_bytes);
        if waste > WASTE_BYTES.max(self.live_bytes) { self.rewrite() } else { Ok(()) }
    }

    /// Copies what counts into a log of its own and puts it in the place of the old one.
    fn rewrite(&mut self) -> io::Result<()> {
        let fresh = self.place.as_ref().map(|place| place.path.with_added_extension("new"));
        let mut log = fresh.as_ref().map_or_else(|| Ok(Log::in_memory()), |path| Log::create(path))?;
        log.append(TITLE)?;
        let mut moved = self.known.clone();
        let mut in_order: Vec<(&FileName, &mut Entry)> = moved.iter_mut().collect();
        in_order.sort_unstable_by_key(|(_, entry)| entry.at);
        let mut record = Vec::new();
        for (name, entry) in in_order {
            record.resize(entry.known.extent(name).1, 0);
            self.log.read(&mut record, entry.at)?;
            entry.at = log.len();
            log.append(&record)?;
        }
        if let (Some(place), Some(fresh)) = (&self.place, fresh) {
            fs::rename(fresh, &place.path)?;
        }
        (self.log, self.known) = (log, moved);
        Ok(())
    }
}

/// A list of hashes that has still to be read, without keeping others from the cache.
#[derive(Debug)]
pub(super) struct List {
    content: ContentId,
    layout: Layout,
    range: Range,
}

impl List {
    /// Reads it; nothing if the log is damaged there.
    pub(super) fn read(self) -> Option<Manifest> {
        Manifest::check(self.content, self.layout, &self.range.read().ok()?)
    }
}

fn bytes_of(name: &FileName, entry: &Entry) -> u64 {
    entry.known.extent(name).1 as u64
}

/// Reads records up to the first that is damaged; how many bytes were good.
fn read_log(path: &Path, bounds: ChunkBounds, known: &mut HashMap<FileName, Entry>) -> io::Result<u64> {
    let mut file = BufReader::with_capacity(BATCH_BYTES, File::open(path)?);
    let mut title = [0; TITLE.len()];
    file.read_exact(&mut title)?;
    if title != TITLE {
        return Ok(0);
    }
    let (mut at, mut body) = (TITLE.len() as u64, Vec::new());
    loop {
        let mut len = [0; 4];
        if file.read_exact(&mut len).is_err() {
            return Ok(at);
        }
        let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
        if len > record::BODY_MAX {
            return Ok(at);
        }
        body.resize(len, 0);
        if file.read_exact(&mut body).is_err() {
            return Ok(at);
        }
        let Some((name, found)) = record::read(&body, bounds) else { return Ok(at) };
        if found.is_settled {
            known.insert(name, Entry { known: found, at });
        } else {
            known.remove(&name);
        }
        at += 4 + len as u64;
    }
}
