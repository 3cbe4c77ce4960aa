//! A public key in a form that people can compare.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64_NOPAD;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use sha2::{Digest as _, Sha256};

/// What stands before the digits: which hash it is.
const PREFIX: &str = "SHA256:";

/// The SHA-256 of a public key in its X.509 form (`SubjectPublicKeyInfo`), shown as OpenSSH shows keys:
/// `SHA256:` and Base64 without padding. A new certificate around the same key keeps it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn of_public_key(spki: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(spki).into())
    }

    /// Of the key in a certificate.
    ///
    /// # Errors
    /// If it is no X.509 certificate.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Fingerprint, rustls::Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        Ok(Fingerprint::of_public_key(parsed.subject_public_key_info().as_ref()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is SHA256: and 43 characters of Base64")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Fingerprint, NotAFingerprint> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotAFingerprint)?;
        // Some tools pad.
        let digits = digits.strip_suffix('=').unwrap_or(digits);
        let bytes = BASE64_NOPAD.decode(digits.as_bytes()).map_err(|_| NotAFingerprint)?;
        bytes.try_into().map(Fingerprint).map_err(|_| NotAFingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        let print = Fingerprint::of_public_key(b"a key");
        let text = print.to_string();
        assert_eq!(text.len(), 7 + 43);
        assert_eq!(text.parse(), Ok(print));
        assert_eq!(format!("{text}=").parse(), Ok(print));
        for wrong in ["", "SHA256:", "MD5:abc", &text[7..], &text[..49], &format!("{text}A")] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(NotAFingerprint), "{wrong}");
        }
    }

    #[test]
    fn the_hash_is_that_of_other_tools() {
        // `printf abc | sha256sum`, in Base64.
        let expected = "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0";
        assert_eq!(Fingerprint::of_public_key(b"abc").to_string(), expected);
    }
}
