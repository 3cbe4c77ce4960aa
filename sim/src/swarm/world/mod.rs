//! The loop over everything that happens in a swarm.

mod fetch;
mod serve;
mod talk;

use std::time::Duration;

use starling_core::id::UserId;
use starling_core::seed::{Dice, Seed};
use starling_core::swarm::{Content, ContentId, Download, Tracker, TrackerLimits};
use starling_core::time::Time;

use super::due::Due;
use super::figures::{Figures, Knowledge, Traffic};
use super::link::Flow;
use super::peer::Peer;
use super::setup::{Nature, Setup};
use crate::queue::Queue;
use talk::Letter;

/// The content that everybody is about.
/// Its size is of no interest: the world knows how it is cut.
const CONTENT: Content = Content { id: ContentId([7; 32]), size: 0 };

/// How long somebody waits before he calls again, when he was refused or left.
const CALL_AGAIN: Duration = Duration::from_millis(200);

/// Everything there is.
#[derive(Clone, Debug)]
pub(super) struct World {
    setup: Setup,
    queue: Queue<Due>,
    now: Time,
    peers: Vec<Peer>,
    tracker: Tracker,
    tracker_alarm: Time,
    flows: Vec<Flow>,
    free_flows: Vec<usize>,
    letters: Vec<Option<Letter>>,
    free_letters: Vec<usize>,
    chance: Dice,
    /// Of each chunk, how many downloaders have it.
    spread: Vec<u32>,
    /// Chunks that no downloader has.
    unspread: usize,
    /// Bytes that seeders had sent when downloaders first had everything among them.
    seeded: Option<u64>,
    unfinished: usize,
    traffic: Traffic,
    knowledge: Knowledge,
}

/// Runs a swarm until every honest downloader who stays has everything, or its time is over.
#[must_use]
pub fn run(setup: Setup) -> Figures {
    let mut world = World::new(setup);
    while world.unfinished > 0 {
        let Some((now, due)) = world.queue.pop() else { break };
        if now > world.setup.until {
            break;
        }
        world.now = now;
        world.happens(due);
    }
    Figures::of(&world)
}

impl World {
    fn new(setup: Setup) -> World {
        let chunks = setup.layout.count();
        let limits = TrackerLimits { members_max: 1_000_000, ..TrackerLimits::default() };
        let peers = (0..setup.peers.len()).map(|place| Peer::new(&setup, place)).collect();
        let stays = |place: &usize| {
            let peer = &setup.peers[*place];
            peer.nature == Nature::Honest && !peer.seeds && peer.leaves.is_none()
        };
        let unfinished = (0..setup.peers.len()).filter(stays).count();
        let mut world = World {
            queue: Queue::default(),
            now: Time::ZERO,
            peers,
            tracker: Tracker::new(limits),
            tracker_alarm: Time::NEVER,
            flows: Vec::new(),
            free_flows: Vec::new(),
            letters: Vec::new(),
            free_letters: Vec::new(),
            chance: Dice::secrets(Seed::from(setup.seed)),
            spread: vec![0; chunks as usize],
            unspread: chunks as usize,
            seeded: None,
            unfinished,
            traffic: Traffic::default(),
            knowledge: Knowledge::default(),
            setup,
        };
        for place in 0..world.setup.peers.len() {
            let (comes, leaves) = (world.setup.peers[place].comes, world.setup.peers[place].leaves);
            let peer = name(place);
            world.queue.plan(comes, Due::Come { peer });
            if let Some(at) = leaves {
                world.queue.plan(at, Due::Kill { peer });
            }
        }
        world
    }

    fn happens(&mut self, due: Due) {
        match due {
            Due::Come { peer } => self.comes(peer),
            Due::Kill { peer } => self.dies(peer),
            Due::Call { from, to } => self.calls(from, to),
            Due::CallAgain { peer } => {
                if self.is_there(peer) {
                    self.call_some(peer);
                }
            }
            Due::Lost { peer, by } => self.loses(by, peer),
            Due::Bid { from, to, wants, has, later } => self.bids(from, to, wants, has, later),
            Due::Grant { from, to, suggested } => self.is_granted(from, to, suggested),
            Due::Choose { from, to, chunk } => self.is_chosen(from, to, chunk),
            Due::Return { from, to } => self.is_returned(from, to),
            Due::Refuse { from, to, chunk } => self.is_refused(from, to, chunk),
            Due::Cancel { from, to, chunk } => self.is_cancelled(from, to, chunk),
            Due::Sent { peer, flow, bytes } => self.sent(peer, flow, u64::from(bytes)),
            Due::Wake { peer } => self.wakes(peer),
            Due::Piece { flow, generation, bytes } => self.piece(flow, generation, u64::from(bytes)),
            Due::Lose { flow, generation, bytes } => self.is_lost(flow, generation, u64::from(bytes)),
            Due::Verified { peer, from, chunk, right } => self.verified(peer, from, chunk, right),
            Due::Have { batch } => self.have(batch),
            Due::Report { batch } => self.report(batch),
            Due::Notice { batch } => self.notice(batch),
            Due::Flood { peer } => self.floods(peer),
            Due::Alarm { peer } => self.chimes(peer),
            Due::TrackerAlarm => self.tracker_chimes(),
        }
    }

    fn peer(&mut self, peer: u32) -> &mut Peer {
        &mut self.peers[peer as usize]
    }

    fn is_there(&self, peer: u32) -> bool {
        self.peers[peer as usize].is_there
    }

    /// When something that is said now is heard.
    fn heard(&self) -> Time {
        self.now + self.setup.rtt / 2
    }

    fn comes(&mut self, place: u32) {
        let now = self.now;
        let (layout, policy) = (self.setup.layout, self.setup.policy);
        let peer = self.peer(place);
        peer.is_there = true;
        let claims = peer.claims();
        if peer.nature == Nature::Honest && !peer.held.is_complete() {
            let dice = Dice::public(Seed::from(peer.dice.bits()));
            peer.download = Some(Download::new(layout, peer.held.clone(), policy, dice, now));
        }
        let user = UserId(place);
        self.tracker.register(user, CONTENT, &claims).expect("there is room");
        if let Some(snapshot) = self.tracker.watch(user, CONTENT, &[], usize::MAX, &mut self.chance) {
            let peer = self.peer(place);
            snapshot.owners.iter().for_each(|(owner, _)| peer.neighbours.met(owner.0));
            if let Some(download) = &mut peer.download {
                download.copies(&snapshot.copies);
            }
        }
        if self.peer(place).download.is_none() {
            self.tracker.unwatch(user, CONTENT);
        }
        match self.peer(place).nature {
            Nature::Framer => self.frames(place),
            Nature::Flooder => self.queue.plan(now + self.setup.rtt * 3, Due::Flood { peer: place }),
            _ => {}
        }
        self.call_some(place);
        self.settle(place);
        self.watch_tracker();
    }

    /// A peer calls whom he may.
    fn call_some(&mut self, from: u32) {
        // A connection takes a round trip, its handshake another.
        let answered = self.now + self.setup.rtt * 2;
        let peer = &mut self.peers[from as usize];
        while let Some(to) = peer.neighbours.call(&mut peer.dice) {
            self.queue.plan(answered, Due::Call { from, to });
        }
    }

    fn calls(&mut self, from: u32, to: u32) {
        if !self.is_there(from) {
            return;
        }
        if !self.is_there(to) {
            self.peer(from).neighbours.forget(to);
            return self.call_some(from);
        }
        if !self.welcomes(to, from) {
            self.peer(from).neighbours.put_off(to);
            return self.queue.plan(self.now + CALL_AGAIN, Due::CallAgain { peer: from });
        }
        self.meets(from, to);
        self.meets(to, from);
    }

    /// Whether somebody who is called has room. Who serves only parts from a neighbour who wants nothing of him.
    fn welcomes(&mut self, place: u32, caller: u32) -> bool {
        let peer = self.peer(place);
        if peer.neighbours.is_welcome(caller) {
            return true;
        }
        let idle = peer.neighbours.iter().find(|other| !peer.slots.is_bidder(*other));
        match idle.filter(|_| peer.held.is_complete()) {
            Some(other) => {
                self.parts(place, other);
                self.peer(place).neighbours.is_welcome(caller)
            }
            None => false,
        }
    }

    /// A peer ends a connection.
    fn parts(&mut self, place: u32, other: u32) {
        let (now, heard) = (self.now, self.heard());
        self.queue.plan(heard, Due::Lost { peer: place, by: other });
        let peer = self.peer(place);
        peer.neighbours.put_off(other);
        peer.slots.left(other);
        peer.suggested.retain(|(to, _)| *to != other);
        if let Some(download) = &mut peer.download {
            download.owner_left(other, now, &mut peer.orders);
        }
        self.stop_flows(place, Some(other));
    }

    /// A connection is open: each says what he has.
    fn meets(&mut self, place: u32, other: u32) {
        let (has, now) = (self.peers[other as usize].claims(), self.now);
        let peer = self.peer(place);
        if let Some(download) = &mut peer.download {
            download.owner_joined(other, has, now, &mut peer.orders);
        }
        self.settle(place);
    }

    fn dies(&mut self, place: u32) {
        self.peer(place).is_there = false;
        let heard = self.heard();
        for by in self.peer(place).neighbours.list() {
            self.queue.plan(heard, Due::Lost { peer: place, by });
        }
        self.tracker.gone(UserId(place));
        self.watch_tracker();
        self.stop_all(place);
        let held = self.peer(place).held.clone();
        if !self.setup.peers[place as usize].seeds {
            held.iter().for_each(|chunk| self.unspread(chunk));
        }
    }

    fn loses(&mut self, place: u32, other: u32) {
        if !self.is_there(place) {
            return;
        }
        let now = self.now;
        let is_gone = !self.is_there(other);
        let peer = self.peer(place);
        peer.neighbours.put_off(other);
        if is_gone {
            peer.neighbours.forget(other);
            peer.fresh.left(other);
        }
        peer.slots.left(other);
        peer.suggested.retain(|(to, _)| *to != other);
        if let Some(download) = &mut peer.download {
            download.owner_left(other, now, &mut peer.orders);
        }
        self.stop_flows(place, Some(other));
        self.grants(place);
        self.queue.plan(now + CALL_AGAIN, Due::CallAgain { peer: place });
        self.settle(place);
    }

    fn chimes(&mut self, place: u32) {
        let now = self.now;
        let peer = self.peer(place);
        if peer.alarm > now || !peer.is_there {
            return;
        }
        peer.alarm = Time::NEVER;
        if let Some(download) =
            peer.download.as_mut().filter(|one| one.deadline().is_some_and(|at| at <= now))
        {
            download.chime(now, &mut peer.orders);
        }
        if peer.slots.deadline().is_some_and(|at| at <= now) {
            peer.slots.chime(now);
            self.grants(place);
        }
        self.settle(place);
    }

    /// Performs what a peer's organs want, and sets his alarm.
    fn settle(&mut self, place: u32) {
        self.perform(place);
        self.tell(place);
        let peer = &mut self.peers[place as usize];
        if let Some(at) = peer.deadline().map(|at| at.max(self.now)).filter(|at| *at < peer.alarm) {
            peer.alarm = at;
            self.queue.plan(at, Due::Alarm { peer: place });
        }
    }

    fn spread(&mut self, chunk: u32) {
        let holders = &mut self.spread[chunk as usize];
        *holders += 1;
        self.unspread -= usize::from(*holders == 1);
        if self.unspread == 0 && self.seeded.is_none() {
            let seeds = self.setup.peers.iter().zip(&self.peers).filter(|(setup, _)| setup.seeds);
            self.seeded = Some(seeds.map(|(_, peer)| peer.sent).sum());
        }
    }

    fn unspread(&mut self, chunk: u32) {
        let holders = &mut self.spread[chunk as usize];
        *holders -= 1;
        self.unspread += usize::from(*holders == 0);
    }

    pub(super) const fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn peers(&self) -> &[Peer] {
        &self.peers
    }

    pub(super) const fn seeded(&self) -> Option<u64> {
        self.seeded
    }

    pub(super) const fn traffic(&self) -> Traffic {
        self.traffic
    }

    pub(super) fn knowledge(&self) -> Knowledge {
        self.knowledge.clone()
    }
}

/// A peer's place as it stands in events.
fn name(place: usize) -> u32 {
    u32::try_from(place).expect("fewer peers than that")
}
