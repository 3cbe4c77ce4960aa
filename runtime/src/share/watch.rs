//! The thread that notices what changes in a folder.
//!
//! What the system reports is a hint: a name is looked at once nothing has been reported of it for a moment, and
//! everything from time to time, or when reports were lost.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use starling_core::filename::FileName;

use super::index::Shared;
use super::watcher::Watcher;

/// How often everything is looked at if the system reports nothing.
const BLIND_RESCAN: Duration = Duration::from_secs(5);

/// What the thread is told.
pub(super) enum Signal {
    /// Something has happened to this file.
    Touched(FileName),
    /// Something has happened, and nobody knows to which.
    Lost,
    /// This file is to be looked at after so long.
    Look(FileName, Duration),
    /// There will be nothing more.
    Over,
}

/// Has files looked at until it is over.
pub(super) fn work(shared: &Shared, signals: &Receiver<Signal>, watcher: Option<Watcher>, rescan: Duration) {
    let rescan = if watcher.is_some() { rescan } else { rescan.min(BLIND_RESCAN) };
    let mut plan = Plan { due: BTreeMap::new(), rescan_at: Instant::now() + rescan };
    loop {
        let mut next = signals.recv_timeout(plan.next().saturating_duration_since(Instant::now()));
        // Whatever has come meanwhile belongs to the same moment.
        while let Ok(signal) = next {
            if matches!(signal, Signal::Over) {
                return;
            }
            plan.take(shared, signal);
            next = signals.try_recv().map_err(|_| RecvTimeoutError::Timeout);
        }
        let now = Instant::now();
        plan.due.extract_if(.., |_, at| *at <= now).for_each(|(name, _)| shared.look_at(name));
        if plan.rescan_at <= now {
            plan.rescan_at = now + rescan;
            if let Err(error) = shared.scan() {
                tracing::warn!(%error, "the folder cannot be read");
            }
        }
    }
}

/// When what is to be looked at.
struct Plan {
    due: BTreeMap<FileName, Instant>,
    rescan_at: Instant,
}

impl Plan {
    fn next(&self) -> Instant {
        self.due.values().copied().min().map_or(self.rescan_at, |due| due.min(self.rescan_at))
    }

    fn take(&mut self, shared: &Shared, signal: Signal) {
        let now = Instant::now();
        match signal {
            Signal::Touched(name) => {
                if !self.due.contains_key(&name) {
                    shared.glance_at(&name);
                }
                self.due.insert(name, now + shared.quiet);
            }
            Signal::Lost => self.rescan_at = now,
            Signal::Look(name, after) => _ = self.due.insert(name, now + after),
            Signal::Over => {}
        }
    }
}
