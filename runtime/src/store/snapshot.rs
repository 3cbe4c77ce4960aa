//! What a server starts from, read in one pass over each table.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, Row};
use starling_core::id::{Epoch, MsgId, Seq, UserId};
use starling_core::name::Name;
use starling_core::people::marks::Marks;
use starling_core::store::{FailureRecord, LetterHead, Snapshot, UserRecord};

use super::life::Life;
use super::rows::Column;
use super::users::Users;

/// Everything that is kept, also about those who are no longer listed: they may be listed again.
pub(super) fn read(conn: &Connection, users: &Users, life: &Life) -> rusqlite::Result<Snapshot> {
    let mut found = Everybody::of(users, &life.members);
    each(conn, "SELECT blocker, blocked FROM blocks", |row| {
        let blocked = known(users, row, 1)?;
        if let Some(person) = found.owner(row)? {
            person.record.blocks.push(blocked);
        }
        Ok(())
    })?;
    each(conn, "SELECT owner, sender, instance, counter FROM marks ORDER BY owner, sender, seq", |row| {
        let (from, id) = (known(users, row, 1)?, message(row, 2)?);
        if let Some(person) = found.owner(row)? {
            person.marks.note(from, id);
        }
        Ok(())
    })?;
    let letters =
        "SELECT owner, sender, instance, counter, seq, octet_length(text) FROM letters ORDER BY owner, seq";
    each(conn, letters, |row| {
        let (from, id) = (known(users, row, 1)?, message(row, 2)?);
        let head = LetterHead { seq: issued(row, 4, life.epoch)?, from, bytes: row.get(5)? };
        if let Some(person) = found.owner(row)? {
            person.record.letters.push(head);
            person.marks.note(from, id);
        }
        Ok(())
    })?;
    each(conn, "SELECT owner, key FROM devices ORDER BY owner, seq", |row| {
        let Column(key) = row.get(1)?;
        if let Some(person) = found.owner(row)? {
            person.record.devices.push(key);
        }
        Ok(())
    })?;
    let mut failures = Vec::new();
    each(conn, "SELECT account, device, count, until FROM failures", |row| {
        let (Column(account), Column(device), count) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let locked_until = row.get::<_, Option<Column<_>>>(3)?.map(|Column(until)| until);
        failures.push(FailureRecord { account, device, count, locked_until });
        Ok(())
    })?;
    Ok(Snapshot { server: life.server, epoch: life.epoch, users: found.into_records(), failures })
}

/// The records as they fill up.
struct Everybody {
    list: Vec<Person>,
    at: HashMap<UserId, usize>,
}

struct Person {
    record: UserRecord,
    marks: Marks<UserId>,
}

impl Everybody {
    fn of(users: &Users, members: &[(UserId, Name)]) -> Everybody {
        let listed: HashSet<UserId> = members.iter().map(|(id, _)| *id).collect();
        let mut found = Everybody { list: Vec::new(), at: HashMap::new() };
        for (id, name) in users.iter() {
            let record = UserRecord { listed: listed.contains(&id), ..UserRecord::new(id, name) };
            found.at.insert(id, found.list.len());
            found.list.push(Person { record, marks: Marks::new() });
        }
        found
    }

    /// The person whose number stands in the first column.
    fn owner(&mut self, row: &Row<'_>) -> rusqlite::Result<Option<&mut Person>> {
        let Column(owner) = row.get(0)?;
        Ok(self.at.get(&owner).map(|at| &mut self.list[*at]))
    }

    fn into_records(self) -> Vec<UserRecord> {
        let whole = |person: Person| UserRecord { marks: person.marks.iter().collect(), ..person.record };
        self.list.into_iter().map(whole).collect()
    }
}

fn each(
    conn: &Connection,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn message(row: &Row<'_>, column: usize) -> rusqlite::Result<MsgId> {
    let (Column(instance), Column(counter)) = (row.get(column)?, row.get(column + 1)?);
    Ok(MsgId { instance, counter })
}

/// A user whom the table of users has; anything else is damage.
fn known(users: &Users, row: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    let Column(id): Column<UserId> = row.get(column)?;
    if users.knows(id) { Ok(id) } else { Err(rusqlite::Error::IntegralValueOutOfRange(column, id.0.into())) }
}

/// A place that an earlier life gave. One of this life or a later one would be given again.
fn issued(row: &Row<'_>, column: usize, epoch: Epoch) -> rusqlite::Result<Seq> {
    let Column(seq): Column<Seq> = row.get(column)?;
    if seq.epoch() < epoch {
        Ok(seq)
    } else {
        Err(rusqlite::Error::IntegralValueOutOfRange(column, row.get(column)?))
    }
}
