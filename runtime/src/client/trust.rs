//! Whether a server is the one that is meant. Decided by its key alone, before a word is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use time::OffsetDateTime;

use super::args::Args;
use super::known::{KnownServers, Place};
use crate::tls;
use crate::tls::fingerprint::Fingerprint;

/// What makes a server trustworthy; the first that was named.
#[derive(Clone, Debug)]
pub enum Trust {
    /// It has this key.
    Key(Fingerprint),
    /// An authority vouches for its name.
    Authority(RootCertStore),
    /// It is the one that was met before.
    Known {
        /// Who was met.
        known: KnownServers,
        /// Somebody new is refused instead of trusted.
        strict: bool,
    },
}

/// Why a server is not trusted. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It has another key than before.
    #[error(
        "The key of {place} is not the known one. Known: {known}. Now: {now}. Somebody may be listening in between. \
         Only if the server was set up anew: client forget-server {place}"
    )]
    Changed {
        /// Which server.
        place: Place,
        /// The key that is known.
        known: Fingerprint,
        /// The key that it has.
        now: Fingerprint,
    },
    /// It has another key than was demanded.
    #[error(
        "The key of {place} is not the demanded one. Demanded: {demanded}. Found: {found}. Ask the server's operator."
    )]
    NotDemanded {
        /// Which server.
        place: Place,
        /// The key that it should have.
        demanded: Fingerprint,
        /// The key that it has.
        found: Fingerprint,
    },
    /// It was never met, and only those that were are let through.
    #[error(
        "The key of {place} is not known: {key}. Ask the server's operator whether it is right, then give --fingerprint {key}"
    )]
    Unknown {
        /// Which server.
        place: Place,
        /// The key that it has.
        key: Fingerprint,
    },
    /// No authority vouches for it.
    #[error("No authority vouches for {place}: {why}. Give --fingerprint if you know its key.")]
    NotVouched {
        /// Which server.
        place: Place,
        /// What is wrong with its certificate.
        why: String,
    },
    /// It cannot be told who was met before.
    #[error("Cannot use {}: {why}. Mend or remove it.", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Trust {
    /// What the command line says: a key, an authority, or else those that were met.
    ///
    /// # Errors
    /// [`Refused::Unreadable`] if the authority cannot be read or there is no home folder.
    pub fn of(args: &Args) -> Result<Trust, Refused> {
        if let Some(key) = args.fingerprint {
            return Ok(Trust::Key(key));
        }
        if let Some(path) = &args.ca {
            return roots(path).map(Trust::Authority);
        }
        let known = KnownServers::of_this_person().map_err(|error| Refused::Unreadable {
            path: PathBuf::from("known_servers"),
            why: error.to_string(),
        })?;
        Ok(Trust::Known { known, strict: args.strict })
    }

    /// How to shake hands.
    ///
    /// # Errors
    /// [`Refused::NotVouched`] if no certificate could be right.
    pub(super) fn config(&self, place: &Place) -> Result<(Arc<ClientConfig>, ServerName<'static>), Refused> {
        let not_vouched = |why: String| Refused::NotVouched { place: place.clone(), why };
        match self {
            Trust::Authority(roots) => {
                let name =
                    ServerName::try_from(place.host.clone()).map_err(|e| not_vouched(e.to_string()))?;
                let config =
                    tls::client::by_authority(roots.clone()).map_err(|e| not_vouched(e.to_string()))?;
                Ok((config, name))
            }
            // The name is neither sent nor looked at.
            Trust::Key(_) | Trust::Known { .. } => {
                let name = ServerName::try_from("starling").expect("this is a name");
                Ok((tls::client::by_key(), name))
            }
        }
    }

    /// Judges the key that the server has proven to have. What the person should be told about it, if it is new.
    ///
    /// # Errors
    /// [`Refused`] says why it is not trusted.
    pub(super) fn judge(
        &self,
        place: &Place,
        certificate: &CertificateDer<'_>,
    ) -> Result<Option<String>, Refused> {
        let place = place.clone();
        let key = Fingerprint::of_certificate(certificate)
            .map_err(|error| Refused::NotVouched { place: place.clone(), why: error.to_string() })?;
        match self {
            // The handshake has seen to it.
            Trust::Authority(_) => Ok(None),
            Trust::Key(demanded) if *demanded == key => Ok(None),
            Trust::Key(demanded) => Err(Refused::NotDemanded { place, demanded: *demanded, found: key }),
            Trust::Known { known, strict } => meet(known, *strict, place, key),
        }
    }
}

fn meet(
    known: &KnownServers,
    strict: bool,
    place: Place,
    key: Fingerprint,
) -> Result<Option<String>, Refused> {
    let unreadable = |error: std::io::Error| Refused::Unreadable {
        path: known.path().to_path_buf(),
        why: error.to_string(),
    };
    match known.find(&place).map_err(unreadable)? {
        Some(met) if met == key => return Ok(None),
        Some(met) => return Err(Refused::Changed { place, known: met, now: key }),
        None if strict => return Err(Refused::Unknown { place, key }),
        None => {}
    }
    match known.pin(&place, key, OffsetDateTime::now_utc()) {
        Ok(pinned) if pinned != key => Err(Refused::Changed { place, known: pinned, now: key }),
        Ok(_) => Ok(Some(format!(
            "The key of {place} is {key}. It is trusted from now on; compare it with the one that the server shows."
        ))),
        Err(error) => Ok(Some(format!(
            "The key of {place} is {key}. It could not be noted ({error}), so it is not known next time."
        ))),
    }
}

fn roots(path: &Path) -> Result<RootCertStore, Refused> {
    let unreadable = |why: String| Refused::Unreadable { path: path.to_path_buf(), why };
    let pem = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() { Err(unreadable("there is no certificate in it".to_owned())) } else { Ok(roots) }
}
