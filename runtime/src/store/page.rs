//! A page of a mailbox.

use rusqlite::{Connection, params};
use starling_core::id::{MsgId, UserId};
use starling_core::server::PageOrder;
use starling_core::store::StoredLetter;

use super::rows::{Column, bound};
use super::users::Users;

/// Reads the letters of a page, ascending. It ends with the letter that fills it.
pub(super) fn read(
    conn: &Connection,
    users: &Users,
    order: &PageOrder,
) -> rusqlite::Result<Vec<StoredLetter>> {
    let mut select = conn.prepare_cached(
        "SELECT seq, sender, instance, counter, text FROM letters
         WHERE owner = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq",
    )?;
    let mut rows = select.query(params![order.user.0, bound(order.after), bound(order.upto)])?;
    let (mut letters, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let Column(sender): Column<UserId> = row.get(1)?;
        let (Column(seq), Column(text)) = (row.get(0)?, row.get(4)?);
        let (Column(instance), Column(counter)) = (row.get(2)?, row.get(3)?);
        let from = users.name(sender).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, sender.0.into()))?;
        let letter = StoredLetter { seq, from, id: MsgId { instance, counter }, text };
        bytes += letter.text.len();
        letters.push(letter);
        if bytes >= order.bytes_max {
            break;
        }
    }
    Ok(letters)
}
