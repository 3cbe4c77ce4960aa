//! The command line of `server`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{Error, ErrorKind};
use clap::{Args as Arguments, Parser, ValueEnum};
use starling_core::server::LockoutScope;

use super::commands::{Command, command_usage};

use super::Security;

/// A team messenger's server.
///
/// Reads credentials.txt in the working directory: one `username password` a line, where a hash that
/// `server passwd` made may stand for the password. Prints `listening on <ip>:<port>` when it is ready; logs
/// go to stderr (STARLING_LOG=debug shows more). SIGTERM and SIGINT stop it, SIGHUP makes it read
/// credentials.txt again.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(name = "server", version, verbatim_doc_comment)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(crate) struct CommandLine {
    /// To do this instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// To serve like this; there whenever there is no command.
    #[command(flatten)]
    pub(crate) serve: Option<Args>,
}

/// How to serve.
#[derive(Clone, Debug, PartialEq, Eq, Arguments)]
pub(crate) struct Args {
    /// The port to listen on; 0 lets the system choose
    #[arg(value_name = "port", allow_negative_numbers = true)]
    pub(crate) port: u16,
    /// Seconds for which an account is locked after three failed logins in a row
    #[arg(value_name = "block_duration", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    block_duration: u32,
    /// Seconds without a command after which a user is logged out
    #[arg(value_name = "timeout", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,
    /// The address to listen on; `[::]` takes IPv6 and IPv4
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED), value_parser = ip)]
    bind: IpAddr,
    /// The folder in which the server keeps its data
    #[arg(long, value_name = "DIR", default_value = "starling-data")]
    pub(crate) data_dir: PathBuf,
    /// A certificate from an authority (PEM), and those that lead to it, instead of the server's own key
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// A file with limits; server.toml in the working directory is read if it is there
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What failed logins are counted for, and lock: the account, or each device from which its user has logged
    /// in, apart from all others
    #[arg(long, value_name = "SCOPE", value_enum, default_value_t = Scope::Account)]
    lockout_scope: Scope,
    /// Refuse credentials with passwords that are plain text
    #[arg(long)]
    pub(crate) require_hashed: bool,
}

/// As [`LockoutScope`], by the word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scope {
    Account,
    Device,
}

impl Args {
    /// Where to listen.
    #[must_use]
    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }

    /// How to speak.
    #[must_use]
    pub(crate) fn security(&self) -> Security {
        match (&self.cert, &self.key) {
            (Some(certificates), Some(key)) => {
                Security::Authority { certificates: certificates.clone(), key: key.clone() }
            }
            _ => Security::OwnKey,
        }
    }

    /// What failed logins are counted for.
    #[must_use]
    pub(crate) fn lockout_scope(&self) -> LockoutScope {
        match self.lockout_scope {
            Scope::Account => LockoutScope::Account,
            Scope::Device => LockoutScope::Device,
        }
    }

    /// How long an account is locked.
    #[must_use]
    pub(crate) fn block_duration(&self) -> Duration {
        Duration::from_secs(self.block_duration.into())
    }

    /// How long a person may do nothing.
    #[must_use]
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

/// An address, in brackets or not.
fn ip(text: &str) -> Result<IpAddr, std::net::AddrParseError> {
    text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).parse()
}

/// What is wrong with a command line that begins with `first`, in one line.
#[must_use]
pub(crate) fn complaint(error: &Error, first: &str) -> String {
    let text = error.to_string();
    let what = match error.kind() {
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "Too few arguments.".to_owned(),
        _ => {
            let mut first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            first[..1].make_ascii_uppercase();
            format!("{first}.")
        }
    };
    let usage = command_usage(first).unwrap_or("server <port> <block_duration> <timeout>");
    format!("{what} Usage: {usage} (see --help).")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: &Error, line: &str) -> String {
        complaint(error, line.split(' ').nth(1).unwrap_or_default())
    }

    fn parse(line: &str) -> Result<Args, String> {
        let parsed = CommandLine::try_parse_from(line.split(' ')).map_err(|error| told(&error, line))?;
        assert_eq!(parsed.command, None);
        Ok(parsed.serve.expect("there is no command"))
    }

    #[test]
    fn three_numbers_are_enough() {
        let args = parse("server 4000 60 120").unwrap();
        assert_eq!(args.addr(), "0.0.0.0:4000".parse().unwrap());
        assert_eq!((args.block_duration().as_secs(), args.timeout().as_secs()), (60, 120));
        assert_eq!(args.data_dir, PathBuf::from("starling-data"));
    }

    #[test]
    fn an_address_may_stand_in_brackets() {
        for bind in ["[::]", "::"] {
            assert_eq!(
                parse(&format!("server 0 1 1 --bind {bind}")).unwrap().addr(),
                "[::]:0".parse().unwrap()
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for line in [
            "server",
            "server 4000 60",
            "server 70000 60 120",
            "server x 60 120",
            "server 4000 0 120",
            "server 4000 60 0",
            "server 4000 1.5 9",
            "server 4000 60 -1",
            "server 4000 60 120 7",
            "server 4000 60 120 --bind nowhere",
            "server 4000 60 120 --what",
            "server 4000 60 120 --lockout-scope street",
        ] {
            let complaint = parse(line).unwrap_err();
            assert!(!complaint.contains('\n') && complaint.contains(" Usage: server <port>"), "{complaint}");
        }
    }

    #[test]
    fn a_command_stands_in_the_place_of_the_numbers() {
        for line in [
            "server passwd hans",
            "server passwd --hash-all",
            "server user add hans",
            "server user remove hans",
            "server user list",
        ] {
            let parsed = CommandLine::try_parse_from(line.split(' ')).unwrap();
            assert!(parsed.command.is_some() && parsed.serve.is_none(), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_command_is_said_in_one_line() {
        for line in [
            "server passwd",
            "server passwd hans yoda",
            "server passwd hans --hash-all",
            "server passwd h@ns",
            "server passwd --hash-some",
            "server user",
            "server user add",
            "server user add h@ns",
            "server user rename hans",
            "server user list hans",
        ] {
            let error = CommandLine::try_parse_from(line.split(' ')).unwrap_err();
            let complaint = told(&error, line);
            let command = line.split(' ').nth(1).unwrap();
            let usage = format!(" Usage: server {command} ");
            assert!(!complaint.contains('\n') && complaint.contains(&usage), "{complaint}");
        }
        for line in [
            "server 0 60 120 passwd hans",
            "server passwd hans 0 60 120",
            "server --require-hashed user list",
        ] {
            assert!(CommandLine::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
