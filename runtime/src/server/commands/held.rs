//! The credentials file, held by one command at a time, and replaced whole or not at all.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::draft::Bytes;

/// The file in which the new content is gathered, beside the old one. Only a holder writes it.
const NEW: &str = ".credentials.new";

/// The credentials file, held: as long as the value lives, no other command changes it.
///
/// The lock is an advisory one (`flock`) on the folder: the file itself is another one after each change.
#[derive(Debug)]
pub(super) struct Held {
    /// Where it really is: a symbolic link stays one.
    path: PathBuf,
    folder: File,
}

/// What cannot be done with the file. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("Cannot {doing} {path:?}: {source}. {advice}")]
pub(super) struct FileFault {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
    advice: &'static str,
}

impl Held {
    /// Waits until nobody else holds `path`, which must exist.
    pub(super) fn take(path: &Path) -> Result<Held, FileFault> {
        let advice = "It must be in the working directory; `server user add NAME` makes it.";
        let fault = |source| FileFault { doing: "use", path: path.to_owned(), source, advice };
        Held::at(fs::canonicalize(path).map_err(fault)?)
    }

    /// As [`Held::take`]; the file may be missing.
    pub(super) fn take_or_make(path: &Path) -> Result<Held, FileFault> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Held::at(path.to_owned()),
            _ => Held::take(path),
        }
    }

    fn at(path: PathBuf) -> Result<Held, FileFault> {
        let folder = File::open(folder_of(&path)).and_then(|folder| folder.lock().map(|()| folder));
        match folder {
            Ok(folder) => Ok(Held { path, folder }),
            Err(source) => {
                let advice = "Run the command as a user who may.";
                Err(FileFault { doing: "lock the folder of", path, source, advice })
            }
        }
    }

    /// What is in it; nothing if it is missing.
    pub(super) fn read(&self) -> Result<Bytes, FileFault> {
        let advice = "Run the command as a user who may.";
        let fault = |source| FileFault { doing: "read", path: self.path.clone(), source, advice };
        match File::open(&self.path) {
            Ok(file) => whole(file).map_err(fault),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Bytes::default()),
            Err(error) => Err(fault(error)),
        }
    }

    /// Puts `bytes` in its place, with its owner and mode. Once this returns they are on the disk; if it
    /// fails before the exchange, the old file stays and nothing else is left.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), FileFault> {
        let new = folder_of(&self.path).join(NEW);
        let exchanged = self.exchange(&new, bytes);
        if exchanged.is_err() {
            // Gone already if it has taken its place.
            let _ = fs::remove_file(&new);
        }
        exchanged.map_err(|source| FileFault {
            doing: "write",
            path: self.path.clone(),
            source,
            advice: "Run the command as its owner, with room on the disk.",
        })
    }

    fn exchange(&self, new: &Path, bytes: &[u8]) -> io::Result<()> {
        // What a command left that was killed.
        match fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
        file.write_all(bytes)?;
        match fs::metadata(&self.path) {
            Ok(old) => take_after(&file, &old)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        file.sync_all()?;
        fs::rename(new, &self.path)?;
        self.folder.sync_all()
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn whole(mut file: File) -> io::Result<Bytes> {
    let len = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    // A byte more, so that the end is found without growing: whatever grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(len + 1));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Owner and group first: a change of them takes some bits of the mode away.
fn take_after(file: &File, old: &Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (old.uid(), old.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn place(content: &str, mode: u32) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let names = fs::read_dir(folder.path()).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_file_keeps_its_mode_and_is_alone() {
        for wanted in [0o600, 0o640, 0o644, 0o400] {
            let (folder, path) = place("old", wanted);
            Held::take(&path).unwrap().replace(b"new").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert_eq!(mode(&path), wanted);
            assert_eq!(names(&folder), ["credentials.txt"]);
        }
    }

    #[test]
    fn a_file_keeps_its_owner_or_is_not_changed() {
        let (_folder, path) = place("old", 0o640);
        // Only a system administrator can give a file away; whoever else runs this owns it before and after.
        let given = std::os::unix::fs::chown(&path, Some(4_321), Some(4_322)).is_ok();
        let owner = |path| fs::metadata(path).map(|about| (about.uid(), about.gid())).unwrap();
        let before = owner(&path);
        assert!(!given || before == (4_321, 4_322));
        Held::take(&path).unwrap().replace(b"new").unwrap();
        assert_eq!((owner(&path), mode(&path)), (before, 0o640));
    }

    #[test]
    fn a_missing_file_is_made_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        assert!(Held::take(&path).is_err());
        let held = Held::take_or_make(&path).unwrap();
        assert!(held.read().unwrap().is_empty());
        held.replace(b"new").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o600));
    }

    #[test]
    fn a_link_stays_one_and_its_target_changes() {
        let (folder, path) = place("old", 0o600);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        let held = Held::take_or_make(&link).unwrap();
        assert_eq!(**held.read().unwrap(), *b"old");
        held.replace(b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn what_was_left_by_a_killed_command_goes() {
        let (folder, path) = place("old", 0o600);
        fs::write(folder.path().join(NEW), "old secret").unwrap();
        Held::take(&path).unwrap().replace(b"new").unwrap();
        assert_eq!(names(&folder), ["credentials.txt"]);
    }

    #[test]
    fn a_link_in_the_way_of_the_new_file_is_not_followed() {
        let (folder, path) = place("old", 0o600);
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, folder.path().join(NEW)).unwrap();
        Held::take(&path).unwrap().replace(b"new").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn nothing_is_left_when_it_fails() {
        let (folder, path) = place("old", 0o600);
        let held = Held::take(&path).unwrap();
        // The exchange fails at the last step: a folder cannot be replaced by a file.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let refused = held.replace(b"new").unwrap_err().to_string();
        assert!(refused.starts_with("Cannot write ") && !refused.contains('\n'), "{refused}");
        assert_eq!(names(&folder), ["credentials.txt"]);
    }

    #[test]
    fn one_holder_at_a_time() {
        let (folder, path) = place("old", 0o600);
        let held = Held::take(&path).unwrap();
        let other = File::open(folder.path()).unwrap();
        assert!(other.try_lock().is_err());
        drop(held);
        assert!(other.try_lock().is_ok());
    }
}
