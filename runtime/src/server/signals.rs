//! What the operator tells a running server.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Handle;
use super::files::{count_plain, read_credentials, warn_of};

/// The signals that a server listens to.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    require_hashed: bool,
}

impl Signals {
    /// Listens from now on. New credentials may have to be hashed (`require_hashed`).
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn new(require_hashed: bool) -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            require_hashed,
        })
    }

    /// Waits for the wish that the server stop; meanwhile reads its credentials again when asked to.
    pub(crate) async fn stop_wanted(&mut self, server: &Handle) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => read_again(server, self.require_hashed),
            }
        }
    }
}

fn read_again(server: &Handle, require_hashed: bool) {
    match read_credentials(require_hashed) {
        Ok(entries) => {
            tracing::info!(users = entries.len(), "credentials read again");
            warn_of(count_plain(&entries));
            server.use_credentials(entries);
        }
        Err(error) => tracing::error!("{error} The old credentials stay."),
    }
}
