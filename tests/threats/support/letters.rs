//! A store that keeps everything at once and forgets what has arrived.

use std::collections::{BTreeMap, BTreeSet};

use starling_core::device::DeviceKey;
use starling_core::id::{Seq, UserId};
use starling_core::name::{AccountName, Name};
use starling_core::server::PageOrder;
use starling_core::store::{Batch, StoredLetter, Write};

/// Everybody's letters, as a disk would hold them.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    mailboxes: BTreeMap<UserId, BTreeMap<Seq, StoredLetter>>,
    /// Accounts with failures, and their devices with failures of their own.
    pub(crate) failures: BTreeSet<(AccountName, Option<DeviceKey>)>,
    /// Devices that are remembered.
    pub(crate) devices: BTreeSet<(UserId, DeviceKey)>,
    /// Writes of any kind.
    pub(crate) writes: usize,
}

impl Letters {
    pub(crate) fn keep(&mut self, batch: &Batch, name_of: impl Fn(UserId) -> Name) {
        self.writes += batch.writes.len();
        for write in &batch.writes {
            match write {
                Write::Letter { to, seq, from, id, text } => {
                    let letter =
                        StoredLetter { seq: *seq, from: name_of(*from), id: *id, text: text.clone() };
                    self.mailboxes.entry(*to).or_default().insert(*seq, letter);
                }
                Write::Arrived { user, upto } => {
                    self.mailboxes.entry(*user).or_default().retain(|seq, _| seq > upto);
                }
                Write::Failures { account, device, count: 0, .. } => {
                    self.failures.remove(&(*account, *device));
                }
                Write::Failures { account, device, .. } => {
                    self.failures.insert((*account, *device));
                }
                Write::Device { user, key, on: true } => drop(self.devices.insert((*user, *key))),
                Write::Device { user, key, on: false } => drop(self.devices.remove(&(*user, *key))),
                Write::Block { .. } => {}
            }
        }
    }

    pub(crate) fn page(&self, order: &PageOrder) -> Vec<StoredLetter> {
        let mut bytes = 0;
        let letters = self.mailboxes.get(&order.user).into_iter().flatten();
        let within = letters.filter(|(seq, _)| **seq > order.after && **seq <= order.upto);
        let fits = |letter: &&StoredLetter| {
            let first = bytes == 0;
            bytes += letter.text.len();
            first || bytes <= order.bytes_max
        };
        within.map(|(_, letter)| letter).take_while(fits).cloned().collect()
    }

    /// Letters in the mailbox of a user, and the bytes of their texts.
    pub(crate) fn held(&self, user: UserId) -> (usize, usize) {
        let letters = self.mailboxes.get(&user);
        let bytes = letters.into_iter().flat_map(BTreeMap::values).map(|letter| letter.text.len()).sum();
        (letters.map_or(0, BTreeMap::len), bytes)
    }
}
