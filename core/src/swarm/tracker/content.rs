//! All who take part in one content, and what they are told of each other.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::super::batch::BATCH_SPAN;
use super::super::bitmap::Bitmap;
use super::super::content::ContentId;
use super::member::Member;
use super::{Notice, Snapshot};
use crate::id::UserId;
use crate::time::Time;

#[derive(Clone, Debug)]
pub(super) struct Swarm {
    members: BTreeMap<UserId, Member>,
    /// Of each chunk, how many have it or will have it.
    copies: Vec<u32>,
    /// What those who watch believe of it.
    told: Vec<u32>,
    changed: Bitmap,
    came: Vec<UserId>,
    left: Vec<UserId>,
    quiet_until: Time,
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
            changed: Bitmap::none(chunks),
            came: Vec::new(),
            left: Vec::new(),
            quiet_until: Time::ZERO,
        }
    }

    /// Bytes that a member costs, about.
    pub(super) const fn member_bytes(chunks: u32) -> usize {
        chunks.div_ceil(8) as usize + 256
    }

    /// Bytes that a content costs, about.
    pub(super) const fn own_bytes(chunks: u32) -> usize {
        chunks as usize * 8 + chunks.div_ceil(8) as usize + 256
    }

    pub(super) const fn chunks(&self) -> u32 {
        self.changed.chunks()
    }

    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    pub(super) fn has_member(&self, user: UserId) -> bool {
        self.members.contains_key(&user)
    }

    pub(super) fn join(&mut self, user: UserId, held: &Bitmap) {
        let chunks = self.chunks();
        if !self.has_member(user) {
            self.members.insert(user, Member::new(chunks));
            self.came.push(user);
        }
        held.iter().for_each(|chunk| self.gain(user, chunk));
    }

    /// Forgets a member; false if he is none.
    pub(super) fn leave(&mut self, user: UserId) -> bool {
        let Some(member) = self.members.remove(&user) else { return false };
        for chunk in member.held().iter().chain(member.flying()) {
            self.count(chunk, |copies| copies - 1);
        }
        if !self.came.contains(&user) {
            self.left.push(user);
        }
        self.came.retain(|other| *other != user);
        true
    }

    pub(super) fn gain(&mut self, user: UserId, chunk: u32) {
        if self.members.get_mut(&user).is_some_and(|member| member.gain(chunk)) {
            self.count(chunk, |copies| copies + 1);
        }
    }

    pub(super) fn start(&mut self, user: UserId, chunk: u32) {
        if self.members.get_mut(&user).is_some_and(|member| member.start(chunk)) {
            self.count(chunk, |copies| copies + 1);
        }
    }

    pub(super) fn drop(&mut self, user: UserId, chunk: u32) {
        if self.members.get_mut(&user).is_some_and(|member| member.stop(chunk)) {
            self.count(chunk, |copies| copies - 1);
        }
    }

    pub(super) fn doubt(&mut self, reporter: UserId, owner: UserId, chunk: u32) {
        let may_report = reporter != owner && self.has_member(reporter);
        if may_report && self.members.get_mut(&owner).is_some_and(|member| member.doubt(reporter, chunk)) {
            self.count(chunk, |copies| copies - 1);
        }
    }

    fn count(&mut self, chunk: u32, change: impl FnOnce(u32) -> u32) {
        let copies = &mut self.copies[chunk as usize];
        *copies = change(*copies);
        self.changed.insert(chunk);
    }

    pub(super) fn watch(&mut self, user: UserId, hidden: &[UserId]) -> Option<Snapshot> {
        self.members.get_mut(&user)?.watches = true;
        let hidden = self.hidden(hidden);
        let seen = |(other, _): &(&UserId, &Member)| **other != user && !hidden.contains(other);
        let owners =
            self.members.iter().filter(seen).map(|(other, member)| (*other, member.held().clone())).collect();
        let all = 0..self.chunks();
        let copies = match hidden.is_empty() {
            true => all
                .map(|chunk| (chunk, self.told[chunk as usize]))
                .filter(|(_, copies)| *copies > 0)
                .collect(),
            false => self.copies_without(&hidden, all),
        };
        Some(Snapshot { owners, copies })
    }

    pub(super) fn unwatch(&mut self, user: UserId) {
        if let Some(member) = self.members.get_mut(&user) {
            member.watches = false;
        }
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
    /// would be so without him.
    pub(super) fn tell(
        &mut self,
        content: ContentId,
        now: Time,
        hidden_from: &impl Fn(UserId) -> Vec<UserId>,
        out: &mut Vec<Notice>,
    ) {
        self.quiet_until = now + BATCH_SPAN;
        let watchers = self.members.iter().filter(|(_, member)| member.watches).map(|(user, _)| *user);
        let mut to = Vec::new();
        for user in watchers {
            let hidden = self.hidden(&hidden_from(user));
            if hidden.is_empty() {
                to.push(user);
                continue;
            }
            let copies = self.copies_without(&hidden, self.changed.iter());
            let seen = |other: &&UserId| !hidden.contains(other);
            let came = self.newcomers(|other| !hidden.contains(&other));
            let left = self.left.iter().filter(seen).copied().collect();
            push(Notice { to: alloc::vec![user], content, copies, came, left }, out);
        }
        let came = self.newcomers(|_| true);
        let copies = self.news();
        push(Notice { to, content, copies, came, left: core::mem::take(&mut self.left) }, out);
        self.came.clear();
    }

    /// Of those whom somebody must not see, the ones who take part here.
    fn hidden(&self, hidden: &[UserId]) -> Vec<UserId> {
        hidden.iter().filter(|user| self.has_member(**user) || self.left.contains(user)).copied().collect()
    }

    /// The chunks whose told number has changed. They are told now.
    fn news(&mut self) -> Vec<(u32, u32)> {
        let none = Bitmap::none(self.chunks());
        let changed = core::mem::replace(&mut self.changed, none);
        let mut news = Vec::new();
        for chunk in changed.iter() {
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

    /// Owners who have come and do not download: who downloads finds the others in his snapshot, and calls them.
    fn newcomers(&self, is_seen: impl Fn(UserId) -> bool) -> Vec<(UserId, Bitmap)> {
        let came = self.came.iter().filter(|user| is_seen(**user));
        let members = came.filter_map(|user| Some((*user, self.members.get(user)?)));
        let owners = members.filter(|(_, member)| !member.watches);
        owners.map(|(user, member)| (user, member.held().clone())).collect()
    }
}

fn push(notice: Notice, out: &mut Vec<Notice>) {
    let is_empty = notice.copies.is_empty() && notice.came.is_empty() && notice.left.is_empty();
    if !is_empty && !notice.to.is_empty() {
        out.push(notice);
    }
}
