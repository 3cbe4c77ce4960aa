//! What the program `server` does beside serving: a command each.

mod ask;
mod draft;
mod fingerprint;
mod held;
mod passwd;
mod user;

use clap::Subcommand;
use starling_core::auth::credentials::Broken;
use starling_core::name::{Name, NotAName};

use self::fingerprint::Fingerprint;
use self::passwd::Passwd;
use self::user::User;
use super::files::CREDENTIALS;

/// Why a command has done nothing. Displayed as one line: what, why, and what to do.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Set the password of a user, or hash all passwords that are plain text
    Passwd(Passwd),
    /// Add, remove or list users
    #[command(subcommand, disable_help_subcommand = true)]
    User(User),
    /// Print the fingerprint of the server's key
    Fingerprint(Fingerprint),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Passwd(passwd) => passwd.run(),
            Command::User(user) => user.run(),
            Command::Fingerprint(fingerprint) => fingerprint.run(),
        }
    }
}

/// The usage of the command of that name, in one line.
pub(crate) fn command_usage(name: &str) -> Option<&'static str> {
    Some(match name {
        "passwd" => "server passwd <USER> | --hash-all",
        "user" => "server user add <NAME> | remove <NAME> | list",
        "fingerprint" => "server fingerprint",
        _ => return None,
    })
}

/// A user name on the command line.
fn name(text: &str) -> Result<Name, String> {
    Name::parse(text.as_bytes()).map_err(|fault| match fault {
        NotAName::Empty => "it is empty".to_owned(),
        NotAName::TooLong => format!("it has more than {} characters", Name::MAX),
        NotAName::Forbidden(_) => "it may have ASCII letters, digits, \"_\", \".\" and \"-\"".to_owned(),
    })
}

/// Why the users could not be changed. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("Cannot use {CREDENTIALS:?}: {0}.")]
    Broken(#[from] Broken),
    #[error("There is no user {0} in {CREDENTIALS:?}. Add him with `server user add {0}`.")]
    Unknown(Name),
    #[error(
        "User {0} is on line {1} of {CREDENTIALS:?} already. Change his password with `server passwd {0}`."
    )]
    Known(Name, usize),
    #[error("Cannot remove {0}: a server needs a user. Add another first with `server user add NAME`.")]
    Last(Name),
}
