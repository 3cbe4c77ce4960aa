//! Keys, read on a thread of their own.
//!
//! A terminal that went away reads as empty for ever, and the reader of keys would try for ever. So the
//! thread asks the system first whether the terminal is still there, and the client's own loop, which has to
//! hear signals, never reads.

use std::io::{self, stdin};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Keys that may wait for the client. Beyond that the terminal's own buffer fills.
const WAITING_MAX: usize = 1024;
/// A change of the window's size makes no key ready; it is looked for so often.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };

/// What happens at the terminal, in order. It ends when the terminal is gone.
#[derive(Debug)]
pub(super) struct Keyboard {
    events: Receiver<Event>,
}

impl Keyboard {
    /// Begins to read.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub(super) fn open() -> io::Result<Keyboard> {
        let (sender, events) = mpsc::channel(WAITING_MAX);
        thread::Builder::new().name("keyboard".into()).spawn(move || read(&sender))?;
        Ok(Keyboard { events })
    }

    /// What happens next; nothing if the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What has happened already.
    pub(super) fn next_if_there(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

/// Reads until the terminal is gone, or nobody listens.
fn read(sender: &Sender<Event>) {
    while is_there() {
        while let Ok(true) = event::poll(Duration::ZERO) {
            let Ok(event) = event::read() else { return };
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    }
}

/// Waits for something to read, but not long; false if the terminal is gone.
fn is_there() -> bool {
    let stdin = stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut watched, Some(&GLANCE)) {
        Ok(_) => !watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
        Err(error) => error == rustix::io::Errno::INTR,
    }
}
