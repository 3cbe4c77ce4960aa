//! One chunk on its way to the disk: its pieces are done one after the other, by whichever thread is free.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use starling_core::swarm::{ChunkHash, ChunkHasher};

use super::room::Room;
use super::too_much;
use crate::share::pool::Handle;
use crate::share::{ChunkWriter, Part, Verdict, WriteError};

/// A piece that is shorter is copied: a few bytes must not hold on to all that was read with them.
const PIN_MIN: usize = 32 * 1024;
/// What a piece costs beside its bytes.
const PIECE_COST: usize = 128;

/// Called once, with what became of the chunk, from any thread.
pub(super) type Tell = Box<dyn FnOnce(Result<bool, WriteError>) + Send>;

/// See the module.
pub(super) struct Intake {
    part: Arc<Part>,
    chunk: u32,
    hash: ChunkHash,
    room: Room,
    pool: Handle,
    queue: Mutex<Queue>,
}

struct Queue {
    pieces: VecDeque<Piece>,
    /// Nothing while a thread has it, and before the first piece.
    sink: Option<Sink>,
    is_running: bool,
    /// Nothing once it was used, or nobody wants to know any more: then what comes is thrown away.
    tell: Option<Tell>,
}

struct Piece {
    bytes: Bytes,
    is_last: bool,
}

impl Piece {
    fn cost(&self) -> usize {
        self.bytes.len() + PIECE_COST
    }
}

/// Where pieces go.
enum Sink {
    Disk(ChunkWriter),
    /// The chunk is here already; but whether this one is right must be said all the same.
    Nowhere(Box<ChunkHasher>, ChunkHash),
}

impl Intake {
    /// For a chunk of `part`.
    pub(super) fn new(
        part: Arc<Part>,
        (chunk, hash): (u32, ChunkHash),
        room: Room,
        pool: Handle,
        tell: Tell,
    ) -> Arc<Intake> {
        let queue = Queue { pieces: VecDeque::new(), sink: None, is_running: false, tell: Some(tell) };
        Arc::new(Intake { part, chunk, hash, room, pool, queue: Mutex::new(queue) })
    }

    /// Takes the next bytes. Never waits.
    pub(super) fn put(self: &Arc<Intake>, bytes: Bytes, is_last: bool) {
        let bytes = if bytes.len() < PIN_MIN { Bytes::copy_from_slice(&bytes) } else { bytes };
        let piece = Piece { bytes, is_last };
        let mut queue = self.lock();
        if queue.tell.is_none() {
            return;
        }
        self.room.take(piece.cost());
        queue.pieces.push_back(piece);
        if !queue.is_running {
            self.run(queue);
        }
    }

    /// Throws away what has come and what will.
    pub(super) fn forget(&self) {
        let mut queue = self.lock();
        queue.tell = None;
        let (pieces, sink) = (std::mem::take(&mut queue.pieces), queue.sink.take());
        drop(queue);
        drop(sink);
        self.room.give(pieces.iter().map(Piece::cost).sum());
    }

    /// Has a thread do what waits.
    fn run(self: &Arc<Intake>, mut queue: MutexGuard<'_, Queue>) {
        let intake = Arc::clone(self);
        queue.is_running = self.pool.run(Box::new(move || intake.work())).is_ok();
        if !queue.is_running {
            let tell = queue.tell.take();
            drop(queue);
            self.forget();
            if let Some(tell) = tell {
                tell(Err(too_much()));
            }
        }
    }

    /// Does what waits, and gives others their turn before what comes meanwhile.
    fn work(self: Arc<Intake>) {
        let (pieces, mut sink) = {
            let mut queue = self.lock();
            (std::mem::take(&mut queue.pieces), queue.sink.take())
        };
        for piece in pieces {
            if self.is_wanted() {
                let cost = piece.cost();
                let done = self.write(&mut sink, piece);
                self.room.give(cost);
                if let Some(result) = done {
                    sink = None;
                    let tell = self.lock().tell.take();
                    if let Some(tell) = tell {
                        tell(result);
                    }
                }
            } else {
                self.room.give(piece.cost());
            }
        }
        let mut queue = self.lock();
        queue.sink = sink.filter(|_| queue.tell.is_some());
        if queue.pieces.is_empty() {
            queue.is_running = false;
        } else {
            self.run(queue);
        }
    }

    fn is_wanted(&self) -> bool {
        self.lock().tell.is_some()
    }

    /// What became of the chunk, if this was its end.
    fn write(&self, sink: &mut Option<Sink>, piece: Piece) -> Option<Result<bool, WriteError>> {
        let to = match sink {
            Some(to) => to,
            None => match self.sink() {
                Some(new) => sink.insert(new),
                None => return Some(Ok(false)),
            },
        };
        match to.write(&piece.bytes) {
            Ok(true) if piece.is_last => sink.take().map(Sink::finish),
            Ok(true) => None,
            over => Some(over),
        }
    }

    /// Nothing if there is no such chunk.
    fn sink(&self) -> Option<Sink> {
        let writer = self.part.writer(self.chunk, self.hash).map(Sink::Disk);
        writer.or_else(|| {
            let hasher = ChunkHasher::new(self.part.subject().layout, self.chunk)?;
            Some(Sink::Nowhere(Box::new(hasher), self.hash))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink {
    /// False if the chunk has not so many bytes.
    fn write(&mut self, piece: &[u8]) -> Result<bool, WriteError> {
        match self {
            Sink::Disk(writer) => writer.write(piece),
            Sink::Nowhere(hasher, _) => Ok(hasher.update(piece)),
        }
    }

    /// Whether it was right.
    fn finish(self) -> Result<bool, WriteError> {
        match self {
            Sink::Disk(writer) => Ok(writer.finish()? != Verdict::Wrong),
            Sink::Nowhere(hasher, hash) => Ok(hasher.finish() == Some(hash)),
        }
    }
}
