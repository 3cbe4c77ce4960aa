//! One accepted connection: its stream, what it has to write, and how far it has come.

use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};

use starling_core::device::Exported;

use super::inbound::Inbound;
use super::outbuf::{OutBuf, Spare};
use super::transport::Transport;

/// Bytes that are read and thrown away while a connection ends.
const DISCARD_MAX_BYTES: usize = 1024 * 1024;

/// A connection of a shard. Idle, it owns no buffer.
#[derive(Debug)]
pub(crate) struct Connection {
    transport: Transport,
    /// Where it comes from.
    pub(crate) from: IpAddr,
    /// Puts this connection on the shard's ready list.
    waker: Waker,
    /// What is to be written.
    pub(crate) out: OutBuf,
    /// The unread bytes that the machine was last told of.
    pub(crate) told: u32,
    /// It is on the list of those that are flushed at the end of the turn.
    pub(crate) dirty: bool,
    /// How far it has come.
    pub(crate) stage: Stage,
}

/// The life of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The machine knows it, and it is read from.
    Open,
    /// The machine knows it, and wants nothing from it now.
    Paused,
    /// It broke; the machine is about to be told.
    Broken,
    /// The machine has forgotten it. What is left is written, and what comes is thrown away: closing over
    /// unread bytes would reset the connection and could destroy the last frame on its way.
    Leaving(Rest),
    /// All is written and the peer has been told; now it is his turn to close.
    Parting(Rest),
}

/// What a connection that ends still reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    discarded: usize,
    /// The peer has closed, or has sent so much that the patience with him is over.
    ended: bool,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// So many bytes lie at the front of the room, and perhaps more wait.
    More(usize),
    /// So many bytes lie at the front of the room; the connection wakes the shard when others come.
    Drained(usize),
    /// Nothing now.
    Nothing,
    /// What came is not what a client of Starling sends first.
    Foreign,
    /// The peer has closed, or the connection is broken.
    End,
}

/// What came of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The out-buffer is empty.
    All,
    /// The connection wakes the shard when it takes more.
    Partly,
    /// The connection is broken.
    Broken,
}

impl Connection {
    /// A connection that was just accepted.
    pub(crate) fn new(transport: Transport, from: IpAddr, waker: Waker) -> Connection {
        Connection {
            transport,
            from,
            waker,
            out: OutBuf::default(),
            told: 0,
            dirty: false,
            stage: Stage::Open,
        }
    }

    /// Whether the machine knows it.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Paused | Stage::Broken)
    }

    /// Whether it takes part in the talk: known, and not broken.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Paused)
    }

    /// Reads once.
    pub(crate) fn read(&mut self, inbound: &mut Inbound) -> Read {
        let mut cx = Context::from_waker(&self.waker);
        let room = inbound.room();
        match self.transport.poll_read(&mut cx, room) {
            Poll::Pending => Read::Nothing,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Read::More(0),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Read::Foreign,
            Poll::Ready(Ok(0) | Err(_)) => Read::End,
            Poll::Ready(Ok(count)) => match self.transport.poll_readable(&mut cx) {
                Poll::Ready(()) => Read::More(count),
                Poll::Pending => Read::Drained(count),
            },
        }
    }

    /// Writes what the peer's system takes.
    pub(crate) fn flush(&mut self, spare: &mut Spare) -> Written {
        let mut cx = Context::from_waker(&self.waker);
        while !self.out.is_empty() {
            match self.transport.poll_write(&mut cx, self.out.as_slice()) {
                Poll::Ready(Ok(count)) => self.out.advance(count, spare),
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(_)) => return Written::Broken,
                Poll::Pending => return Written::Partly,
            }
        }
        match self.transport.poll_flush(&mut cx) {
            Poll::Ready(Ok(())) => Written::All,
            Poll::Ready(Err(_)) => Written::Broken,
            Poll::Pending => Written::Partly,
        }
    }

    /// Bytes that are to be written and that the system has not taken yet.
    pub(crate) fn unwritten_bytes(&self) -> usize {
        self.out.len() + self.transport.pending_bytes()
    }

    /// What TLS exports for it.
    pub(crate) fn exported(&self) -> Option<Exported> {
        self.transport.exported()
    }

    /// The peers do not have their keys yet.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.transport.is_handshaking()
    }

    /// Takes the next step of a connection that ends; true when it is over.
    pub(crate) fn part(&mut self, inbound: &mut Inbound, spare: &mut Spare) -> bool {
        // First, because a handshake that reading completes lets the rest be written.
        self.discard(inbound);
        if let Stage::Leaving(rest) = self.stage {
            match self.flush(spare) {
                Written::All => self.stage = Stage::Parting(rest),
                Written::Partly => {}
                Written::Broken => return true,
            }
            let mut cx = Context::from_waker(&self.waker);
            if matches!(self.stage, Stage::Parting(_)) && self.transport.poll_shutdown(&mut cx).is_pending() {
                self.stage = Stage::Leaving(rest);
            }
        }
        matches!(self.stage, Stage::Parting(Rest { ended: true, .. }))
    }

    fn discard(&mut self, inbound: &mut Inbound) {
        let (Stage::Leaving(mut rest) | Stage::Parting(mut rest)) = self.stage else { return };
        while !rest.ended {
            match self.read(inbound) {
                Read::More(count) | Read::Drained(count) => rest.discarded += count,
                Read::Nothing => break,
                Read::Foreign | Read::End => rest.ended = true,
            }
            rest.ended |= rest.discarded > DISCARD_MAX_BYTES;
        }
        match &mut self.stage {
            Stage::Leaving(kept) | Stage::Parting(kept) => *kept = rest,
            Stage::Open | Stage::Paused | Stage::Broken => {}
        }
    }
}
