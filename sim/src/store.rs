//! A model of the store: what is durable, and nothing else.
//!
//! It keeps exactly what `starling_core::store` promises and knows no faults. Those are the world's: it
//! decides whether a batch reaches [`Store::commit`] at all, when, and what the server is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use starling_core::device::DeviceKey;
use starling_core::id::{Epoch, MsgId, Seq, ServerId, UserId};
use starling_core::name::{AccountName, Name};
use starling_core::server::PageOrder;
use starling_core::store::{
    Batch, BatchKey, FailureRecord, LetterHead, Snapshot, StoreOutcome, StoredDeadline, StoredLetter,
    UserRecord, Write,
};
use starling_core::text::Text;
use starling_core::time::{Time, micros};

/// The clocks of the computer that a server runs on, read at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Which boot of the computer this is.
    pub boot: u128,
    /// Time since the origin that the server counts from.
    pub now: Time,
    /// The wall clock, microseconds since 1970. It may lie.
    pub wall: u64,
}

#[derive(Clone, Debug)]
struct Letter {
    from: UserId,
    id: MsgId,
    text: Text,
}

/// What survives a crash.
#[derive(Clone, Debug)]
pub struct Store {
    server: ServerId,
    epoch: Epoch,
    /// The last batch of this epoch that was committed.
    last: u64,
    names: Vec<Name>,
    numbers: BTreeMap<Name, UserId>,
    letters: BTreeMap<(UserId, Seq), Letter>,
    marks: BTreeMap<(UserId, UserId, u64), u64>,
    blocks: BTreeSet<(UserId, UserId)>,
    failures: BTreeMap<(AccountName, Option<DeviceKey>), (u8, Option<StoredDeadline>)>,
    /// Of each user, in the order in which they were first seen.
    devices: BTreeMap<UserId, Vec<DeviceKey>>,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(server: ServerId) -> Store {
        Store {
            server,
            epoch: Epoch::default(),
            last: 0,
            names: Vec::new(),
            numbers: BTreeMap::new(),
            letters: BTreeMap::new(),
            marks: BTreeMap::new(),
            blocks: BTreeSet::new(),
            failures: BTreeMap::new(),
            devices: BTreeMap::new(),
        }
    }

    /// The number of a user; at first sight of the name it is given.
    pub fn number(&mut self, name: Name) -> UserId {
        if let Some(known) = self.numbers.get(&name) {
            return *known;
        }
        let id = UserId(u32::try_from(self.names.len()).expect("a world has fewer users than 2^32"));
        self.names.push(name);
        self.numbers.insert(name, id);
        id
    }

    /// The name that a number was given for.
    #[must_use]
    pub fn name(&self, user: UserId) -> Name {
        self.names[user.index()]
    }

    /// Whether a batch of this life is kept.
    #[must_use]
    pub fn has(&self, key: BatchKey) -> bool {
        key.epoch == self.epoch && key.number <= self.last
    }

    /// Commits a batch, or refuses it because a younger server has taken over.
    ///
    /// A batch that is here already changes nothing. `moment` turns the ends of locks into what survives a reboot.
    pub fn commit(&mut self, batch: &Batch, moment: Moment) -> StoreOutcome {
        if batch.key.epoch != self.epoch {
            return StoreOutcome::Failed;
        }
        if batch.key.number > self.last {
            self.last = batch.key.number;
            for write in &batch.writes {
                self.keep(write, moment);
            }
        }
        StoreOutcome::Committed
    }

    fn keep(&mut self, write: &Write, moment: Moment) {
        match write {
            Write::Letter { to, seq, from, id, text } => {
                self.letters.entry((*to, *seq)).or_insert_with(|| Letter {
                    from: *from,
                    id: *id,
                    text: text.clone(),
                });
                let mark = self.marks.entry((*to, *from, id.instance)).or_default();
                *mark = (*mark).max(id.counter);
            }
            Write::Arrived { user, upto } => {
                while let Some(((to, seq), _)) = self.letters.range((*user, Seq::START)..).next() {
                    let key = (*to, *seq);
                    if key > (*user, *upto) {
                        break;
                    }
                    self.letters.remove(&key);
                }
            }
            Write::Block { by, whom, on: true } => {
                self.blocks.insert((*by, *whom));
            }
            Write::Block { by, whom, on: false } => {
                self.blocks.remove(&(*by, *whom));
            }
            Write::Failures { account, device, count: 0, locked_until: None } => {
                self.failures.remove(&(*account, *device));
            }
            Write::Failures { account, device, count, locked_until } => {
                let lock = locked_until.map(|until| stored(until, moment));
                self.failures.insert((*account, *device), (*count, lock));
            }
            Write::Device { user, key, on } => {
                let keys = self.devices.entry(*user).or_default();
                if !on {
                    keys.retain(|other| other != key);
                } else if !keys.contains(key) {
                    keys.push(*key);
                }
            }
        }
    }

    /// The page that an order asks for.
    #[must_use]
    pub fn load(&self, order: &PageOrder) -> Vec<StoredLetter> {
        let mut page = Vec::new();
        let mut bytes = 0;
        if order.after >= order.upto {
            return page;
        }
        for ((_, seq), letter) in
            self.letters.range((order.user, order.after.next())..=(order.user, order.upto))
        {
            if !page.is_empty() && bytes >= order.bytes_max {
                break;
            }
            bytes += letter.text.len();
            page.push(StoredLetter {
                seq: *seq,
                from: self.name(letter.from),
                id: letter.id,
                text: letter.text.clone(),
            });
        }
        page
    }

    /// Begins a life of a server: raises the epoch for good, then reads what the server starts from.
    /// `users` are the credentials.
    ///
    /// `longest` is the longest lock there can be.
    pub fn open(&mut self, users: &[Name], moment: Moment, longest: Duration) -> Snapshot {
        self.epoch = Epoch(self.epoch.0 + 1);
        self.last = 0;
        users.iter().for_each(|name| {
            self.number(*name);
        });
        let known = self.names.clone();
        let users = known.into_iter().map(|name| self.record(name, users.contains(&name))).collect();
        // A revived lock counts from this boot: another restart must not stretch it again.
        for lock in self.failures.values_mut().filter_map(|(_, lock)| lock.as_mut()) {
            let until = lock.revive(moment.boot, moment.now, moment.wall, longest);
            *lock = stored(until, moment);
        }
        let mut failures = Vec::new();
        for ((account, device), (count, lock)) in &self.failures {
            let (account, device, count) = (*account, *device, *count);
            let locked_until = lock.map(|lock| lock.until);
            failures.push(FailureRecord { account, device, count, locked_until });
        }
        Snapshot { server: self.server, epoch: self.epoch, users, failures }
    }

    fn record(&mut self, name: Name, listed: bool) -> UserRecord {
        let id = self.number(name);
        let head = |((_, seq), letter): (&(UserId, Seq), &Letter)| LetterHead {
            seq: *seq,
            from: letter.from,
            bytes: u32::try_from(letter.text.len()).unwrap_or(u32::MAX),
        };
        UserRecord {
            id,
            name,
            listed,
            blocks: self
                .blocks
                .range((id, UserId(0))..=(id, UserId(u32::MAX)))
                .map(|(_, whom)| *whom)
                .collect(),
            letters: self
                .letters
                .range((id, Seq::START)..=(id, Seq::from_bits(u64::MAX)))
                .map(head)
                .collect(),
            marks: self
                .marks
                .range((id, UserId(0), 0)..=(id, UserId(u32::MAX), u64::MAX))
                .map(|((_, from, instance), counter)| {
                    (*from, MsgId { instance: *instance, counter: *counter })
                })
                .collect(),
            devices: self.devices.get(&id).cloned().unwrap_or_default(),
        }
    }

    /// How many letters wait for a user.
    #[must_use]
    pub fn waiting(&self, user: UserId) -> usize {
        self.letters.range((user, Seq::START)..=(user, Seq::from_bits(u64::MAX))).count()
    }

    /// Whether `by` blocks `whom` as far as the disk knows.
    #[must_use]
    pub fn blocks(&self, by: UserId, whom: UserId) -> bool {
        self.blocks.contains(&(by, whom))
    }

    /// The failures of an account as the disk knows them, those of its devices left out.
    #[must_use]
    pub fn failures(&self, account: AccountName) -> Option<(u8, Option<StoredDeadline>)> {
        self.failures.get(&(account, None)).copied()
    }
}

fn stored(until: Time, moment: Moment) -> StoredDeadline {
    let wall_until = moment.wall.saturating_add(micros(until.since(moment.now)));
    StoredDeadline { boot: moment.boot, until, wall_until }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use starling_core::id::Ticket;

    fn batch(epoch: u32, number: u64, writes: Vec<Write>) -> Batch {
        Batch { key: BatchKey { epoch: Epoch(epoch), number }, writes }
    }

    fn letter(seq: Seq, counter: u64) -> Write {
        let text = Text::parse(Bytes::from_static(b"hello")).expect("a text");
        Write::Letter { to: UserId(0), seq, from: UserId(1), id: MsgId { instance: 9, counter }, text }
    }

    fn opened() -> (Store, Vec<Name>) {
        let names = ["hans", "yoda"].map(|name| Name::parse(name.as_bytes()).expect("a name")).to_vec();
        let mut store = Store::new(ServerId(1));
        store.open(&names, Moment::default(), Duration::ZERO);
        (store, names)
    }

    #[test]
    fn a_batch_ordered_twice_is_kept_once_and_an_older_life_is_refused() {
        let (mut store, names) = opened();
        let first = Seq::before_first(Epoch(1)).next();
        let kept = batch(1, 1, vec![letter(first, 1)]);
        assert_eq!(store.commit(&kept, Moment::default()), StoreOutcome::Committed);
        let gone = batch(1, 2, vec![Write::Arrived { user: UserId(0), upto: first }]);
        assert_eq!(store.commit(&gone, Moment::default()), StoreOutcome::Committed);
        assert_eq!(store.commit(&kept, Moment::default()), StoreOutcome::Committed);
        assert_eq!(store.waiting(UserId(0)), 0);
        let snapshot = store.open(&names, Moment::default(), Duration::ZERO);
        assert_eq!(snapshot.epoch, Epoch(2));
        assert_eq!(snapshot.users[0].marks, [(UserId(1), MsgId { instance: 9, counter: 1 })]);
        assert_eq!(
            store.commit(&batch(1, 3, vec![letter(first, 2)]), Moment::default()),
            StoreOutcome::Failed
        );
    }

    #[test]
    fn a_page_has_at_least_one_letter() {
        let (mut store, _) = opened();
        let first = Seq::before_first(Epoch(1)).next();
        store.commit(&batch(1, 1, vec![letter(first, 1), letter(first.next(), 2)]), Moment::default());
        let order = |after, bytes_max| PageOrder {
            user: UserId(0),
            ticket: Ticket(1),
            after,
            upto: first.next(),
            bytes_max,
        };
        assert_eq!(store.load(&order(Seq::START, 1)).len(), 1);
        assert_eq!(store.load(&order(Seq::START, 6)).len(), 2);
        assert_eq!(store.load(&order(first, 100)).len(), 1);
        assert_eq!(store.load(&order(first.next(), 100)).len(), 0);
    }
}
