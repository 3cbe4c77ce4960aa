//! The files that a server reads when it starts.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use starling_core::auth::credentials::{self, Entry, Stored};
use starling_core::limits::Limits;

use super::config;

/// The credentials, in the working directory.
pub(crate) const CREDENTIALS: &str = "credentials.txt";
/// The configuration that is read if it is there.
const CONFIG: &str = "server.toml";
/// What to do with plain passwords.
const HASH_THEM: &str = "Hash them with `server passwd --hash-all`";
/// A larger file is not what it seems to be.
const FILE_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Why a file cannot be used. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("Cannot read {path:?}: {source}. {advice}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// It does not say who the users are.
    #[error("Cannot use {path:?}: {why}.")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: credentials::Broken,
    },
    /// It has passwords that are plain text, and must not.
    #[error("Cannot use {path:?}: {}, and --require-hashed is given. {HASH_THEM}.", plain_words(*.plain))]
    Plain {
        /// The file.
        path: PathBuf,
        /// How many.
        plain: usize,
    },
    /// It does not say what the limits are.
    #[error("Cannot use {path:?}: {why}. Correct or remove it.")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: config::Broken,
    },
}

/// Reads `credentials.txt` in the working directory, whose passwords may all have to be hashed.
///
/// # Errors
/// [`FileError`], also if it names nobody.
pub(crate) fn read_credentials(require_hashed: bool) -> Result<Vec<Entry>, FileError> {
    let path = Path::new(CREDENTIALS);
    let advice = "It must be in the working directory, with one `username password` a line.";
    let file = zeroize::Zeroizing::new(read(path, advice)?);
    let entries =
        credentials::parse(&file).map_err(|why| FileError::Credentials { path: path.to_path_buf(), why })?;
    match count_plain(&entries) {
        plain if require_hashed && plain > 0 => Err(FileError::Plain { path: path.to_path_buf(), plain }),
        _ => Ok(entries),
    }
}

/// How many passwords are plain text.
pub(crate) fn count_plain(entries: &[Entry]) -> usize {
    entries.iter().filter(|entry| matches!(entry.password, Stored::Plain(_))).count()
}

fn plain_words(plain: usize) -> String {
    match plain {
        1 => "1 password is plain text".to_owned(),
        _ => format!("{plain} passwords are plain text"),
    }
}

/// Tells the operator what a thief would find easy.
pub(crate) fn warn_of(plain: usize) {
    if plain > 0 {
        tracing::warn!("in {CREDENTIALS:?} {}. {HASH_THEM}", plain_words(plain));
    }
    if std::fs::metadata(CREDENTIALS).is_ok_and(|about| about.mode() & 0o077 != 0) {
        tracing::warn!("{CREDENTIALS:?} is open to others. Close it with `chmod 600 {CREDENTIALS}`");
    }
}

/// Reads the limits from the file that `named` names, or from `server.toml` if it is there.
///
/// # Errors
/// [`FileError`]; not if there is no `server.toml` and nothing is named.
pub(crate) fn read_limits(named: Option<&Path>) -> Result<Limits, FileError> {
    let path = named.unwrap_or(Path::new(CONFIG));
    if named.is_none() && !path.exists() {
        return Ok(Limits::default());
    }
    let advice = "Give a readable file with --config.";
    let not_utf8 = |_| unreadable(path, io::ErrorKind::InvalidData.into(), advice);
    let text = String::from_utf8(read(path, advice)?).map_err(not_utf8)?;
    config::parse(&text).map_err(|why| FileError::Config { path: path.to_path_buf(), why })
}

fn read(path: &Path, advice: &'static str) -> Result<Vec<u8>, FileError> {
    let bytes = std::fs::metadata(path).and_then(|about| match about.len() {
        len if len > FILE_MAX_BYTES => Err(io::ErrorKind::FileTooLarge.into()),
        _ => std::fs::read(path),
    });
    bytes.map_err(|source| unreadable(path, source, advice))
}

fn unreadable(path: &Path, source: io::Error, advice: &'static str) -> FileError {
    FileError::Unreadable { path: path.to_path_buf(), source, advice }
}
