//! Somebody who vouches for the names of servers.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority of a test, and the files that it has made: its own certificate is `ca.pem`, the last one that it
/// has given and its key are `cert.pem` and `key.pem`.
pub(crate) struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// One that keeps its files in `folder`.
    pub(crate) fn new(folder: &Path) -> Authority {
        fs::create_dir_all(folder).expect("a folder can be made");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        fs::write(folder.join("ca.pem"), issuer.pem()).expect("a file can be written");
        Authority { folder: folder.to_path_buf(), issuer }
    }

    /// One of its files.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().expect("a path of text").to_owned()
    }

    /// A certificate of a server that is named like this: the options of the server.
    pub(crate) fn vouches_for(&self, names: &[&str]) -> [String; 4] {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(names).expect("names").signed_by(&key, &self.issuer);
        fs::write(self.file("cert.pem"), certificate.expect("a certificate").pem())
            .expect("a file can be written");
        fs::write(self.file("key.pem"), key.serialize_pem()).expect("a file can be written");
        ["--cert".to_owned(), self.file("cert.pem"), "--key".to_owned(), self.file("key.pem")]
    }
}
