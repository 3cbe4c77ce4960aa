//! The pure core of Starling: what a server and a client decide, without a socket, a clock or a disk.
//!
//! Two machines, [`server::Server`] and [`client::Client`], take events and return actions. A driver
//! performs the actions: the runtime with real sockets, the simulator with a world made from a seed.
//! ARCHITECTURE.md is the map.

#![no_std]

extern crate alloc;

mod alarms;
pub mod auth;
mod bucket;
pub mod client;
pub mod command;
pub mod device;
pub mod direct;
pub mod escape;
pub mod filename;
pub mod id;
pub mod limits;
pub mod name;
pub mod pattern;
pub mod people;
pub mod seed;
pub mod server;
pub mod store;
pub mod swarm;
pub mod text;
pub mod time;
pub mod wire;
