//! The downloads under way, and their transfers.

mod reports;
mod safety;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use starling_core::client::FileEvent;
use starling_core::filename::FileName;
use starling_core::id::ConnId;
use starling_core::swarm::resume::Subject;
use starling_core::swarm::{ChunkHash, Content, Manifest};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use reports::BUSY_TRIES;
pub(super) use reports::Report;

use super::intake::Intake;
use super::room::Room;
use super::stock::Stock;
use super::{Source, too_much, trouble};
use crate::client::peers::READS_MAX;
use crate::share::pool::Job;
use crate::share::{Part, Pool, WriteError};

/// Threads that read, hash and write.
const THREADS: usize = 2;
/// Jobs that wait for them. A transfer has one at most; what others have read is bounded for all of them together, so that
/// they never keep this client from writing.
const JOBS_MAX: usize = 4096;
const _: () = assert!(READS_MAX <= JOBS_MAX / 2);

/// A connection, and the number that a transfer has on it.
pub(super) type Transfer = (ConnId, u32);

/// See the module. Dropped, it makes safe what was verified, and waits for that.
pub(super) struct Downloads {
    stock: Stock,
    room: Room,
    tell: UnboundedSender<Report>,
    by_name: BTreeMap<FileName, Download>,
    transfers: BTreeMap<Transfer, Receiving>,
    /// Those that somebody may still have open, after their release, too.
    parts: BTreeMap<(FileName, Content), Weak<Part>>,
    /// One at a time, so that the disk does not take both threads.
    is_syncing: bool,
    sync_at: Instant,
    /// Tells apart downloads of the same name, and transfers of the same number.
    last_number: u64,
    pool: Pool,
}

#[derive(Debug)]
struct Download {
    number: u64,
    content: Content,
    /// Once it is prepared.
    part: Option<Arc<Part>>,
    /// Its disk has failed.
    is_broken: bool,
}

struct Receiving {
    number: u64,
    name: FileName,
    /// Nothing if its download was not there.
    intake: Option<Arc<Intake>>,
}

impl Downloads {
    pub(super) fn of(stock: Stock, room: Room, tell: UnboundedSender<Report>) -> io::Result<Downloads> {
        Ok(Downloads {
            stock,
            room,
            tell,
            by_name: BTreeMap::new(),
            transfers: BTreeMap::new(),
            parts: BTreeMap::new(),
            is_syncing: false,
            sync_at: Instant::now(),
            last_number: 0,
            pool: Pool::start("files", THREADS, JOBS_MAX)?,
        })
    }

    /// Takes up a download, or begins it.
    pub(super) fn prepare(&mut self, name: FileName, content: Content) {
        let number = self.number();
        self.by_name.insert(name.clone(), Download { number, content, part: None, is_broken: false });
        self.open(name, number, BUSY_TRIES);
    }

    /// The very same place as before, if somebody still reads from it.
    fn open(&mut self, name: FileName, number: u64, tries: u32) {
        let meant = self.by_name.get(&name).filter(|download| download.number == number);
        let Some(content) = meant.map(|download| download.content) else { return };
        self.parts.retain(|_, part| part.strong_count() > 0);
        let earlier = self.parts.get(&(name.clone(), content)).and_then(Weak::upgrade);
        let stock = self.stock.clone();
        let opened = move |name, result| Report::Opened { name, number, tries, result };
        self.run(opened(name.clone(), Err(too_much())), move || {
            let result = match earlier.filter(|part| !part.held().is_complete()) {
                // It takes nothing more if its disk has failed.
                Some(part) => part.sync().map(|()| part),
                None => begin(&stock, &name, content).map(Arc::new),
            };
            opened(name, result)
        });
    }

    /// Takes the next bytes of a transfer.
    pub(super) fn write(
        &mut self,
        name: &FileName,
        transfer: Transfer,
        chunk: (u32, ChunkHash),
        bytes: Bytes,
        is_last: bool,
    ) {
        if !self.transfers.contains_key(&transfer) {
            let number = self.number();
            let intake = self.part(name).map(|part| self.intake(part, chunk, (transfer, number)));
            if intake.is_none() {
                let result = Err(not_there());
                tell(&self.tell, Report::Written { transfer, number, result });
            }
            self.transfers.insert(transfer, Receiving { number, name: name.clone(), intake });
        }
        if let Some(intake) = self.transfers.get(&transfer).and_then(|receiving| receiving.intake.as_ref()) {
            intake.put(bytes, is_last);
        }
    }

    fn intake(&self, part: Arc<Part>, chunk: (u32, ChunkHash), of: (Transfer, u64)) -> Arc<Intake> {
        let (reports, (transfer, number)) = (self.tell.clone(), of);
        let done = move |result| tell(&reports, Report::Written { transfer, number, result });
        Intake::new(part, chunk, self.room.clone(), self.pool.handle(), Box::new(done))
    }

    /// Throws away what has come in a transfer.
    pub(super) fn forget(&mut self, transfer: Transfer) {
        let receiving = self.transfers.remove(&transfer);
        if let Some(intake) = receiving.and_then(|receiving| receiving.intake) {
            intake.forget();
        }
    }

    /// Gives a file its name, and offers it.
    pub(super) fn complete(&mut self, name: FileName, manifest: Manifest) {
        let number = self.by_name.get(&name).map_or(0, |download| download.number);
        let completed = move |name, result| Report::Completed { name, number, result };
        let Some(part) = self.part(&name) else {
            return tell(
                &self.tell,
                Report::Event(FileEvent::Completed { name, result: Err(trouble(&not_there())) }),
            );
        };
        let stock = self.stock.clone();
        self.run(completed(name.clone(), Err(too_much())), move || {
            let result = part.complete(&stock.folder);
            if result.is_ok() {
                // If somebody has removed it already, it is not offered.
                stock.index.adopt(&name, &manifest);
            }
            completed(name, result)
        });
    }

    /// Lets go of a download, once what was verified is safe.
    pub(super) fn release(&mut self, name: &FileName) {
        let of_it = |(_, receiving): (&Transfer, &mut Receiving)| receiving.name == *name;
        for (_, receiving) in
            self.transfers.extract_if(.., |transfer, receiving| of_it((transfer, receiving)))
        {
            receiving.intake.iter().for_each(|intake| intake.forget());
        }
        let Some(part) = self.by_name.remove(name).and_then(|download| download.part) else { return };
        self.run(Report::Released, move || {
            let _ = part.sync();
            Report::Released
        });
    }

    /// Reads the hashes of an offered file.
    pub(super) fn list(&self, content: Content) {
        let stock = self.stock.clone();
        let listed = move |manifest| Report::Event(FileEvent::Listed { content, manifest });
        self.run(listed(None), move || {
            let manifest = stock.index.manifest(&content.id);
            listed(manifest.filter(|manifest| manifest.layout().size() == content.size))
        });
    }

    /// A chunk to be sent.
    pub(super) fn source(&self, content: Content, chunk: u32) -> Source {
        let parts = self.by_name.values().filter(|download| download.content == content);
        let here = parts.filter_map(|download| download.part.as_ref()?.reader(chunk)).next();
        let stock = self.stock.clone();
        let bytes = stock
            .layout(&content)
            .and_then(|layout| layout.range(chunk))
            .map(|range| range.end - range.start);
        let open = move || {
            let reader = here.or_else(|| stock.index.chunk(&content.id, chunk));
            reader.filter(|reader| Some(reader.left()) == bytes)
        };
        Source::new(self.pool.handle(), open)
    }

    /// Has all threads wait until the other end of `closed` is dropped.
    #[cfg(test)]
    pub(super) fn occupy(&self, closed: &Arc<std::sync::Mutex<std::sync::mpsc::Receiver<()>>>) {
        for _ in 0..THREADS {
            let closed = Arc::clone(closed);
            assert!(self.pool.run(Box::new(move || _ = closed.lock().map(|closed| closed.recv()))).is_ok());
        }
    }

    fn part(&self, name: &FileName) -> Option<Arc<Part>> {
        self.by_name.get(name)?.part.clone()
    }

    fn is_meant(&self, name: &FileName, number: u64) -> bool {
        self.by_name.get(name).is_some_and(|download| download.number == number)
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Has a thread do it, and tell; `refused` is told if too much waits for the threads.
    fn run(&self, refused: Report, job: impl FnOnce() -> Report + Send + 'static) {
        let reports = self.tell.clone();
        let job: Job = Box::new(move || tell(&reports, job()));
        if self.pool.run(job).is_err() {
            tell(&self.tell, refused);
        }
    }
}

impl fmt::Debug for Downloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downloads").field("by_name", &self.by_name).finish_non_exhaustive()
    }
}

fn begin(stock: &Stock, name: &FileName, content: Content) -> Result<Part, WriteError> {
    let layout =
        stock.layout(&content).ok_or_else(|| WriteError::Disk(io::ErrorKind::FileTooLarge.into()))?;
    Part::open(&stock.folder, name, Subject { content: content.id, layout })
}

/// Nothing was prepared for it.
fn not_there() -> WriteError {
    WriteError::Disk(io::ErrorKind::NotFound.into())
}

fn tell(reports: &UnboundedSender<Report>, report: Report) {
    // If nobody listens any more, it is over.
    let _ = reports.send(report);
}
