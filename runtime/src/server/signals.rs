//! What the operator tells a running server.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Handle;
use super::files::read_credentials;

/// The signals that a server listens to.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the wish that the server stop; meanwhile reads its credentials again when asked to.
    pub(crate) async fn stop_wanted(&mut self, server: &Handle) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => read_again(server),
            }
        }
    }
}

fn read_again(server: &Handle) {
    match read_credentials() {
        Ok(entries) => {
            tracing::info!(users = entries.len(), "credentials read again");
            server.use_credentials(entries);
        }
        Err(error) => tracing::error!("{error} The old credentials stay."),
    }
}
