//! Who has which chunks of which content: the organ of the server.
//!
//! What it knows is soft: it was told by those who have it, and goes with their session. It tells those who download a
//! content *who* is there (once, when they come, and who comes and leaves), and *how many* copies there are of each chunk
//! (in batches); *which* chunks somebody has got since, he tells his neighbours himself. So what it sends to one
//! downloader does not grow with the number of the others.
//!
//! A copy that is under way counts as a copy: otherwise all who know of a rare chunk fetch it at once.

mod check;
mod content;
mod copies;
mod member;
mod sight;
mod telling;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use content::Swarm;

use super::bitmap::Bitmap;
use super::content::Content;
use crate::id::UserId;
use crate::seed::Dice;
use crate::time::Time;

/// What a tracker bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerLimits {
    /// Contents one user takes part in.
    pub contents_of_user_max: usize,
    /// Users that take part in one content.
    pub members_max: usize,
    /// Bytes of all bitmaps and counts together.
    pub bytes_max: usize,
    /// Bytes of them that are there for one user, at most: each content counts as if nobody else took part in it.
    pub bytes_of_user_max: usize,
}

impl Default for TrackerLimits {
    fn default() -> Self {
        TrackerLimits {
            contents_of_user_max: 4_608,
            members_max: 4_096,
            bytes_max: 48 * 1024 * 1024,
            bytes_of_user_max: 8 * 1024 * 1024,
        }
    }
}

/// Why somebody cannot take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackerFull {
    /// He takes part in too many.
    User,
    /// Too many take part in this content.
    Content,
    /// There is no room for more of anything.
    All,
    /// Others say that it has another number of chunks: somebody lies.
    Chunks,
}

/// What a downloader is told when he comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Who takes part, and what he has: first those who have something.
    pub owners: Vec<(UserId, Bitmap)>,
    /// Chunks of which there are copies, and how many.
    pub copies: Vec<(u32, u32)>,
}

/// What downloaders of a content are told afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whom to tell.
    pub to: Vec<UserId>,
    /// Of which content.
    pub content: Content,
    /// Chunks of which there are more or fewer copies now, and how many.
    pub copies: Vec<(u32, u32)>,
    /// Who has come, and what he has.
    pub came: Vec<(UserId, Bitmap)>,
    /// Who is gone.
    pub left: Vec<UserId>,
}

/// All contents of all users.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    limits: TrackerLimits,
    swarms: BTreeMap<Content, Swarm>,
    users: BTreeMap<UserId, Part>,
    bytes: usize,
    /// Contents of which there is something to tell, and when.
    due: BTreeSet<(Time, Content)>,
}

/// What there is of one user.
#[derive(Clone, Debug, Default)]
struct Part {
    contents: BTreeSet<Content>,
    bytes: usize,
}

impl Tracker {
    /// Nobody has anything yet.
    #[must_use]
    pub fn new(limits: TrackerLimits) -> Tracker {
        Tracker { limits, ..Tracker::default() }
    }

    /// A user takes part in a content, with what he has of it: nothing, if he is about to download it. If he does
    /// already, this is what he has now.
    ///
    /// # Errors
    /// If that is too much, or others know the content to have another number of chunks.
    pub fn register(&mut self, user: UserId, content: Content, held: &Bitmap) -> Result<(), TrackerFull> {
        let is_member = self.swarms.get(&content).is_some_and(|swarm| swarm.has_member(user));
        if !is_member {
            self.admit(user, content, held)?;
        }
        let Some(swarm) = self.swarms.get_mut(&content) else { return Err(TrackerFull::All) };
        if swarm.chunks() != held.chunks() {
            return Err(TrackerFull::Chunks);
        }
        swarm.join(user, held);
        self.note(content);
        Ok(())
    }

    fn admit(&mut self, user: UserId, content: Content, held: &Bitmap) -> Result<(), TrackerFull> {
        let known = self.swarms.get(&content);
        if known.is_some_and(|swarm| swarm.chunks() != held.chunks()) {
            return Err(TrackerFull::Chunks);
        }
        if known.is_some_and(|swarm| swarm.members() >= self.limits.members_max) {
            return Err(TrackerFull::Content);
        }
        let own = if known.is_some() { 0 } else { Swarm::OWN_BYTES };
        let bytes = own + Swarm::member_bytes(held.chunks());
        let share = Swarm::share_bytes(held.chunks());
        if self.bytes + bytes > self.limits.bytes_max {
            return Err(TrackerFull::All);
        }
        let (contents, theirs) =
            self.users.get(&user).map_or((0, 0), |part| (part.contents.len(), part.bytes));
        let is_too_much =
            contents >= self.limits.contents_of_user_max || theirs + share > self.limits.bytes_of_user_max;
        if is_too_much {
            return Err(TrackerFull::User);
        }
        let part = self.users.entry(user).or_default();
        part.contents.insert(content);
        part.bytes += share;
        self.bytes += bytes;
        self.swarms.entry(content).or_insert_with(|| Swarm::new(held.chunks()));
        Ok(())
    }

    /// A member has got some more; what he is not a member of, or does not exist, is ignored.
    pub fn gained(&mut self, user: UserId, content: Content, chunks: &[u32]) {
        self.change(content, |swarm| chunks.iter().for_each(|chunk| swarm.gain(user, *chunk)));
    }

    /// Chunks are under way to a member, or no longer.
    pub fn flying(&mut self, user: UserId, content: Content, started: &[u32], dropped: &[u32]) {
        self.change(content, |swarm| {
            started.iter().for_each(|chunk| swarm.start(user, *chunk));
            dropped.iter().for_each(|chunk| swarm.drop(user, *chunk));
        });
    }

    /// A member says that an owner does not give what he said he has.
    ///
    /// Three who say so are believed, each but once: this one claim is dropped, until the owner repeats it. Nobody is ever
    /// put out: whoever is connected with him knows better than any report.
    pub fn doubt(&mut self, reporter: UserId, content: Content, owner: UserId, chunk: u32) {
        self.change(content, |swarm| swarm.doubt(reporter, owner, chunk));
    }

    /// A member wants to be told from now on, and what there is now, but for those whom he must not see. Of the
    /// others he is told so many at most, chosen by chance; those who have something go first. Nothing if he is none, or
    /// there is no room to count the copies.
    pub fn watch(
        &mut self,
        user: UserId,
        content: Content,
        hidden: &[UserId],
        owners_max: usize,
        dice: &mut Dice,
    ) -> Option<Snapshot> {
        let swarm = self.swarms.get_mut(&content)?;
        let (rest, before) = (self.bytes - swarm.bytes(), swarm.part_bytes(user));
        let part = self.users.get_mut(&user)?;
        let theirs = part.bytes + Swarm::watched_bytes(swarm.chunks()) - before;
        let is_room = self.bytes + swarm.watch_bytes() <= self.limits.bytes_max
            && theirs <= self.limits.bytes_of_user_max;
        if !is_room {
            return None;
        }
        let snapshot = swarm.watch(user, hidden, owners_max, dice);
        part.bytes = part.bytes + swarm.part_bytes(user) - before;
        self.bytes = rest + swarm.bytes();
        snapshot
    }

    /// A member wants to be told no more; what he has stays.
    pub fn unwatch(&mut self, user: UserId, content: Content) {
        if let (Some(swarm), Some(part)) = (self.swarms.get_mut(&content), self.users.get_mut(&user)) {
            let (rest, before) = (self.bytes - swarm.bytes(), swarm.part_bytes(user));
            swarm.unwatch(user);
            part.bytes = part.bytes + swarm.part_bytes(user) - before;
            self.bytes = rest + swarm.bytes();
        }
    }

    /// From now on a user may see `whom`, or must not. He is told of it with the next notices, as if `whom` had come
    /// or left.
    pub fn sees(&mut self, user: UserId, whom: UserId, on: bool) {
        let contents = self.users.get(&user).map(|part| part.contents.clone()).unwrap_or_default();
        for content in contents {
            if self.swarms.get_mut(&content).is_some_and(|swarm| swarm.sees(user, whom, on)) {
                self.note(content);
            }
        }
    }

    /// A user takes no part in a content any more.
    pub fn withdraw(&mut self, user: UserId, content: Content) {
        let Some(swarm) = self.swarms.get_mut(&content) else { return };
        let (rest, bytes) = (self.bytes - swarm.bytes(), swarm.part_bytes(user));
        if !swarm.leave(user) {
            return;
        }
        if swarm.members() > 0 {
            self.bytes = rest + swarm.bytes();
            self.note(content);
        } else {
            self.bytes = rest;
            self.due.remove(&(swarm.quiet_until, content));
            self.swarms.remove(&content);
        }
        self.part_with(user, content, bytes);
    }

    fn part_with(&mut self, user: UserId, content: Content, bytes: usize) {
        let Some(part) = self.users.get_mut(&user) else { return };
        part.bytes -= bytes;
        part.contents.remove(&content);
        if part.contents.is_empty() {
            self.users.remove(&user);
        }
    }

    /// A user's session is over.
    pub fn gone(&mut self, user: UserId) {
        let Some(part) = self.users.get(&user) else { return };
        let contents: Vec<Content> = part.contents.iter().copied().collect();
        contents.into_iter().for_each(|content| self.withdraw(user, content));
    }

    /// When to take notices; an instant that has passed means now.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The notices that are due. `hidden_from` says whom a user must not see.
    pub fn take(&mut self, now: Time, hidden_from: impl Fn(UserId) -> Vec<UserId>) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Some((at, content)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, content));
            let Some(swarm) = self.swarms.get_mut(&content) else { continue };
            if !swarm.tell(content, now, &hidden_from, &mut notices) {
                self.note(content);
            }
        }
        notices
    }

    /// Everybody who takes part in something.
    pub fn users(&self) -> impl Iterator<Item = UserId> {
        self.users.keys().copied()
    }

    /// Bytes of all bitmaps and counts, as they are limited.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// There is something to tell of a content, if somebody watches it.
    fn note(&mut self, content: Content) {
        if let Some(swarm) = self.swarms.get(&content).filter(|swarm| swarm.copies.is_some()) {
            self.due.insert((swarm.quiet_until, content));
        }
    }

    fn change(&mut self, content: Content, change: impl FnOnce(&mut Swarm)) {
        if let Some(swarm) = self.swarms.get_mut(&content) {
            change(swarm);
            self.note(content);
        }
    }
}
