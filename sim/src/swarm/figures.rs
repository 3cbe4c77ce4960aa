//! What came of a swarm.

use std::time::Duration;

use starling_core::time::{Time, micros};

use super::setup::Nature;
use super::world::World;

/// Messages that carry no chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bids.
    pub bids: u64,
    /// Grants.
    pub grants: u64,
    /// Chunks that were chosen.
    pub choices: u64,
    /// Slots that were given back.
    pub returns: u64,
    /// Chunks that were not needed any more.
    pub cancels: u64,
    /// Batches to neighbours.
    pub haves: u64,
    /// Batches to the tracker.
    pub reports: u64,
    /// Batches of the tracker.
    pub notices: u64,
    /// Numbers of copies in them.
    pub notice_entries: u64,
    /// Downloads that nobody could serve for too long.
    pub given_up: u64,
}

/// How old knowledge is when it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Age {
    count: u64,
    micros: u64,
    max: Duration,
}

impl Age {
    /// Another piece of knowledge came, so old.
    pub fn note(&mut self, age: Duration) {
        self.count += 1;
        self.micros += micros(age);
        self.max = self.max.max(age);
    }

    /// On average.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_micros(self.micros / self.count.max(1))
    }

    /// At most.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }
}

/// What everybody knows of the others, and how late.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// What neighbours told.
    pub neighbour: Age,
    /// What the tracker told.
    pub tracker: Age,
    /// When what the tracker knows and has not told happened.
    pub(super) untold: Vec<Time>,
}

/// One downloader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// When he came.
    pub came: Time,
    /// When each of his chunks was verified, in order.
    pub times: Vec<Time>,
    /// When he had everything, if he had.
    pub done: Option<Time>,
    /// Bytes he was sent, also what he threw away.
    pub got: u64,
    /// Wrong chunks he was sent.
    pub wrong: u32,
    /// He was to stay until the end.
    pub stays: bool,
}

/// The figures of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The least time that any schedule needs.
    pub bound: Duration,
    /// The honest downloaders.
    pub courses: Vec<Course>,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes that seeders had sent when the others could have finished without them.
    pub seeded: Option<u64>,
    /// Of the honest, the share of the time in which up-links were busy, in thousandths.
    pub uplinks_permille: u64,
    /// Messages.
    pub traffic: Traffic,
    /// Knowledge of neighbours, then of the tracker.
    pub ages: [Age; 2],
}

impl Figures {
    pub(super) fn of(world: &World) -> Figures {
        let pairs = || world.setup().peers.iter().zip(world.peers());
        let honest = || pairs().filter(|(setup, _)| setup.nature == Nature::Honest);
        let courses: Vec<Course> = honest()
            .filter(|(setup, _)| !setup.seeds)
            .map(|(setup, peer)| Course {
                came: setup.comes,
                times: peer.times.clone(),
                done: peer.done_at,
                got: peer.got,
                wrong: peer.wrong,
                stays: setup.leaves.is_none(),
            })
            .collect();
        let end = courses.iter().filter_map(|course| course.done).max().unwrap_or(Time::ZERO);
        let busy: Duration = honest().map(|(_, peer)| peer.link.busy).sum();
        let there = end.as_micros() * honest().count() as u64;
        let knowledge = world.knowledge();
        Figures {
            bound: world.setup().bound(),
            courses,
            size: world.setup().layout.size(),
            seeded: world.seeded(),
            uplinks_permille: micros(busy) * 1_000 / there.max(1),
            traffic: world.traffic(),
            ages: [knowledge.neighbour, knowledge.tracker],
        }
    }

    /// Everybody who was to stay has everything.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.courses.iter().all(|course| course.done.is_some() || !course.stays)
    }

    /// When the last one had everything.
    #[must_use]
    pub fn last(&self) -> Duration {
        let done = self.courses.iter().filter_map(|course| course.done);
        done.max().unwrap_or(Time::ZERO).since(Time::ZERO)
    }

    /// The time of the last over the bound, in ten-thousandths.
    #[must_use]
    pub fn ratio(&self) -> u64 {
        micros(self.last()) * 10_000 / micros(self.bound).max(1)
    }

    /// Bytes that were sent to somebody who did not need them, in ten-thousandths of what everybody needed.
    #[must_use]
    pub fn twice(&self) -> u64 {
        let finished = || self.courses.iter().filter(|course| course.done.is_some());
        let needed = self.size * finished().count() as u64;
        let got: u64 = finished().map(|course| course.got).sum();
        got.saturating_sub(needed) * 10_000 / needed.max(1)
    }

    /// Copies of the file that seeders sent before the others could have finished without them, in thousandths.
    #[must_use]
    pub fn copies_seeded(&self) -> Option<u64> {
        self.seeded.map(|bytes| bytes * 1_000 / self.size.max(1))
    }

    /// The share of his time that the last hundredth of the chunks took somebody, in thousandths: the worst of all.
    #[must_use]
    pub fn last_hundredth(&self) -> u64 {
        let share = |course: &Course| {
            let done = course.done?;
            let before = course.times.len().checked_sub(course.times.len().div_ceil(100) + 1)?;
            let tail = micros(done - *course.times.get(before)?);
            Some(tail * 1_000 / micros(done - course.came).max(1))
        };
        self.courses.iter().filter_map(share).max().unwrap_or(0)
    }
}
