//! Names and their numbers.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use starling_core::id::UserId;
use starling_core::name::Name;

use super::rows::Column;

/// Everybody whom the store has ever seen, in memory: a page of letters needs the names of their senders.
#[derive(Debug, Default)]
pub(super) struct Users {
    by_id: HashMap<UserId, Name>,
    by_name: HashMap<Name, UserId>,
}

impl Users {
    pub(super) fn read(conn: &Connection) -> rusqlite::Result<Users> {
        let mut users = Users::default();
        let mut statement = conn.prepare("SELECT id, name FROM users")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (Column(id), Column(name)) = (row.get(0)?, row.get(1)?);
            users.note(id, name);
        }
        Ok(users)
    }

    pub(super) fn note(&mut self, id: UserId, name: Name) {
        self.by_id.insert(id, name);
        self.by_name.insert(name, id);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UserId, Name)> {
        self.by_id.iter().map(|(id, name)| (*id, *name))
    }

    pub(super) fn name(&self, id: UserId) -> Option<Name> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn knows(&self, id: UserId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The numbers of `names`, in their order. Names that are new get one in the database; they are known here
    /// only once that is committed and they are [noted](Users::note).
    pub(super) fn number(&self, conn: &Connection, names: &[Name]) -> rusqlite::Result<Vec<(UserId, Name)>> {
        let number = |name: &Name| match self.by_name.get(name) {
            Some(id) => Ok((*id, *name)),
            None => Ok((number_anew(conn, *name)?, *name)),
        };
        names.iter().map(number).collect()
    }
}

/// Looks first: the name may stand there after a commit of which nobody could tell.
fn number_anew(conn: &Connection, name: Name) -> rusqlite::Result<UserId> {
    let mut find = conn.prepare_cached("SELECT id FROM users WHERE name = ?1")?;
    if let Some(Column(id)) = find.query_row([name.as_str()], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let mut insert = conn.prepare_cached("INSERT INTO users (name) VALUES (?1) RETURNING id")?;
    let Column(id) = insert.query_row([name.as_str()], |row| row.get(0))?;
    Ok(id)
}
