//! The sessions by connection.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::session::Session;
use crate::id::ConnId;

/// A dense table: the slot of a connection is its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    slots: Vec<Option<(u32, Session)>>,
    /// Connections in the order they were accepted, so that the oldest before login is found; who has
    /// logged in or is gone is dropped when he is come across.
    arrivals: VecDeque<ConnId>,
}

impl Sessions {
    pub(crate) fn put(&mut self, conn: ConnId, session: Session) {
        if self.slots.len() <= conn.index() {
            self.slots.resize(conn.index() + 1, None);
        }
        assert!(self.slots[conn.index()].is_none(), "a slot is taken once at a time");
        self.slots[conn.index()] = Some((conn.generation, session));
        self.arrivals.push_back(conn);
    }

    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Session> {
        match self.slots.get_mut(conn.index()) {
            Some(Some((generation, session))) if *generation == conn.generation => Some(session),
            _ => None,
        }
    }

    pub(crate) fn get(&self, conn: ConnId) -> Option<&Session> {
        match self.slots.get(conn.index()) {
            Some(Some((generation, session))) if *generation == conn.generation => Some(session),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, conn: ConnId) {
        if self.get(conn).is_some() {
            self.slots[conn.index()] = None;
        }
    }

    /// Before another is accepted: the oldest connection that has not logged in, if there are `most` of them.
    pub(crate) fn make_room(&mut self, most: usize) -> Option<ConnId> {
        if self.arrivals.len() < most {
            return None;
        }
        let mut arrivals = core::mem::take(&mut self.arrivals);
        arrivals.retain(|conn| self.get(*conn).is_some_and(|session| session.user().is_none()));
        self.arrivals = arrivals;
        if self.arrivals.len() < most {
            return None;
        }
        self.arrivals.pop_front()
    }

    pub(crate) fn conns(&self) -> impl Iterator<Item = ConnId> {
        self.iter().map(|(conn, _)| conn)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnId, &Session)> {
        self.slots.iter().enumerate().filter_map(|(slot, entry)| {
            let (generation, session) = entry.as_ref()?;
            let slot = u32::try_from(slot).expect("slots are numbered with 32 bits");
            Some((ConnId { slot, generation: *generation }, session))
        })
    }
}
