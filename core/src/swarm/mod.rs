//! Files that many people have and fetch from each other: what each part of it must decide, and nothing of
//! connections, disks or users' rights.
//!
//! Organs, each with one thing to know. The machines in `server` and `client` put them together.

pub mod batch;
pub mod bitmap;
pub mod content;
pub mod download;
pub mod fresh;
pub mod layout;
pub mod manifest;
mod meter;
pub mod neighbours;
pub mod picker;
pub mod resume;
pub mod slots;
pub mod tracker;

pub use batch::Batch;
pub use bitmap::Bitmap;
pub use content::{Content, ContentId, IdPrefix};
pub use download::{Download, LONELY_MAX, Order};
pub use fresh::Fresh;
pub use layout::{ChunkBounds, Layout};
pub use manifest::{ChunkHash, ChunkHasher, Manifest};
pub use neighbours::Neighbours;
pub use picker::{POLICIES, Policy, policy};
pub use slots::{Bid, Slots};
pub use tracker::{Notice, Snapshot, Tracker, TrackerFull, TrackerLimits};
