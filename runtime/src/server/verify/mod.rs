//! Checking passwords: at once while all are plain, on threads of their own as soon as one is hashed.

pub(crate) mod hashed;
mod passwords;
mod pool;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use starling_core::auth::credentials::Entry;
use starling_core::id::Ticket;
use starling_core::name::AccountName;
use starling_core::wire::{LoginName, Password};

use self::hashed::Hasher;
pub use self::passwords::BrokenHash;
pub(crate) use self::passwords::{Difference, Passwords};
use self::pool::Pool;
use super::inbox::Inbox;

/// What the machine wants checked.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// For the answer.
    pub(crate) account: AccountName,
    /// For the answer.
    pub(crate) ticket: Ticket,
    /// As typed.
    pub(crate) name: LoginName,
    /// As typed.
    pub(crate) password: Password,
}

/// Checks passwords.
#[derive(Debug)]
pub(crate) struct Verifier {
    passwords: Arc<Passwords>,
    /// Once there it stays: what it has taken is answered, whatever the credentials become.
    pool: Option<Pool>,
    answers: Arc<Inbox>,
}

/// Why other credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// A hash is none.
    #[error(transparent)]
    Broken(#[from] BrokenHash),
    /// There are hashes, and no threads to check them.
    #[error("no threads to check hashes: {0}")]
    Threads(#[from] io::Error),
}

impl Verifier {
    /// Checks against `passwords`; what is not known at once comes into `answers`.
    ///
    /// # Errors
    /// If there can be no threads.
    pub(crate) fn new(passwords: Passwords, answers: Arc<Inbox>) -> io::Result<Verifier> {
        let mut verifier = Verifier { passwords: Arc::new(passwords), pool: None, answers };
        verifier.prepare_for(&Arc::clone(&verifier.passwords))?;
        Ok(verifier)
    }

    fn prepare_for(&mut self, passwords: &Passwords) -> io::Result<()> {
        if passwords.are_slow() && self.pool.is_none() {
            self.pool = Some(Pool::start(&self.answers)?);
        }
        Ok(())
    }

    /// Reads other credentials, to be used later.
    ///
    /// # Errors
    /// [`Unusable`] if they never can be.
    pub(crate) fn prepare(&mut self, entries: &[Entry]) -> Result<Passwords, Unusable> {
        let passwords = self.passwords.with(entries)?;
        self.prepare_for(&passwords)?;
        Ok(passwords)
    }

    /// From now on checks against `passwords`, which were prepared. Tells how they differ.
    pub(crate) fn take_over(&mut self, passwords: Passwords) -> Difference {
        let difference = passwords.since(&self.passwords);
        self.passwords = Arc::new(passwords);
        difference
    }

    /// Tells the operator if some hashes cost something else than most do.
    pub(crate) fn warn_if_uneven(&self) {
        if self.passwords.are_uneven() {
            tracing::warn!(
                "some password hashes cost more than others, so time can tell their users from strangers; \
                 set them anew with `server passwd USER`"
            );
        }
    }

    /// Whether the password is right, if that can be told at once.
    pub(crate) fn check(&self, attempt: Attempt) -> Option<bool> {
        match &self.pool {
            Some(pool) if self.passwords.are_slow() => {
                pool.check(attempt, &self.passwords);
                None
            }
            _ => {
                let Attempt { name, password, .. } = attempt;
                Some(self.passwords.is_right(&name, &password, &mut Hasher::default()))
            }
        }
    }
}
