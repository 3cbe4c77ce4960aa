//! What the system reports of a folder.
//!
//! The common library for this (notify) also has every opening of a file reported, which would be our own: indexing
//! many small files would cost a multiple, and with more files than the system's queue has room for, each look at
//! them all would cause the next. So this asks Linux itself (inotify(7)); elsewhere a look from time to time must do.

use std::path::Path;
use std::sync::mpsc::Sender;

use super::watch::Signal;

#[cfg(target_os = "linux")]
pub(super) use linux::Watcher;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::sync::Arc;
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;
    use starling_core::filename::FileName;

    use super::{Path, Sender, Signal};

    /// How long it rests after it has reported. Of a file that is written the system reports each writing; those that
    /// nobody has taken yet are one, which saves as many wakings as there are pieces of a download.
    const REST: Duration = Duration::from_millis(10);

    /// Reports until it is dropped.
    #[derive(Debug)]
    pub(in super::super) struct Watcher {
        queue: Arc<OwnedFd>,
        watch: i32,
        thread: Option<JoinHandle<()>>,
    }

    impl Watcher {
        /// Has the system report what happens directly in a folder; nothing if it cannot.
        pub(in super::super) fn start(folder: &Path, signals: &Sender<Signal>) -> Option<Watcher> {
            let started = Watcher::try_start(folder, signals.clone());
            started.map_err(|error| tracing::warn!(%error, "changes of the folder are noticed late")).ok()
        }

        fn try_start(folder: &Path, signals: Sender<Signal>) -> io::Result<Watcher> {
            let what = WatchFlags::CREATE
                | WatchFlags::MODIFY
                | WatchFlags::ATTRIB
                | WatchFlags::DELETE
                | WatchFlags::MOVED_FROM
                | WatchFlags::MOVED_TO
                | WatchFlags::ONLYDIR;
            let queue = Arc::new(inotify::init(CreateFlags::CLOEXEC)?);
            let watch = inotify::add_watch(&*queue, folder, what)?;
            let reading = Arc::clone(&queue);
            let thread = thread::Builder::new().name("watcher".to_owned());
            let thread = thread.spawn(move || report(&reading, &signals))?;
            Ok(Watcher { queue, watch, thread: Some(thread) })
        }
    }

    impl Drop for Watcher {
        /// That nothing is watched any more is reported, too, and ends the thread.
        fn drop(&mut self) {
            let _ = inotify::remove_watch(&*self.queue, self.watch);
            // A panic was told when it happened.
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }

    fn report(queue: &OwnedFd, signals: &Sender<Signal>) {
        let mut bytes = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(queue, &mut bytes);
        loop {
            let (signal, is_last) = match reader.next() {
                Err(Errno::INTR) => continue,
                Err(_) => (Some(Signal::Lost), true),
                Ok(event) => (signal_of(&event), event.events().contains(ReadFlags::IGNORED)),
            };
            // If nobody listens any more, it is over.
            let is_heard = signal.is_none_or(|signal| signals.send(signal).is_ok());
            if is_last || !is_heard {
                return;
            }
            if reader.is_buffer_empty() {
                thread::sleep(REST);
            }
        }
    }

    /// Names that are none are nobody's business.
    fn signal_of(event: &Event<'_>) -> Option<Signal> {
        if event.events().intersects(ReadFlags::QUEUE_OVERFLOW | ReadFlags::IGNORED) {
            return Some(Signal::Lost);
        }
        FileName::parse(event.file_name()?.to_bytes()).map(Signal::Touched)
    }
}

/// There is none.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) enum Watcher {}

#[cfg(not(target_os = "linux"))]
impl Watcher {
    /// Nothing.
    pub(super) fn start(_: &Path, _: &Sender<Signal>) -> Option<Watcher> {
        None
    }
}
