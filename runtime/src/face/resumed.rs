//! When the process goes on after a stop.

use std::io;

use rustix::process;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears that the process goes on. While it was stopped a shell had the terminal, and set it as shells do.
#[derive(Debug)]
pub(super) struct Resumed {
    signal: Signal,
}

impl Resumed {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn listen() -> io::Result<Resumed> {
        Ok(Resumed { signal: signal(SignalKind::from_raw(process::Signal::CONT.as_raw()))? })
    }

    /// Waits for it. Nothing is lost if the wait is given up.
    pub(super) async fn next(&mut self) {
        self.signal.recv().await;
    }
}
