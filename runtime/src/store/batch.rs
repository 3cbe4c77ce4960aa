//! A batch inside its transaction.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use starling_core::device::DeviceKey;
use starling_core::id::{MsgId, Seq, UserId};
use starling_core::name::AccountName;
use starling_core::people::marks::INSTANCES_MAX;
use starling_core::store::{Batch, BatchKey, Write};
use starling_core::time::Time;

use super::rows::{Column, bits, bound, device_bytes, place};
use super::sqlite::Moment;
use super::users::Users;

/// What a key says about its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is new, and the transaction holds it now.
    New,
    /// It has been committed.
    Known,
    /// It belongs to another life of the server than the one that the store is in.
    Outdated,
}

/// The clocks that the end of a lock is written with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    pub(super) boot: u128,
    pub(super) at: Moment,
}

/// Puts a batch into the open transaction, with its key, unless the key says not to.
///
/// # Panics
/// If a write names a user whom the store never numbered: the data could not be opened again.
pub(super) fn write(
    conn: &Connection,
    users: &Users,
    batch: &Batch,
    clocks: Clocks,
) -> rusqlite::Result<Claim> {
    let claim = claim(conn, batch.key)?;
    if claim == Claim::New {
        for write in &batch.writes {
            assert!(names_users_of(write, users), "the machine knows the users that the store numbered");
            write_one(conn, write, clocks)?;
        }
    }
    Ok(claim)
}

fn names_users_of(write: &Write, users: &Users) -> bool {
    match write {
        Write::Letter { to, from, .. } => users.knows(*to) && users.knows(*from),
        Write::Block { by, whom, .. } => users.knows(*by) && users.knows(*whom),
        Write::Device { user, .. } => users.knows(*user),
        Write::Arrived { .. } | Write::Failures { .. } => true,
    }
}

/// The condition stands in the statement itself, so a server that lost its folder to a later one (a lock
/// that did not hold) writes nothing into it.
fn claim(conn: &Connection, key: BatchKey) -> rusqlite::Result<Claim> {
    let number = i64::try_from(key.number).unwrap_or(i64::MAX);
    let mut raise = conn.prepare_cached("UPDATE meta SET batch = ?2 WHERE epoch = ?1 AND batch < ?2")?;
    if raise.execute(params![key.epoch.0, number])? == 1 {
        return Ok(Claim::New);
    }
    let mut current = conn.prepare_cached("SELECT epoch = ?1 FROM meta")?;
    let current: bool = current.query_row([key.epoch.0], |row| row.get(0))?;
    Ok(if current { Claim::Known } else { Claim::Outdated })
}

fn write_one(conn: &Connection, write: &Write, clocks: Clocks) -> rusqlite::Result<()> {
    match write {
        Write::Letter { to, seq, from, id, text } => keep_letter(conn, *to, *seq, *from, *id, text.as_str()),
        Write::Arrived { user, upto } => drop_letters(conn, *user, *upto),
        Write::Block { by, whom, on } => block(conn, *by, *whom, *on),
        Write::Failures { account, device, count: 0, locked_until: None } => {
            forget_failures(conn, (*account, *device))
        }
        Write::Failures { account, device, count, locked_until } => {
            keep_failures(conn, (*account, *device), *count, *locked_until, clocks)
        }
        Write::Device { user, key, on } => device(conn, *user, key, *on),
    }
}

/// The letter is its own mark as long as it is there: so a letter costs one page, not two.
fn keep_letter(
    conn: &Connection,
    to: UserId,
    seq: Seq,
    from: UserId,
    id: MsgId,
    text: &str,
) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO letters (owner, seq, sender, instance, counter, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (owner, seq) DO NOTHING",
    )?;
    insert.execute(params![to.0, place(seq), from.0, bits(id.instance), bits(id.counter), text]).map(drop)
}

/// A mark never falls: places rise with the counters of an instance, and a place is never negative,
/// which a counter may be as a column.
fn raise_mark(conn: &Connection, to: UserId, seq: Seq, from: UserId, id: MsgId) -> rusqlite::Result<()> {
    let mark = params![to.0, from.0, bits(id.instance), bits(id.counter), place(seq)];
    let mut raise = conn.prepare_cached(
        "UPDATE marks SET counter = ?4, seq = ?5 WHERE owner = ?1 AND sender = ?2 AND instance = ?3 AND seq < ?5",
    )?;
    if raise.execute(mark)? == 1 {
        return Ok(());
    }
    let mut insert = conn.prepare_cached(
        "INSERT INTO marks (owner, sender, instance, counter, seq) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (owner, sender, instance) DO NOTHING",
    )?;
    if insert.execute(mark)? == 1 { forget_old_instances(conn, to, from) } else { Ok(()) }
}

fn forget_old_instances(conn: &Connection, to: UserId, from: UserId) -> rusqlite::Result<()> {
    let mut forget = conn.prepare_cached(
        "DELETE FROM marks WHERE owner = ?1 AND sender = ?2 AND instance NOT IN
         (SELECT instance FROM marks WHERE owner = ?1 AND sender = ?2 ORDER BY seq DESC LIMIT ?3)",
    )?;
    forget.execute(params![to.0, from.0, bits(INSTANCES_MAX as u64)]).map(drop)
}

/// Deletes letters, and leaves the last of each instance behind as a mark.
///
/// Read first, then deleted: `RETURNING` would carry each row through a table of its own.
fn drop_letters(conn: &Connection, user: UserId, upto: Seq) -> rusqlite::Result<()> {
    let range = params![user.0, bound(upto)];
    let mut read = conn.prepare_cached(
        "SELECT seq, sender, instance, counter FROM letters WHERE owner = ?1 AND seq <= ?2",
    )?;
    let mut rows = read.query(range)?;
    let mut last: BTreeMap<(UserId, u64), (Seq, u64)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (Column(seq), Column(sender)) = (row.get(0)?, row.get(1)?);
        let (Column(instance), Column(counter)) = (row.get(2)?, row.get(3)?);
        let latest = last.entry((sender, instance)).or_insert((seq, counter));
        *latest = (seq, counter).max(*latest);
    }
    let mut delete = conn.prepare_cached("DELETE FROM letters WHERE owner = ?1 AND seq <= ?2")?;
    delete.execute(range)?;
    last.into_iter().try_for_each(|((from, instance), (seq, counter))| {
        raise_mark(conn, user, seq, from, MsgId { instance, counter })
    })
}

fn block(conn: &Connection, by: UserId, whom: UserId, on: bool) -> rusqlite::Result<()> {
    let sql = if on {
        "INSERT INTO blocks (blocker, blocked) VALUES (?1, ?2) ON CONFLICT (blocker, blocked) DO NOTHING"
    } else {
        "DELETE FROM blocks WHERE blocker = ?1 AND blocked = ?2"
    };
    conn.prepare_cached(sql)?.execute([by.0, whom.0]).map(drop)
}

fn device(conn: &Connection, user: UserId, key: &DeviceKey, on: bool) -> rusqlite::Result<()> {
    let sql = if on {
        "INSERT INTO devices (owner, key, seq)
         SELECT ?1, ?2, 1 + COALESCE((SELECT MAX(seq) FROM devices WHERE owner = ?1), 0) WHERE true
         ON CONFLICT (owner, key) DO NOTHING"
    } else {
        "DELETE FROM devices WHERE owner = ?1 AND key = ?2"
    };
    conn.prepare_cached(sql)?.execute(params![user.0, key.0]).map(drop)
}

/// An account, and which device of its user if the failures are its own.
type Whose = (AccountName, Option<DeviceKey>);

fn forget_failures(conn: &Connection, (account, device): Whose) -> rusqlite::Result<()> {
    let mut delete = conn.prepare_cached("DELETE FROM failures WHERE account = ?1 AND device = ?2")?;
    delete.execute(params![account.as_bytes(), device_bytes(device.as_ref())]).map(drop)
}

/// The deadline is kept in the time of this boot and by the wall clock
/// ([`StoredDeadline`](starling_core::store::StoredDeadline)).
pub(super) fn keep_failures(
    conn: &Connection,
    (account, device): Whose,
    count: u8,
    until: Option<Time>,
    clocks: Clocks,
) -> rusqlite::Result<()> {
    let mut upsert = conn.prepare_cached(
        "INSERT INTO failures (account, device, count, boot, until, wall_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (account, device) DO UPDATE SET count = excluded.count, boot = excluded.boot,
         until = excluded.until, wall_until = excluded.wall_until",
    )?;
    upsert
        .execute(params![
            account.as_bytes(),
            device_bytes(device.as_ref()),
            count,
            until.map(|_| clocks.boot.to_be_bytes()),
            until.map(|u| bits(u.as_micros())),
            until.map(|u| bits(clocks.at.wall_at(u))),
        ])
        .map(drop)
}
