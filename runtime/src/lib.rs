//! The drivers of Starling: everything that can fail or block, around machines that can do neither.

pub mod client;
pub mod clock;
pub mod face;
mod net;
pub mod server;
pub mod share;
pub mod store;
pub mod tls;
