//! Making safe what was verified: while it comes, and at the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Downloads, Report};
use crate::share::Part;

/// How often.
const SYNC_EVERY: Duration = Duration::from_millis(500);
/// And after how many bytes.
pub(super) const UNSAFE_MAX: u64 = 64 * 1024 * 1024;

impl Downloads {
    /// Waits until it is time for [`Downloads::make_safe`].
    pub(in crate::client::files) async fn is_due(&self) {
        if self.is_syncing || self.unsafest().is_none() {
            std::future::pending().await
        } else {
            sleep_until(self.sync_at).await;
        }
    }

    /// Makes safe what was verified of one download, unless that is being done.
    pub(in crate::client::files) fn make_safe(&mut self) {
        let Some((number, part)) = self.unsafest().filter(|_| !self.is_syncing) else { return };
        self.is_syncing = true;
        let downloads = u32::try_from(self.by_name.len().max(1)).unwrap_or(u32::MAX);
        self.sync_at = Instant::now() + SYNC_EVERY / downloads;
        let synced = move |is_safe| Report::Synced { number, is_safe };
        // If it fails, whoever writes next is told.
        self.run(synced(true), move || synced(part.sync().is_ok()));
    }

    /// That is done; a download whose disk has failed is not made safe any more.
    pub(super) fn synced(&mut self, number: u64, is_safe: bool) {
        self.is_syncing = false;
        let download = self.by_name.values_mut().find(|download| download.number == number);
        if let Some(download) = download {
            download.is_broken |= !is_safe;
        }
    }

    /// The one of which a power cut would take most, and its number.
    fn unsafest(&self) -> Option<(u64, Arc<Part>)> {
        let sound = self.by_name.values().filter(|download| !download.is_broken);
        let parts = sound.filter_map(|download| Some((download.number, download.part.as_ref()?)));
        let (number, most) = parts.max_by_key(|(_, part)| part.unsafe_bytes())?;
        (most.unsafe_bytes() > 0).then(|| (number, Arc::clone(most)))
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        self.transfers
            .values()
            .filter_map(|receiving| receiving.intake.as_ref())
            .for_each(|intake| intake.forget());
        for part in self.by_name.values().filter_map(|download| download.part.clone()) {
            // Whoever is told why has gone. The pool waits for all that it has been given.
            let _ = self.pool.run(Box::new(move || _ = part.sync()));
        }
    }
}
