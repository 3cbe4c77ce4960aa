//! All who take part in one content, and what they are told of each other.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::mem;

use super::super::batch::BATCH_SPAN;
use super::super::bitmap::Bitmap;
use super::super::content::Content;
use super::member::Member;
use super::sight::Sight;
use super::{Notice, Snapshot};
use crate::id::UserId;
use crate::seed::Dice;
use crate::time::Time;

/// Bytes of bitmaps of newcomers in one notice; the others wait for the next. So a notice fits what a connection may
/// leave unread, however many come at once.
const CAME_BYTES_MAX: usize = 32 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Swarm {
    chunks: u32,
    members: BTreeMap<UserId, Member>,
    /// Of each chunk, how many have it or will have it.
    copies: Vec<u32>,
    /// What those who watch believe of it.
    told: Vec<u32>,
    /// By chunk: who has changed its number since it was told.
    changed: Vec<Cause>,
    came: BTreeSet<UserId>,
    left: BTreeSet<UserId>,
    /// Those for whom somebody has appeared or disappeared, though he has been here and still is.
    sights: BTreeMap<UserId, Sight>,
    quiet_until: Time,
}

/// Who has changed something. Nothing is told for those whom its reader must not see: not even that there was something
/// to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cause {
    #[default]
    Nobody,
    One(UserId),
    Several,
}

impl Cause {
    const fn and(self, user: UserId) -> Cause {
        match self {
            Cause::Nobody => Cause::One(user),
            Cause::One(other) if other.0 == user.0 => self,
            _ => Cause::Several,
        }
    }

    /// Somebody else than these.
    fn is_not_in(self, hidden: &[UserId]) -> bool {
        match self {
            Cause::Nobody => false,
            Cause::One(user) => !hidden.contains(&user),
            Cause::Several => true,
        }
    }
}

/// The number of copies that is told: exact up to 15, in steps of an eighth beyond. Of what there is plenty, nobody
/// needs to know exactly how much, and telling it each time would cost members × chunks × members.
const fn coarse(copies: u32) -> u32 {
    let bits = u32::BITS - copies.leading_zeros();
    let shift = bits.saturating_sub(4);
    copies >> shift << shift
}

impl Swarm {
    pub(super) fn new(chunks: u32) -> Swarm {
        let none = || alloc::vec![0; chunks as usize];
        Swarm {
            members: BTreeMap::new(),
            copies: none(),
            told: none(),
            changed: alloc::vec![Cause::Nobody; chunks as usize],
            chunks,
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

    /// Bytes that a content costs, about.
    pub(super) const fn own_bytes(chunks: u32) -> usize {
        chunks as usize * 16 + 256
    }

    pub(super) const fn chunks(&self) -> u32 {
        self.chunks
    }

    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    pub(super) fn has_member(&self, user: UserId) -> bool {
        self.members.contains_key(&user)
    }

    /// Somebody comes, or says anew what he has.
    pub(super) fn join(&mut self, user: UserId, held: &Bitmap) {
        let chunks = self.chunks();
        if !self.has_member(user) {
            self.left.remove(&user);
            self.came.insert(user);
        }
        let member = self.members.entry(user).or_insert_with(|| Member::new(chunks));
        let lost: Vec<u32> = member.held().iter().filter(|chunk| !held.contains(*chunk)).collect();
        lost.into_iter().for_each(|chunk| self.lose(user, chunk));
        held.iter().for_each(|chunk| self.gain(user, chunk));
    }

    /// Forgets a member; false if he is none.
    pub(super) fn leave(&mut self, user: UserId) -> bool {
        let Some(member) = self.members.remove(&user) else { return false };
        for chunk in member.held().iter().chain(member.flying()) {
            self.count(user, chunk, |copies| copies - 1);
        }
        self.came.remove(&user);
        self.left.insert(user);
        self.sights.remove(&user);
        true
    }

    pub(super) fn gain(&mut self, user: UserId, chunk: u32) {
        if self.members.get_mut(&user).is_some_and(|member| member.gain(chunk)) {
            self.count(user, chunk, |copies| copies + 1);
        }
    }

    fn lose(&mut self, user: UserId, chunk: u32) {
        if self.members.get_mut(&user).is_some_and(|member| member.lose(chunk)) {
            self.count(user, chunk, |copies| copies - 1);
        }
    }

    pub(super) fn start(&mut self, user: UserId, chunk: u32) {
        if self.members.get_mut(&user).is_some_and(|member| member.start(chunk)) {
            self.count(user, chunk, |copies| copies + 1);
        }
    }

    pub(super) fn drop(&mut self, user: UserId, chunk: u32) {
        if self.members.get_mut(&user).is_some_and(|member| member.stop(chunk)) {
            self.count(user, chunk, |copies| copies - 1);
        }
    }

    pub(super) fn doubt(&mut self, reporter: UserId, owner: UserId, chunk: u32) {
        let may_report = reporter != owner && self.has_member(reporter);
        if may_report && self.members.get_mut(&owner).is_some_and(|member| member.doubt(reporter, chunk)) {
            self.count(owner, chunk, |copies| copies - 1);
        }
    }

    fn count(&mut self, user: UserId, chunk: u32, change: impl FnOnce(u32) -> u32) {
        let copies = &mut self.copies[chunk as usize];
        *copies = change(*copies);
        let cause = &mut self.changed[chunk as usize];
        *cause = cause.and(user);
    }

    pub(super) fn watch(
        &mut self,
        user: UserId,
        hidden: &[UserId],
        owners_max: usize,
        dice: &mut Dice,
    ) -> Option<Snapshot> {
        self.members.get_mut(&user)?.watches = true;
        let hidden = self.hidden(hidden, &self.left);
        let seen = |(other, _): &(&UserId, &Member)| **other != user && !hidden.contains(other);
        let (mut owners, mut others): (Vec<_>, Vec<_>) =
            self.members.iter().filter(seen).partition(|(_, member)| member.held().held() > 0);
        choose(&mut owners, owners_max, dice);
        choose(&mut others, owners_max - owners.len(), dice);
        let all = 0..self.chunks();
        let mut copies = match hidden.is_empty() {
            true => all.map(|chunk| (chunk, self.told[chunk as usize])).collect(),
            false => self.copies_without(&hidden, all),
        };
        copies.retain(|(_, copies)| *copies > 0);
        let with_bitmap = |(other, member): (&UserId, &Member)| (*other, member.held().clone());
        Some(Snapshot { owners: owners.into_iter().chain(others).map(with_bitmap).collect(), copies })
    }

    pub(super) fn unwatch(&mut self, user: UserId) {
        if let Some(member) = self.members.get_mut(&user) {
            member.watches = false;
        }
        self.sights.remove(&user);
    }

    /// From now on a member must not see `whom`, who takes part here, or is allowed to. False if nothing follows.
    pub(super) fn sees(&mut self, user: UserId, whom: UserId, on: bool) -> bool {
        let watches = self.members.get(&user).is_some_and(|member| member.watches);
        let concerns = watches && (self.has_member(whom) || self.left.contains(&whom));
        if concerns {
            self.sights.entry(user).or_default().set(whom, on);
        }
        concerns
    }

    pub(super) fn owners(&self, hidden: &[UserId]) -> Vec<UserId> {
        let seen = self.members.iter().filter(|(user, _)| !hidden.contains(user));
        seen.filter(|(_, member)| member.held().held() > 0 || self.chunks() == 0)
            .map(|(user, _)| *user)
            .collect()
    }

    pub(super) const fn due_at(&self) -> Time {
        self.quiet_until
    }

    /// Tells all who watch what has changed: most of them the same, those with somebody whom they must not see what
    /// would be so without him. False if there is more to tell.
    pub(super) fn tell(
        &mut self,
        content: Content,
        now: Time,
        hidden_from: &impl Fn(UserId) -> Vec<UserId>,
        out: &mut Vec<Notice>,
    ) -> bool {
        self.quiet_until = now + BATCH_SPAN;
        let none = alloc::vec![Cause::Nobody; self.changed.len()];
        let changed = mem::replace(&mut self.changed, none);
        let came = self.take_came();
        let (left, sights) = (mem::take(&mut self.left), mem::take(&mut self.sights));
        let mut to = Vec::new();
        let watchers = self.members.iter().filter(|(_, member)| member.watches).map(|(user, _)| *user);
        for user in watchers {
            let hidden = self.hidden(&hidden_from(user), &left);
            let sight = sights.get(&user);
            if hidden.is_empty() && sight.is_none() {
                to.push(user);
                continue;
            }
            let is_seen = |other: &&UserId| !hidden.contains(other);
            let sight = sight.cloned().unwrap_or_default();
            let others = sight.appeared.iter().filter(is_seen).filter(|other| !came.contains(other));
            let appeared = others.filter_map(|other| self.owner(*other));
            let notice = Notice {
                to: alloc::vec![user],
                content,
                copies: self.copies_without(&hidden, self.recounted(&changed, &hidden, &sight)),
                came: self.newcomers(came.iter().filter(is_seen)).chain(appeared).collect(),
                left: left.iter().filter(is_seen).chain(&sight.disappeared).copied().collect(),
            };
            push(notice, out);
        }
        let copies = self.news(&changed);
        let came = self.newcomers(came.iter()).collect();
        push(Notice { to, content, copies, came, left: left.into_iter().collect() }, out);
        self.came.is_empty()
    }

    /// Newcomers, no more than one notice holds.
    fn take_came(&mut self) -> Vec<UserId> {
        let most = (CAME_BYTES_MAX / Swarm::member_bytes(self.chunks())).max(1);
        core::iter::from_fn(|| self.came.pop_first()).take(most).collect()
    }

    /// Of those whom somebody must not see, the ones who take part here, or have until now.
    fn hidden(&self, hidden: &[UserId], left: &BTreeSet<UserId>) -> Vec<UserId> {
        hidden.iter().filter(|user| self.has_member(**user) || left.contains(user)).copied().collect()
    }

    /// The chunks whose number may be another for somebody who must not see these, and has such a sight.
    fn recounted<'a>(
        &'a self,
        changed: &'a [Cause],
        hidden: &'a [UserId],
        sight: &Sight,
    ) -> impl Iterator<Item = u32> + 'a {
        let is_another = !sight.appeared.is_empty() || !sight.disappeared.is_empty();
        let users = sight.appeared.iter().chain(&sight.disappeared);
        let members: Vec<&Member> = users.filter_map(|user| self.members.get(user)).collect();
        let counts = move |chunk: u32| members.iter().any(|member| member.counts(chunk));
        let is_told = move |cause: Cause| match is_another {
            true => cause != Cause::Nobody,
            false => cause.is_not_in(hidden),
        };
        let causes = (0..self.chunks()).zip(changed);
        causes.filter(move |(chunk, cause)| is_told(**cause) || counts(*chunk)).map(|(chunk, _)| chunk)
    }

    /// The chunks whose told number has changed. They are told now.
    fn news(&mut self, changed: &[Cause]) -> Vec<(u32, u32)> {
        let mut news = Vec::new();
        for (chunk, _) in (0..self.chunks()).zip(changed).filter(|(_, cause)| **cause != Cause::Nobody) {
            let (copies, told) = (coarse(self.copies[chunk as usize]), &mut self.told[chunk as usize]);
            if *told != copies {
                *told = copies;
                news.push((chunk, copies));
            }
        }
        news
    }

    fn copies_without(&self, hidden: &[UserId], chunks: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
        let hidden: Vec<&Member> = hidden.iter().filter_map(|user| self.members.get(user)).collect();
        let without = |chunk: u32| {
            let theirs = hidden.iter().filter(|member| member.counts(chunk)).map(|_| 1_u32).sum::<u32>();
            coarse(self.copies[chunk as usize].saturating_sub(theirs))
        };
        chunks.map(|chunk| (chunk, without(chunk))).collect()
    }

    fn owner(&self, user: UserId) -> Option<(UserId, Bitmap)> {
        self.members.get(&user).map(|member| (user, member.held().clone()))
    }

    /// Owners who have come and do not download: who downloads finds the others in his snapshot, and calls them.
    fn newcomers<'a>(
        &'a self,
        came: impl Iterator<Item = &'a UserId>,
    ) -> impl Iterator<Item = (UserId, Bitmap)> {
        came.filter(|user| self.members.get(user).is_some_and(|member| !member.watches))
            .filter_map(|user| self.owner(*user))
    }

    /// # Panics
    /// If the counts are not those of the members.
    pub(super) fn check(&self) {
        for chunk in 0..self.chunks() {
            let copies = self.members.values().filter(|member| member.counts(chunk)).count();
            assert_eq!(self.copies[chunk as usize] as usize, copies, "every copy is counted once");
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

fn push(notice: Notice, out: &mut Vec<Notice>) {
    let is_empty = notice.copies.is_empty() && notice.came.is_empty() && notice.left.is_empty();
    if !is_empty && !notice.to.is_empty() {
        out.push(notice);
    }
}
