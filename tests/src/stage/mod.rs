//! Where a conversation is held.

mod binaries;
mod folder;
mod limits;
mod over_tcp;
mod simulated;

use std::time::Duration;

pub use binaries::Binaries;
pub use over_tcp::{OverTcp, Toy};
pub use simulated::Simulated;

use bytes::Bytes;
use starling_core::filename::FileName;

use crate::transcript::{Change, Deed, Fate, Who};

/// A server that listens, people with clients, and time.
pub trait Stage {
    /// Somebody does something. [`Deed::LogsIn`] never comes here: it is taken apart before.
    fn does(&mut self, who: &Who, deed: &Deed);

    /// Waits for what somebody sees next, as long as the transcript's patience allows.
    fn next(&mut self, who: &Who) -> Seen;

    /// Waits until `moment`, counted from the first moment, which is the present. Everything that is seen
    /// until then is noted with its time.
    fn moment(&mut self, moment: Duration);

    /// Something becomes of the server.
    fn server(&mut self, fate: Fate);

    /// Something becomes of somebody's folder. He needs no client.
    fn changes(&mut self, who: &Who, change: &Change);

    /// What is in the file of this name that can be seen in somebody's folder.
    fn file(&mut self, who: &Who, name: &FileName) -> Option<Bytes>;
}

/// What somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A line.
    Line {
        /// What it says.
        text: String,
        /// When it was seen, counted as moments are; nothing if there was no moment yet.
        at: Option<Duration>,
    },
    /// His client ended, with this status.
    End(i32),
    /// No line came in time.
    Nothing,
}
