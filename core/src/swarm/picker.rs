//! Which chunk is asked of an owner.
//!
//! The choice is made at the last moment, when the owner has granted a slot, and for this owner alone: a choice that
//! waits in a queue is a choice made on old knowledge. What makes simple swarms slow is not that they choose at random
//! but that they choose too early: requests pile up at the one owner of a rare chunk.
//!
//! `Rarest` is local rarest first (Legout, Urvoy-Keller, Michiardi, "Rarest first and choke algorithms are enough",
//! IMC 2006), but with the tracker's counts, in which copies that are still under way count as well; and it takes a
//! hint from the owner (the "suggest piece" of BEP 6), who alone knows at that moment what he has given to nobody.

use core::fmt;

use super::bitmap::Bitmap;
use crate::seed::Dice;

/// What a choice is made from.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Chunks that are missing and asked of nobody.
    pub wanted: &'a Bitmap,
    /// Chunks that the owner has.
    pub owner: &'a Bitmap,
    /// Of each chunk, how many copies there are or will soon be, as far as is known.
    pub copies: &'a [u32],
    /// A chunk that this owner would like to give.
    pub suggested: Option<u32>,
}

impl Choice<'_> {
    /// The chunks among which to choose, in order.
    fn candidates(&self) -> impl Iterator<Item = u32> + '_ {
        self.wanted.both(self.owner)
    }

    fn copies_of(&self, chunk: u32) -> u32 {
        self.copies.get(chunk as usize).copied().unwrap_or(0)
    }
}

/// How a chunk is chosen. It is one that is wanted and that the owner has; nothing if there is none.
pub trait Policy: fmt::Debug + Sync {
    /// The name in a configuration.
    fn name(&self) -> &'static str;

    /// Chooses.
    fn pick(&self, choice: &Choice<'_>, dice: &mut Dice) -> Option<u32>;
}

/// Any wanted chunk, all alike: the rule to compare with.
#[derive(Clone, Copy, Debug)]
pub struct Random;

/// One of those with the fewest copies, all alike.
#[derive(Clone, Copy, Debug)]
pub struct Rarest;

/// All policies, the usual one first.
pub const POLICIES: [&dyn Policy; 2] = [&Rarest, &Random];

/// The policy of this name.
#[must_use]
pub fn policy(name: &str) -> Option<&'static dyn Policy> {
    POLICIES.into_iter().find(|policy| policy.name() == name)
}

impl Policy for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn pick(&self, choice: &Choice<'_>, dice: &mut Dice) -> Option<u32> {
        let count = choice.candidates().count();
        one_of(choice.candidates(), count, dice)
    }
}

impl Policy for Rarest {
    fn name(&self) -> &'static str {
        "rarest"
    }

    fn pick(&self, choice: &Choice<'_>, dice: &mut Dice) -> Option<u32> {
        let (mut fewest, mut count) = (u32::MAX, 0);
        for chunk in choice.candidates() {
            let copies = choice.copies_of(chunk);
            if copies < fewest {
                (fewest, count) = (copies, 0);
            }
            count += usize::from(copies == fewest);
        }
        let hint = choice.suggested.filter(|chunk| {
            choice.wanted.contains(*chunk)
                && choice.owner.contains(*chunk)
                && choice.copies_of(*chunk) <= fewest
        });
        hint.or_else(|| {
            one_of(choice.candidates().filter(|chunk| choice.copies_of(*chunk) == fewest), count, dice)
        })
    }
}

/// One of so many, drawn with a single throw.
fn one_of(mut candidates: impl Iterator<Item = u32>, count: usize, dice: &mut Dice) -> Option<u32> {
    let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
    candidates.nth(usize::try_from(dice.below(count)).unwrap_or(0))
}
