//! The simulator of Starling: virtual persons, clocks, stores and a lossy network around the real
//! machines.
//!
//! A [`tape::Tape`] of choices goes in, an [`outcome::Outcome`] comes out; a seed only fills the tape.
//! [`world::World`] is the loop, [`checker`] judges what it sees, [`shrink`] makes a failure small, and
//! [`world::script::Script`] lets a test drive the same world by hand. Nothing here reads a clock or
//! depends on the order of a hash map: the same tape gives the same trace in every build.

pub mod checker;
pub mod clock;
pub mod device;
pub mod fault;
pub mod folder;
pub mod fuzzing;
pub mod mark;
pub mod network;
pub mod options;
pub mod outcome;
pub mod people;
pub mod person;
pub mod pipe;
pub mod queue;
pub mod rule;
pub mod shrink;
pub mod stock;
pub mod store;
pub mod story;
pub mod swarm;
pub mod sweep;
pub mod tally;
pub mod tape;
pub mod world;

pub use outcome::{Outcome, Plan, run, run_as};
pub use tape::Tape;
