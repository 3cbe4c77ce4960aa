//! The chunks that are being sent on one connection: each has a piece sent in its turn.

use std::collections::VecDeque;

use tokio::sync::mpsc::UnboundedSender;

use super::source::{Pieces, Source, Spare};

/// Pieces that were read, of one chunk, wait twice at most: while some are sent, the next are read.
const READ_MAX: usize = 2;

/// See the module.
pub(super) struct Turns {
    uploads: VecDeque<Upload>,
    read: UnboundedSender<Read>,
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
    pub(super) fn new(read: UnboundedSender<Read>, spare: Spare) -> Turns {
        Turns { uploads: VecDeque::new(), read, spare, last_number: 0 }
    }

    /// Another chunk is to be sent.
    pub(super) fn begin(&mut self, transfer: u32, source: Source) {
        self.last_number += 1;
        let (number, ready) = (self.last_number, VecDeque::new());
        let mut upload = Upload { number, transfer, state: State::Idle(source), ready, sent_bytes: 0 };
        upload.read_on(&self.read, &self.spare);
        self.uploads.push_back(upload);
    }

    /// A chunk is not to be sent any more.
    pub(super) fn stop(&mut self, transfer: u32) {
        self.uploads.retain(|upload| upload.transfer != transfer);
    }

    /// Takes what a thread has read.
    pub(super) fn take(&mut self, Read { number, pieces }: Read) {
        let Some(upload) = self.uploads.iter_mut().find(|upload| upload.number == number) else { return };
        match pieces {
            Some((pieces, source)) => {
                upload.ready.push_back(pieces);
                upload.state = source.map_or(State::Read, State::Idle);
                upload.read_on(&self.read, &self.spare);
            }
            None => upload.state = State::Broken,
        }
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
        upload.read_on(&self.read, &self.spare);
        self.uploads.push_back(upload);
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

    /// Has more read, if there is room and there is more.
    fn read_on(&mut self, read: &UnboundedSender<Read>, spare: &Spare) {
        if self.ready.len() >= READ_MAX || !matches!(self.state, State::Idle(_)) {
            return;
        }
        let State::Idle(source) = std::mem::replace(&mut self.state, State::Reading) else { return };
        let (number, read) = (self.number, read.clone());
        // If nobody waits for it any more, it is thrown away.
        let tell = move |pieces| _ = read.send(Read { number, pieces });
        if !source.read(self.transfer, spare.clone(), tell) {
            self.state = State::Broken;
        }
    }
}
