//! All who take part in one content.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::super::bitmap::Bitmap;
use super::Snapshot;
use super::copies::Copies;
use super::member::Member;
use super::sight::Sight;
use crate::id::UserId;
use crate::seed::Dice;
use crate::time::Time;

#[derive(Clone, Debug)]
pub(super) struct Swarm {
    chunks: u32,
    members: BTreeMap<UserId, Member>,
    /// As long as somebody watches.
    pub(super) copies: Option<Copies>,
    /// Who has come since it was told; he is there.
    pub(super) came: BTreeSet<UserId>,
    /// Who has left since; he is not there.
    pub(super) left: BTreeSet<UserId>,
    /// Those for whom somebody has appeared or disappeared, though he has been here and still is.
    pub(super) sights: BTreeMap<UserId, Sight>,
    pub(super) quiet_until: Time,
}

impl Swarm {
    /// Bytes that a content costs that nobody watches, about: most of them are the tree node of its first members.
    pub(super) const OWN_BYTES: usize = 1_536;

    pub(super) const fn new(chunks: u32) -> Swarm {
        Swarm {
            chunks,
            members: BTreeMap::new(),
            copies: None,
            came: BTreeSet::new(),
            left: BTreeSet::new(),
            sights: BTreeMap::new(),
            quiet_until: Time::ZERO,
        }
    }

    /// Bytes that a member costs, about.
    pub(super) const fn member_bytes(chunks: u32) -> usize {
        chunks.div_ceil(8) as usize + 256
    }

    /// Bytes that somebody is charged who takes part: as if he were the only one. Whoever begins many contents pays for
    /// each of them.
    pub(super) const fn share_bytes(chunks: u32) -> usize {
        Swarm::OWN_BYTES + Swarm::member_bytes(chunks)
    }

    /// Whoever watches is charged for the counting, too.
    pub(super) const fn watched_bytes(chunks: u32) -> usize {
        Swarm::share_bytes(chunks) + Copies::bytes(chunks)
    }

    /// Bytes that this member is charged.
    pub(super) fn part_bytes(&self, user: UserId) -> usize {
        if self.watches(user) { Swarm::watched_bytes(self.chunks) } else { Swarm::share_bytes(self.chunks) }
    }

    /// Somebody is told of what changes.
    pub(super) fn watches(&self, user: UserId) -> bool {
        self.member(user).is_some_and(|member| member.watches)
    }

    /// Bytes of all of it, about.
    pub(super) fn bytes(&self) -> usize {
        let counts = if self.copies.is_some() { Copies::bytes(self.chunks) } else { 0 };
        Swarm::OWN_BYTES + counts + self.members.len() * Swarm::member_bytes(self.chunks)
    }

    /// Bytes that it costs beyond that if one more watches.
    pub(super) const fn watch_bytes(&self) -> usize {
        if self.copies.is_some() { 0 } else { Copies::bytes(self.chunks) }
    }

    pub(super) const fn chunks(&self) -> u32 {
        self.chunks
    }

    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    pub(super) fn member(&self, user: UserId) -> Option<&Member> {
        self.members.get(&user)
    }

    pub(super) fn has_member(&self, user: UserId) -> bool {
        self.members.contains_key(&user)
    }

    pub(super) fn watchers(&self) -> Vec<UserId> {
        self.members.iter().filter(|(_, member)| member.watches).map(|(user, _)| *user).collect()
    }

    /// Somebody comes, or says anew what he has.
    pub(super) fn join(&mut self, user: UserId, held: &Bitmap) {
        if !self.has_member(user) {
            self.left.remove(&user);
            if self.copies.is_some() {
                self.came.insert(user);
            }
        }
        let chunks = self.chunks;
        let member = self.members.entry(user).or_insert_with(|| Member::new(chunks));
        let lost: Vec<u32> = member.held().iter().filter(|chunk| !held.contains(*chunk)).collect();
        lost.into_iter().for_each(|chunk| self.lose(user, chunk));
        held.iter().for_each(|chunk| self.gain(user, chunk));
    }

    /// Forgets a member; false if he is none.
    pub(super) fn leave(&mut self, user: UserId) -> bool {
        let Some(member) = self.members.remove(&user) else { return false };
        if let Some(copies) = &mut self.copies {
            member.held().iter().chain(member.flying()).for_each(|chunk| copies.count(user, chunk, false));
            self.came.remove(&user);
            self.left.insert(user);
        }
        self.watch_no_more(user);
        true
    }

    pub(super) fn gain(&mut self, user: UserId, chunk: u32) {
        self.change(user, chunk, true, |member| member.gain(chunk));
    }

    fn lose(&mut self, user: UserId, chunk: u32) {
        self.change(user, chunk, false, |member| member.lose(chunk));
    }

    pub(super) fn start(&mut self, user: UserId, chunk: u32) {
        self.change(user, chunk, true, |member| member.start(chunk));
    }

    pub(super) fn drop(&mut self, user: UserId, chunk: u32) {
        self.change(user, chunk, false, |member| member.stop(chunk));
    }

    pub(super) fn doubt(&mut self, reporter: UserId, owner: UserId, chunk: u32) {
        if reporter != owner && self.has_member(reporter) {
            self.change(owner, chunk, false, |member| member.doubt(reporter, chunk));
        }
    }

    /// Changes a member, who may have one copy more or less by it.
    fn change(&mut self, user: UserId, chunk: u32, more: bool, change: impl FnOnce(&mut Member) -> bool) {
        let counts = self.members.get_mut(&user).is_some_and(change);
        if let Some(copies) = self.copies.as_mut().filter(|_| counts) {
            copies.count(user, chunk, more);
        }
    }

    pub(super) fn watch(
        &mut self,
        user: UserId,
        hidden: &[UserId],
        owners_max: usize,
        dice: &mut Dice,
    ) -> Option<Snapshot> {
        self.members.get_mut(&user)?.watches = true;
        let all = self.members.values().flat_map(|member| member.held().iter().chain(member.flying()));
        let copies = self.copies.get_or_insert_with(|| Copies::new(self.chunks, all));
        let told = copies.told();
        let hidden = self.hidden(hidden, &self.left);
        let mut copies = match hidden.is_empty() {
            true => told,
            false => self.copies_without(&hidden, 0..self.chunks),
        };
        copies.retain(|(_, copies)| *copies > 0);
        let seen = |(other, _): &(&UserId, &Member)| **other != user && !hidden.contains(other);
        let (mut owners, mut others): (Vec<_>, Vec<_>) =
            self.members.iter().filter(seen).partition(|(_, member)| member.held().held() > 0);
        choose(&mut owners, owners_max, dice);
        choose(&mut others, owners_max - owners.len(), dice);
        let with_bitmap = |(other, member): (&UserId, &Member)| (*other, member.held().clone());
        Some(Snapshot { owners: owners.into_iter().chain(others).map(with_bitmap).collect(), copies })
    }

    pub(super) fn unwatch(&mut self, user: UserId) {
        if let Some(member) = self.members.get_mut(&user) {
            member.watches = false;
        }
        self.watch_no_more(user);
    }

    /// Of what nobody watches nothing is counted, and nothing told.
    fn watch_no_more(&mut self, user: UserId) {
        self.sights.remove(&user);
        if !self.members.values().any(|member| member.watches) {
            self.copies = None;
            self.came.clear();
            self.left.clear();
        }
    }

    /// From now on a member must not see `whom`, who takes part here, or is allowed to. False if nothing follows.
    pub(super) fn sees(&mut self, user: UserId, whom: UserId, on: bool) -> bool {
        let concerns = self.watches(user) && (self.has_member(whom) || self.left.contains(&whom));
        if concerns {
            self.sights.entry(user).or_default().set(whom, on);
        }
        concerns
    }

    /// Of those whom somebody must not see, the ones who take part here, or have until now.
    pub(super) fn hidden(&self, hidden: &[UserId], left: &BTreeSet<UserId>) -> Vec<UserId> {
        hidden.iter().filter(|user| self.has_member(**user) || left.contains(user)).copied().collect()
    }

    /// # Panics
    /// If the counts are not those of the members.
    pub(super) fn check(&self) {
        let watches = self.members.values().any(|member| member.watches);
        assert_eq!(self.copies.is_some(), watches, "copies are counted for somebody");
        if let Some(copies) = &self.copies {
            let all = self.members.values().flat_map(|member| member.held().iter().chain(member.flying()));
            let mut counts = alloc::vec![0; self.chunks as usize];
            all.for_each(|chunk| counts[chunk as usize] += 1);
            assert!((0..).zip(counts).all(|(chunk, count)| copies.of(chunk) == count), "each counts once");
        }
        assert!(self.came.iter().all(|user| self.has_member(*user)), "who has come is there");
        assert!(!self.left.iter().any(|user| self.has_member(*user)), "who has left is not");
        assert!(self.sights.keys().all(|user| self.has_member(*user)), "who sees is there");
    }
}

/// Leaves so many of them, each as likely as any other.
fn choose<T>(of: &mut Vec<T>, most: usize, dice: &mut Dice) {
    if of.len() <= most {
        return;
    }
    for place in 0..most {
        let rest = (of.len() - place) as u64;
        of.swap(place, place + usize::try_from(dice.below(rest)).unwrap_or(0));
    }
    of.truncate(most);
}
