//! `server user`: who is a user.

use std::io::{self, Write};
use std::path::Path;

use clap::Subcommand;
use starling_core::auth::credentials::Entry;
use starling_core::name::Name;

use super::ask::new_password;
use super::held::Held;
use super::{CREDENTIALS, Failure, Refusal, draft, name};
use crate::server::verify::hashed::{STANDARD, hash};

/// What to do with users.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum User {
    /// Add a user; his password is asked for as `passwd` does
    Add {
        /// His name: 1 to 32 ASCII letters, digits, `_`, `.` or `-`
        #[arg(value_name = "NAME", value_parser = name)]
        name: Name,
    },
    /// Remove a user; his mail waits for him in case he comes back
    Remove {
        /// His name
        #[arg(value_name = "NAME", value_parser = name)]
        name: Name,
    },
    /// Print the names of all users, one a line
    List,
}

impl User {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            User::Add { name } => add(name),
            User::Remove { name } => remove(name),
            User::List => list(),
        }
    }
}

fn add(user: Name) -> Result<(), Failure> {
    let path = Path::new(CREDENTIALS);
    // Nobody types a password twice to hear that the name is taken, and who types keeps nobody waiting.
    must_be_new(user, &Held::take_or_make(path)?.read()?)?;
    let hashed = hash(new_password(user)?.as_bytes(), &STANDARD)?;
    let held = Held::take_or_make(path)?;
    let file = held.read()?;
    must_be_new(user, &file)?;
    held.replace(&draft::with_user(&file, user, &hashed))?;
    Ok(())
}

fn must_be_new(user: Name, file: &[u8]) -> Result<(), Refusal> {
    match entry_of(user, &draft::entries(file)?) {
        Some(entry) => Err(Refusal::Known(user, entry.line)),
        None => Ok(()),
    }
}

fn remove(user: Name) -> Result<(), Failure> {
    let held = Held::take(Path::new(CREDENTIALS))?;
    let file = held.read()?;
    let entries = draft::entries(&file).map_err(Refusal::from)?;
    let line = entry_of(user, &entries).ok_or(Refusal::Unknown(user))?.line;
    if entries.len() == 1 {
        return Err(Refusal::Last(user).into());
    }
    held.replace(&draft::without_line(&file, line))?;
    Ok(())
}

fn entry_of(user: Name, entries: &[Entry]) -> Option<&Entry> {
    entries.iter().find(|entry| entry.name == user)
}

fn list() -> Result<(), Failure> {
    let file = Held::take(Path::new(CREDENTIALS))?.read()?;
    let names: String = draft::entries(&file)
        .map_err(Refusal::from)?
        .iter()
        .map(|entry| format!("{}\n", entry.name))
        .collect();
    io::stdout().write_all(names.as_bytes())?;
    Ok(())
}
