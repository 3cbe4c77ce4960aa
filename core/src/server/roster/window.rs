//! The changes of presence that nobody has been told of yet.

use alloc::vec::Vec;

use crate::id::UserId;
use crate::people::blocklist::{UserSet, contains};
use crate::wire::{Frame, Presence, PresenceItems, PresenceMark, PresenceWindow};

/// A change, and from whom it is hidden.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) user: UserId,
    pub(super) presence: Presence,
    pub(super) hide_from: Option<UserSet>,
}

/// The open window. Its changes are encoded as they come, once for everybody.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    changes: Vec<(PresenceMark, Change)>,
    items: PresenceItems,
    /// Who came while it was open: he is told only of what followed.
    newcomers: Vec<(UserId, PresenceMark)>,
}

impl Window {
    pub(super) fn push(&mut self, change: Change) {
        let mark = self.items.here();
        self.items.push(change.presence);
        self.changes.push((mark, change));
    }

    /// `user` is online from here on.
    pub(super) fn newcomer(&mut self, user: UserId) {
        self.newcomers.push((user, self.items.here()));
    }

    /// Nobody needs to be told anything.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The presence of `user` is hidden from these from now on, in what is not yet told, too.
    pub(super) fn hide(&mut self, user: UserId, hide_from: &Option<UserSet>) {
        for (_, change) in self.changes.iter_mut().filter(|(_, change)| change.user == user) {
            change.hide_from.clone_from(hide_from);
        }
    }

    /// Closes the window and begins the next.
    pub(super) fn close(&mut self) -> Closed {
        Closed {
            shared: self.items.close(),
            changes: core::mem::take(&mut self.changes),
            newcomers: core::mem::take(&mut self.newcomers),
        }
    }
}

/// A window that is told now.
pub(super) struct Closed {
    shared: PresenceWindow,
    changes: Vec<(PresenceMark, Change)>,
    newcomers: Vec<(UserId, PresenceMark)>,
}

impl Closed {
    /// Everybody who is not told the same as all others: newcomers, and those from whom something is hidden.
    pub(super) fn special(&self) -> Vec<UserId> {
        let hidden = self.changes.iter().filter_map(|(_, change)| change.hide_from.as_deref()).flatten();
        let mut special: Vec<UserId> =
            self.newcomers.iter().map(|(user, _)| user).chain(hidden).copied().collect();
        special.sort_unstable();
        special.dedup();
        special
    }

    /// What all others are told.
    pub(super) fn for_all(&self, version: u64) -> impl Iterator<Item = Frame> {
        self.shared.frames(version, PresenceMark::default())
    }

    /// What `user` is told.
    pub(super) fn for_one(&self, version: u64, user: UserId) -> Vec<Frame> {
        let from = self.newcomers.iter().rev().find(|(who, _)| *who == user).map(|(_, mark)| *mark);
        let from = from.unwrap_or_default();
        let later = || self.changes.iter().filter(|(mark, _)| *mark >= from).map(|(_, change)| change);
        if !later().any(|change| contains(&change.hide_from, user)) {
            return self.shared.frames(version, from).collect();
        }
        let mut own = PresenceItems::default();
        for change in later().filter(|change| !contains(&change.hide_from, user)) {
            own.push(change.presence);
        }
        own.close().frames(version, PresenceMark::default()).collect()
    }
}
