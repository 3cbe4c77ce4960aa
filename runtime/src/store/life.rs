//! The beginning of a life of the server: what is written before anything is read.

use rusqlite::{Connection, params};
use starling_core::id::{Epoch, ServerId, UserId};
use starling_core::name::Name;
use starling_core::store::StoredDeadline;

use super::batch::{Clocks, keep_failures};
use super::rows::Column;
use super::sqlite::Config;
use super::users::Users;

/// One life of the server, as it is committed.
pub(super) struct Life {
    pub(super) server: ServerId,
    pub(super) epoch: Epoch,
    /// The users of the credentials.
    pub(super) members: Vec<(UserId, Name)>,
}

/// Puts a new life into the open transaction; nothing if there have been as many as can be.
pub(super) fn start(
    conn: &Connection,
    users: &Users,
    members: &[Name],
    config: &Config,
) -> rusqlite::Result<Option<Life>> {
    let (server, epoch) = raise_epoch(conn)?;
    if epoch > Epoch::MAX {
        return Ok(None);
    }
    revive_locks(conn, config)?;
    Ok(Some(Life { server, epoch, members: users.number(conn, members)? }))
}

fn raise_epoch(conn: &Connection) -> rusqlite::Result<(ServerId, Epoch)> {
    conn.query_row("UPDATE meta SET epoch = epoch + 1, batch = 0 RETURNING server, epoch", [], |row| {
        let Column(server) = row.get(0)?;
        Ok((ServerId(server), Epoch(row.get(1)?)))
    })
}

/// Brings the locks of an earlier boot into the time of this one, and keeps them so: another restart in
/// this boot does not ask the wall clock again.
fn revive_locks(conn: &Connection, config: &Config) -> rusqlite::Result<()> {
    let mut earlier = conn
        .prepare("SELECT account, device, count, boot, until, wall_until FROM failures WHERE boot <> ?1")?;
    let mut rows = earlier.query(params![config.boot.to_be_bytes()])?;
    let mut revived = Vec::new();
    while let Some(row) = rows.next()? {
        let (Column(account), Column(device), count) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (Column(boot), Column(until), Column(wall_until)) = (row.get(3)?, row.get(4)?, row.get(5)?);
        let stored = StoredDeadline { boot, until, wall_until };
        revived.push((
            (account, device),
            count,
            stored.revive(config.boot, config.at.now, config.at.wall, config.block_duration),
        ));
    }
    let clocks = Clocks { boot: config.boot, at: config.at };
    revived
        .into_iter()
        .try_for_each(|(whose, count, until)| keep_failures(conn, whose, count, Some(until), clocks))
}
