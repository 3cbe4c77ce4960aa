//! The chunks that are being sent on one connection: each has a piece sent in its turn.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::source::{Pieces, Source, Spare};

/// Pieces that were read, of one chunk, wait twice at most: while some are sent, the next are read.
const READ_MAX: usize = 2;
/// Reads of one connection at once: one for each of as many chunks as a client has on their way to others.
const AT_ONCE_MAX: usize = 16;
/// Reads of all connections together that threads do or will do.
pub const READS_MAX: usize = 1_024;

/// Who may read, of all connections. Copies are the same.
///
/// A chunk can be stopped at any moment, a connection can end, and both can begin anew at once; but what a thread was
/// given to do it will do, and while the disk is slow it waits. It must not become so much that the threads take nothing
/// more: then a file that is as it was could not be sent, and what is fetched could not be written. So a read counts until
/// it is done, whoever still wants it, for its connection and for all, and a chunk that may not be read yet waits: that is
/// not the fault of its file.
#[derive(Clone, Debug)]
pub(super) struct Reads(Arc<Semaphore>);

/// One read. It counts until this is dropped.
pub(super) type Permit = OwnedSemaphorePermit;

impl Default for Reads {
    fn default() -> Reads {
        Reads::of(READS_MAX)
    }
}

impl Reads {
    fn of(reads_max: usize) -> Reads {
        Reads(Arc::new(Semaphore::new(reads_max)))
    }

    fn begin(&self) -> Option<Permit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    /// Waits until one more may read.
    pub(super) async fn next(&self) -> Permit {
        match Arc::clone(&self.0).acquire_owned().await {
            Ok(permit) => permit,
            // Nobody closes it.
            Err(_) => std::future::pending().await,
        }
    }
}

/// See the module.
pub(super) struct Turns {
    uploads: VecDeque<Upload>,
    reads: Reads,
    read: UnboundedSender<Read>,
    /// Reads that have not come back, also of chunks that were stopped meanwhile.
    reading: usize,
    spare: Spare,
    last_number: u64,
}

struct Upload {
    /// Tells it from an earlier one of the same transfer.
    number: u64,
    transfer: u32,
    state: State,
    ready: VecDeque<Pieces>,
    sent_bytes: u64,
}

enum State {
    /// More can be read, when there is room and it may be.
    Idle(Source),
    Reading,
    /// What is ready is the rest.
    Read,
    /// Nothing more can be sent.
    Broken,
}

/// What a thread has read.
pub(super) struct Read {
    number: u64,
    pieces: Option<(Pieces, Option<Source>)>,
}

/// A chunk of which nothing more is sent.
pub(super) struct Ended {
    pub(super) transfer: u32,
    /// Bytes that were sent.
    pub(super) bytes: u64,
    /// All there are.
    pub(super) whole: bool,
}

impl Turns {
    /// What threads read comes back through `read`.
    pub(super) fn new(reads: Reads, read: UnboundedSender<Read>, spare: Spare) -> Turns {
        Turns { uploads: VecDeque::new(), reads, read, reading: 0, spare, last_number: 0 }
    }

    /// Another chunk is to be sent.
    pub(super) fn begin(&mut self, transfer: u32, source: Source) {
        self.last_number += 1;
        let (number, ready) = (self.last_number, VecDeque::new());
        let state = State::Idle(source);
        self.uploads.push_back(Upload { number, transfer, state, ready, sent_bytes: 0 });
        self.read_on(None);
    }

    /// Has more read of all of which there is room for more, as long as it may; the first of it by this permit.
    pub(super) fn read_on(&mut self, mut permit: Option<Permit>) {
        for upload in self.uploads.iter_mut().filter(|upload| upload.wants_more()) {
            if self.reading >= AT_ONCE_MAX {
                return;
            }
            let Some(permit) = permit.take().or_else(|| self.reads.begin()) else { return };
            self.reading += usize::from(upload.read_on(permit, &self.read, &self.spare));
        }
    }

    /// More could be read, if others did not read so much.
    pub(super) fn wants_permit(&self) -> bool {
        self.reading < AT_ONCE_MAX && self.uploads.iter().any(Upload::wants_more)
    }

    /// A chunk is not to be sent any more.
    pub(super) fn stop(&mut self, transfer: u32) {
        self.uploads.retain(|upload| upload.transfer != transfer);
    }

    /// Takes what a thread has read; if its chunk was stopped, only that it is done.
    pub(super) fn take(&mut self, Read { number, pieces }: Read) {
        self.reading -= 1;
        if let Some(upload) = self.uploads.iter_mut().find(|upload| upload.number == number) {
            match pieces {
                Some((pieces, source)) => {
                    upload.ready.push_back(pieces);
                    upload.state = source.map_or(State::Read, State::Idle);
                }
                None => upload.state = State::Broken,
            }
        }
        self.read_on(None);
    }

    /// The next frame to be sent, if one is ready.
    pub(super) fn frame(&mut self) -> Option<&[u8]> {
        let next = self.uploads.iter().position(|upload| !upload.ready.is_empty())?;
        self.uploads.rotate_left(next);
        self.uploads.front()?.ready.front()?.frame()
    }

    /// The frame was sent: it is somebody else's turn.
    pub(super) fn sent(&mut self) {
        let Some(mut upload) = self.uploads.pop_front() else { return };
        if let Some(mut pieces) = upload.ready.pop_front() {
            upload.sent_bytes += pieces.sent() as u64;
            if pieces.frame().is_some() {
                upload.ready.push_front(pieces);
            }
        }
        self.uploads.push_back(upload);
        self.read_on(None);
    }

    /// A chunk of which nothing more will be sent, if there is one that was not told.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        let at = self.uploads.iter().position(Upload::is_over)?;
        let Upload { transfer, sent_bytes, state, .. } = self.uploads.remove(at)?;
        Some(Ended { transfer, bytes: sent_bytes, whole: matches!(state, State::Read) })
    }
}

impl Upload {
    fn is_over(&self) -> bool {
        match self.state {
            State::Idle(_) | State::Reading => false,
            State::Read => self.ready.is_empty(),
            State::Broken => true,
        }
    }

    fn wants_more(&self) -> bool {
        self.ready.len() < READ_MAX && matches!(self.state, State::Idle(_))
    }

    /// Has more read; false if that is not done.
    fn read_on(&mut self, permit: Permit, read: &UnboundedSender<Read>, spare: &Spare) -> bool {
        let State::Idle(source) = std::mem::replace(&mut self.state, State::Reading) else { return false };
        let (number, read) = (self.number, read.clone());
        let tell = move |pieces| {
            drop(permit);
            // If nobody waits for it any more, it is thrown away.
            let _ = read.send(Read { number, pieces });
        };
        let is_done = source.read(self.transfer, spare.clone(), tell);
        if !is_done {
            self.state = State::Broken;
        }
        is_done
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Sender, channel};

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::share::Pool;

    /// A pool that does nothing until the other end is dropped.
    fn closed() -> (Pool, Sender<()>) {
        let (pool, (gate, closed)) = (Pool::start("test", 1, READS_MAX).unwrap(), channel());
        assert!(pool.run(Box::new(move || _ = closed.recv())).is_ok());
        (pool, gate)
    }

    fn turns(reads: &Reads) -> (Turns, UnboundedReceiver<Read>) {
        let (read, pieces) = unbounded_channel();
        (Turns::new(reads.clone(), read, Spare::default()), pieces)
    }

    /// A chunk that is not there (any more), and counts how often somebody looks.
    fn missing(pool: &Pool, looks: &Arc<AtomicUsize>) -> Source {
        let looks = Arc::clone(looks);
        Source::new(pool.handle(), move || {
            looks.fetch_add(1, Ordering::Relaxed);
            None
        })
    }

    #[tokio::test]
    async fn whoever_stops_what_he_has_begun_has_little_read() {
        let ((pool, gate), looks) = (closed(), Arc::new(AtomicUsize::new(0)));
        let (mut turns, mut pieces) = turns(&Reads::default());
        for transfer in 0..1_000 {
            turns.begin(transfer, missing(&pool, &looks));
            turns.stop(transfer);
        }
        turns.begin(1_000, missing(&pool, &looks));
        assert!(turns.ended().is_none() && !turns.wants_permit(), "it waits for its own");
        drop(gate);
        let ended = loop {
            turns.take(pieces.recv().await.unwrap());
            if let Some(ended) = turns.ended() {
                break ended;
            }
        };
        assert_eq!((ended.transfer, ended.whole), (1_000, false));
        assert_eq!(looks.load(Ordering::Relaxed), AT_ONCE_MAX + 1);
    }

    #[tokio::test]
    async fn what_ended_connections_have_read_counts_for_all() {
        let ((pool, gate), looks) = (closed(), Arc::new(AtomicUsize::new(0)));
        let reads = Reads::of(1);
        let (mut gone, _) = turns(&reads);
        gone.begin(1, missing(&pool, &looks));
        drop(gone);
        let (mut turns, mut pieces) = turns(&reads);
        turns.begin(1, missing(&pool, &looks));
        assert!(turns.ended().is_none() && turns.wants_permit(), "it waits for others");
        assert!(reads.begin().is_none());
        drop(gate);
        let permit = reads.next().await;
        turns.read_on(Some(permit));
        assert!(!turns.wants_permit());
        turns.take(pieces.recv().await.unwrap());
        assert_eq!(turns.ended().map(|ended| ended.transfer), Some(1));
        assert_eq!(looks.load(Ordering::Relaxed), 2);
        assert!(reads.begin().is_some());
    }
}
