//! To whom a chunk is given next: the organ of everybody who uploads.
//!
//! A transfer has four steps. The downloader *bids*: "I want something of this content". The uploader *grants* a slot
//! when he has one free. The downloader *chooses* a chunk, or gives the slot back. The uploader *sends* it. So neither
//! side has chunks queue up: the bid waits, and a bid names no chunk (late binding).
//!
//! **How many.** Two chunks are accepted at a time, so that the answer to a grant travels while the other chunk is
//! being sent; where answers take longer than that, as many as the up-link sends meanwhile, but never more than it
//! sends in 300 ms. More would be promised earlier than it can be kept, and be chosen on older knowledge; with less, an
//! up-link is idle where a round trip takes 80 ms (BENCHMARKS.md).
//!
//! **Beside each other.** A connection of its own has a window of its own, and what its receiver takes is his share of
//! his down-link. Over TCP an up-link is therefore filled by several receivers, not by one; a driver that knows what
//! the receivers take says so ([`Slots::held_back`]), one that does not has some served [abreast](Slots::abreast).
//!
//! **To whom.** No tit-for-tat: a team trusts its members, and in a swarm of uploaders the order of service matters
//! little as long as nobody is served twice while others wait (Legout et al., "Rarest first and choke algorithms are
//! enough", IMC 2006, §4.2: the seed state). Among users the up-link is shared by start-time fair queueing (Goyal, Vin,
//! Cheng, SIGCOMM 1996): one with a hundred connections or ten thousand bids a second has the share of one. Within
//! `SLACK_CHUNKS` of that, whoever waits for least from us goes first, so that receivers are served beside each other,
//! none with more than his part of all slots; and among those somebody who has few chunks and is being sent few: his
//! down-link has room, and his up-link is idle.
//!
//! What a bid says of that grows old while it waits, and all uploaders are told much the same. If all of them served
//! whoever seems to have least, too much would go to him while others wait; so it is the least of a few, drawn by chance
//! (Mitzenmacher, "How useful is old information?", IEEE TPDS 2000).

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::meter::Meter;
use crate::id::UserId;
use crate::seed::Dice;
use crate::time::Time;

/// Chunks granted to one bidder and not yet sent.
pub const OUTSTANDING_MAX: u32 = 16;
/// Chunks that are accepted at a time however slow the up-link is.
const ACCEPTED_MIN: u32 = 2;
/// Chunks that are accepted at a time while some of their receivers are busy.
const BESIDE_MAX: u32 = 8;
/// What is accepted beyond those takes the up-link no longer than this.
const LEAD_MAX: Duration = Duration::from_millis(300);
/// How long a bidder may take to answer a grant; then his bid is gone.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// So many chunks a user may be ahead of another who waits, because he has fewer.
const SLACK_CHUNKS: u64 = 20;
/// Of so many bidders, drawn by chance, the one who has least goes first.
const DRAWN: usize = 4;

/// What somebody wants of us. `U` names users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bid<U = UserId> {
    /// Whose it is.
    pub user: U,
    /// How many more chunks he could take now: the latest word holds. 0 withdraws.
    pub wants: u32,
    /// How many chunks of the content he has or is being sent.
    pub has: u32,
    /// He wants nothing of what we have now, only when we have got something more.
    pub later: bool,
    /// Bytes of a chunk of this content.
    pub chunk_bytes: u64,
}

/// All who want something of us; a bidder is a connection and a content.
#[derive(Clone, Debug)]
pub struct Slots<K, U = UserId> {
    bidders: BTreeMap<K, Bidder<U>>,
    /// The virtual time of fair queueing: the start tag of whoever of those who wait has had least.
    virtual_now: u64,
    /// Virtual time at which all that a user was granted is over.
    finish: BTreeMap<U, u64>,
    accepted: u32,
    accepted_bytes: u64,
    /// Chunks whose receivers take less than the up-link could send them.
    held_back: u32,
    /// Receivers who are served beside each other, if there are so many.
    abreast: u32,
    uplink: Meter,
    /// Since when the up-link has been busy with what it sends now.
    busy_since: Time,
    /// How long bidders take to answer, smoothed.
    answer: Duration,
    alarm: Option<Time>,
}

#[derive(Clone, Debug)]
struct Bidder<U> {
    bid: Bid<U>,
    /// When each slot was granted that is not answered. Answers come in the same order.
    granted: VecDeque<Time>,
    /// Chosen and not sent.
    sending: u32,
    /// How long he takes to answer, smoothed.
    answer: Duration,
}

impl<K, U> Default for Slots<K, U> {
    fn default() -> Self {
        Slots {
            bidders: BTreeMap::new(),
            virtual_now: 0,
            finish: BTreeMap::new(),
            accepted: 0,
            accepted_bytes: 0,
            held_back: 0,
            abreast: 1,
            uplink: Meter::default(),
            busy_since: Time::ZERO,
            answer: Duration::ZERO,
            alarm: None,
        }
    }
}

impl<K: Ord + Copy, U: Ord + Copy> Slots<K, U> {
    /// For connections each of which takes only a part of what the up-link sends: up to so many receivers are served
    /// beside each other.
    #[must_use]
    pub fn abreast(receivers: u32) -> Slots<K, U> {
        Slots { abreast: receivers.max(1), ..Slots::default() }
    }

    /// A bid, which replaces the earlier one of the same bidder.
    pub fn bid(&mut self, key: K, bid: Bid<U>) {
        let bid = Bid { wants: bid.wants.min(OUTSTANDING_MAX), chunk_bytes: bid.chunk_bytes.max(1), ..bid };
        let new = Bidder { bid, granted: VecDeque::new(), sending: 0, answer: Duration::ZERO };
        let bidder = self.bidders.entry(key).or_insert(new);
        // What was accepted was counted with the size of chunk that held then.
        let chunk_bytes = if bidder.outstanding() > 0 { bidder.bid.chunk_bytes } else { bid.chunk_bytes };
        bidder.bid = Bid { chunk_bytes, ..bid };
    }

    /// We have got a chunk: those who wait for something more of this content want it. `is_his` says who bids for it.
    pub fn got(&mut self, is_his: impl Fn(K) -> bool) {
        let waiting = self.bidders.iter_mut().filter(|(key, _)| is_his(**key));
        waiting.for_each(|(_, bidder)| bidder.bid.later = false);
    }

    /// So many of the accepted chunks have receivers who cannot take more now; others may be sent beside them.
    pub const fn held_back(&mut self, chunks: u32) {
        self.held_back = chunks;
    }

    /// He has bid, and is not gone.
    #[must_use]
    pub fn is_bidder(&self, key: K) -> bool {
        self.bidders.contains_key(&key)
    }

    /// A slot, if one is free and somebody bids for whom there `is_something`: whose bid would only be given back keeps
    /// it. Ask until there is none.
    pub fn grant(&mut self, now: Time, dice: &mut Dice, is_something: impl Fn(K) -> bool) -> Option<K> {
        let flowing = self.accepted - self.held_back.min(self.accepted);
        let is_full = flowing >= self.accepted_min() && self.accepted_bytes >= self.lead_bytes();
        if is_full || flowing < self.accepted && self.accepted >= BESIDE_MAX {
            return None;
        }
        let (key, first) = self.next_bidder(dice, is_something)?;
        self.virtual_now = first;
        let bidder = self.bidders.get_mut(&key)?;
        bidder.bid.wants -= 1;
        bidder.granted.push_back(now);
        let bid = bidder.bid;
        self.accepted += 1;
        self.accepted_bytes += bid.chunk_bytes;
        let finish = self.start_of(bid.user).saturating_add(bid.chunk_bytes);
        self.finish.insert(bid.user, finish);
        let late = now + ANSWER_MAX;
        self.alarm = Some(self.alarm.map_or(late, |alarm| alarm.min(late)));
        Some(key)
    }

    /// A bidder chose a chunk. False if nothing was granted to him: nothing is to be sent.
    pub fn chosen(&mut self, key: K, now: Time) -> bool {
        let answered = self.answered(key, now).is_some();
        let is_idle = self.bidders.values().all(|bidder| bidder.sending == 0);
        if is_idle {
            // While the up-link waits for answers it is not slow.
            self.busy_since = now;
        }
        if let Some(bidder) = self.bidders.get_mut(&key).filter(|_| answered) {
            bidder.sending += 1;
        }
        answered
    }

    /// A bidder gave a slot back; it costs him nothing.
    pub fn returned(&mut self, key: K, now: Time) {
        if let Some(bid) = self.answered(key, now) {
            self.release(bid.chunk_bytes);
            self.refund(bid);
        }
    }

    /// A chosen chunk was sent, or will not be: he cancelled, or it cannot be read.
    pub fn sent(&mut self, key: K, bytes: u64, now: Time) {
        let Some(bidder) = self.bidders.get_mut(&key).filter(|bidder| bidder.sending > 0) else { return };
        bidder.sending -= 1;
        let chunk_bytes = bidder.bid.chunk_bytes;
        self.release(chunk_bytes);
        self.uplink.note(bytes, now - self.busy_since);
        self.busy_since = now;
    }

    /// A bidder is gone, with all that he was granted.
    pub fn left(&mut self, key: K) {
        let Some(bidder) = self.bidders.remove(&key) else { return };
        (0..bidder.outstanding()).for_each(|_| self.release(bidder.bid.chunk_bytes));
        let (bidders, virtual_now) = (&self.bidders, self.virtual_now);
        let is_there = |user: U| bidders.values().any(|other| other.bid.user == user);
        // His share is remembered while it still counts: coming anew is no advantage.
        if !is_there(bidder.bid.user) {
            self.finish.retain(|user, finish| *user != bidder.bid.user || *finish > virtual_now);
        }
    }

    /// Takes back what was not answered in time; the bid is gone with it.
    pub fn chime(&mut self, now: Time) {
        self.alarm = None;
        let mut freed = 0;
        for bidder in self.bidders.values_mut() {
            let Some(latest) = bidder.granted.back() else { continue };
            let late = *latest + ANSWER_MAX;
            if late <= now {
                self.accepted -= bidder.unanswered();
                freed += u64::from(bidder.unanswered()) * bidder.bid.chunk_bytes;
                bidder.granted.clear();
                bidder.bid.wants = 0;
            } else {
                self.alarm = Some(self.alarm.map_or(late, |alarm| alarm.min(late)));
            }
        }
        self.accepted_bytes -= freed;
    }

    /// When to chime.
    #[must_use]
    pub const fn deadline(&self) -> Option<Time> {
        self.alarm
    }

    /// Chunks granted and not yet sent.
    #[must_use]
    pub const fn accepted(&self) -> u32 {
        self.accepted
    }

    /// Chunks that are accepted at a time however slow the up-link is: for each receiver one that is sent, and one that
    /// he chooses meanwhile.
    fn accepted_min(&self) -> u32 {
        let is_served = |bidder: &&Bidder<U>| bidder.is_open() || bidder.outstanding() > 0;
        let served = self.bidders.values().filter(is_served).take(self.abreast as usize).count();
        ACCEPTED_MIN * u32::try_from(served).unwrap_or(self.abreast).max(1)
    }

    /// What the up-link sends while an answer travels, twice because some slots come back, and a chunk.
    fn lead_bytes(&self) -> u64 {
        let chunk_bytes = self.accepted_bytes / u64::from(self.accepted.max(1));
        self.uplink.bytes_in((self.answer * 2).min(LEAD_MAX)).saturating_add(chunk_bytes)
    }

    /// Slots of one bidder, among so many: what goes to him over his share of the up-link while his answers travel, twice,
    /// and a chunk. Whoever bids first would else have all slots, although his connection takes only a share of the
    /// up-link, and the others bid a moment later.
    fn outstanding_max(&self, bidder: &Bidder<U>, among: u64) -> u32 {
        let bytes = self.uplink.bytes_in((bidder.answer * 2).min(LEAD_MAX)) / among.max(1);
        let part = bytes.div_ceil(bidder.bid.chunk_bytes).saturating_add(1);
        u32::try_from(part).unwrap_or(OUTSTANDING_MAX).clamp(ACCEPTED_MIN, OUTSTANDING_MAX)
    }

    /// Who goes next, and the virtual time that it then is.
    fn next_bidder(&self, dice: &mut Dice, is_something: impl Fn(K) -> bool) -> Option<(K, u64)> {
        let takes_part = |bidder: &&Bidder<U>| !bidder.bid.later || bidder.outstanding() > 0;
        let among = self.bidders.values().filter(takes_part).count() as u64;
        let is_open = |(key, bidder): &(&K, &Bidder<U>)| {
            bidder.is_open()
                && bidder.outstanding() < self.outstanding_max(bidder, among)
                && is_something(**key)
        };
        let open: Vec<(&K, &Bidder<U>)> = self.bidders.iter().filter(is_open).collect();
        let open = || open.iter().copied();
        let first = open().map(|(_, bidder)| self.start_of(bidder.bid.user)).min()?;
        let is_near = |(_, bidder): &(&K, &Bidder<U>)| {
            let slack = SLACK_CHUNKS * bidder.bid.chunk_bytes;
            self.start_of(bidder.bid.user) <= first.saturating_add(slack)
        };
        let least = open().filter(is_near).map(|(_, bidder)| bidder.outstanding()).min()?;
        let idlest: Vec<(&K, &Bidder<U>)> =
            open().filter(is_near).filter(|(_, bidder)| bidder.outstanding() == least).collect();
        let drawn = (0..DRAWN)
            .filter_map(|_| idlest.get(usize::try_from(dice.below(idlest.len() as u64)).unwrap_or(0)));
        let next = drawn.min_by_key(|(_, bidder)| bidder.bid.has);
        next.map(|(key, _)| (**key, first))
    }

    /// When, in virtual time, a user's next chunk would begin.
    fn start_of(&self, user: U) -> u64 {
        self.finish.get(&user).copied().unwrap_or(0).max(self.virtual_now)
    }

    fn answered(&mut self, key: K, now: Time) -> Option<Bid<U>> {
        let bidder = self.bidders.get_mut(&key)?;
        let answer = now - bidder.granted.pop_front()?;
        bidder.answer = smoothed(bidder.answer, answer);
        self.answer = smoothed(self.answer, answer);
        Some(bidder.bid)
    }

    fn release(&mut self, chunk_bytes: u64) {
        self.accepted -= 1;
        self.accepted_bytes -= chunk_bytes;
    }

    fn refund(&mut self, bid: Bid<U>) {
        if let Some(finish) = self.finish.get_mut(&bid.user) {
            *finish = finish.saturating_sub(bid.chunk_bytes);
        }
    }
}

/// A mean in which the latest counts for an eighth.
fn smoothed(mean: Duration, latest: Duration) -> Duration {
    if mean.is_zero() { latest } else { (mean * 7 + latest) / 8 }
}

impl<U> Bidder<U> {
    /// He waits for a slot, and may have another.
    fn is_open(&self) -> bool {
        self.bid.wants > 0 && !self.bid.later && self.outstanding() < OUTSTANDING_MAX
    }

    fn unanswered(&self) -> u32 {
        u32::try_from(self.granted.len()).unwrap_or(u32::MAX)
    }

    fn outstanding(&self) -> u32 {
        self.unanswered().saturating_add(self.sending)
    }
}
