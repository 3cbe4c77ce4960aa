//! The key by which people know a server: made at the first start, kept in the data folder.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::fingerprint::Fingerprint;
use super::key_file;

/// The file in the data folder: an Ed25519 key, PKCS #8 in PEM.
const FILE: &str = "server.key";
/// The name that stands in a certificate of one's own. Nobody looks at it: the key is what counts.
const SUBJECT: &str = "starling";

/// A private key, and the certificates that belong to it.
#[derive(Debug)]
pub struct ServerKey {
    /// The server's own certificate first, then those that lead to an authority.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub(crate) key: PrivateKeyDer<'static>,
    fingerprint: Fingerprint,
}

/// Why there is no key. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key cannot be read or kept.
    #[error("Cannot {doing} {path:?}: {source}. Check the folder and who owns it.")]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What stands there is no key, or no certificate.
    #[error(
        "Cannot use {path:?}: {why}. Put back a copy of it; without one, people will be warned of a new key."
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No server has run in the folder yet.
    #[error("There is no key in {0:?} yet: the server makes it at its first start.")]
    Missing(PathBuf),
}

impl ServerKey {
    /// The key in `folder`; made when it is missing. The caller holds the folder, so nobody else makes one.
    ///
    /// # Errors
    /// [`KeyError`] says what, why, and what to do.
    pub fn open(folder: &Path) -> Result<ServerKey, KeyError> {
        match ServerKey::find(folder) {
            Err(KeyError::Missing(_)) => make(folder),
            found => found,
        }
    }

    /// The key in `folder`.
    ///
    /// # Errors
    /// [`KeyError::Missing`] if there is none yet.
    pub fn find(folder: &Path) -> Result<ServerKey, KeyError> {
        let path = folder.join(FILE);
        if !path.try_exists().map_err(failed("read", &path))? {
            return Err(KeyError::Missing(folder.to_path_buf()));
        }
        let pem = Zeroizing::new(read(&path)?);
        let pem = str::from_utf8(&pem).map_err(|_| damaged(&path, "it is not text"))?;
        let pair = KeyPair::from_pem(pem).map_err(|e| damaged(&path, e))?;
        ServerKey::self_signed(&pair).map_err(|e| damaged(&path, e))
    }

    /// A key and certificates from an authority, both in PEM.
    ///
    /// # Errors
    /// [`KeyError`]; whether the two belong together is found out by [`server_config`](super::server::config).
    pub fn of_authority(certificates: &Path, key: &Path) -> Result<ServerKey, KeyError> {
        let chain = CertificateDer::pem_slice_iter(&read(certificates)?).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|e| damaged(certificates, e))?;
        let first = chain.first().ok_or_else(|| damaged(certificates, "there is no certificate in it"))?;
        let fingerprint = Fingerprint::of_certificate(first).map_err(|e| damaged(certificates, e))?;
        let bytes = Zeroizing::new(read(key)?);
        let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|e| damaged(key, e))?;
        Ok(ServerKey { chain, key, fingerprint })
    }

    /// By which people know it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The certificate is made anew at each start: only the key is ever pinned.
    fn self_signed(pair: &KeyPair) -> Result<ServerKey, rcgen::Error> {
        let certificate = CertificateParams::new(vec![SUBJECT.to_owned()])?.self_signed(pair)?;
        Ok(ServerKey {
            fingerprint: Fingerprint::of_public_key(&rcgen::PublicKeyData::subject_public_key_info(pair)),
            chain: vec![certificate.der().clone()],
            key: PrivatePkcs8KeyDer::from(pair.serialize_der()).into(),
        })
    }
}

/// Makes a key. What a dead server left of one is in nobody's way.
fn make(folder: &Path) -> Result<ServerKey, KeyError> {
    let path = folder.join(FILE);
    let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(|e| damaged(&path, e))?;
    let pem = Zeroizing::new(pair.serialize_pem());
    let key = ServerKey::self_signed(&pair).map_err(|e| damaged(&path, e))?;
    keep(&path, pem.as_bytes()).map_err(failed("make", &path))?;
    Ok(key)
}

fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_added_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => key_file::keep(path, &fresh, bytes),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    key_file::read(path).map_err(failed("read", path))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_path_buf();
    move |source| KeyError::File { doing, path, source }
}

fn damaged(path: &Path, why: impl ToString) -> KeyError {
    KeyError::Damaged { path: path.to_path_buf(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(ServerKey::find(folder.path()), Err(KeyError::Missing(_))));
        let made = ServerKey::open(folder.path()).unwrap();
        let found = ServerKey::open(folder.path()).unwrap();
        assert_eq!(made.fingerprint(), found.fingerprint());
        assert_eq!(Fingerprint::of_certificate(&found.chain[0]), Ok(found.fingerprint()));
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_a_dead_server_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("server.key.new"), "half a k").unwrap();
        ServerKey::open(folder.path()).unwrap();
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for wrong in ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            fs::write(&path, wrong).unwrap();
            assert!(matches!(ServerKey::open(folder.path()), Err(KeyError::Damaged { .. })), "{wrong}");
            assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
        }
    }
}
