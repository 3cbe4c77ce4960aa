//! Files on this computer: what is offered of a folder, and what is being fetched into it.
//!
//! Nothing here knows a connection. `folder.rs` is the only place that opens a file by a name that somebody else
//! may have chosen. What is offered is found out by `indexer.rs`, kept by `state.rs` and `cache.rs`, told by `index.rs`, and read by
//! `reading.rs`; what is fetched is written by `part.rs`, and said to be here by `notes.rs`
//! and `recheck.rs`.

mod cache;
mod disk;
pub mod error;
pub mod folder;
mod hashing;
pub mod index;
mod indexer;
mod log;
mod notes;
pub mod part;
pub mod pool;
pub mod reading;
mod recheck;
mod record;
mod stamp;
mod state;
mod watch;
mod watcher;
pub mod writing;

#[cfg(test)]
mod tests;

pub use error::WriteError;
pub use folder::Folder;
pub use index::{Change, Found, Index, Offer, Settings};
pub use part::Part;
pub use pool::Pool;
pub use reading::ChunkReader;
pub use writing::{ChunkWriter, Verdict};
