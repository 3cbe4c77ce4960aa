//! What those who watch a content are told of what has changed.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::mem;

use super::super::batch::BATCH_SPAN;
use super::super::bitmap::Bitmap;
use super::super::content::Content;
use super::Notice;
use super::content::Swarm;
use super::copies::{Cause, coarse};
use super::member::Member;
use super::sight::Sight;
use crate::id::UserId;
use crate::time::Time;

/// Bytes of bitmaps of newcomers in one notice; the others wait for the next. So a notice fits what a connection may
/// leave unread, however many come at once.
const CAME_BYTES_MAX: usize = 32 * 1024;

/// What has changed.
struct Change {
    causes: Vec<Cause>,
    came: Vec<UserId>,
    left: BTreeSet<UserId>,
}

impl Swarm {
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
        let Some(copies) = &mut self.copies else { return true };
        let causes = copies.take_changed();
        let (left, sights) = (mem::take(&mut self.left), mem::take(&mut self.sights));
        let change = Change { causes, came: self.take_came(), left };
        let mut to = Vec::new();
        for user in self.watchers() {
            let hidden = self.hidden(&hidden_from(user), &change.left);
            match sights.get(&user) {
                None if hidden.is_empty() => to.push(user),
                None => push(self.notice_for(user, content, &change, &hidden, &Sight::default()), out),
                Some(sight) => push(self.notice_for(user, content, &change, &hidden, sight), out),
            }
        }
        let copies = self.copies.as_mut().map(|copies| copies.news(&change.causes)).unwrap_or_default();
        let came = self.newcomers(change.came.iter()).collect();
        push(Notice { to, content, copies, came, left: change.left.into_iter().collect() }, out);
        self.came.is_empty()
    }

    /// What one is told who must not see these, or for whom somebody has appeared or disappeared.
    fn notice_for(
        &self,
        user: UserId,
        content: Content,
        change: &Change,
        hidden: &[UserId],
        sight: &Sight,
    ) -> Notice {
        let is_seen = |other: &&UserId| !hidden.contains(other);
        let others = sight.appeared.iter().filter(is_seen).filter(|other| !change.came.contains(other));
        let appeared = others.filter_map(|other| self.owner(*other));
        Notice {
            to: alloc::vec![user],
            content,
            copies: self.copies_without(hidden, self.recounted(&change.causes, hidden, sight)),
            came: self.newcomers(change.came.iter().filter(is_seen)).chain(appeared).collect(),
            left: change.left.iter().filter(is_seen).chain(&sight.disappeared).copied().collect(),
        }
    }

    /// Newcomers, no more than one notice holds.
    fn take_came(&mut self) -> Vec<UserId> {
        let most = (CAME_BYTES_MAX / Swarm::member_bytes(self.chunks())).max(1);
        core::iter::from_fn(|| self.came.pop_first()).take(most).collect()
    }

    /// The chunks whose number may be another for somebody who must not see these, and has such a sight.
    fn recounted<'a>(
        &self,
        causes: &'a [Cause],
        hidden: &'a [UserId],
        sight: &Sight,
    ) -> impl Iterator<Item = u32> + use<'_, 'a> {
        let is_another = !sight.appeared.is_empty() || !sight.disappeared.is_empty();
        let users = sight.appeared.iter().chain(&sight.disappeared);
        let members: Vec<&Member> = users.filter_map(|user| self.member(*user)).collect();
        let counts = move |chunk: u32| members.iter().any(|member| member.counts(chunk));
        let is_told = move |cause: Cause| match is_another {
            true => cause != Cause::Nobody,
            false => cause.is_not_in(hidden),
        };
        let causes = (0..self.chunks()).zip(causes);
        causes.filter(move |(chunk, cause)| is_told(**cause) || counts(*chunk)).map(|(chunk, _)| chunk)
    }

    /// How many copies there are of these chunks without those of some.
    pub(super) fn copies_without(
        &self,
        hidden: &[UserId],
        chunks: impl Iterator<Item = u32>,
    ) -> Vec<(u32, u32)> {
        let Some(copies) = &self.copies else { return Vec::new() };
        let hidden: Vec<&Member> = hidden.iter().filter_map(|user| self.member(*user)).collect();
        let without = |chunk: u32| {
            let theirs = hidden.iter().filter(|member| member.counts(chunk)).map(|_| 1_u32).sum::<u32>();
            coarse(copies.of(chunk).saturating_sub(theirs))
        };
        chunks.map(|chunk| (chunk, without(chunk))).collect()
    }

    fn owner(&self, user: UserId) -> Option<(UserId, Bitmap)> {
        self.member(user).map(|member| (user, member.held().clone()))
    }

    /// Owners who have come and do not download: who downloads finds the others in his snapshot, and calls them.
    fn newcomers<'a>(
        &'a self,
        came: impl Iterator<Item = &'a UserId>,
    ) -> impl Iterator<Item = (UserId, Bitmap)> {
        came.filter(|user| self.member(**user).is_some_and(|member| !member.watches))
            .filter_map(|user| self.owner(*user))
    }
}

fn push(notice: Notice, out: &mut Vec<Notice>) {
    let is_empty = notice.copies.is_empty() && notice.came.is_empty() && notice.left.is_empty();
    if !is_empty && !notice.to.is_empty() {
        out.push(notice);
    }
}
