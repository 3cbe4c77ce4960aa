//! What can go wrong with a store, in words.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode, ffi};

/// Why a store cannot be opened. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder, or a file directly in it, cannot be made, read or locked.
    #[error(
        "Cannot {doing} {path:?}: {source}. Check the rights and the disk, or name another folder with --data-dir."
    )]
    Folder {
        /// What was tried, as the rest of "cannot …".
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the lock of the folder.
    #[error(
        "The data folder {path:?} is in use by another server. Stop that one, or name another folder with --data-dir."
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file is a database of some other program.
    #[error(
        "The file {path:?} was not written by Starling. Move it away, or name another folder with --data-dir."
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version of Starling wrote the data.
    #[error(
        "The data in {path:?} was written by a newer Starling (schema {found}, this one knows {known}). \
         Start that version, or name another folder with --data-dir."
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The last one that this program knows.
        known: i64,
    },
    /// The database contradicts itself.
    #[error(
        "The data in {path:?} is damaged: {why}. Restore the folder from a backup, or move it away to start empty."
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The database could not be used now, but nothing says that it is damaged.
    #[error("Cannot use {path:?}: {why}. Free space and check the rights and the disk, then start again.")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// The folder has seen the last epoch.
    #[error(
        "The data in {path:?} was started too often for its numbers. Name another folder with --data-dir."
    )]
    WornOut {
        /// The file.
        path: PathBuf,
    },
}

impl OpenError {
    /// Sorts what SQLite said into damage and everything else.
    pub(super) fn of(path: &Path, error: &Error) -> OpenError {
        let (path, why) = (path.to_path_buf(), words(error));
        if is_damage(error) { OpenError::Damaged { path, why } } else { OpenError::Unusable { path, why } }
    }
}

/// What became of an order that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing of it is kept, nor will be.
    #[error("{0}")]
    Failed(String),
    /// Nobody can tell whether it was committed.
    #[error("{0}")]
    Unknown(String),
    /// Nothing that this store says can be relied on any more: the process must end.
    #[error("{0}")]
    Broken(String),
}

impl StoreError {
    /// Before COMMIT: the transaction is rolled back.
    pub(super) fn before_commit(error: &Error) -> StoreError {
        if lost_sync(error) { StoreError::Broken(words(error)) } else { StoreError::Failed(words(error)) }
    }

    /// In COMMIT. The log is written in order and the frame that commits comes last, so a disk that is
    /// full before that frame was complete leaves no commit behind; of other errors nobody can tell.
    pub(super) fn in_commit(error: &Error) -> StoreError {
        match error.sqlite_error_code() {
            _ if lost_sync(error) => StoreError::Broken(words(error)),
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy) => StoreError::Failed(words(error)),
            _ => StoreError::Unknown(words(error)),
        }
    }
}

/// An `fsync` failed.
fn lost_sync(error: &Error) -> bool {
    let code = error.sqlite_error().map(|e| e.extended_code);
    matches!(code, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}

fn is_damage(error: &Error) -> bool {
    match error {
        // Its plain "error" is one of our statements that does not fit the tables.
        Error::SqliteFailure(e, _) => {
            matches!(e.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                || e.extended_code == ffi::SQLITE_ERROR
        }
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..)
        | Error::QueryReturnedNoRows
        | Error::SqlInputError { .. } => true,
        _ => false,
    }
}

/// One line for a person: SQLite's words and its number for them.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::SqliteFailure(e, said) => {
            let said = said.clone().unwrap_or_else(|| ffi::code_to_str(e.extended_code).to_owned());
            format!("{said} (SQLite error {})", e.extended_code)
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> Error {
        Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_commit_that_failed_is_unknown_unless_one_can_tell() {
        assert!(matches!(StoreError::in_commit(&sqlite(ffi::SQLITE_FULL)), StoreError::Failed(_)));
        assert!(matches!(StoreError::in_commit(&sqlite(ffi::SQLITE_BUSY)), StoreError::Failed(_)));
        assert!(matches!(StoreError::in_commit(&sqlite(ffi::SQLITE_IOERR_WRITE)), StoreError::Unknown(_)));
        assert!(matches!(StoreError::in_commit(&sqlite(ffi::SQLITE_IOERR_SHMSIZE)), StoreError::Unknown(_)));
    }

    #[test]
    fn before_a_commit_everything_failed() {
        assert!(matches!(StoreError::before_commit(&sqlite(ffi::SQLITE_IOERR_READ)), StoreError::Failed(_)));
        assert!(matches!(StoreError::before_commit(&sqlite(ffi::SQLITE_FULL)), StoreError::Failed(_)));
    }

    #[test]
    fn a_failed_fsync_is_the_end() {
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC] {
            assert!(matches!(StoreError::in_commit(&sqlite(code)), StoreError::Broken(_)));
            assert!(matches!(StoreError::before_commit(&sqlite(code)), StoreError::Broken(_)));
        }
    }
}
