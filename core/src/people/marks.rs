//! Which messages have been seen before.

use alloc::collections::BTreeMap;

use crate::id::MsgId;

/// Instances of one sender that are remembered.
pub const INSTANCES_MAX: usize = 4;

/// High-water marks: per sender, the last message of each of its most recent instances.
///
/// An instance counts its messages upwards, so one mark tells new from repeated in O(log senders).
/// A sender has at most [`INSTANCES_MAX`] marks: one more makes the one forgotten that was
/// noted longest ago. So memory is in proportion to the number of senders, whatever they send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks<K> {
    senders: BTreeMap<K, Recent>,
}

impl<K: Ord + Copy> Marks<K> {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Marks<K> {
        Marks { senders: BTreeMap::new() }
    }

    /// Is `id` after everything noted of its instance? A message of an unknown instance is new.
    #[must_use]
    pub fn is_new(&self, sender: K, id: MsgId) -> bool {
        self.senders.get(&sender).is_none_or(|recent| recent.is_new(id))
    }

    /// Notes `id`, and with it every earlier message of its instance. What is not new changes nothing.
    pub fn note(&mut self, sender: K, id: MsgId) {
        self.senders.entry(sender).or_insert(Recent::EMPTY).note(id);
    }

    /// All marks, by sender; of each sender the one noted longest ago first. Collecting them again gives
    /// equal marks.
    pub fn iter(&self) -> impl Iterator<Item = (K, MsgId)> {
        self.senders.iter().flat_map(|(sender, recent)| recent.marks().iter().map(|id| (*sender, *id)))
    }
}

impl<K: Ord + Copy> Default for Marks<K> {
    fn default() -> Self {
        Marks::new()
    }
}

impl<K: Ord + Copy> Extend<(K, MsgId)> for Marks<K> {
    /// Notes one after the other.
    fn extend<I: IntoIterator<Item = (K, MsgId)>>(&mut self, marks: I) {
        for (sender, id) in marks {
            self.note(sender, id);
        }
    }
}

impl<K: Ord + Copy> FromIterator<(K, MsgId)> for Marks<K> {
    fn from_iter<I: IntoIterator<Item = (K, MsgId)>>(marks: I) -> Self {
        let mut all = Marks::new();
        all.extend(marks);
        all
    }
}

/// The marks of one sender, inline: the first `len` places, the one noted longest ago first. The places
/// after them stay vacant, so that equal marks are equal bytes. No instance stands twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Recent {
    len: u8,
    places: [MsgId; INSTANCES_MAX],
}

impl Recent {
    const VACANT: MsgId = MsgId { instance: 0, counter: 0 };
    const EMPTY: Recent = Recent { len: 0, places: [Recent::VACANT; INSTANCES_MAX] };

    fn marks(&self) -> &[MsgId] {
        &self.places[..usize::from(self.len)]
    }

    fn is_new(&self, id: MsgId) -> bool {
        self.marks().iter().all(|mark| mark.instance != id.instance || mark.counter < id.counter)
    }

    fn note(&mut self, id: MsgId) {
        if !self.is_new(id) {
            return;
        }
        let known = self.marks().iter().position(|mark| mark.instance == id.instance);
        let last = usize::from(self.len);
        match known {
            Some(at) => self.replace(at, last, id),
            None if last == INSTANCES_MAX => self.replace(0, last, id),
            None => {
                self.places[last] = id;
                self.len += 1;
            }
        }
    }

    /// Takes out the mark at `at` and puts `id` at the end of the first `len` places.
    fn replace(&mut self, at: usize, len: usize, id: MsgId) {
        let moved = &mut self.places[at..len];
        moved.rotate_left(1);
        moved[len - at - 1] = id;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const fn id(instance: u64, counter: u64) -> MsgId {
        MsgId { instance, counter }
    }

    #[test]
    fn a_repetition_is_not_new() {
        let mut marks = Marks::new();
        assert!(marks.is_new('h', id(7, 1)));
        marks.note('h', id(7, 3));
        assert!(!marks.is_new('h', id(7, 1)));
        assert!(!marks.is_new('h', id(7, 3)));
        assert!(marks.is_new('h', id(7, 4)));
        assert!(marks.is_new('h', id(8, 1)), "another instance counts for itself");
        assert!(marks.is_new('y', id(7, 1)), "another sender counts for himself");
    }

    #[test]
    fn a_mark_never_falls() {
        let mut marks: Marks<_> = [('h', id(7, 3)), ('h', id(7, 1))].into_iter().collect();
        marks.note('h', id(7, 2));
        assert_eq!(marks.iter().collect::<Vec<_>>(), [('h', id(7, 3))]);
    }

    #[test]
    fn the_instance_noted_longest_ago_is_forgotten() {
        let mut marks: Marks<_> = (1..=4).map(|instance| ('h', id(instance, 5))).collect();
        marks.note('h', id(1, 6));
        marks.note('h', id(9, 1));
        let kept: Vec<_> = marks.iter().map(|(_, mark)| mark).collect();
        assert_eq!(kept, [id(3, 5), id(4, 5), id(1, 6), id(9, 1)]);
        assert!(marks.is_new('h', id(2, 5)));
    }

    #[test]
    fn one_sender_does_not_push_out_another() {
        let mut marks: Marks<_> = [('y', id(1, 1))].into_iter().collect();
        marks.extend((1..=100).map(|instance| ('h', id(instance, 1))));
        assert!(!marks.is_new('y', id(1, 1)));
        assert_eq!(marks.iter().count(), 1 + INSTANCES_MAX);
    }
}
