//! What an operator decides.

use core::time::Duration;

use crate::limits::Limits;
use crate::swarm::{ChunkBounds, TrackerLimits};

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long an account is locked after failed logins.
    pub block_duration: Duration,
    /// How long a person may do nothing.
    pub timeout: Duration,
    /// What failed logins are counted for.
    pub lockout_scope: LockoutScope,
    /// How files are cut: the same at every client.
    pub chunks: ChunkBounds,
    /// What is remembered of who has what of which file.
    pub swarms: TrackerLimits,
    /// Everything else that has a bound.
    pub limits: Limits,
    /// The mistake that this server makes.
    #[cfg(feature = "planted")]
    pub planted: Option<super::planted::Fault>,
}

/// What failed logins are counted for, and what they lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockoutScope {
    /// The account, whatever device they come from.
    #[default]
    Account,
    /// Each device from which the account's user has logged in, apart from all others: so nobody else can
    /// lock it out.
    Device,
}

impl Config {
    /// The default limits, with the two values that every operator gives.
    #[must_use]
    pub fn new(block_duration: Duration, timeout: Duration) -> Config {
        Config {
            block_duration,
            timeout,
            lockout_scope: LockoutScope::default(),
            chunks: ChunkBounds::USUAL,
            swarms: TrackerLimits::default(),
            limits: Limits::default(),
            #[cfg(feature = "planted")]
            planted: None,
        }
    }
}

/// Whether this server makes the mistake of that name; never in a product build.
macro_rules! planted {
    ($config:expr, $fault:ident) => {{
        #[cfg(feature = "planted")]
        let made = $config.planted == Some($crate::server::Fault::$fault);
        #[cfg(not(feature = "planted"))]
        let made = {
            let _ = &$config;
            false
        };
        made
    }};
}
pub(crate) use planted;
