//! The devices from which a user has logged in.
//!
//! Knows keys and their order, nothing else: not what they are good for.

use alloc::collections::VecDeque;

use crate::device::DeviceKey;

/// The keys of one user's devices, in the order in which they were first seen. Each stands in it once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    keys: VecDeque<DeviceKey>,
}

impl Devices {
    /// Whether it is one of them.
    #[must_use]
    pub fn knows(&self, key: DeviceKey) -> bool {
        self.keys.contains(&key)
    }

    /// Remembers a key; true if it is new.
    pub fn note(&mut self, key: DeviceKey) -> bool {
        let is_new = !self.knows(key);
        if is_new {
            self.keys.push_back(key);
        }
        is_new
    }

    /// Forgets a key.
    pub fn forget(&mut self, key: DeviceKey) {
        self.keys.retain(|other| *other != key);
    }

    /// The oldest, if there are more than `most`; it is forgotten.
    pub fn shrink(&mut self, most: usize) -> Option<DeviceKey> {
        if self.keys.len() > most { self.keys.pop_front() } else { None }
    }
}

impl FromIterator<DeviceKey> for Devices {
    fn from_iter<I: IntoIterator<Item = DeviceKey>>(keys: I) -> Devices {
        let mut devices = Devices::default();
        for key in keys {
            devices.note(key);
        }
        devices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_each_once() {
        let key = |n| DeviceKey([n; DeviceKey::BYTES]);
        let mut devices: Devices = [key(1), key(2), key(1)].into_iter().collect();
        assert!(!devices.note(key(2)));
        assert!(devices.note(key(3)));
        assert_eq!(devices.shrink(2), Some(key(1)));
        assert_eq!(devices.shrink(2), None);
        assert!(!devices.knows(key(1)) && devices.knows(key(2)));
        devices.forget(key(2));
        assert_eq!(devices, [key(3)].into_iter().collect());
    }
}
