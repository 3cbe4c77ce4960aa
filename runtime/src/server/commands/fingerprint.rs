//! `server fingerprint`: by which key people know the server.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::tls::key::ServerKey;

/// Prints the fingerprint of the server's own key.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Fingerprint {
    /// The folder in which the server keeps its data
    #[arg(long, value_name = "DIR", default_value = "starling-data")]
    data_dir: PathBuf,
}

impl Fingerprint {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let key = ServerKey::find(&self.data_dir)?;
        Ok(writeln!(io::stdout(), "{}", key.fingerprint())?)
    }
}
