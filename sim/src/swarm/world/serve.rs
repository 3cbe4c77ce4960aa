//! The side that uploads: bids, grants, and what goes over the up-link.

use std::time::Duration;

use starling_core::id::UserId;
use starling_core::swarm::Bid;

use super::super::due::Due;
use super::super::link::{Flow, Next, PIECE_BYTES, span};
use super::super::setup::Nature;
use super::World;

/// How often a flooder bids: ten thousand times a second.
const FLOOD: Duration = Duration::from_micros(100);

impl World {
    pub(super) fn bids(&mut self, from: u32, to: u32, wants: u32, has: u32, later: bool) {
        if !self.is_there(to) || !self.is_there(from) {
            return;
        }
        let chunk_bytes = self.setup.layout.chunk_bytes();
        self.peer(to).slots.bid(from, Bid { user: UserId(from), wants, has, later, chunk_bytes });
        self.grants(to);
        self.settle(to);
    }

    /// Grants what is free.
    pub(super) fn grants(&mut self, from: u32) {
        let heard = self.heard();
        while let Some(to) = self.next_bidder(from) {
            let peer = self.peer(from);
            let suggested = peer.fresh.suggest();
            peer.suggested.push_back((to, suggested));
            self.traffic.grants += 1;
            self.tell_waiting(from, to);
            self.queue.plan(heard, Due::Grant { from, to, suggested });
        }
    }

    fn next_bidder(&mut self, from: u32) -> Option<u32> {
        let now = self.now;
        let peer = self.peer(from);
        let download = peer.download.as_ref();
        let is_something = |to: u32| download.is_none_or(|download| download.has_for(to));
        peer.slots.grant(now, &mut peer.dice, is_something)
    }

    pub(super) fn is_chosen(&mut self, from: u32, to: u32, chunk: u32) {
        if !self.is_there(to) {
            return;
        }
        let (now, heard) = (self.now, self.heard());
        let bytes = self.bytes_of(chunk);
        let peer = self.peer(to);
        let suggested = peer.take_suggestion(from);
        if let Some(spurned) = suggested.filter(|one| *one != chunk) {
            peer.fresh.spurned(spurned);
        }
        let has = peer.claims().contains(chunk);
        if !peer.slots.chosen(from, now) {
            return;
        }
        match peer.nature {
            Nature::Denier => {
                peer.slots.sent(from, 0, now);
                self.queue.plan(heard, Due::Refuse { from: to, to: from, chunk });
            }
            Nature::Staller => {}
            _ if has => {
                peer.fresh.given(chunk, from);
                self.begin(to, from, chunk, bytes);
            }
            _ => peer.slots.sent(from, 0, now),
        }
        self.grants(to);
        self.settle(to);
    }

    pub(super) fn is_returned(&mut self, from: u32, to: u32) {
        if !self.is_there(to) {
            return;
        }
        let now = self.now;
        let peer = self.peer(to);
        if let Some(spurned) = peer.take_suggestion(from) {
            peer.fresh.spurned(spurned);
        }
        peer.slots.returned(from, now);
        self.grants(to);
        self.settle(to);
    }

    pub(super) fn is_cancelled(&mut self, from: u32, to: u32, chunk: u32) {
        if !self.is_there(to) {
            return;
        }
        let flows = &self.flows;
        let is_it = |index: &&usize| flows[**index].to == from && flows[**index].chunk == chunk;
        if let Some(index) = self.peers[to as usize].link.flows.iter().find(is_it).copied() {
            self.stop(to, index);
        } else if self.peer(to).nature == Nature::Staller {
            let now = self.now;
            self.peer(to).slots.sent(from, 0, now);
        }
        self.grants(to);
        self.settle(to);
    }

    fn begin(&mut self, from: u32, to: u32, chunk: u32, bytes: u64) {
        let index = match self.free_flows.pop() {
            Some(index) => {
                let generation = self.flows[index].generation + 1;
                self.flows[index] = Flow::new(from, to, chunk, bytes, generation);
                index
            }
            None => {
                self.flows.push(Flow::new(from, to, chunk, bytes, 0));
                self.flows.len() - 1
            }
        };
        self.peer(from).link.flows.push_back(index);
        self.pump(from);
    }

    /// Lets an idle up-link send the next piece.
    fn pump(&mut self, from: u32) {
        let now = self.now;
        let link = &mut self.peers[from as usize].link;
        if link.is_sending {
            return;
        }
        match link.next(&mut self.flows, now) {
            Next::Piece(index, past) => {
                self.send(from, index);
                self.is_held_back(from, past);
            }
            Next::Wait(at) if at < link.wakes_at || link.wakes_at <= now => {
                link.wakes_at = at;
                let all = link.flows.len();
                self.queue.plan(at, Due::Wake { peer: from });
                self.is_held_back(from, all);
            }
            Next::Wait(_) | Next::Rest => {}
        }
    }

    fn is_held_back(&mut self, from: u32, flows: usize) {
        self.peer(from).slots.held_back(super::name(flows));
        if flows > 0 {
            self.grants(from);
        }
    }

    fn send(&mut self, from: u32, index: usize) {
        let flow = &mut self.flows[index];
        let bytes = flow.unsent.min(PIECE_BYTES);
        flow.unsent -= bytes;
        let (to, generation, is_over) = (flow.to, flow.generation, flow.unsent == 0);
        let link = &mut self.peers[from as usize].link;
        if is_over {
            link.flows.retain(|other| *other != index);
        }
        let took = span(bytes, link.up);
        link.is_sending = true;

        link.busy += took;
        let (left, flow) = (self.now + took, super::name(index));
        let bytes_sent = u32::try_from(bytes).expect("a piece is small");
        self.queue.plan(left, Due::Sent { peer: from, flow, bytes: bytes_sent });
        let is_lost =
            self.setup.loss_ppm > 0 && self.chance.below(1_000_000) < u64::from(self.setup.loss_ppm);
        if is_lost {
            let known = left + self.setup.rtt;
            self.flows[index].travels(known);
            self.queue.plan(known, Due::Lose { flow, generation, bytes: bytes_sent });
        } else {
            let passes = self.peers[to as usize].link.passes_at(bytes, left + self.setup.rtt / 2);
            self.flows[index].travels(passes + self.setup.rtt / 2);
            self.queue.plan(passes, Due::Piece { flow, generation, bytes: bytes_sent });
        }
    }

    /// A piece has left the up-link.
    pub(super) fn sent(&mut self, from: u32, flow: u32, bytes: u64) {
        let now = self.now;
        self.peer(from).link.is_sending = false;
        self.peer(from).sent += bytes;
        let flow = &mut self.flows[flow as usize];
        // A flow that was cancelled meanwhile has been accounted for.
        let is_whole = flow.from == from && flow.unsent == 0 && !flow.is_sent;
        if is_whole {
            flow.is_sent = true;
            let (to, whole) = (flow.to, flow.bytes);
            self.peer(from).slots.sent(to, whole, now);
            self.grants(from);
        }
        if self.peer(from).leaves_after.is_some_and(|most| self.peers[from as usize].sent >= most) {
            return if self.is_there(from) {
                self.dies(from)
            };
        }
        self.pump(from);
        self.settle(from);
    }

    pub(super) fn wakes(&mut self, peer: u32) {
        self.pump(peer);
    }

    /// A sender learns that a piece did not arrive: it goes again.
    pub(super) fn is_lost(&mut self, index: u32, generation: u32, bytes: u64) {
        let flow = &mut self.flows[index as usize];
        if flow.generation != generation {
            return;
        }
        let (from, was_over) = (flow.from, flow.unsent == 0);
        flow.unsent += bytes;
        if was_over {
            self.peer(from).link.flows.push_front(index as usize);
        }
        self.pump(from);
    }

    /// Ends the flows of a peer who is gone.
    pub(super) fn stop_all(&mut self, from: u32) {
        self.stop_flows(from, None);
    }

    /// Ends what is sent to somebody, or to everybody.
    pub(super) fn stop_flows(&mut self, from: u32, to: Option<u32>) {
        let flows = &self.flows;
        let is_to = |index: &usize| to.is_none_or(|to| flows[*index].to == to);
        let stopped: Vec<usize> =
            self.peers[from as usize].link.flows.iter().copied().filter(is_to).collect();
        stopped.into_iter().for_each(|index| self.stop(from, index));
    }

    fn stop(&mut self, from: u32, index: usize) {
        let now = self.now;
        let flow = &mut self.flows[index];
        let (to, is_sent) = (flow.to, flow.is_sent);
        // What of it is still on its way belongs to nobody.
        (flow.generation, flow.is_sent) = (flow.generation + 1, true);
        self.free_flows.push(index);
        let peer = self.peer(from);
        peer.link.flows.retain(|other| *other != index);
        if !is_sent {
            peer.slots.sent(to, 0, now);
        }
    }

    /// Bids at everybody, and at once again.
    pub(super) fn floods(&mut self, peer: u32) {
        for to in self.peer(peer).neighbours.list() {
            self.bids(peer, to, 16, 0, false);
        }
        self.queue.plan(self.now + FLOOD, Due::Flood { peer });
    }

    pub(super) fn bytes_of(&self, chunk: u32) -> u64 {
        self.setup.layout.range(chunk).map_or(0, |range| range.end - range.start)
    }
}
