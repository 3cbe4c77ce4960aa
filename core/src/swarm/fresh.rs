//! What we have and have given to nobody yet.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::bitmap::Bitmap;
use crate::seed::Dice;

/// Chunks of one content that nobody has got from us, as hints for those to whom a slot is granted.
///
/// While a swarm has one seeder, its up-link is what everybody waits for, and each chunk that it sends twice before it
/// has sent all once makes everybody wait longer. Downloaders cannot avoid that by themselves: what they know of each
/// other is a batch old. The seeder knows it exactly (BEP 16, and the "suggest piece" of BEP 6). What he gave to somebody
/// who left is as good as not given. `K` names those who get chunks.
#[derive(Clone, Debug)]
pub struct Fresh<K> {
    /// Those that are not given, and perhaps some that are.
    chunks: VecDeque<u32>,
    /// Of each chunk, to whom it was given first.
    given: Vec<Option<K>>,
}

impl<K: Copy + PartialEq> Fresh<K> {
    /// Everything that is held, in an order of chance.
    #[must_use]
    pub fn new(held: &Bitmap, dice: &mut Dice) -> Fresh<K> {
        let mut fresh = Fresh { chunks: VecDeque::new(), given: alloc::vec![None; held.chunks() as usize] };
        held.iter().for_each(|chunk| fresh.gained(chunk, dice));
        fresh
    }

    /// Another chunk is here.
    pub fn gained(&mut self, chunk: u32, dice: &mut Dice) {
        self.chunks.push_back(chunk);
        let last = self.chunks.len() - 1;
        let place = usize::try_from(dice.below(self.chunks.len() as u64)).unwrap_or(last);
        self.chunks.swap(place, last);
    }

    /// A chunk to give, if the bidder has no better idea. It is not suggested to another meanwhile.
    pub fn suggest(&mut self) -> Option<u32> {
        loop {
            let chunk = self.chunks.pop_front()?;
            if !self.is_given(chunk) {
                return Some(chunk);
            }
        }
    }

    /// A suggestion was not taken: others may be glad of it.
    pub fn spurned(&mut self, chunk: u32) {
        self.chunks.push_back(chunk);
    }

    /// A chunk is being given to somebody.
    pub fn given(&mut self, chunk: u32, to: K) {
        if let Some(first) = self.given.get_mut(chunk as usize) {
            first.get_or_insert(to);
        }
    }

    /// Somebody is gone: what he was the first to get comes first.
    pub fn left(&mut self, gone: K) {
        for (chunk, first) in (0..).zip(&mut self.given) {
            if *first == Some(gone) {
                *first = None;
                self.chunks.push_front(chunk);
            }
        }
    }

    fn is_given(&self, chunk: u32) -> bool {
        self.given.get(chunk as usize).is_none_or(Option::is_some)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::seed::Seed;

    #[test]
    fn each_chunk_is_suggested_once_unless_it_is_spurned() {
        let mut dice = Dice::public(Seed::from(3));
        let mut fresh = Fresh::new(&Bitmap::all(20), &mut dice);
        fresh.given(7, 'a');
        fresh.given(7, 'b');
        let first = fresh.suggest().expect("one of twenty");
        fresh.spurned(first);
        let mut suggested: Vec<u32> = core::iter::from_fn(|| fresh.suggest()).collect();
        assert_eq!(suggested.last(), Some(&first), "what was spurned comes last");
        assert!(!suggested.is_sorted(), "the order is one of chance");
        fresh.left('b');
        assert_eq!(fresh.suggest(), None);
        fresh.left('a');
        assert_eq!(fresh.suggest(), Some(7), "who had it is gone");
        suggested.sort_unstable();
        assert!(suggested.into_iter().eq((0..20).filter(|chunk| *chunk != 7)));
    }
}
