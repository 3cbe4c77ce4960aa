//! Starling as a whole, tried out: conversations that are held on several stages.
//!
//! A [`transcript`] says who types what and who sees what. One [`check`](check::check) reads it and holds
//! the conversation on a [`stage`]: in the simulator, over loopback TCP in process with a clock that the
//! test moves, and with the real programs.

pub mod check;
pub mod line;
pub mod program;
pub mod runner;
pub mod stage;
pub mod transcript;
pub mod traps;
