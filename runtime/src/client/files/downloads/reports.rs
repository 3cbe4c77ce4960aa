//! What threads tell, and what the machine hears of it: nothing of what it has given up.

use std::sync::Arc;
use std::time::Duration;

use starling_core::client::{FileEvent, FileTrouble};
use starling_core::filename::FileName;
use starling_core::swarm::{Bitmap, Content};
use tokio::time::{sleep, timeout};

use super::safety::UNSAFE_MAX;
use super::{Downloads, Receiving, Transfer, tell};
use crate::client::files::trouble;
use crate::share::{Part, WriteError};

/// How long an answer waits until it is known what the file is that has the name.
const FIND_MAX: Duration = Duration::from_secs(5);
/// How often a file is asked for that is held, and how long it rests between: it may be about to be let go.
pub(super) const BUSY_TRIES: u32 = 20;
const BUSY_REST: Duration = Duration::from_millis(50);

/// What a thread has done, and for which download or transfer.
pub(in crate::client::files) enum Report {
    Opened { name: FileName, number: u64, tries: u32, result: Result<Arc<Part>, WriteError> },
    Found { name: FileName, number: u64, content: Option<Content> },
    Again { name: FileName, number: u64, tries: u32 },
    Written { transfer: Transfer, number: u64, result: Result<bool, WriteError> },
    Completed { name: FileName, number: u64, result: Result<(), WriteError> },
    Synced { number: u64, is_safe: bool },
    Released,
    Event(FileEvent),
}

impl Downloads {
    /// What the machine is to hear of it.
    pub(in crate::client::files) fn judge(&mut self, report: Report) -> Option<FileEvent> {
        match report {
            Report::Opened { name, number, tries, result } => self.opened(name, number, tries, result),
            Report::Again { name, number, tries } => {
                self.open(name, number, tries);
                None
            }
            Report::Found { name, number, content } => self.fail(name, number, FileTrouble::Taken(content)),
            Report::Written { transfer, number, result } => self.written(transfer, number, &result),
            Report::Completed { name, number, result } => self
                .is_meant(&name, number)
                .then(|| FileEvent::Completed { name, result: result.map_err(|error| trouble(&error)) }),
            Report::Synced { number, is_safe } => {
                self.synced(number, is_safe);
                None
            }
            Report::Released => None,
            Report::Event(event) => Some(event),
        }
    }

    fn opened(
        &mut self,
        name: FileName,
        number: u64,
        tries: u32,
        result: Result<Arc<Part>, WriteError>,
    ) -> Option<FileEvent> {
        let download = self.by_name.get_mut(&name).filter(|download| download.number == number)?;
        match result {
            Ok(part) => {
                self.parts.insert((name.clone(), download.content), Arc::downgrade(&part));
                let held = part.held();
                download.part = Some(part);
                Some(prepared(name, Ok(held)))
            }
            Err(WriteError::Taken) => {
                let mut stock = self.stock.clone();
                self.later(async move {
                    let content = timeout(FIND_MAX, stock.find(&name)).await.ok().flatten();
                    Report::Found { name, number, content }
                });
                None
            }
            Err(WriteError::Busy) if tries > 0 => {
                self.later(async move {
                    sleep(BUSY_REST).await;
                    Report::Again { name, number, tries: tries - 1 }
                });
                None
            }
            Err(error) => self.fail(name, number, trouble(&error)),
        }
    }

    /// A download cannot begin.
    fn fail(&mut self, name: FileName, number: u64, why: FileTrouble) -> Option<FileEvent> {
        self.is_meant(&name, number).then(|| {
            self.by_name.remove(&name);
            prepared(name, Err(why))
        })
    }

    fn written(
        &mut self,
        transfer: Transfer,
        number: u64,
        result: &Result<bool, WriteError>,
    ) -> Option<FileEvent> {
        self.transfers.get(&transfer).filter(|receiving| receiving.number == number)?;
        let Receiving { name, .. } = self.transfers.remove(&transfer)?;
        if self.part(&name).is_some_and(|part| part.unsafe_bytes() >= UNSAFE_MAX) {
            self.make_safe();
        }
        let (peer, transfer) = transfer;
        let result = result.as_ref().map(|is_right| *is_right).map_err(trouble);
        Some(FileEvent::Written { name, peer, transfer, result })
    }

    /// Tells what comes out of it, without a thread.
    fn later(&self, report: impl Future<Output = Report> + Send + 'static) {
        let reports = self.tell.clone();
        tokio::spawn(async move { tell(&reports, report.await) });
    }
}

fn prepared(name: FileName, result: Result<Bitmap, FileTrouble>) -> FileEvent {
    FileEvent::Prepared { name, result }
}
