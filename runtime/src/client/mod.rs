//! The driver of a client: a socket, a person and the memory of a device around the pure machine.

pub mod args;
mod folder;
pub mod memory;
mod note;
pub mod run;
pub mod session;
mod signals;
