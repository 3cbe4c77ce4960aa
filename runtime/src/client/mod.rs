//! The driver of a client: a socket, a person and the memory of a device around the pure machine.

pub mod args;
pub mod device;
pub mod dial;
pub mod files;
mod folder;
pub mod known;
mod known_peers;
pub mod memory;
mod note;
pub mod offers;
pub mod peers;
pub mod run;
pub mod session;
mod signals;
pub mod trust;
mod xdg;
