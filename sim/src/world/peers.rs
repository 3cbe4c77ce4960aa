//! Connections between clients: what the runtime does with TLS, keys and candidates, without the cryptography.
//!
//! A connection is a link of the network like any other, with a client at either end; the one who dials writes up,
//! the one who is dialed writes down. Who has a key can prove it, and nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{Action, Input};
use starling_core::device::DeviceKey;
use starling_core::direct::place::PORT_MIN;
use starling_core::direct::{Pass, Reach};
use starling_core::id::ConnId;
use starling_core::time::Time;
use starling_core::wire::Frame;

use super::server::address;
use super::{ClientNode, World};
use crate::device;
use crate::network::{Arrival, End, Far, Network};
use crate::queue::Due;

/// How long a connection whose key nobody looks for is kept: the one who dials may be a little too early.
const EARLY_MAX: Duration = Duration::from_secs(2);
/// How often it is looked whether somebody looks for it by now.
const EARLY_LOOK: Duration = Duration::from_millis(50);

/// A connection between two clients.
#[derive(Clone, Debug)]
pub(super) struct PeerLink {
    /// The client that dials, and its name for the connection.
    dialer: Side,
    /// The client that is dialed.
    acceptor: Side,
    pass: Pass,
    /// The key that the dialer looks for.
    wanted: DeviceKey,
    /// The key that it shows.
    shown: DeviceKey,
    /// Until then the acceptor may not have looked for it.
    early_until: Time,
}

#[derive(Clone, Copy, Debug)]
struct Side {
    client: u32,
    peer: Option<ConnId>,
}

/// What a client has to do with other clients.
#[derive(Clone, Debug, Default)]
pub(super) struct Meetings {
    /// The key of its device.
    key: Option<DeviceKey>,
    /// Whom it lets through, and until when, by its own clock.
    expected: BTreeMap<DeviceKey, Time>,
    /// For whom it dials.
    dialing: BTreeSet<Pass>,
    /// Its connections: the link of each, and whether it writes up.
    lines: BTreeMap<ConnId, (u32, bool)>,
    /// Connections it has had.
    count: u32,
}

impl Meetings {
    pub(super) fn of(user: u16, device: u8) -> Meetings {
        Meetings { key: device::key(user, device), ..Meetings::default() }
    }

    /// The links of its connections, and whether it writes up.
    pub(super) fn lines(&self) -> Vec<(u32, bool)> {
        self.lines.values().copied().collect()
    }

    /// Its system has taken all that was written to a connection.
    pub(super) fn has_room(&self, peer: ConnId, net: &mut Network) -> bool {
        self.lines.get(&peer).is_some_and(|(link, up)| net.link(*link).pipe(*up).waiting_bytes() == 0)
    }

    fn name(&mut self, link: u32, up: bool) -> ConnId {
        self.count += 1;
        let peer = ConnId { slot: self.count, generation: 1 };
        self.lines.insert(peer, (link, up));
        peer
    }
}

impl World {
    /// Where a client listens: a port of its own at the address of its host. Nothing for one too many.
    pub(super) fn reach_of(client: u32) -> Option<Reach> {
        let port = u16::try_from(client).ok()?.checked_add(PORT_MIN)?;
        Some(Reach { port, hosts: Vec::new() })
    }

    /// The client that listens at a place.
    fn listener(&self, place: SocketAddr) -> Option<u32> {
        let client = u32::from(place.port().checked_sub(PORT_MIN)?);
        let node = self.clients.get(client as usize)?;
        (address(node.link) == place.ip()).then_some(client)
    }

    /// What a client orders about others.
    pub(super) fn perform_for_peers(&mut self, client: u32, action: &Action) {
        let ClientNode { meetings, keeper, .. } = &mut self.clients[client as usize];
        match action {
            Action::Expect { key, until } => _ = meetings.expected.insert(*key, *until),
            Action::Abandon { pass } => _ = meetings.dialing.remove(pass),
            Action::Dial { pass, key, candidates, .. } => {
                meetings.dialing.insert(*pass);
                candidates.iter().for_each(|place| self.dial(client, *pass, *key, *place));
            }
            Action::SendPeer { peer, frame } => self.send_peer(client, *peer, frame),
            Action::ClosePeer { peer } => {
                keeper.closed(*peer);
                if let Some((link, up)) = meetings.lines.remove(peer) {
                    self.hang_up(link, up, true);
                }
            }
            _ => {}
        }
    }

    /// Who is at the other end of a connection.
    pub(super) fn met(&self, client: u32, peer: ConnId) -> Option<u16> {
        let (link, up) = self.clients[client as usize].meetings.lines.get(&peer)?;
        let Far::Peer(index) = self.net.far(*link) else { return None };
        let peer_link = &self.peer_links[index as usize];
        let other = if *up { peer_link.acceptor } else { peer_link.dialer };
        let person = self.clients[other.client as usize].person;
        Some(self.persons[person as usize].user)
    }

    fn dial(&mut self, client: u32, pass: Pass, wanted: DeviceKey, place: SocketAddr) {
        let (Some(shown), Some(listener)) =
            (self.clients[client as usize].meetings.key, self.listener(place))
        else {
            return;
        };
        let link = self.net.add(Far::Peer(u32::try_from(self.peer_links.len()).expect("fewer than 2^32")));
        let side = |client| Side { client, peer: None };
        let arrives = self.now + self.net.rule.latency;
        self.peer_links.push(PeerLink {
            dialer: side(client),
            acceptor: side(listener),
            pass,
            wanted,
            shown,
            early_until: arrives + EARLY_MAX,
        });
        self.queue.plan(arrives, Due::Knock { link });
    }

    /// A request to connect reaches the other client.
    pub(super) fn peer_knock(&mut self, link: u32, index: u32) {
        let peer_link = self.peer_links[index as usize].clone();
        let client = peer_link.acceptor.client;
        let node = &mut self.clients[client as usize];
        let local = node.local(self.now);
        if !node.is_alive() || node.meetings.key != Some(peer_link.wanted) {
            return;
        }
        let looked_for = node.meetings.expected.get(&peer_link.shown).is_some_and(|until| local < *until);
        if !looked_for || node.is_asleep(self.now) {
            if self.now < peer_link.early_until {
                self.queue.plan(self.now + EARLY_LOOK, Due::Knock { link });
            }
            return;
        }
        let peer = node.meetings.name(link, false);
        self.peer_links[index as usize].acceptor.peer = Some(peer);
        self.queue.plan(self.now + self.net.rule.latency, Due::Answer { link });
        self.feed_client(client, Input::PeerOpened { peer, key: peer_link.shown, pass: None });
    }

    /// The answer to a request to connect reaches the client that dials.
    pub(super) fn peer_answered(&mut self, link: u32, index: u32) {
        let PeerLink { dialer, pass, wanted, .. } = self.peer_links[index as usize].clone();
        let node = &mut self.clients[dialer.client as usize];
        if !node.is_alive() || !node.meetings.dialing.contains(&pass) {
            return self.hang_up(link, true, false);
        }
        if node.is_asleep(self.now) {
            return self.queue.plan(self.now + EARLY_LOOK, Due::Answer { link });
        }
        let peer = node.meetings.name(link, true);
        self.peer_links[index as usize].dialer.peer = Some(peer);
        self.feed_client(dialer.client, Input::PeerOpened { peer, key: wanted, pass: Some(pass) });
        self.look_at_peer(link);
    }

    /// Something comes along, or its end.
    pub(super) fn arrive_at_peer(&mut self, link: u32, index: u32, up: bool) {
        let peer_link = &self.peer_links[index as usize];
        let (side, writer) = match up {
            true => (peer_link.acceptor, peer_link.dialer.client),
            false => (peer_link.dialer, peer_link.acceptor.client),
        };
        // Whoever dials finds what came once he knows that he is connected.
        let Some(peer) = side.peer else { return };
        let arrival = self.net.read(link, up, self.now, &mut self.queue, &mut self.tally.faults);
        let known = self.clients[side.client as usize].meetings.lines.contains_key(&peer);
        match arrival {
            Arrival::Nothing => return,
            Arrival::Bytes(bytes) if known => self.peer_hears(side.client, peer, bytes),
            Arrival::Bytes(_) => {}
            Arrival::End(_) if known => {
                let node = &mut self.clients[side.client as usize];
                node.meetings.lines.remove(&peer);
                node.keeper.closed(peer);
                self.hang_up(link, !up, false);
                self.feed_client(side.client, Input::PeerClosed { peer });
            }
            Arrival::End(_) => {}
        }
        // The other side's system goes on writing what did not fit before.
        self.net.flush(link, up, self.now, &mut self.queue, &mut self.tally.faults);
        self.plan_turn(writer);
    }

    fn peer_hears(&mut self, client: u32, peer: ConnId, bytes: Bytes) {
        self.feed_client(client, Input::PeerReceived { peer, bytes });
    }

    pub(super) fn send_peer(&mut self, client: u32, peer: ConnId, frame: &Frame) {
        let Some((link, up)) = self.clients[client as usize].meetings.lines.get(&peer).copied() else {
            return self.judge.accuse(self.now, "peer", format!("SendPeer for {peer:?}, which is closed"));
        };
        self.note(|world| format!("client {client} ({}) -> link {link}: {frame:?}", world.owner(client)));
        let bytes = self.net.bytes(frame.len(), |arena| frame.encode_into(arena));
        self.net.link(link).pipe(up).write(bytes);
        self.net.flush(link, up, self.now, &mut self.queue, &mut self.tally.faults);
    }

    /// One side closes: it writes what it has written, or not even that, and reads no more.
    pub(super) fn hang_up(&mut self, link: u32, up: bool, politely: bool) {
        let entry = self.net.link(link);
        entry.pipe(!up).deafen();
        entry.pipe(up).finish(End::Fin, politely);
        self.net.flush(link, up, self.now, &mut self.queue, &mut self.tally.faults);
    }

    /// What came before the client knew of the connection.
    fn look_at_peer(&mut self, link: u32) {
        self.net.plan(link, false, self.now, &mut self.queue);
    }
}
