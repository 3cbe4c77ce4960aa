//! How much may wait for the disk.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Bytes that wait to be written. Copies count the same.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes: AtomicUsize,
    bytes_max: usize,
    freed: Notify,
}

impl Room {
    /// Room for so many bytes. It is no wall: whoever has asked for [`Room::free`] may bring a little more.
    pub(super) fn new(bytes_max: usize) -> Room {
        Room(Arc::new(Inner { bytes: AtomicUsize::new(0), bytes_max, freed: Notify::new() }))
    }

    /// Waits until there is room. Meanwhile little more should be taken in from other clients.
    pub(super) async fn free(&self) {
        while self.is_full() {
            let mut freed = pin!(self.0.freed.notified());
            freed.as_mut().enable();
            if self.is_full() {
                freed.await;
            }
        }
    }

    /// So many bytes wait from now on.
    pub(super) fn take(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes wait no longer.
    pub(super) fn give(&self, bytes: usize) {
        let before = self.0.bytes.fetch_sub(bytes, Ordering::SeqCst);
        if before >= self.0.bytes_max && !self.is_full() {
            self.0.freed.notify_waiters();
        }
    }

    /// How many wait.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::SeqCst)
    }

    fn is_full(&self) -> bool {
        self.bytes() >= self.0.bytes_max
    }
}
