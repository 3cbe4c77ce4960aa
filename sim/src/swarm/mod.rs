//! A simulated swarm: the organs that decide in a real one, over access links with rates, latency and loss.
//!
//! Apart from [`crate::world`], which is about machines and every way in which a network breaks, this is about time: how
//! long many people need for one file. So links have rates, and what is sent is counted and not encoded. Peers are
//! values, events are numbers; a million transfers of a chunk take seconds.

pub mod command;
mod due;
pub mod figures;
mod link;
mod peer;
mod plot;
pub mod setup;
pub mod small;
mod world;

pub use figures::Figures;
pub use setup::{Nature, PeerSetup, Setup};
pub use world::run;
