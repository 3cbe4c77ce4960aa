//! The keys of others, as they were met before.
//!
//! The server vouches for a key, and could vouch for a wrong one. So a device remembers who had which, says so when
//! one has changed, and refuses it if the person has compared it before (threats.md T38).

use alloc::collections::BTreeMap;

use crate::device::DeviceKey;
use crate::name::Name;

/// What a device remembers of somebody's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The one that was last vouched for.
    pub key: DeviceKey,
    /// The one that the person has compared with its owner, if any.
    pub verified: Option<DeviceKey>,
}

/// What to think of a key that the server vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opinion {
    /// It is the one that was there before, or the first.
    Fine,
    /// It is another one: to be told.
    Changed,
    /// It is not the one that was compared: to be refused.
    Refused,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(BTreeMap<Name, KnownKey>);

impl Known {
    pub(super) fn recall(keys: impl IntoIterator<Item = (Name, KnownKey)>) -> Known {
        Known(keys.into_iter().collect())
    }

    pub(super) fn get(&self, who: Name) -> Option<KnownKey> {
        self.0.get(&who).copied()
    }

    pub(super) fn opinion(&self, who: Name, key: DeviceKey) -> Opinion {
        match self.get(who) {
            Some(KnownKey { verified: Some(verified), .. }) if verified == key => Opinion::Fine,
            Some(KnownKey { verified: Some(_), .. }) => Opinion::Refused,
            Some(known) if known.key != key => Opinion::Changed,
            _ => Opinion::Fine,
        }
    }

    /// This is his key now. What is to be remembered, if it is news.
    pub(super) fn note(&mut self, who: Name, key: DeviceKey) -> Option<KnownKey> {
        let verified = self.get(who).and_then(|known| known.verified);
        self.put(who, KnownKey { key, verified })
    }

    /// The person has compared his key. What is to be remembered, if it is news; nothing if no key is known.
    pub(super) fn verify(&mut self, who: Name) -> Option<KnownKey> {
        let key = self.get(who)?.key;
        self.put(who, KnownKey { key, verified: Some(key) })
    }

    fn put(&mut self, who: Name, known: KnownKey) -> Option<KnownKey> {
        (self.0.insert(who, known) != Some(known)).then_some(known)
    }
}
