//! The clients' folders: what clients order about files is done on a model, one thing after the other.

use std::time::Duration;

use starling_core::client::{FileOrder, Input};

use super::{ClientNode, World};
use crate::folder::{Done, Folder};
use crate::queue::Due;

/// What a disk needs for the next thing that it does.
const TURN: Duration = Duration::from_micros(100);

impl World {
    /// What a client orders about files.
    pub(super) fn perform_for_folder(&mut self, client: u32, order: &FileOrder) {
        self.note(|world| format!("client {client} ({}) orders {}", world.owner(client), describe(order)));
        if let FileOrder::Write { peer, .. } = order {
            self.piece_goes(client, *peer);
        }
        let World { clients, persons, .. } = self;
        let ClientNode { keeper, person, device, .. } = &mut clients[client as usize];
        keeper.perform(&mut persons[*person as usize].devices[usize::from(*device)].folder, order);
        self.plan_turn(client);
    }

    /// The disk of a client does the next thing soon, if there is one that can be done.
    pub(super) fn plan_turn(&mut self, client: u32) {
        let World { clients, net, now, queue, .. } = self;
        let ClientNode { machine, keeper, meetings, turn_at, .. } = &mut clients[client as usize];
        if machine.is_some() && turn_at.is_none() && keeper.is_busy(|peer| meetings.has_room(peer, net)) {
            queue.plan(*turn_at.insert(*now + TURN), Due::Turn { client });
        }
    }

    /// The disk of a client does the next thing.
    pub(super) fn turn(&mut self, client: u32) {
        let World { clients, net, now, queue, persons, .. } = self;
        let node = &mut clients[client as usize];
        if node.turn_at != Some(*now) || !node.is_alive() {
            return;
        }
        if node.is_asleep(*now) {
            let until = node.asleep.unwrap_or(*now);
            return queue.plan(*node.turn_at.insert(until), Due::Turn { client });
        }
        let ClientNode { keeper, meetings, person, device, turn_at, .. } = node;
        let folder = &mut persons[*person as usize].devices[usize::from(*device)].folder;
        *turn_at = None;
        match keeper.next(folder, |peer| meetings.has_room(peer, net)) {
            Some(Done::Told(event)) => self.feed_client(client, Input::File(event)),
            Some(Done::Send { peer, frame }) => {
                self.piece_goes(client, peer);
                self.send_peer(client, peer, &frame);
            }
            None => {}
        }
        self.plan_turn(client);
    }

    /// A client has ended, or was killed.
    pub(super) fn leave_folder(&mut self, client: u32, killed: bool) {
        let node = &mut self.clients[client as usize];
        let (keeper, device) = (std::mem::take(&mut node.keeper), usize::from(node.device));
        let folder = &mut self.persons[node.person as usize].devices[device].folder;
        if killed {
            keeper.crash(folder);
        } else {
            keeper.end(folder);
        }
    }

    /// The folder of somebody's first device.
    pub(super) fn folder(&mut self, person: usize) -> &mut Folder {
        &mut self.persons[person].devices[0].folder
    }
}

/// An order as it reads in a trace: names, not bytes.
fn describe(order: &FileOrder) -> String {
    match order {
        FileOrder::Write { name, peer, transfer, chunk, bytes, .. } => {
            format!("Write {name:?}, chunk {chunk}: {} bytes of {transfer} from {peer:?}", bytes.len())
        }
        FileOrder::Complete { name, .. } => format!("Complete {name:?}"),
        order => format!("{order:?}"),
    }
}
