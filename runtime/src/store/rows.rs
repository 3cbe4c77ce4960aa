//! How the core's types stand in columns.
//!
//! SQLite knows signed numbers of 64 bits. A [`Seq`] is never negative as one (its epoch has 23 bits). Numbers
//! that use all 64 bits (server id, instance, counter, times) are kept by their bit pattern, so they can be
//! compared for equality in SQL, but not ordered.

use bytes::Bytes;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use starling_core::device::DeviceKey;
use starling_core::id::{Seq, UserId};
use starling_core::name::{AccountName, Name};
use starling_core::text::Text;
use starling_core::time::Time;

/// A number of 64 bits by its bit pattern.
pub(super) const fn bits(number: u64) -> i64 {
    number.cast_signed()
}

/// A place in a mailbox, as a bound to compare with: what no letter can have lies after all of them.
pub(super) fn bound(seq: Seq) -> i64 {
    i64::try_from(seq.to_bits()).unwrap_or(i64::MAX)
}

/// A place in a mailbox that a letter is kept under.
///
/// # Panics
/// If the machine gave a place after the last epoch; no store starts such an epoch.
pub(super) fn place(seq: Seq) -> i64 {
    i64::try_from(seq.to_bits()).expect("the epoch of a letter has 23 bits")
}

/// A value as it comes out of a column.
pub(super) struct Column<T>(pub(super) T);

impl FromSql for Column<u64> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Column(value.as_i64()?.cast_unsigned()))
    }
}

impl FromSql for Column<Time> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Column(Time::from_micros(value.as_i64()?.cast_unsigned())))
    }
}

impl FromSql for Column<Seq> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bits = value.as_i64()?;
        u64::try_from(bits).map(|b| Column(Seq::from_bits(b))).map_err(|_| FromSqlError::OutOfRange(bits))
    }
}

impl FromSql for Column<UserId> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        u32::column_result(value).map(|id| Column(UserId(id)))
    }
}

impl FromSql for Column<Name> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Name::parse(value.as_str()?.as_bytes()).map(Column).map_err(|_| FromSqlError::InvalidType)
    }
}

impl FromSql for Column<AccountName> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        if bytes.len() > AccountName::MAX {
            return Err(FromSqlError::InvalidType);
        }
        Ok(Column(AccountName::of(bytes)))
    }
}

impl FromSql for Column<DeviceKey> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let key = value.as_blob()?.try_into().map_err(|_| FromSqlError::InvalidType)?;
        Ok(Column(DeviceKey(key)))
    }
}

/// One device, or, as no bytes, all that have no failures of their own: a key of a table is never null.
impl FromSql for Column<Option<DeviceKey>> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        if value.as_blob()?.is_empty() {
            return Ok(Column(None));
        }
        Column::column_result(value).map(|Column(key)| Column(Some(key)))
    }
}

/// How [`Column<Option<DeviceKey>>`] is written.
pub(super) fn device_bytes(device: Option<&DeviceKey>) -> &[u8] {
    device.map_or(&[], |key| &key.0)
}

impl FromSql for Column<Text> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = Bytes::copy_from_slice(value.as_str()?.as_bytes());
        Text::parse(bytes).map(Column).map_err(|_| FromSqlError::InvalidType)
    }
}

/// Which boot a deadline counts from.
impl FromSql for Column<u128> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?.try_into().map_err(|_| FromSqlError::InvalidType)?;
        Ok(Column(u128::from_be_bytes(bytes)))
    }
}
