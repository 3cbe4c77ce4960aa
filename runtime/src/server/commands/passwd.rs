//! `server passwd`: a new password for a user, or hashes in the place of all plain ones.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use clap::Args;
use starling_core::auth::credentials::{Entry, Stored};
use starling_core::name::Name;

use super::ask::new_password;
use super::held::Held;
use super::{CREDENTIALS, Failure, Refusal, draft, name};
use crate::server::verify::hashed::{STANDARD, hash};

/// Set the password of a user, or hash all passwords that are plain text
///
/// A new password is typed twice on a terminal, or is the first line of standard input. A running server
/// reads the file again when it gets SIGHUP.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(verbatim_doc_comment)]
#[group(required = true, multiple = false)]
pub(crate) struct Passwd {
    /// Whose password to set
    #[arg(value_name = "USER", value_parser = name)]
    user: Option<Name>,
    /// Hash every password that is plain text; users keep theirs
    #[arg(long)]
    hash_all: bool,
}

impl Passwd {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.user {
            Some(user) => set(user),
            None => hash_all(),
        }
    }
}

fn set(user: Name) -> Result<(), Failure> {
    let path = Path::new(CREDENTIALS);
    // Nobody types a password twice to hear that the user is unknown, and who types keeps nobody waiting.
    line_of(user, &Held::take(path)?.read()?)?;
    let hashed = hash(new_password(user)?.as_bytes(), &STANDARD)?;
    let held = Held::take(path)?;
    let file = held.read()?;
    let line = line_of(user, &file)?;
    held.replace(&draft::with_passwords(&file, &BTreeMap::from([(line, hashed)])))?;
    Ok(())
}

fn line_of(user: Name, file: &[u8]) -> Result<usize, Refusal> {
    let entries = draft::entries(file)?;
    let his = entries.iter().find(|entry| entry.name == user);
    his.map(|entry| entry.line).ok_or(Refusal::Unknown(user))
}

fn hash_all() -> Result<(), Failure> {
    let held = Held::take(Path::new(CREDENTIALS))?;
    let file = held.read()?;
    let entries = draft::entries(&file)?;
    let hashes = entries.iter().filter_map(hash_of_plain).collect::<io::Result<BTreeMap<usize, String>>>()?;
    if !hashes.is_empty() {
        held.replace(&draft::with_passwords(&file, &hashes))?;
    }
    let (count, all) = (hashes.len(), entries.len());
    // It is done, whether somebody hears of it or not.
    let _ = writeln!(io::stdout(), "Hashed {count} of {all} passwords.");
    Ok(())
}

/// The hash for an entry that has none.
fn hash_of_plain(entry: &Entry) -> Option<io::Result<(usize, String)>> {
    match &entry.password {
        Stored::Plain(password) => {
            Some(hash(password.reveal().as_bytes(), &STANDARD).map(|hash| (entry.line, hash)))
        }
        Stored::Hashed(_) => None,
    }
}
