//! The table of connections: dense slots, the lowest free one taken first, each use with its own generation.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use starling_core::id::ConnId;

/// Values in dense slots. An id is never given twice, so a stale one finds nothing.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: BinaryHeap<Reverse<u32>>,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { slots: Vec::new(), free: BinaryHeap::new(), len: 0 }
    }
}

impl<T> Slots<T> {
    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts the value that `make` makes for its id into the lowest free slot.
    pub(crate) fn insert(&mut self, make: impl FnOnce(ConnId) -> T) -> ConnId {
        let slot = match self.free.pop() {
            Some(Reverse(slot)) => slot,
            None => {
                self.slots.push(Slot { generation: 0, value: None });
                u32::try_from(self.slots.len() - 1).expect("there are fewer descriptors than slots")
            }
        };
        let place = &mut self.slots[slot as usize];
        place.generation += 1;
        let id = ConnId { slot, generation: place.generation };
        place.value = Some(make(id));
        self.len += 1;
        id
    }

    /// The value of `id`, unless it is gone.
    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut T> {
        let place = self.slots.get_mut(id.index())?;
        if place.generation == id.generation { place.value.as_mut() } else { None }
    }

    /// The value in `slot`, with its id.
    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<(ConnId, &mut T)> {
        let place = self.slots.get_mut(slot as usize)?;
        let id = ConnId { slot, generation: place.generation };
        place.value.as_mut().map(|value| (id, value))
    }

    /// Takes the value of `id` out and frees its slot.
    pub(crate) fn remove(&mut self, id: ConnId) -> Option<T> {
        let place = self.slots.get_mut(id.index())?;
        if place.generation != id.generation {
            return None;
        }
        let value = place.value.take()?;
        self.len -= 1;
        // A slot whose generations are used up is not used again.
        if place.generation < u32::MAX {
            self.free.push(Reverse(id.slot));
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_slot_is_taken_with_a_new_generation() {
        let mut slots = Slots::default();
        let ids: Vec<ConnId> = (0..4).map(|n| slots.insert(|_| n)).collect();
        assert_eq!(slots.remove(ids[2]), Some(2));
        assert_eq!(slots.remove(ids[1]), Some(1));
        assert_eq!(slots.remove(ids[1]), None);
        let again = slots.insert(|_| 10);
        assert_eq!(again, ConnId { slot: 1, generation: ids[1].generation + 1 });
        assert_eq!(slots.get_mut(ids[1]), None);
        assert_eq!(slots.get_mut(again), Some(&mut 10));
        assert_eq!(slots.at_mut(1).map(|(id, _)| id), Some(again));
        assert_eq!(slots.at_mut(2).map(|(id, _)| id), None);
        assert_eq!(slots.len(), 3);
    }
}
