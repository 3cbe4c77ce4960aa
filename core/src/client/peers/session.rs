//! A private session: texts in both directions, and who has read how many.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::id::{ConnId, RequestId};
use crate::limits::UNDER_WAY_MAX;
use crate::text::Text;
use crate::time::Time;

/// How long the other side of a session that is being ended may take to say that it has read everything: less than
/// the second in which a command is answered.
pub(super) const PARTING_MAX: Duration = Duration::from_millis(900);
/// Texts that wait for a word that they were read. Commands under way are fewer.
const WAITING_MAX: usize = 1 << 10;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) conn: ConnId,
    /// This side has said goodbye.
    pub(super) leaving: Option<Leaving>,
    /// Texts of the other side that were shown.
    shown: u64,
    /// Texts of this side that the other one has shown.
    heard: u64,
    /// The commands whose texts it has not.
    waiting: VecDeque<RequestId>,
    /// Texts that came after this side had said goodbye. They are shown if the other side has said goodbye, too;
    /// else it will take them back.
    held: Vec<Text>,
}

/// The end of a session on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaving {
    /// The command that ends it, unless the whole login is ended.
    pub(super) stop: Option<RequestId>,
    /// The other side is waited for until then.
    pub(super) until: Time,
}

/// The other side has counted texts that were never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Miscounted;

impl Session {
    pub(super) fn new(conn: ConnId) -> Session {
        Session { conn, leaving: None, shown: 0, heard: 0, waiting: VecDeque::new(), held: Vec::new() }
    }

    /// A text goes out for a command.
    pub(super) fn said(&mut self, request: RequestId) {
        self.waiting.push_back(request);
    }

    /// A text of the other side is shown; so many are by now.
    pub(super) fn show(&mut self) -> u64 {
        self.shown += 1;
        self.shown
    }

    /// The other side has shown so many texts: the commands that this answers.
    ///
    /// # Errors
    /// [`Miscounted`]: there are not so many, or there were more before.
    pub(super) fn heard(
        &mut self,
        count: u64,
    ) -> Result<impl Iterator<Item = RequestId> + use<>, Miscounted> {
        let news =
            count.checked_sub(self.heard).and_then(|news| usize::try_from(news).ok()).ok_or(Miscounted)?;
        if news > self.waiting.len() {
            return Err(Miscounted);
        }
        self.heard = count;
        Ok(self.waiting.drain(..news).collect::<VecDeque<_>>().into_iter())
    }

    /// A text came after this side had said goodbye.
    ///
    /// # Errors
    /// [`Miscounted`]: nobody has said so many before he could know of the goodbye.
    pub(super) fn hold(&mut self, text: Text) -> Result<(), Miscounted> {
        if self.held.len() == UNDER_WAY_MAX {
            return Err(Miscounted);
        }
        self.held.push(text);
        Ok(())
    }

    /// How far its end had come, the texts that wait for it, and the commands whose texts nobody has said to have
    /// read.
    pub(super) fn end(self) -> (Option<Leaving>, Vec<Text>, VecDeque<RequestId>) {
        (self.leaving, self.held, self.waiting)
    }

    pub(super) fn check(&self) {
        assert!(self.held.is_empty() || self.leaving.is_some(), "a text waits only for the end");
        assert!(self.waiting.len() <= WAITING_MAX, "what waits is bounded by the commands under way");
    }
}
