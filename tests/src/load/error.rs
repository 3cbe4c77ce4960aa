//! Why a scenario has no figures.

use std::{fmt, io};

/// See the module. Displayed as one line.
#[derive(Debug)]
pub(crate) enum Error {
    /// The system refused something.
    System(io::Error),
    /// There is no such program to start.
    NoServer(std::path::PathBuf),
    /// There is no such client to start.
    NoClient(std::path::PathBuf),
    /// The server ended, or said something else than where it listens.
    NotReady(String),
    /// The scenario took too long before there was anything to measure.
    TooLate(&'static str),
    /// A person met something that the scenario did not plan.
    Trouble(String),
    /// The scenario needs the process id of the server.
    NoPid,
    /// The scenario starts all programs itself, and they speak as everybody does.
    OnlyOwn,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::System(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::System(error) => write!(f, "{error}"),
            Error::NoServer(path) => write!(
                f,
                "There is no server at {}. Build it with `cargo build --release --bin server`, or name one with --server.",
                path.display()
            ),
            Error::NoClient(path) => write!(
                f,
                "There is no client at {}. Build it with `cargo build --release --bin client`, or name one with --client.",
                path.display()
            ),
            Error::NotReady(line) => write!(f, "The server did not become ready; it said {line:?}."),
            Error::TooLate(what) => {
                write!(f, "The time was over before {what}. Give more with --deadline-s.")
            }
            Error::Trouble(what) => write!(f, "Somebody met what was not planned: {what}"),
            Error::OnlyOwn => f.write_str("Here neither --connect nor --transport can be given."),
            Error::NoPid => {
                f.write_str("--connect needs --pid: what a server spends is read by its process id.")
            }
        }
    }
}
