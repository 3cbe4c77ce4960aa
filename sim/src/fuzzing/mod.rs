//! What the fuzzer calls: one function a target, from bytes to a panic or none.
//!
//! The targets in `fuzz/` are one line each, and a test replays their corpus through the same functions.

mod client;
mod data;
mod fetch;
mod files;
mod frames;
mod machine;
mod server;
mod swarm;
mod words;

pub use client::client_step;
pub use fetch::fetch_step;
pub use frames::{frame_before_login, frame_from_peer, frame_from_server, frame_online};
pub use server::server_step;
pub use swarm::{chunk_list, file_name, resume_file};
pub use words::{command_line, credentials, escape};

use crate::tape::Tape;

/// A target: its name, which is also that of its folder in the corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 14] = [
    ("chunk_list", chunk_list),
    ("client_step", client_step),
    ("command_line", command_line),
    ("credentials", credentials),
    ("escape", escape),
    ("fetch_step", fetch_step),
    ("file_name", file_name),
    ("frame_before_login", frame_before_login),
    ("frame_from_peer", frame_from_peer),
    ("frame_from_server", frame_from_server),
    ("frame_online", frame_online),
    ("resume_file", resume_file),
    ("server_step", server_step),
    ("world", world),
];

/// A tape: the whole simulator, with all its checkers.
///
/// # Panics
/// If something happens that must not.
pub fn world(tape: &[u8]) {
    let outcome = crate::run(&Tape::from_bytes(tape));
    if let Some(violation) = outcome.violation {
        panic!("{violation:?}\n{}", outcome.story);
    }
}
