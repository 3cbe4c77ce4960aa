//! One download of one content: from whom what is asked, and when not to wait for it any longer.
//!
//! Bids go to owners who have something that is wanted; which chunk it will be is chosen when a slot is granted
//! ([`super::picker`]). Few chunks are under way at a time: as many as come during some round trips. The next bid goes
//! out when a chunk arrives, never on a timer; alarms only tell that somebody does not deliver, at the end
//! sooner than elsewhere (`endgame`).

mod endgame;
mod order;
mod owner;
mod probation;
mod refill;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

pub use order::Order;
use owner::{Failures, Owner};

use super::bitmap::Bitmap;
use super::layout::Layout;
use super::meter::Meter;
use super::picker::{Choice, Policy};
use crate::seed::Dice;
use crate::time::Time;

/// How long a download waits while nobody has anything that is missing.
pub const LONELY_MAX: Duration = Duration::from_secs(30);
/// How long a chunk is kept back for a second owner.
const RESERVE_MAX: Duration = Duration::from_secs(2);

/// The state of one download. `K` names an owner: a connection, or whoever is behind it.
#[derive(Clone, Debug)]
pub struct Download<K> {
    layout: Layout,
    policy: &'static dyn Policy,
    dice: Dice,
    /// Verified.
    held: Bitmap,
    /// Missing, under way from nobody and not being verified.
    wanted: Bitmap,
    copies: Vec<u32>,
    owners: BTreeMap<K, Owner>,
    /// How those who left had failed: whoever comes back rests as long as if he had stayed.
    left: BTreeMap<K, Failures>,
    /// Who has sent something right, whether or not he is still there.
    delivered: BTreeSet<K>,
    /// Who has sent something wrong, whether or not he is still there.
    barred: BTreeSet<K>,
    transfers: Vec<Transfer<K>>,
    /// Here, but not yet known to be right.
    verifying: Vec<(K, u32)>,
    /// What all owners together deliver.
    downlink: Meter,
    came_at: Time,
    /// A chunk is kept for a second owner until then.
    reserve_until: Time,
    /// Since when nobody has had anything that is missing.
    lonely_since: Option<Time>,
    alarm: Time,
}

/// A chunk that an owner was asked for.
#[derive(Clone, Copy, Debug)]
struct Transfer<K> {
    owner: K,
    chunk: u32,
    bytes: u64,
    chosen_at: Time,
}

impl<K: Ord + Copy + fmt::Debug> Download<K> {
    /// A download of what is not in `held`, which was verified earlier.
    ///
    /// # Panics
    /// If `held` is of another number of chunks.
    #[must_use]
    pub fn new(
        layout: Layout,
        held: Bitmap,
        policy: &'static dyn Policy,
        dice: Dice,
        now: Time,
    ) -> Download<K> {
        let chunks = layout.count();
        assert_eq!(held.chunks(), chunks, "a bitmap of another file");
        let mut wanted = Bitmap::none(chunks);
        (0..chunks).filter(|chunk| !held.contains(*chunk)).for_each(|chunk| _ = wanted.insert(chunk));
        let has_company = wanted.held() >= 2;
        Download {
            layout,
            policy,
            dice,
            held,
            wanted,
            copies: alloc::vec![0; chunks as usize],
            owners: BTreeMap::new(),
            left: BTreeMap::new(),
            delivered: BTreeSet::new(),
            barred: BTreeSet::new(),
            transfers: Vec::new(),
            verifying: Vec::new(),
            downlink: Meter::default(),
            came_at: now,
            reserve_until: if has_company { now + RESERVE_MAX } else { now },
            lonely_since: Some(now),
            alarm: now + LONELY_MAX,
        }
    }

    /// What is verified.
    #[must_use]
    pub const fn held(&self) -> &Bitmap {
        &self.held
    }

    /// Everything is verified.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.held.is_complete()
    }

    /// Owners of whom at least one chunk of this run was right, also those who left, in order.
    pub fn deliverers(&self) -> impl Iterator<Item = K> + '_ {
        self.delivered.iter().copied()
    }

    /// We have something that he lacks, as far as he has told; of whom nothing is known, that is so.
    #[must_use]
    pub fn has_for(&self, key: K) -> bool {
        self.owners.get(&key).is_none_or(|owner| self.held.exceeds(&owner.has))
    }

    /// Somebody has sent something wrong: nothing more is asked of him.
    #[must_use]
    pub fn is_barred(&self, key: K) -> bool {
        self.barred.contains(&key)
    }

    /// How many chunks somebody has, as far as he has told.
    #[must_use]
    pub fn chunks_of(&self, key: K) -> u32 {
        self.owners.get(&key).map_or(0, |owner| owner.has.held())
    }

    /// Chunks that are here, verified or not, or on their way.
    fn here_or_coming(&self) -> u32 {
        let coming = u32::try_from(self.transfers.len() + self.verifying.len());
        self.held.held().saturating_add(coming.unwrap_or(u32::MAX))
    }

    /// Nobody has anything that is missing.
    #[must_use]
    pub fn is_lonely(&self) -> bool {
        self.lonely_since.is_some() && !self.is_complete()
    }

    /// When to chime; nothing when it is complete.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        (!self.is_complete()).then_some(self.alarm)
    }

    /// Somebody can be asked, and has told what he has; who has ever sent something wrong is not asked.
    pub fn owner_joined(&mut self, owner: K, has: Bitmap, now: Time, out: &mut Vec<Order<K>>) {
        if has.chunks() != self.held.chunks() || self.barred.contains(&owner) {
            return;
        }
        let failures = self.left.remove(&owner).unwrap_or_default();
        self.owners.entry(owner).or_insert_with(|| Owner::new(Bitmap::none(0), failures)).has = has;
        self.note_judged(owner);
        let wakes_at = self.owners.get(&owner).and_then(|owner| owner.wakes_at(now));
        self.wake_by(wakes_at);
        self.refill(now, out);
    }

    /// Somebody cannot be asked any more.
    pub fn owner_left(&mut self, owner: K, now: Time, out: &mut Vec<Order<K>>) {
        if let Some(failures) = self.owners.remove(&owner).and_then(Owner::into_failures) {
            self.left.insert(owner, failures);
        }
        self.drop_transfers(owner, false, out);
        self.refill(now, out);
    }

    /// An owner has got some more.
    pub fn owner_has(&mut self, owner: K, chunks: &[u32], now: Time, out: &mut Vec<Order<K>>) {
        let Some(known) = self.owners.get_mut(&owner) else { return };
        let mut is_news = false;
        for chunk in chunks {
            is_news |= known.has.insert(*chunk) && self.wanted.contains(*chunk);
        }
        if is_news {
            known.has_news();
            self.lonely_since = None;
            self.ask(owner, now, out);
        }
    }

    /// How many copies there are of some chunks, those under way counted: what the tracker tells.
    pub fn copies(&mut self, told: &[(u32, u32)]) {
        for (chunk, copies) in told {
            if let Some(known) = self.copies.get_mut(*chunk as usize) {
                *known = *copies;
            }
        }
    }

    /// An owner grants a slot, and suggests a chunk.
    pub fn granted(&mut self, key: K, suggested: Option<u32>, now: Time, out: &mut Vec<Order<K>>) {
        let Some(owner) = self.owners.get_mut(&key) else { return out.push(Order::Return { owner: key }) };
        owner.granted();
        if let Some(chunk) = suggested {
            owner.has.insert(chunk);
        }
        if owner.keep(suggested, now) {
            let until = owner.kept_until();
            self.wake_by(until);
        } else {
            self.answer(key, suggested, now, out);
        }
        self.refill(now, out);
    }

    fn answer(&mut self, key: K, suggested: Option<u32>, now: Time, out: &mut Vec<Order<K>>) {
        match self.choose(key, suggested, now) {
            Some(chunk) => {
                self.wanted.remove(chunk);
                let transfer = Transfer { owner: key, chunk, bytes: 0, chosen_at: now };
                self.wake_by(self.given_up_at(&transfer));
                self.transfers.push(transfer);
                out.push(Order::Choose { owner: key, chunk });
            }
            None => out.push(Order::Return { owner: key }),
        }
    }

    fn choose(&mut self, key: K, suggested: Option<u32>, now: Time) -> Option<u32> {
        let is_full = self.coming(now) >= self.taken_max();
        let is_kept = self.keeps_for_another(key, now);
        let chunk_bytes = self.layout.chunk_bytes();
        let owner = self.owners.get_mut(&key)?;
        // One who lies costs one chunk, however long it takes to find out.
        if owner.is_on_probation()
            || is_full
            || is_kept
            || !owner.is_open(now)
            || owner.under_way >= owner.window(chunk_bytes)
        {
            return None;
        }
        let (wanted, copies) = (&self.wanted, self.copies.as_slice());
        let choice = Choice { wanted, owner: &owner.has, copies, suggested };
        let picked = self.policy.pick(&choice, &mut self.dice);
        let chunk = picked.or_else(|| self.latest_to_duplicate(key, now))?;
        let owner = self.owners.get_mut(&key)?;
        owner.chosen(now);
        let stalls_at = owner.stalls_at(chunk_bytes);
        self.wake_by(stalls_at);
        Some(chunk)
    }

    /// An owner does not have, or does not give, a chunk that he was asked for.
    pub fn refused(&mut self, key: K, chunk: u32, now: Time, out: &mut Vec<Order<K>>) {
        if self.take_transfer(key, chunk).is_none() {
            return;
        }
        if let Some(owner) = self.owners.get_mut(&key) {
            owner.has.remove(chunk);
            let is_hopeless = owner.fails(now);
            let wakes_at = owner.wakes_at(now);
            self.wake_by(wakes_at);
            if is_hopeless {
                out.push(Order::Replace { owner: key });
            }
        }
        out.push(Order::Doubt { owner: key, chunk });
        self.release(chunk, out);
        self.refill(now, out);
    }

    /// An owner has begun to send a chunk, or granted it, and does not go on: it is asked of somebody, perhaps of him,
    /// again.
    pub fn broken_off(&mut self, key: K, chunk: u32, now: Time, out: &mut Vec<Order<K>>) {
        if self.take_transfer(key, chunk).is_none() {
            return;
        }
        if self.owners.get_mut(&key).is_some_and(|owner| owner.breaks_off(now)) {
            out.push(Order::Replace { owner: key });
        }
        self.release(chunk, out);
        self.refill(now, out);
    }

    /// A piece of a chunk came.
    pub fn piece(&mut self, key: K, chunk: u32, bytes: u64, now: Time) {
        let transfer = self.transfers.iter_mut().find(|one| one.owner == key && one.chunk == chunk);
        let Some(transfer) = transfer else { return };
        let waited = (transfer.bytes == 0).then(|| now - transfer.chosen_at);
        transfer.bytes = transfer.bytes.saturating_add(bytes);
        if let Some(owner) = self.owners.get_mut(&key) {
            owner.moved(bytes, waited, now);
        }
        self.downlink.note(bytes, now - self.came_at);
        self.came_at = now;
    }

    /// A whole chunk came. False if it was not asked for or is not needed: it is not worth verifying.
    pub fn arrived(&mut self, key: K, chunk: u32, now: Time, out: &mut Vec<Order<K>>) -> bool {
        let Some(transfer) = self.take_transfer(key, chunk) else { return false };
        self.verifying.push((transfer.owner, chunk));
        self.note_judged(key);
        self.refill(now, out);
        true
    }

    /// What came of verifying a chunk that arrived.
    pub fn verified(&mut self, key: K, chunk: u32, right: bool, now: Time, out: &mut Vec<Order<K>>) {
        let Some(place) = self.verifying.iter().position(|one| *one == (key, chunk)) else { return };
        self.verifying.swap_remove(place);
        self.note_judged(key);
        if right {
            self.is_right(key, chunk, now, out);
        } else {
            self.is_wrong(key, chunk, out);
        }
        self.refill(now, out);
    }

    fn is_right(&mut self, key: K, chunk: u32, now: Time, out: &mut Vec<Order<K>>) {
        self.held.insert(chunk);
        self.wanted.remove(chunk);
        self.delivered.insert(key);
        if let Some(owner) = self.owners.get_mut(&key) {
            owner.delivers();
        }
        while let Some(loser) = self.transfers.iter().find(|one| one.chunk == chunk).map(|one| one.owner) {
            self.take_transfer(loser, chunk);
            out.push(Order::Cancel { owner: loser, chunk });
        }
        if self.deliverers().nth(1).is_some() {
            self.reserve_until = now;
        }
    }

    fn is_wrong(&mut self, key: K, chunk: u32, out: &mut Vec<Order<K>>) {
        if let Some(owner) = self.owners.get_mut(&key) {
            owner.barred = true;
        }
        self.barred.insert(key);
        out.push(Order::Bar { owner: key });
        self.release(chunk, out);
        self.drop_transfers(key, true, out);
    }

    /// Somebody may have been silent for too long.
    pub fn chime(&mut self, now: Time, out: &mut Vec<Order<K>>) {
        if self.is_complete() || now < self.alarm {
            return;
        }
        let chunk_bytes = self.layout.chunk_bytes();
        let is_stalled = |owner: &Owner| owner.is_stalled(chunk_bytes, now);
        let stalled: Vec<K> =
            self.owners.iter().filter(|(_, owner)| is_stalled(owner)).map(|(key, _)| *key).collect();
        for key in stalled {
            self.drop_transfers(key, true, out);
            if self.owners.get_mut(&key).is_some_and(|owner| owner.fails(now)) {
                out.push(Order::Replace { owner: key });
            }
        }
        self.owners.values_mut().for_each(|owner| owner.renew_trial(now));
        self.alarm = Time::NEVER;
        self.refill(now, out);
        if self.lonely_since.is_some_and(|since| since + LONELY_MAX <= now) {
            out.push(Order::GiveUp);
        }
        self.arm(now);
    }

    fn arm(&mut self, now: Time) {
        let chunk_bytes = self.layout.chunk_bytes();
        let of_owner = |owner: &Owner| {
            let times = [
                owner.stalls_at(chunk_bytes),
                owner.bids_age_at(now),
                owner.wakes_at(now),
                owner.kept_until(),
            ];
            times.into_iter().flatten().min()
        };
        let owners = self.owners.values().filter_map(of_owner).min();
        let lonely = self.lonely_since.map(|since| since + LONELY_MAX).filter(|at| *at > now);
        let reserve = Some(self.reserve_until).filter(|at| *at > now);
        let given_up =
            self.transfers.iter().filter_map(|one| self.given_up_at(one)).filter(|at| *at > now).min();
        self.wake_by(owners);
        self.wake_by(given_up);
        self.wake_by(lonely);
        self.wake_by(reserve);
    }

    fn wake_by(&mut self, at: Option<Time>) {
        self.alarm = at.map_or(self.alarm, |at| self.alarm.min(at));
    }

    fn take_transfer(&mut self, key: K, chunk: u32) -> Option<Transfer<K>> {
        let place = self.transfers.iter().position(|one| one.owner == key && one.chunk == chunk)?;
        if let Some(owner) = self.owners.get_mut(&key) {
            owner.under_way = owner.under_way.saturating_sub(1);
        }
        Some(self.transfers.swap_remove(place))
    }

    /// Waits for nothing of this owner any more; tells him so, if he is there.
    fn drop_transfers(&mut self, key: K, is_there: bool, out: &mut Vec<Order<K>>) {
        while let Some(chunk) = self.transfers.iter().find(|one| one.owner == key).map(|one| one.chunk) {
            self.take_transfer(key, chunk);
            if is_there {
                out.push(Order::Cancel { owner: key, chunk });
            }
            self.release(chunk, out);
        }
    }

    /// A chunk is wanted again, unless it comes from another.
    fn release(&mut self, chunk: u32, out: &mut Vec<Order<K>>) {
        let is_coming = self.transfers.iter().any(|one| one.chunk == chunk)
            || self.verifying.iter().any(|(_, other)| *other == chunk);
        if !is_coming && !self.held.contains(chunk) {
            self.wanted.insert(chunk);
            out.push(Order::Dropped { chunk });
        }
    }
}
