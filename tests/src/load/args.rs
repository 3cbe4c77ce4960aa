//! The command line of `load`.

mod swarm;
mod threats;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::people::Setup;
pub(crate) use swarm::*;
pub(crate) use threats::*;

/// Measures what a server spends, over loopback TCP. Prints one line of JSON.
///
/// Without --connect a server is started in a temporary folder and ended afterwards.
#[derive(Clone, Debug, Parser)]
#[command(name = "load", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) target: Target,
    /// How to speak
    #[arg(long, global = true, value_enum, default_value_t = Transport::Tls)]
    pub(crate) transport: Transport,
    /// Seconds after which a scenario ends, with the figures it has by then
    #[arg(long, global = true, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) deadline_s: u64,
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// Which server.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Target {
    /// The program to start; default: `server` beside this program
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "connect")]
    pub(crate) server: Option<PathBuf>,
    /// A server that runs already, with the credentials that `load folder` writes
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(crate) connect: Option<SocketAddr>,
    /// The process id of that server
    #[arg(long, global = true)]
    pub(crate) pid: Option<u32>,
}

/// How the generator and the server speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// As everybody does
    Tls,
    /// In the clear, with a server that only this program can start
    Plain,
    /// First the one, then the other: two lines
    Both,
}

/// What is measured.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Broadcasts to a crowd
    Fanout(Fanout),
    /// Messages between people who are online
    Direct(Direct),
    /// Messages to people who are not online
    Offline(Offline),
    /// The memory of connections that do nothing
    Idle(Idle),
    /// Logins while few are online
    Login(Login),
    /// A crowd that logs in and stays
    Ramp(Ramp),
    /// A file from one client to many, with the real programs
    Swarm(Swarm),
    /// An attack, and what others notice of it
    Threats(Threats),
    /// Writes credentials.txt and server.toml for a server that --connect is to talk to
    Folder(Folder),
    /// The server that speaks in the clear, with the arguments of `server`
    #[command(hide = true)]
    Serve(Serve),
}

/// How broadcasts follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// The next when the last has reached everybody
    Single,
    /// 32 senders, 64 broadcasts under way in all
    Burst,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Fanout {
    /// People who are online; each broadcast reaches all but its sender
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(33..=15_000))]
    pub(crate) members: u32,
    /// Broadcasts that are measured
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) messages: u32,
    #[arg(long, value_enum, default_value_t = Mode::Single)]
    pub(crate) mode: Mode,
    /// Bytes of a text
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(8..=16_384))]
    pub(crate) size: u32,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Direct {
    /// Pairs of a sender and a receiver
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=7_000))]
    pub(crate) pairs: u32,
    /// Messages that each sender has under way; a message is over when its receiver has it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) under_way: u32,
    /// Messages that are measured
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) messages: u32,
    /// Messages a second, all pairs together, at even distances; replaces --under-way
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "under_way")]
    pub(crate) rate: Option<u32>,
    /// Bytes of a text
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(8..=16_384))]
    pub(crate) size: u32,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Offline {
    /// People who send; each to one who is not there
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=7_000))]
    pub(crate) senders: u32,
    /// Messages that each sender has under way; a message is over when the server has stored it
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) under_way: u32,
    /// Messages that are measured
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) messages: u32,
    /// Bytes of a text
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(8..=16_384))]
    pub(crate) size: u32,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Idle {
    /// People who log in and do nothing
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=15_000))]
    pub(crate) connections: u32,
}

/// How somebody goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Leave {
    /// With the command, and the server's answer
    Logout,
    /// By closing the connection
    Close,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Login {
    /// Logins that are measured
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) count: u32,
    /// People who are online at once, those who are coming included
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) online_max: u32,
    /// Logins at once
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) under_way: u32,
    /// How the earlier ones make room
    #[arg(long, value_enum, default_value_t = Leave::Logout)]
    pub(crate) leave: Leave,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Ramp {
    /// People who log in and stay
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(4..=15_000))]
    pub(crate) people: u32,
    /// Logins at once
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) under_way: u32,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Folder {
    /// Where; created when missing
    pub(crate) path: PathBuf,
    /// How many people the credentials name
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) people: u32,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Serve {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

impl Scenario {
    /// Its name on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Scenario::Fanout(_) => "fanout",
            Scenario::Direct(_) => "direct",
            Scenario::Offline(_) => "offline",
            Scenario::Idle(_) => "idle",
            Scenario::Login(_) => "login",
            Scenario::Ramp(_) => "ramp",
            Scenario::Swarm(_) => "swarm",
            Scenario::Threats(threats) => threats.threat.name(),
            Scenario::Folder(_) => "folder",
            Scenario::Serve(_) => "serve",
        }
    }

    /// What its server must be like.
    pub(crate) fn setup(&self) -> Setup {
        match self {
            Scenario::Threats(threats) => threats.threat.setup(),
            other => Setup::of(other.people()),
        }
    }

    /// How many people the credentials must name.
    fn people(&self) -> u32 {
        match self {
            Scenario::Fanout(fanout) => fanout.members,
            Scenario::Direct(direct) => 2 * direct.pairs,
            Scenario::Offline(offline) => 2 * offline.senders,
            Scenario::Idle(idle) => idle.connections,
            Scenario::Login(login) => login.people(),
            Scenario::Ramp(ramp) => ramp.people,
            Scenario::Folder(folder) => folder.people,
            Scenario::Swarm(swarm) => 1 + swarm.leechers,
            Scenario::Threats(threats) => threats.threat.setup().people,
            Scenario::Serve(_) => 0,
        }
    }
}

impl Login {
    /// So many that nobody comes back within the count, up to a bound; far more than are online.
    pub(crate) fn people(&self) -> u32 {
        self.count.min(50_000).max(2 * self.online_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split(' '))
    }

    #[test]
    fn every_scenario_has_defaults() {
        for name in [
            "fanout", "direct", "offline", "idle", "login", "ramp", "swarm", "t02", "t03", "t04", "t05",
            "t09", "t13", "t14", "t15", "t27",
        ] {
            let path = if name.starts_with('t') { "threats " } else { "" };
            let args = parse(&format!("load {path}{name}")).expect(name);
            assert_eq!(args.scenario.name(), name);
            assert!(args.scenario.setup().people > 1);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "load",
            "load fanout --members 0",
            "load fanout --mode all",
            "load direct --rate 10 --under-way 2",
            "load fanout --connect nowhere",
            "load fanout --connect 127.0.0.1:1 --server x",
            "load idle --deadline-s 0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
