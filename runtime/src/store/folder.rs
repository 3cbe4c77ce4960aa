//! The data folder: made when missing, and held by one server at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::OpenError;

/// A data folder that this process holds: as long as the value lives, nobody else gets it.
///
/// The lock is an advisory one of the operating system (`flock`): it ends with the process, however
/// that ends, so a crash leaves nothing to clean up.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder when it is missing (for its owner only), and takes its lock.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process, or another value in this one, holds it;
    /// [`OpenError::Folder`] if the system refuses.
    pub fn take(path: &Path) -> Result<Folder, OpenError> {
        make(path).map_err(|source| OpenError::Folder {
            doing: "make the data folder",
            path: path.to_path_buf(),
            source,
        })?;
        let lock_path = path.join("lock");
        let failed = |source| OpenError::Folder { doing: "lock", path: lock_path.clone(), source };
        let lock = private().create(true).truncate(false).open(&lock_path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_path_buf(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_path_buf() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The path of a file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes names in the folder durable: an `fsync` of a file says nothing about its name.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Options for a file that is the business of its owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Which boot of the computer this is, as Linux numbers it; nothing where the system does not tell.
#[must_use]
pub fn boot_id() -> Option<u128> {
    parse_boot_id(&std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?)
}

/// Reads a UUID in its usual form.
fn parse_boot_id(uuid: &str) -> Option<u128> {
    let digits: String = uuid.trim_end().split('-').collect();
    let well_formed = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    well_formed.then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_missing_folder_is_made_for_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/starling-data");
        let folder = Folder::take(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(folder.file("lock").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn one_holder_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("starling-data");
        let first = Folder::take(&path).unwrap();
        let refused = Folder::take(&path).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "The data folder {path:?} is in use by another server. Stop that one, or name another folder with \
                 --data-dir."
            )
        );
        drop(first);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_refused_in_one_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = Folder::take(file.path()).unwrap_err().to_string();
        assert!(refused.starts_with("Cannot make the data folder "), "{refused}");
        assert!(!refused.contains('\n'));
    }

    #[test]
    fn a_boot_id_is_a_uuid() {
        let id = parse_boot_id("01234567-89ab-cdef-0123-456789abcdef\n");
        assert_eq!(id, Some(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        assert_eq!(parse_boot_id("01234567"), None);
        assert_eq!(parse_boot_id("zzzzzzzz-89ab-cdef-0123-456789abcdef"), None);
        assert_eq!(parse_boot_id("+1234567-89ab-cdef-0123-456789abcdef"), None);
    }
}
