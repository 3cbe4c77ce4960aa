//! The keys of this client installation: one for each server and user.
//!
//! A key is made when a name is typed, because the login that follows is proven with it, and kept only at the
//! welcome: what was typed as a name may have been a password, and must leave no trace.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use starling_core::device::{DeviceKey, DeviceProof, Exported};
use starling_core::id::ServerId;
use starling_core::name::Name;
use zeroize::Zeroizing;

use super::memory::{Shelf, file_stem};
use crate::tls::device::{DeviceSecret, NotADeviceKey};
use crate::tls::key_file;
use crate::tls::peer::{PeerConfigs, PeerKeyError};

/// What the file of a key ends with.
const KEY: &str = "key";

/// The key of one user at one server.
#[derive(Debug)]
pub struct Device {
    secret: DeviceSecret,
    path: PathBuf,
    is_kept: bool,
}

/// Why a key cannot be used. Displayed as what, and why.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// It cannot be read or kept.
    #[error("{path:?}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What stands there is none. It is never replaced.
    #[error("{path:?}: {source}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: NotADeviceKey,
    },
    /// None can be made.
    #[error("{0}")]
    NotMade(NotADeviceKey),
}

impl Device {
    /// The key at `path`, or a new one that stands nowhere yet.
    ///
    /// # Errors
    /// [`DeviceError`] also if what is there cannot be used.
    pub fn open(path: PathBuf) -> Result<Device, DeviceError> {
        match Device::find(&path)? {
            Some(secret) => Ok(Device { secret, path, is_kept: true }),
            None => {
                let secret = DeviceSecret::generate().map_err(DeviceError::NotMade)?;
                Ok(Device { secret, path, is_kept: false })
            }
        }
    }

    /// The public half of the key at `path`, if there is one.
    ///
    /// # Errors
    /// [`DeviceError`] also if what is there cannot be used.
    pub fn public(path: &Path) -> Result<Option<DeviceKey>, DeviceError> {
        let key = Device::find(path)?.map(|secret| secret.key()).transpose();
        key.map_err(|source| DeviceError::Damaged { path: path.to_path_buf(), source })
    }

    fn find(path: &Path) -> Result<Option<DeviceSecret>, DeviceError> {
        let pem = match key_file::read(path) {
            Ok(pem) => Zeroizing::new(pem),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DeviceError::File { path: path.to_path_buf(), source }),
        };
        // What is no text is no key either.
        let secret = DeviceSecret::from_pem(str::from_utf8(&pem).unwrap_or_default());
        secret.map(Some).map_err(|source| DeviceError::Damaged { path: path.to_path_buf(), source })
    }

    /// Shows that it is at the end of the connection for which TLS exports `exported`.
    ///
    /// # Errors
    /// None that a key which could be opened gives.
    pub fn prove(&self, exported: &Exported) -> Result<DeviceProof, DeviceError> {
        let proof = self.secret.prove(exported);
        proof.map_err(|source| DeviceError::Damaged { path: self.path.clone(), source })
    }

    /// How it meets others.
    ///
    /// # Errors
    /// None that a key which could be opened gives.
    pub fn peer_configs(&self) -> Result<PeerConfigs, PeerKeyError> {
        PeerConfigs::of(&self.secret)
    }

    /// Keeps a new key. Where another client was faster, its key is the one that stays.
    ///
    /// # Errors
    /// [`DeviceError::File`] if it cannot be written.
    pub fn keep(&mut self) -> Result<(), DeviceError> {
        if self.is_kept {
            return Ok(());
        }
        self.is_kept = true;
        match self.try_keep() {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(DeviceError::File { path: self.path.clone(), source: error })
            }
            _ => Ok(()),
        }
    }

    fn try_keep(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.path.parent().unwrap_or(&self.path))?;
        let mut own = [0; 8];
        getrandom::fill(&mut own).map_err(|error| io::Error::other(error.to_string()))?;
        let fresh = self.path.with_added_extension(format!("{:016x}", u64::from_ne_bytes(own)));
        key_file::keep(&self.path, &fresh, self.secret.to_pem().as_bytes())
    }
}

impl Shelf {
    /// Where the key of this device for `user` at `server` is kept.
    ///
    /// # Errors
    /// If there is no home folder.
    pub fn key_file(&self, server: ServerId, user: Name) -> io::Result<PathBuf> {
        self.stem(server, user).map(|stem| stem.with_added_extension(KEY))
    }

    /// All keys of this device, by server and user.
    ///
    /// # Errors
    /// If they cannot be looked for.
    pub fn key_files(&self) -> io::Result<BTreeMap<(ServerId, Name), PathBuf>> {
        let mut found = BTreeMap::new();
        for folder in entries(self.folder()?)? {
            let server = folder.file_name().and_then(OsStr::to_str).and_then(server_of);
            let Some(server) = server.filter(|_| folder.is_dir()) else { continue };
            for path in entries(&folder)?.into_iter().filter(|path| path.extension() == Some(OsStr::new(KEY)))
            {
                let user = path.file_stem().and_then(OsStr::to_str).and_then(user_of);
                found.extend(user.map(|user| ((server, user), path)));
            }
        }
        Ok(found)
    }
}

/// The name whose file it is.
fn user_of(stem: &str) -> Option<Name> {
    let user = Name::parse(stem.replace('+', "").as_bytes()).ok()?;
    (file_stem(user) == stem).then_some(user)
}

/// The server whose folder it is.
fn server_of(folder: &str) -> Option<ServerId> {
    let server = ServerId(u64::from_str_radix(folder, 16).ok()?);
    (format!("{:016x}", server.0) == folder).then_some(server)
}

/// What is in a folder, if it is there.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_kept_once_and_for_its_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("server/yoda.key");
        let mut device = Device::open(path.clone()).unwrap();
        assert!(!place.path().join("server").exists(), "nothing is made before the welcome");
        assert_eq!(Device::public(&path).unwrap(), None);
        let mut slower = Device::open(path.clone()).unwrap();
        device.keep().unwrap();
        slower.keep().unwrap();
        let key = device.prove(&[1; 32]).unwrap().key;
        assert_eq!(Device::public(&path).unwrap(), Some(key));
        assert_eq!(Device::open(path.clone()).unwrap().prove(&[2; 32]).unwrap().key, key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn keys_are_found_by_server_and_user() {
        let place = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(place.path());
        let name = |user: &str| Name::parse(user.as_bytes()).unwrap();
        assert!(shelf.key_files().unwrap().is_empty());
        let mut expected = BTreeMap::new();
        for (server, user) in [(0xabc, "yoda"), (0xabc, "Yo.Da"), (1, "hans")] {
            let path = shelf.key_file(ServerId(server), name(user)).unwrap();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            expected.insert((ServerId(server), name(user)), path);
        }
        for other in ["0000000000000abc/yoda.letters", "0000000000000abc/YODA.key", "abc"] {
            fs::write(place.path().join(other), "").unwrap();
        }
        assert_eq!(shelf.key_files().unwrap(), expected);
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("yoda.key");
        fs::write(&path, b"\xffno key").unwrap();
        let error = Device::open(path.clone()).unwrap_err();
        assert!(matches!(error, DeviceError::Damaged { .. }) && !error.to_string().contains('\n'));
        assert_eq!(fs::read(&path).unwrap(), b"\xffno key");
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Device::open(file.path().join("yoda.key"));
        assert!(matches!(error, Err(DeviceError::File { .. })));
    }
}
