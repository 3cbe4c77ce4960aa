//! The users who are online, in a dense table: a broadcast walks it, a login costs the same at any size.

use alloc::vec::Vec;

use crate::id::{ConnId, UserId};
use crate::name::Name;
use crate::server::exchange::Asked;

/// Somebody who is online and is told of the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    pub(super) user: UserId,
    pub(super) conn: ConnId,
    pub(super) name: Name,
    /// The present window is told to him separately.
    pub(super) aside: bool,
}

impl Watcher {
    /// As somebody who is asked for his files.
    pub(super) fn asked(&self) -> Asked {
        Asked { user: self.user, name: self.name, conn: self.conn }
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Online {
    watchers: Vec<Watcher>,
    /// By user: his place in `watchers`, plus one; 0 if he is offline.
    places: Vec<u32>,
}

impl Online {
    /// Adds a user, in the place of his older self if there is one.
    pub(super) fn join(&mut self, watcher: Watcher) {
        if self.places.len() <= watcher.user.index() {
            self.places.resize(watcher.user.index() + 1, 0);
        }
        match self.place(watcher.user) {
            Some(at) => self.watchers[at] = watcher,
            None => {
                self.watchers.push(watcher);
                self.note(self.watchers.len() - 1);
            }
        }
    }

    /// Removes a user.
    pub(super) fn leave(&mut self, user: UserId) -> Option<Watcher> {
        let at = self.place(user)?;
        self.places[user.index()] = 0;
        let gone = self.watchers.swap_remove(at);
        if at < self.watchers.len() {
            self.note(at);
        }
        Some(gone)
    }

    fn note(&mut self, at: usize) {
        let user = self.watchers[at].user;
        self.places[user.index()] = u32::try_from(at + 1).expect("users are numbered with 32 bits");
    }

    fn place(&self, user: UserId) -> Option<usize> {
        let place = *self.places.get(user.index())?;
        place.checked_sub(1).map(|at| at as usize)
    }

    pub(super) fn find(&mut self, user: UserId) -> Option<&mut Watcher> {
        self.place(user).map(|at| &mut self.watchers[at])
    }

    pub(super) fn contains(&self, user: UserId) -> bool {
        self.place(user).is_some()
    }

    pub(super) fn all(&self) -> &[Watcher] {
        &self.watchers
    }

    pub(super) fn all_mut(&mut self) -> &mut [Watcher] {
        &mut self.watchers
    }
}
