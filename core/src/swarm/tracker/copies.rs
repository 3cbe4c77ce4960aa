//! How many copies there are of each chunk of a content, and what those who watch believe of it.

use alloc::vec::Vec;
use core::mem;

use crate::id::UserId;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Copies {
    /// Of each chunk, how many have it or will have it.
    counts: Vec<u32>,
    told: Vec<u32>,
    changed: Vec<Cause>,
}

/// Who has changed the number of a chunk since it was told. Nobody is told what was done by those alone whom he must
/// not see: not even that there was something to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cause {
    #[default]
    Nobody,
    One(UserId),
    Several,
}

impl Cause {
    fn and(self, user: UserId) -> Cause {
        match self {
            Cause::Nobody => Cause::One(user),
            Cause::One(other) if other == user => self,
            Cause::One(_) | Cause::Several => Cause::Several,
        }
    }

    /// Somebody else than these.
    pub(super) fn is_not_in(self, hidden: &[UserId]) -> bool {
        match self {
            Cause::Nobody => false,
            Cause::One(user) => !hidden.contains(&user),
            Cause::Several => true,
        }
    }
}

/// The number of copies that is told: exact up to 15, in steps of an eighth beyond. Of what there is plenty, nobody
/// needs to know exactly how much, and telling it each time would cost members × chunks × members.
pub(super) const fn coarse(copies: u32) -> u32 {
    let bits = u32::BITS - copies.leading_zeros();
    let shift = bits.saturating_sub(4);
    copies >> shift << shift
}

impl Copies {
    /// Those of a file of so many chunks, from everybody's copies. Whoever begins to watch is told the numbers.
    pub(super) fn new(chunks: u32, copies: impl Iterator<Item = u32>) -> Copies {
        let mut counts = alloc::vec![0; chunks as usize];
        copies.for_each(|chunk| counts[chunk as usize] += 1);
        let told = counts.iter().copied().map(coarse).collect();
        Copies { counts, told, changed: alloc::vec![Cause::Nobody; chunks as usize] }
    }

    /// Bytes of the counts of so many chunks.
    pub(super) const fn bytes(chunks: u32) -> usize {
        chunks as usize * 16
    }

    /// A user has, or will have, one more chunk, or one less.
    pub(super) fn count(&mut self, user: UserId, chunk: u32, more: bool) {
        let (copies, cause) = (&mut self.counts[chunk as usize], &mut self.changed[chunk as usize]);
        *copies = if more { *copies + 1 } else { *copies - 1 };
        *cause = cause.and(user);
    }

    pub(super) fn of(&self, chunk: u32) -> u32 {
        self.counts[chunk as usize]
    }

    /// What was told of the chunks of which there are copies.
    pub(super) fn told(&self) -> Vec<(u32, u32)> {
        (0..).zip(&self.told).filter(|(_, told)| **told > 0).map(|(chunk, told)| (chunk, *told)).collect()
    }

    /// Who has changed which number. From here on nobody has.
    pub(super) fn take_changed(&mut self) -> Vec<Cause> {
        let none = alloc::vec![Cause::Nobody; self.changed.len()];
        mem::replace(&mut self.changed, none)
    }

    /// The chunks whose told number has changed. They are told now.
    pub(super) fn news(&mut self, changed: &[Cause]) -> Vec<(u32, u32)> {
        let mut news = Vec::new();
        for (chunk, _) in (0..).zip(changed).filter(|(_, cause)| **cause != Cause::Nobody) {
            let (copies, told) = (coarse(self.of(chunk)), &mut self.told[chunk as usize]);
            if *told != copies {
                *told = copies;
                news.push((chunk, copies));
            }
        }
        news
    }
}
