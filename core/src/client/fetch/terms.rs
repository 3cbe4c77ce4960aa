//! What a person has settled about files before the client begins.

use crate::swarm::{ChunkBounds, POLICIES, Policy};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How files are cut: the same for everybody in a team.
    pub chunks: ChunkBounds,
    /// How the next chunk is chosen.
    pub policy: &'static dyn Policy,
    /// At the end of the input, downloads under way are waited for.
    pub waits: bool,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms { chunks: ChunkBounds::USUAL, policy: POLICIES[0], waits: false }
    }
}
