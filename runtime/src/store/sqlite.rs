//! The store itself: a folder, a connection, and what may be done with them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};
use starling_core::id::UserId;
use starling_core::name::Name;
use starling_core::server::PageOrder;
use starling_core::store::{Batch, Snapshot, StoredLetter};
use starling_core::time::{Time, micros};

use super::batch::{self, Claim, Clocks};
use super::error::{OpenError, StoreError, words};
use super::folder::Folder;
use super::life::{self, Life};
use super::users::Users;
use super::{page, schema, snapshot};

/// Pages of the write-ahead log (4 KiB each) after which it is copied into the database. More pages are
/// fewer copies of what changes often, and a longer pause for each.
const CHECKPOINT_PAGES: i32 = 2000;

/// One instant by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the clock that the machine lives by.
    pub now: Time,
    /// By the wall clock, microseconds since 1970.
    pub wall: u64,
}

impl Moment {
    /// What the wall clock will say at `then` if nobody touches it.
    pub(super) fn wall_at(self, then: Time) -> u64 {
        self.wall.saturating_add(micros(then.since(self.now)))
    }
}

/// What a store is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// A lock that comes from an earlier boot never lasts longer.
    pub block_duration: Duration,
    /// Which boot of the computer this is ([`boot_id`](super::boot_id)). Where that cannot be told: any
    /// number drawn at random, and locks are revived by the wall clock.
    pub boot: u128,
    /// When the store is opened.
    pub at: Moment,
    /// The [`ServerId`](starling_core::id::ServerId) of the folder if it has to be made: 64 bits drawn at
    /// random.
    pub server: u64,
}

/// The data of a server in its folder, held by this value alone.
#[derive(Debug)]
pub struct Store {
    pub(super) conn: Connection,
    users: Users,
    boot: u128,
    /// Pages in the write-ahead log after the last commit; zero when it has been copied since.
    log_pages: Arc<AtomicI32>,
    broken: Option<String>,
    _folder: Folder,
}

impl Store {
    /// Opens the data folder, making it when it is missing; raises and commits the epoch, numbers the names
    /// of `members` that are new, and reads what the server starts from.
    ///
    /// Reads every letter's head once: about half a second for a million of them.
    ///
    /// # Errors
    /// [`OpenError`] says what, why, and what to do about it.
    pub fn open(data_dir: &Path, members: &[Name], config: &Config) -> Result<(Store, Snapshot), OpenError> {
        let folder = Folder::take(data_dir)?;
        let path = schema::create_when_missing(&folder, config.server)?;
        let mut conn = schema::connect(&path)?;
        let sqlite = |e| OpenError::of(&path, &e);
        let log_pages = watch_log(&mut conn).map_err(sqlite)?;
        let mut store = Store {
            users: Users::read(&conn).map_err(sqlite)?,
            conn,
            boot: config.boot,
            log_pages,
            broken: None,
            _folder: folder,
        };
        let life = store.start_life(&path, members, config)?;
        let snapshot = snapshot::read(&store.conn, &store.users, &life).map_err(sqlite)?;
        Ok((store, snapshot))
    }

    /// Commits a batch. A batch whose key is committed is not applied again, and is a success.
    ///
    /// A number must not be ordered after a later one of its epoch was, unless it was committed.
    ///
    /// # Errors
    /// [`StoreError::Failed`] also for a batch of another epoch than the store's.
    pub fn commit(&mut self, batch: &Batch, at: Moment) -> Result<(), StoreError> {
        let clocks = Clocks { boot: self.boot, at };
        match self.transact(|conn, users| batch::write(conn, users, batch, clocks))? {
            Claim::New | Claim::Known => Ok(()),
            Claim::Outdated => {
                Err(StoreError::Failed("the batch is of another life of the server".to_owned()))
            }
        }
    }

    /// The letters of a page, ascending.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if they cannot be read.
    pub fn load(&mut self, order: &PageOrder) -> Result<Vec<StoredLetter>, StoreError> {
        self.usable()?;
        page::read(&self.conn, &self.users, order).map_err(|e| self.note(StoreError::before_commit(&e)))
    }

    /// The numbers of `names`, in their order; new names get new ones, committed.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn assign(&mut self, names: &[Name]) -> Result<Vec<(UserId, Name)>, StoreError> {
        let numbered = self.transact(|conn, users| users.number(conn, names))?;
        numbered.iter().for_each(|&(id, name)| self.users.note(id, name));
        Ok(numbered)
    }

    /// Housekeeping, for a moment when nobody waits: copies the write-ahead log into the database when it
    /// has grown, so that it can be used from its start again.
    ///
    /// # Errors
    /// Only [`StoreError::Broken`]: what else can go wrong is tried again later and loses nothing.
    pub fn tidy(&mut self) -> Result<(), StoreError> {
        if self.broken.is_some() || self.log_pages.load(Ordering::Relaxed) < CHECKPOINT_PAGES {
            return Ok(());
        }
        self.log_pages.store(0, Ordering::Relaxed);
        let done = self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        match done.map_err(|e| self.note(StoreError::before_commit(&e))) {
            Err(broken @ StoreError::Broken(_)) => Err(broken),
            _ => Ok(()),
        }
    }

    /// One transaction: `body` and a commit, or nothing of it.
    fn transact<T>(
        &mut self,
        body: impl FnOnce(&Connection, &Users) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.usable()?;
        let outcome = match begin(&self.conn).and_then(|()| body(&self.conn, &self.users)) {
            Ok(value) => {
                run(&self.conn, "COMMIT").map(|()| value).map_err(|e| (StoreError::in_commit(&e), e))
            }
            Err(e) => Err((StoreError::before_commit(&e), e)),
        };
        outcome.map_err(|(verdict, error)| {
            // In a log that is copied and used from its start again there may be room on a full disk.
            if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
                self.log_pages.store(CHECKPOINT_PAGES, Ordering::Relaxed);
            }
            let rolled_back = roll_back(&self.conn);
            self.note(rolled_back.err().unwrap_or(verdict))
        })
    }

    fn usable(&self) -> Result<(), StoreError> {
        self.broken.clone().map_or(Ok(()), |why| Err(StoreError::Broken(why)))
    }

    /// Remembers that the store is broken. Not even a checkpoint is made at its end then: it would write
    /// with a system that does not say what it has written.
    pub(super) fn note(&mut self, error: StoreError) -> StoreError {
        if let StoreError::Broken(why) = &error {
            self.broken = Some(why.clone());
            let spared = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            debug_assert!(spared.is_ok(), "the setting exists");
        }
        error
    }

    /// As a [`transact`](Store::transact) whose errors are those of the start.
    fn start_life(&mut self, path: &Path, members: &[Name], config: &Config) -> Result<Life, OpenError> {
        let sqlite = |e| OpenError::of(path, &e);
        begin(&self.conn).map_err(sqlite)?;
        let life = life::start(&self.conn, &self.users, members, config).map_err(sqlite)?;
        let life = life.ok_or_else(|| OpenError::WornOut { path: path.to_path_buf() })?;
        run(&self.conn, "COMMIT").map_err(sqlite)?;
        life.members.iter().for_each(|&(id, name)| self.users.note(id, name));
        Ok(life)
    }
}

/// Counts the pages of the write-ahead log as commits report them.
fn watch_log(conn: &mut Connection) -> rusqlite::Result<Arc<AtomicI32>> {
    let pages = Arc::new(AtomicI32::new(0));
    let told = Arc::clone(&pages);
    conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, now| {
        told.store(now, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(pages)
}

fn begin(conn: &Connection) -> rusqlite::Result<()> {
    run(conn, "BEGIN IMMEDIATE")
}

fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}

/// After an error, which may have rolled the transaction back already.
fn roll_back(conn: &Connection) -> Result<(), StoreError> {
    if conn.is_autocommit() {
        return Ok(());
    }
    run(conn, "ROLLBACK").map_err(|e| StoreError::Broken(words(&e)))
}
