//! Files that many people have and fetch from each other: what each part of it must decide, and nothing of
//! connections, disks or users' rights.
//!
//! Organs, each with one thing to know. The machines in `server` and `client` put them together.

pub mod bitmap;
pub mod content;
pub mod layout;
pub mod manifest;
pub mod resume;

pub use bitmap::Bitmap;
pub use content::ContentId;
pub use layout::Layout;
pub use manifest::{ChunkHash, ChunkHasher, Manifest};
