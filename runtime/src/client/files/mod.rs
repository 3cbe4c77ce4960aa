//! The files of a client: what the machine orders about disks, and what came of it.
//!
//! Nothing here waits for a disk but the threads of a pool (`share/pool.rs`). What they find out comes back as a
//! `Report`; one that nobody asks for any more, since its download was released or its transfer forgotten, is
//! dropped here, so the machine never hears of what it has given up.

mod downloads;
mod intake;
mod room;
mod stock;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use starling_core::client::{FileEvent, FileOrder, FileTrouble, Input};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use room::Room;
pub use stock::Stock;

use super::peers::{Hub, Source};
use crate::share::WriteError;
use downloads::{Downloads, Report};

/// See the module.
#[derive(Debug)]
pub struct Files {
    /// Nothing if there is no folder.
    downloads: Option<Downloads>,
    tell: mpsc::UnboundedSender<Report>,
    reports: mpsc::UnboundedReceiver<Report>,
    room: Room,
    /// When another client was last heard.
    heard_at: Instant,
}

/// Bytes of pieces that may wait for the disk before others are heard but seldom.
const WAITING_MAX: usize = 2 * 1024 * 1024;
/// How often that is. A machine that heard nobody would take those who send for silent, though it is the disk that holds
/// them up: of a dozen who send, each is heard before his silence is too long (two seconds).
const SELDOM: Duration = Duration::from_millis(100);
/// Bytes of pieces that may wait before nobody is heard: what comes seldom in about ten seconds.
const PILED_MAX: usize = 8 * WAITING_MAX;

impl Files {
    /// There is no folder: nothing can be written or read.
    #[must_use]
    pub fn none() -> Files {
        let (tell, reports) = mpsc::unbounded_channel();
        Files { downloads: None, tell, reports, room: Room::new(WAITING_MAX), heard_at: Instant::now() }
    }

    /// For a folder.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn of(stock: Stock) -> io::Result<Files> {
        let mut files = Files::none();
        files.downloads = Some(Downloads::of(stock, files.room.clone(), files.tell.clone())?);
        Ok(files)
    }

    /// Has something done. Never waits. Chunks are sent through `hub`.
    pub fn order(&mut self, order: FileOrder, hub: &mut Hub) {
        let Some(downloads) = &mut self.downloads else { return self.refuse(order) };
        match order {
            FileOrder::Prepare { name, content } => downloads.prepare(name, content),
            FileOrder::Write { name, peer, transfer, chunk, hash, bytes, last } => {
                downloads.write(&name, (peer, transfer), (chunk, hash), bytes, last);
            }
            FileOrder::Forget { peer, transfer, .. } => downloads.forget((peer, transfer)),
            FileOrder::Complete { name, manifest } => downloads.complete(name, manifest),
            FileOrder::Release { name } => downloads.release(&name),
            FileOrder::Upload { peer, transfer, content, chunk } => {
                hub.upload(peer, transfer, downloads.source(content, chunk));
            }
            FileOrder::Stop { peer, transfer } => hub.stop(peer, transfer),
            FileOrder::List { content } => downloads.list(content),
        }
    }

    /// What came of something, or happens on a connection to another client, for the machine. While much waits for the
    /// disk, little more is taken in from others.
    pub async fn next_beside(&mut self, hub: &mut Hub) -> Input {
        let (room, again_at) = (self.room.clone(), self.heard_at + SELDOM);
        let heard = async {
            tokio::select! {
                () = room.free() => {}
                () = sleep_until(again_at), if room.bytes() < PILED_MAX => {}
            }
            hub.next().await
        };
        tokio::select! {
            input = heard => {
                self.heard_at = Instant::now();
                input
            }
            input = self.next() => input,
        }
    }

    /// What came of something, for the machine.
    async fn next(&mut self) -> Input {
        loop {
            let report = match &mut self.downloads {
                Some(downloads) => tokio::select! {
                    report = self.reports.recv() => report,
                    () = downloads.is_due() => {
                        downloads.make_safe();
                        continue;
                    }
                },
                None => self.reports.recv().await,
            };
            // This side can tell, too, so somebody always may.
            let Some(report) = report else { return std::future::pending().await };
            let event = match (report, &mut self.downloads) {
                (Report::Event(event), _) => Some(event),
                (report, Some(downloads)) => downloads.judge(report),
                (_, None) => None,
            };
            if let Some(event) = event {
                return Input::File(event);
            }
        }
    }

    /// Makes safe what was verified. Waits for the disk, and for all that was ordered.
    pub fn finish(&mut self) {
        self.downloads = None;
    }

    /// Has all threads wait until the other end of `closed` is dropped.
    #[cfg(test)]
    fn occupy(&self, closed: std::sync::mpsc::Receiver<()>) {
        let closed = std::sync::Arc::new(std::sync::Mutex::new(closed));
        self.downloads.iter().for_each(|downloads| downloads.occupy(&closed));
    }

    /// The answers where there is no folder.
    fn refuse(&self, order: FileOrder) {
        let none = || FileTrouble::Failed("there is no folder for it".to_owned());
        let event = match order {
            FileOrder::Prepare { name, .. } => FileEvent::Prepared { name, result: Err(none()) },
            FileOrder::Write { name, peer, transfer, .. } => {
                FileEvent::Written { name, peer, transfer, result: Err(none()) }
            }
            FileOrder::Complete { name, .. } => FileEvent::Completed { name, result: Err(none()) },
            FileOrder::Upload { peer, transfer, .. } => {
                FileEvent::Uploaded { peer, transfer, bytes: 0, whole: false }
            }
            FileOrder::List { content } => FileEvent::Listed { content, manifest: None },
            FileOrder::Forget { .. } | FileOrder::Release { .. } | FileOrder::Stop { .. } => return,
        };
        // Nobody else has the other end.
        let _ = self.tell.send(Report::Event(event));
    }
}

/// The pool takes no more.
fn too_much() -> WriteError {
    WriteError::Disk(io::Error::other("too much is to be written at once"))
}

/// In the machine's words.
fn trouble(error: &WriteError) -> FileTrouble {
    match error {
        WriteError::Taken => FileTrouble::Taken(None),
        error => FileTrouble::Failed(error.to_string()),
    }
}
