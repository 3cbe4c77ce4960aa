//! The host of the server: the machine, the connections it knows, and what it waits for.

use std::collections::BTreeSet;

use starling_core::id::{ConnId, Ticket};
use starling_core::name::AccountName;
use starling_core::server::{Action, Server};
use starling_core::time::Time;
use starling_core::wire::Reader;

use crate::clock::Clock;

/// The host of the server: the machine, its connections, and what it waits for.
#[derive(Clone, Debug, Default)]
pub struct ServerNode {
    /// The running machine.
    pub machine: Option<Server>,
    /// What the host's clock shows.
    pub clock: Clock,
    /// Boots of its computer.
    pub boot: u128,
    /// Its computer has booted and the server has not yet started.
    pub rebooting: bool,
    /// It is killed at the next commit: before it (false) or after it.
    pub doomed: Option<bool>,
    /// Whether its port answers.
    pub listening: bool,
    /// The operator asked it to stop.
    pub stopping: bool,
    pub(super) slots: Vec<Slot>,
    pub(super) free: BTreeSet<u32>,
    pub(super) dirty: Vec<u32>,
    pub(super) alarm: Option<Time>,
    pub(super) verifying: Vec<Option<Verifying>>,
    pub(super) actions: Vec<Action>,
    pub(super) links: Vec<u32>,
    pub(super) steps: u32,
    /// What the checkers have not yet decoded of each link.
    pub(super) readers: Vec<Reader>,
    /// Every byte that it was told, as it was told; only if somebody wants to know.
    pub(super) heard: Option<Vec<u8>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) generation: u32,
    pub(super) link: Option<u32>,
    pub(super) unread: u32,
    pub(super) dirty: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Verifying {
    pub(super) account: AccountName,
    pub(super) ticket: Ticket,
    pub(super) right: bool,
}

impl ServerNode {
    pub(super) fn new() -> ServerNode {
        ServerNode::default()
    }

    pub(super) fn check(&self) {
        if let Some(machine) = &self.machine {
            machine.check();
        }
    }

    /// The machine is gone, and with it everything it waited for.
    pub(super) fn forget(&mut self) {
        self.machine = None;
        self.listening = false;
        self.stopping = false;
        self.doomed = None;
        self.slots.clear();
        self.free.clear();
        self.dirty.clear();
        self.alarm = None;
        self.verifying.iter_mut().for_each(|order| *order = None);
    }

    pub(super) fn link(&self, conn: ConnId) -> Option<u32> {
        let slot = self.slots.get(conn.index())?;
        slot.link.filter(|_| slot.generation == conn.generation)
    }

    pub(super) fn accept(&mut self, link: u32) -> ConnId {
        let slot = self.free.pop_first().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 slots")
        });
        let entry = &mut self.slots[slot as usize];
        *entry = Slot { generation: entry.generation + 1, link: Some(link), unread: 0, dirty: false };
        ConnId { slot, generation: entry.generation }
    }

    pub(super) fn release(&mut self, conn: ConnId) {
        self.slots[conn.index()].link = None;
        self.free.insert(conn.slot);
    }

    /// What the checkers have not yet decoded of a link.
    pub(super) fn reader(&mut self, link: u32) -> &mut Reader {
        let at = link as usize;
        if self.readers.len() <= at {
            self.readers.resize_with(at + 1, Reader::new);
        }
        &mut self.readers[at]
    }
}
