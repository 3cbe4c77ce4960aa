//! What survives a restart: the data folder and the SQLite database in it.
//!
//! [`Store::open`] takes the folder (nobody else can have it then), raises the epoch and gives back the
//! [`Snapshot`](starling_core::store::Snapshot) that the server machine starts from. [`Writer::spawn`]
//! moves the store to a thread of its own, which takes [`Order`]s one after the other and gives one
//! [`Answer`] to each, in the same order. So a page that is loaded shows every batch ordered before it.
//!
//! What an answer promises:
//! - `Committed` is said after the transaction is on the disk (write-ahead log, `synchronous=FULL`).
//! - `Failed` is said only where nothing of the batch can ever come to light.
//! - `Unknown` is said where a commit failed half-way. The same batch may be ordered again: its key is
//!   committed with it, so it is applied once.
//! - [`Answer::Broken`] is the last word of a store: an `fsync` failed. The system may have dropped what it
//!   could not write and call the next `fsync` a success (<https://wiki.postgresql.org/wiki/Fsync_Errors>),
//!   so nothing is written, promised or retried by this process any more; it must end.

mod batch;
mod error;
mod folder;
mod life;
mod page;
mod rows;
mod schema;
mod snapshot;
mod sqlite;
#[cfg(test)]
mod tests;
mod users;
mod writer;

pub use error::{OpenError, StoreError};
pub use folder::{Folder, boot_id};
pub use sqlite::{Config, Moment, Store};
pub use writer::{Answer, ORDERS_MAX, Order, Writer};
