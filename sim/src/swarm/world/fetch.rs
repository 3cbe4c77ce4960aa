//! The side that downloads: grants, pieces, and what comes of them.

use std::time::Duration;

use starling_core::swarm::Order;

use super::super::due::Due;
use super::super::peer::News;
use super::super::setup::Nature;
use super::World;

/// How long it takes to verify a chunk.
const VERIFYING: Duration = Duration::from_micros(100);

impl World {
    pub(super) fn is_granted(&mut self, from: u32, to: u32, suggested: Option<u32>) {
        if !self.is_there(to) {
            return;
        }
        let (now, heard) = (self.now, self.heard());
        let peer = self.peer(to);
        match &mut peer.download {
            Some(download) => {
                download.granted(from, suggested, now, &mut peer.orders);
                self.settle(to);
            }
            None if peer.nature == Nature::Flooder => self.wants_anything(from, to),
            None => self.queue.plan(heard, Due::Return { from: to, to: from }),
        }
    }

    /// A flooder takes whatever there is, again and again.
    fn wants_anything(&mut self, from: u32, to: u32) {
        let (count, heard) = (u64::from(self.setup.layout.count()), self.heard());
        let owner = &self.peers[from as usize].held;
        let first = u32::try_from(self.chance.below(count)).unwrap_or(0);
        let all = (first..owner.chunks()).chain(0..first);
        match all.into_iter().find(|chunk| owner.contains(*chunk)) {
            Some(chunk) => self.queue.plan(heard, Due::Choose { from: to, to: from, chunk }),
            None => self.queue.plan(heard, Due::Return { from: to, to: from }),
        }
    }

    pub(super) fn is_refused(&mut self, from: u32, to: u32, chunk: u32) {
        let now = self.now;
        let peer = self.peer(to);
        if let Some(download) = peer.download.as_mut().filter(|_| peer.is_there) {
            download.refused(from, chunk, now, &mut peer.orders);
            self.settle(to);
        }
    }

    pub(super) fn piece(&mut self, index: u32, generation: u32, bytes: u64) {
        let now = self.now;
        let flow = &mut self.flows[index as usize];
        let (from, to, chunk) = (flow.from, flow.to, flow.chunk);
        if flow.generation != generation {
            // It was cancelled while this was under way.
            return self.peer(to).got += bytes;
        }
        flow.missing -= bytes;
        let is_whole = flow.missing == 0;
        if is_whole {
            flow.generation += 1;
            self.free_flows.push(index as usize);
        }
        let peer = self.peer(to);
        peer.got += bytes;
        let Some(download) = peer.download.as_mut().filter(|_| peer.is_there) else { return };
        download.piece(from, chunk, bytes, now);
        if is_whole && download.arrived(from, chunk, now, &mut peer.orders) {
            let right = self.peers[from as usize].nature != Nature::Poisoner;
            self.queue.plan(now + VERIFYING, Due::Verified { peer: to, from, chunk, right });
        }
        if is_whole {
            self.settle(to);
        }
    }

    pub(super) fn verified(&mut self, place: u32, from: u32, chunk: u32, right: bool) {
        let now = self.now;
        let peer = self.peer(place);
        let Some(download) = peer.download.as_mut().filter(|_| peer.is_there) else { return };
        download.verified(from, chunk, right, now, &mut peer.orders);
        if !right {
            peer.wrong += 1;
        } else if peer.held.insert(chunk) {
            peer.times.push(now);
            peer.fresh.gained(chunk, &mut peer.dice);
            peer.news.add(News::Gained(chunk, now));
            peer.gained.add((chunk, now));
            let is_done = peer.held.is_complete();
            self.spread(chunk);
            self.peer(place).slots.got(|_| true);
            self.grants(place);
            if is_done {
                self.is_done(place);
            }
        }
        self.settle(place);
    }

    fn is_done(&mut self, place: u32) {
        let now = self.now;
        self.peer(place).done_at = Some(now);
        if self.setup.peers[place as usize].leaves.is_none() {
            self.unfinished -= 1;
        }
        self.tracker.unwatch(starling_core::id::UserId(place), super::CONTENT);
    }

    /// Performs what a download wants.
    pub(super) fn perform(&mut self, place: u32) {
        // To replace somebody makes new orders.
        while !self.peer(place).orders.is_empty() {
            let orders = std::mem::take(&mut self.peer(place).orders);
            orders.into_iter().for_each(|order| self.perform_one(place, order));
        }
    }

    fn perform_one(&mut self, place: u32, order: Order<u32>) {
        let (now, heard, from) = (self.now, self.heard(), place);
        match order {
            Order::Bid { owner, wants, has, later } => {
                self.traffic.bids += 1;
                self.queue.plan(heard, Due::Bid { from, to: owner, wants, has, later });
            }
            Order::Choose { owner, chunk } => {
                self.traffic.choices += 1;
                self.peer(place).news.add(News::Started(chunk, now));
                self.queue.plan(heard, Due::Choose { from, to: owner, chunk });
            }
            Order::Return { owner } => {
                self.traffic.returns += 1;
                self.queue.plan(heard, Due::Return { from, to: owner });
            }
            Order::Cancel { owner, chunk } => {
                self.traffic.cancels += 1;
                self.queue.plan(heard, Due::Cancel { from, to: owner, chunk });
            }
            Order::Dropped { chunk } => self.peer(place).news.add(News::Dropped(chunk)),
            Order::Bar { owner } => {
                self.peer(place).neighbours.forget(owner);
                self.call_some(place);
            }
            Order::Doubt { owner, chunk } => self.peer(place).news.add(News::Doubt(owner, chunk)),
            Order::Replace { owner } => {
                self.parts(place, owner);
                self.call_some(place);
            }
            Order::GiveUp => self.traffic.given_up += 1,
        }
    }
}
