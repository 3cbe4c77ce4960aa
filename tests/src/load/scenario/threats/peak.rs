//! The most memory that the server has meanwhile.

use std::io;
use std::time::Duration;

use super::Again;
use crate::load::proc;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A watch that has begun.
pub(super) struct Peak(Again);

impl Peak {
    pub(super) fn begin(pid: u32) -> Peak {
        let mut peak = 0;
        Peak(Again::begin(LOOK, move || {
            let now = proc::rss(pid)?.max(peak);
            // What is added up is by how much the peak has grown.
            let grown = now - peak;
            peak = now;
            Ok(grown)
        }))
    }

    /// The peak, KiB.
    pub(super) fn end(self) -> io::Result<u64> {
        self.0.end()
    }
}
