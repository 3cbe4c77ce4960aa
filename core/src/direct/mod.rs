//! Two clients who talk past the server: what the server vouches for, and where each can be reached.
//!
//! The server introduces two users to each other by a [`Pass`]: to each it tells the other's name, the key of his
//! device and where it may be found. Both dial, both listen; a connection counts once the key at its other end is
//! that one and the pass has been shown on it, in the role that the pass gives.

pub mod place;

pub use place::Reach;

use core::fmt;

/// The server's word for one connection between two users, good for one purpose and a short time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pass(pub [u8; Pass::BYTES]);

impl Pass {
    /// Bytes of a pass: so many that nobody guesses one.
    pub const BYTES: usize = 16;
}

impl fmt::Debug for Pass {
    /// Enough to tell passes apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.0;
        write!(f, "Pass({a:02x}{b:02x}{c:02x}..)")
    }
}

/// Which of the two somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// He asked for the other one, and says which connection it shall be.
    Caller,
    /// He was asked for.
    Called,
}

impl Role {
    /// What the other one is.
    #[must_use]
    pub const fn other(self) -> Role {
        match self {
            Role::Caller => Role::Called,
            Role::Called => Role::Caller,
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A private session.
    Talk,
    /// Chunks of files, in both directions.
    Fetch,
}
