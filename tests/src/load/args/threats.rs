//! The attacks, and what can be said about each on the command line.

use clap::{Args as ClapArgs, Subcommand};

use crate::load::people::Setup;

/// The attacks that are measured in time or memory, by their numbers.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Threats {
    #[command(subcommand)]
    pub(crate) threat: Threat,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Threat {
    /// Connections that dribble in the handshake or before the login; how long a login takes meanwhile
    T02(Dribble),
    /// Connections without end at a server of few descriptors; how busy it is once they have stopped
    T03(Connects),
    /// Handshakes without end; how long a message takes meanwhile
    T04(Handshakes),
    /// Logins at once, with hashed passwords; the server's memory, and how long a message takes meanwhile
    T05(Logins),
    /// Whether the time of a refusal tells a known name from an unknown one
    T09(Names),
    /// A user who floods; how long the messages of others take meanwhile
    T13(Flood),
    /// The longest broadcasts to a crowd, as fast as it goes; the server's memory
    T14(Broadcasts),
    /// People who stop reading while others talk; the server's memory, and what they get in the end
    T15(Stalled),
    /// A folder full of links, pipes and sockets; how long it takes until its files are offered
    T27(Scan),
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Dribble {
    /// Connections, half of each kind
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) count: u32,
    /// Seconds between two bytes
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) every_s: u64,
    /// Seconds after which whoever is not cut is given up
    #[arg(long, default_value_t = 65, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Handshakes {
    /// Addresses from which they come
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) addresses: u8,
    /// How long
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Logins {
    /// Logins at once
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) logins: u32,
    /// How long others talk meanwhile
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Names {
    /// Names that are known, and as many that are not
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=5_000))]
    pub(crate) names: u32,
    /// Attempts a name, at most 2: the third locks it
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=2))]
    pub(crate) attempts: u32,
    /// With hashed passwords
    #[arg(long)]
    pub(crate) hashed: bool,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Flood {
    /// How long
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Connects {
    /// Connections in all
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) connects: u32,
    /// Of them, those that stay open
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) open: u32,
    /// Descriptors that the server may have
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(64..=100_000))]
    pub(crate) descriptors: u32,
    /// How long it is looked at afterwards
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Broadcasts {
    /// People who are online
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(33..=10_000))]
    pub(crate) members: u32,
    /// Broadcasts
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) messages: u32,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Stalled {
    /// People who stop reading, and come back when they are cut
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(20..=10_000))]
    pub(crate) stalled: u32,
    /// How long
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,
    /// Broadcasts a second
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=40))]
    pub(crate) rate: u32,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Scan {
    /// How often
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) scans: u32,
    /// Seconds after which a scan is given up
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) seconds: u64,
}

/// People who talk while something else happens.
pub(crate) const TALKERS: u32 = 20;

impl Threat {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Threat::T02(_) => "t02",
            Threat::T03(_) => "t03",
            Threat::T04(_) => "t04",
            Threat::T05(_) => "t05",
            Threat::T09(_) => "t09",
            Threat::T13(_) => "t13",
            Threat::T14(_) => "t14",
            Threat::T15(_) => "t15",
            Threat::T27(_) => "t27",
        }
    }

    pub(super) fn setup(&self) -> Setup {
        let (people, lifted, hashed) = match self {
            Threat::T02(_) | Threat::T04(_) => (TALKERS, false, false),
            Threat::T03(_) | Threat::T27(_) => (2, false, false),
            Threat::T05(logins) => (TALKERS + logins.logins, false, true),
            Threat::T09(names) => (names.names, true, names.hashed),
            Threat::T13(_) => (TALKERS + 1, false, false),
            Threat::T14(broadcasts) => (broadcasts.members, false, false),
            Threat::T15(stalled) => (stalled.stalled + 1, false, false),
        };
        let descriptors = match self {
            Threat::T03(connects) => Some(connects.descriptors),
            _ => None,
        };
        Setup { people, lifted, hashed, descriptors }
    }
}
