//! The tables, their version, and how a connection to them is set up.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::OpenError;
use super::folder::{Folder, private};
use super::rows::bits;

/// The database in the data folder.
pub(super) const DATABASE: &str = "starling.db";
/// Stands in the head of every database of Starling: "Star" in ASCII.
const APPLICATION: i64 = 0x5374_6172;
/// The schema that this program reads and writes. A change of the tables raises it, and brings the
/// older ones up to it in [`connect`].
const VERSION: i64 = 1;

/// The page size of SQLite.
const PAGE_BYTES: u64 = 4096;

/// How long another program that has the database open (an operator's shell) may hold us up.
const BUSY: Duration = Duration::from_secs(1);

/// Letters and marks are found by their key alone, so they live in the tree of the key (`WITHOUT ROWID`): one
/// page is touched for each, and a mailbox lies together.
const TABLES: &str = "
CREATE TABLE meta (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    server   INTEGER NOT NULL, -- drawn when the folder was made, 64 bits
    epoch    INTEGER NOT NULL, -- the current life of the server
    batch    INTEGER NOT NULL  -- the last batch committed in it
) STRICT;
CREATE TABLE users (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
    name     TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE letters (
    owner    INTEGER NOT NULL REFERENCES users (id),
    seq      INTEGER NOT NULL,
    sender   INTEGER NOT NULL REFERENCES users (id),
    instance INTEGER NOT NULL, -- 64 bits
    counter  INTEGER NOT NULL, -- 64 bits
    text     TEXT NOT NULL,
    PRIMARY KEY (owner, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE marks ( -- of letters that are gone: the last message of a sender's instance
    owner    INTEGER NOT NULL REFERENCES users (id),
    sender   INTEGER NOT NULL REFERENCES users (id),
    instance INTEGER NOT NULL, -- 64 bits
    counter  INTEGER NOT NULL, -- 64 bits
    seq      INTEGER NOT NULL, -- of that letter: tells which instances are the latest
    PRIMARY KEY (owner, sender, instance)
) STRICT, WITHOUT ROWID;
CREATE TABLE blocks (
    blocker  INTEGER NOT NULL REFERENCES users (id),
    blocked  INTEGER NOT NULL REFERENCES users (id),
    PRIMARY KEY (blocker, blocked)
) STRICT, WITHOUT ROWID;
CREATE TABLE failures (
    account    BLOB NOT NULL,    -- not always a possible name
    device     BLOB NOT NULL,    -- a key whose failures are its own; empty: all others
    count      INTEGER NOT NULL,
    boot       BLOB,             -- null, like the two below: not locked
    until      INTEGER,          -- microseconds of that boot, 64 bits
    wall_until INTEGER,          -- microseconds since 1970, 64 bits
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE devices ( -- from which a user has logged in
    owner    INTEGER NOT NULL REFERENCES users (id),
    key      BLOB NOT NULL,    -- Ed25519, 32 bytes
    seq      INTEGER NOT NULL, -- rises with each that is new to its owner
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
";

/// `FULL`: every commit is followed by an `fsync`. Checkpoints are made by hand, because SQLite's own
/// ones keep their errors to themselves. References are checked before a write comes to SQLite (batch.rs),
/// which costs a tenth; they stand in the tables for whoever reads them.
const SETTINGS: &str = "
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 0;
PRAGMA journal_size_limit = 33554432;
PRAGMA cache_size = -16384;
PRAGMA temp_store = MEMORY;
PRAGMA cell_size_check = ON;
PRAGMA foreign_keys = OFF;
";

/// Makes the database of a new folder.
///
/// It is made under another name and renamed when it is on the disk. So a database that is there is
/// whole, and one that is empty was not made here: it was damaged.
pub(super) fn create_when_missing(folder: &Folder, server: u64) -> Result<PathBuf, OpenError> {
    let path = folder.file(DATABASE);
    if path.exists() {
        return Ok(path);
    }
    if with_suffix(&path, "-wal").exists() {
        let why = "its log is there, but it is not itself".to_owned();
        return Err(OpenError::Damaged { path, why });
    }
    let fresh = with_suffix(&path, ".new");
    let failed = |source| OpenError::Folder { doing: "make", path: fresh.clone(), source };
    remove_remains(&fresh).map_err(failed)?;
    private().create_new(true).open(&fresh).map_err(failed)?;
    fill(&fresh, server).map_err(|e| OpenError::of(&fresh, &e))?;
    fs::rename(&fresh, &path).and_then(|()| folder.sync()).map_err(failed)?;
    Ok(path)
}

/// Opens the database and sets the connection up, after a look at who wrote it.
pub(super) fn connect(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |e| OpenError::of(path, &e);
    // SQLite takes a file without a whole page for an empty database.
    if fs::metadata(path).is_ok_and(|m| m.len() < PAGE_BYTES) {
        return Err(OpenError::Damaged { path: path.to_path_buf(), why: "the file is cut short".to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    conn.busy_timeout(BUSY).map_err(sqlite)?;
    conn.set_prepared_statement_cache_capacity(32);
    check_author(&conn, path)?;
    set_up(&conn).map_err(sqlite)?;
    Ok(conn)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What a server left that died while it made a database.
fn remove_remains(fresh: &Path) -> io::Result<()> {
    for path in [fresh.to_path_buf(), with_suffix(fresh, "-journal")] {
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

fn fill(fresh: &Path, server: u64) -> rusqlite::Result<()> {
    let mut conn = Connection::open_with_flags(fresh, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let tx = conn.transaction()?;
    tx.execute_batch(TABLES)?;
    tx.execute("INSERT INTO meta (one, server, epoch, batch) VALUES (1, ?1, 0, 0)", [bits(server)])?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    conn.close().map_err(|(_, e)| e)
}

fn check_author(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let read =
        |name| conn.pragma_query_value(None, name, |row| row.get(0)).map_err(|e| OpenError::of(path, &e));
    let (application, version): (i64, i64) = (read("application_id")?, read("user_version")?);
    let path = path.to_path_buf();
    match version {
        _ if application != APPLICATION => Err(OpenError::Foreign { path }),
        VERSION => Ok(()),
        newer if newer > VERSION => Err(OpenError::Newer { path, found: newer, known: VERSION }),
        _ => Err(OpenError::Damaged { path, why: format!("there is no schema {version}") }),
    }
}

fn set_up(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    conn.execute_batch(SETTINGS)
}
