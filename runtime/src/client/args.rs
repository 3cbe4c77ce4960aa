//! The command line of `client`.

use std::path::PathBuf;

use clap::Parser;
use clap::error::{Error, ErrorKind};
use starling_core::client::Terms;
use starling_core::command;
use starling_core::swarm::{Policy, policy};

use super::known::Place;
use crate::tls::fingerprint::Fingerprint;

/// A team messenger's client.
///
/// Asks for a user name and a password, then takes commands, one a line. Its exit status is 0 when logged
/// out, 2 for wrong usage, 3 when the server cannot be reached, is busy, or is lost, 4 when the login is
/// refused, 5 when logged out for inactivity and 6 when the server's key is not the right one.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(name = "client", version, verbatim_doc_comment, after_help = commands())]
pub struct Args {
    /// The server's name or address
    #[arg(value_parser = host)]
    pub host: String,
    /// The server's port
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// The folder whose files are offered to others, and into which downloads go; by default `shared`
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    /// The key that the server must have
    #[arg(long, value_name = "SHA256:...", conflicts_with = "ca")]
    pub fingerprint: Option<Fingerprint>,
    /// A file with certificates (PEM) of authorities, one of which must vouch for the server's name
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Refuse a server that was never met, instead of trusting the key that it has at first
    #[arg(long)]
    pub strict: bool,
    /// Read lines and print lines, without prompts, also on a terminal
    #[arg(long)]
    pub plain: bool,
    /// At the end of the input, let running downloads finish first
    #[arg(long)]
    pub wait: bool,
    /// How the next chunk of a download is chosen: `rarest` first, or at `random`
    #[arg(long, value_name = "POLICY", default_value = "rarest", value_parser = picker)]
    pub picker: Picker,
}

/// How the next chunk of a download is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Picker(pub &'static dyn Policy);

impl PartialEq for Picker {
    fn eq(&self, other: &Picker) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for Picker {}

impl Args {
    /// What the person has settled about files.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms { policy: self.picker.0, waits: self.wait, ..Terms::default() }
    }
}

fn picker(text: &str) -> Result<Picker, &'static str> {
    policy(text).map(Picker).ok_or("it is `rarest` or `random`")
}

/// The first word that makes the client forget the key of a server.
pub const FORGET: &str = "forget-server";

/// The word that alone makes the client show the keys of this device.
pub const FINGERPRINT: &str = "fingerprint";

/// Trust no key of a server any more: whatever key it has at the next visit is trusted then.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(name = "client forget-server", version)]
pub struct ForgetArgs {
    /// The server, as it was named when it was visited
    #[arg(value_name = "HOST:PORT")]
    pub place: Place,
}

/// What can be typed once logged in, and what else the program does.
fn commands() -> String {
    format!(
        "Commands:\n{}\n\n`client forget-server HOST:PORT` forgets the key of a server;\n\
         `client fingerprint` shows the keys of this device.",
        command::help::text().trim_end()
    )
}

/// A host: a name, or an address that may stand in brackets.
fn host(text: &str) -> Result<String, &'static str> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.is_empty() { Err("a host has a name or an address") } else { Ok(bare.to_owned()) }
}

/// What is wrong with a command line, in one line.
#[must_use]
pub fn complaint(error: &Error) -> String {
    let text = error.to_string();
    let what = match error.kind() {
        ErrorKind::MissingRequiredArgument => "Too few arguments.".to_owned(),
        _ => {
            let first = text.lines().next().unwrap_or_default();
            let mut chars = first.strip_prefix("error: ").unwrap_or(first).chars();
            let initial = chars.next().map(|initial| initial.to_ascii_uppercase());
            format!("{}.", initial.into_iter().chain(chars).collect::<String>())
        }
    };
    format!("{what} Usage: client <host> <port> [--dir <folder>] [--plain] (see --help).")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::try_parse_from(line.split(' ')).map_err(|error| complaint(&error))
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for (given, host) in
            [("localhost", "localhost"), ("10.0.0.1", "10.0.0.1"), ("::1", "::1"), ("[::1]", "::1")]
        {
            let args = parse(&format!("client {given} 4000")).unwrap();
            assert_eq!((args.host.as_str(), args.port), (host, 4000));
        }
    }

    #[test]
    fn options_may_stand_anywhere() {
        let args = parse("client --plain localhost 4000 --dir offers --wait").unwrap();
        assert!(args.plain && args.wait && args.terms().waits);
        assert_eq!(args.terms().policy.name(), "rarest");
        assert_eq!(args.dir, Some(PathBuf::from("offers")));
        let args = parse("client localhost 4000 --picker random").unwrap();
        assert_eq!(args.terms().policy.name(), "random");
    }

    #[test]
    fn the_help_lists_the_commands() {
        let help = Args::try_parse_from(["client", "--help"]).unwrap_err().to_string();
        assert!(help.contains("message <user> <text>") && help.contains("--plain"), "{help}");
    }

    #[test]
    fn the_help_tells_every_exit_status() {
        let help = Args::try_parse_from(["client", "--help"]).unwrap_err().to_string();
        let told = help.split("exit status is").nth(1).unwrap().split(".\n").next().unwrap();
        let told: Vec<u8> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert_eq!(told, [0, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for line in [
            "client",
            "client localhost",
            "client localhost 0",
            "client localhost 70000",
            "client localhost four",
            "client [] 4000",
            "client localhost 4000 9",
            "client localhost 4000 --what",
            "client localhost 4000 --dir",
            "client localhost 4000 --picker best",
        ] {
            let complaint = parse(line).unwrap_err();
            assert!(!complaint.contains('\n') && complaint.contains(" Usage: client <host>"), "{complaint}");
        }
    }
}
