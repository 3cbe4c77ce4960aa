//! Whom a user blocks: one change at a time, written down before it holds.

use super::{Change, Home};
use crate::id::UserId;
use crate::server::cx::Cx;
use crate::server::directory::Directory;
use crate::server::envelope::{ReplyTo, ToHome, ToRoster, ToSession};
use crate::server::ledger::Order;
use crate::wire::{Outcome, PeerFault, Refusal};

impl Home {
    pub(super) fn block(&mut self, change: Change, directory: &Directory, cx: &mut Cx<'_>) {
        if self.changes.len() >= cx.config.limits.under_way_max {
            return cx.tell_session(change.reply.conn, ToSession::Fault(PeerFault::TooMany));
        }
        self.changes.push(change);
        if self.changes.len() == 1 {
            self.next_change(directory, cx);
        }
    }

    /// Begins the first of the changes that wait, unless it is refused at once.
    fn next_change(&mut self, directory: &Directory, cx: &mut Cx<'_>) {
        while let Some(change) = self.changes.first().copied() {
            match self.judge(change, directory) {
                Ok(whom) => {
                    return cx.keep(Order::Block { by: self.user, whom, on: change.on });
                }
                Err(refusal) => {
                    self.changes.remove(0);
                    cx.refuse(change.reply, refusal);
                }
            }
        }
    }

    fn judge(&self, change: Change, directory: &Directory) -> Result<UserId, Refusal> {
        let whom = directory.find(change.whom).ok_or(Refusal::UnknownUser)?;
        match (whom == self.user, self.blocks.blocks(whom), change.on) {
            (true, _, _) => Err(Refusal::Yourself),
            (_, true, true) => Err(Refusal::AlreadyBlocked),
            (_, false, false) => Err(Refusal::NotBlocked),
            _ => Ok(whom),
        }
    }

    /// The first change is stored, or cannot be. It holds once the other home and the roster know of it;
    /// only then is it answered.
    pub(crate) fn block_stored(
        &mut self,
        whom: UserId,
        on: bool,
        kept: bool,
        directory: &Directory,
        cx: &mut Cx<'_>,
    ) {
        if self.changes.is_empty() {
            return;
        }
        let change = self.changes.remove(0);
        if kept {
            self.blocks.set(whom, on);
            if on {
                self.call_blocks(whom);
            }
            self.hide_in_swarms(cx);
            cx.tell_roster(ToRoster::Hide { user: self.user, hide_from: self.blocks.blocked() });
            cx.tell_home(whom, ToHome::BlockedBy { by: self.user, on, reply: change.reply });
        } else {
            cx.refuse(change.reply, Refusal::CannotStore);
        }
        self.next_change(directory, cx);
    }

    pub(super) fn note_blocked_by(&mut self, by: UserId, on: bool, reply: ReplyTo, cx: &mut Cx<'_>) {
        self.blocks.set_blocked_by(by, on);
        if on {
            self.call_blocked_by(by, cx);
        }
        self.hide_in_swarms(cx);
        cx.reply(reply, Outcome::Accepted);
    }
}
