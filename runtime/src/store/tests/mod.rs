//! The store against a real file system. Its rules are in the names of the tests.

mod batches;
mod damage;
mod pages;
mod reopen;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use starling_core::id::{Epoch, MsgId, Seq, Ticket, UserId};
use starling_core::name::{AccountName, Name};
use starling_core::server::PageOrder;
use starling_core::store::{Batch, BatchKey, Snapshot, StoredLetter, UserRecord, Write};
use starling_core::text::Text;
use starling_core::time::Time;
use tempfile::TempDir;

use super::{Config, Moment, OpenError, Store, StoreError};

const MEMBERS: [&str; 3] = ["hans", "yoda", "luke"];
const AT: Moment = Moment { now: Time::from_secs(1_000), wall: 1_700_000_000_000_000 };
const CONFIG: Config =
    Config { block_duration: Duration::from_secs(60), boot: 7, at: AT, server: u64::MAX - 1 };

/// A data folder and its store while it is open.
struct Home {
    _parent: TempDir,
    path: PathBuf,
    store: Option<Store>,
    snapshot: Snapshot,
    number: u64,
}

impl Home {
    fn new() -> Home {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("starling-data");
        let (store, snapshot) = open(&path).unwrap();
        Home { _parent: parent, path, store: Some(store), snapshot, number: 0 }
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn close(&mut self) {
        self.store = None;
    }

    fn reopen(&mut self) -> &Snapshot {
        self.reopen_as(&MEMBERS, &CONFIG)
    }

    fn reopen_as(&mut self, members: &[&str], config: &Config) -> &Snapshot {
        self.close();
        let (store, snapshot) = Store::open(&self.path, &names(members), config).unwrap();
        (self.store, self.snapshot, self.number) = (Some(store), snapshot, 0);
        &self.snapshot
    }

    fn user(&self, name: &str) -> UserId {
        record(&self.snapshot, name).id
    }

    fn batch(&mut self, writes: Vec<Write>) -> Batch {
        self.number += 1;
        Batch { key: BatchKey { epoch: self.snapshot.epoch, number: self.number }, writes }
    }

    fn commit(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        let batch = self.batch(writes);
        self.store().commit(&batch, AT)
    }

    /// The `count`th place that this life of the server gives.
    fn seq(&self, count: u64) -> Seq {
        seq(self.snapshot.epoch, count)
    }

    /// A letter to luke from hans, its place and counter being `count`.
    fn letter(&self, count: u64) -> Write {
        self.letter_of(count, 1, "hello")
    }

    fn letter_of(&self, count: u64, instance: u64, said: &str) -> Write {
        let (to, from) = (self.user("luke"), self.user("hans"));
        Write::Letter {
            to,
            seq: self.seq(count),
            from,
            id: MsgId { instance, counter: count },
            text: text(said),
        }
    }

    /// Everything that luke's mailbox holds.
    fn mailbox(&mut self) -> Vec<StoredLetter> {
        let user = self.user("luke");
        self.store().load(&page(user, Seq::START, Seq::from_bits(u64::MAX), usize::MAX)).unwrap()
    }
}

fn open(path: &Path) -> Result<(Store, Snapshot), OpenError> {
    Store::open(path, &names(&MEMBERS), &CONFIG)
}

fn refused(path: &Path) -> String {
    let refused = open(path).unwrap_err().to_string();
    assert!(!refused.contains('\n'), "one line: {refused}");
    refused
}

fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|n| Name::parse(n.as_bytes()).unwrap()).collect()
}

fn record<'a>(snapshot: &'a Snapshot, name: &str) -> &'a UserRecord {
    snapshot.users.iter().find(|u| u.name.as_str() == name).unwrap()
}

fn seq(epoch: Epoch, count: u64) -> Seq {
    Seq::from_bits(Seq::before_first(epoch).to_bits() + count)
}

fn text(said: &str) -> Text {
    Text::parse(Bytes::copy_from_slice(said.as_bytes())).unwrap()
}

fn page(user: UserId, after: Seq, upto: Seq, bytes_max: usize) -> PageOrder {
    PageOrder { user, ticket: Ticket(1), after, upto, bytes_max }
}

fn failures(account: &[u8], count: u8, locked_until: Option<Time>) -> Write {
    Write::Failures { account: AccountName::of(account), device: None, count, locked_until }
}
