//! The keys of devices: Ed25519, as the cryptography of TLS has it.

use std::sync::LazyLock;

use rcgen::{KeyPair, PKCS_ED25519, SigningKey as _};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::alg_id;
use rustls::sign::public_key_to_spki;
use starling_core::device::{DeviceKey, DeviceProof, Exported, signed};
use zeroize::Zeroizing;

use super::fingerprint::Fingerprint;
use super::provider;

static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> =
    LazyLock::new(|| provider().signature_verification_algorithms);

/// Whether `proof` shows that the device is at the other end of the connection for which TLS exports `exported`.
#[must_use]
pub fn holds(proof: &DeviceProof, exported: &Exported) -> bool {
    let ed25519 = ALGORITHMS.mapping.iter().find(|(scheme, _)| *scheme == SignatureScheme::ED25519);
    let algorithms = ed25519.map_or(&[][..], |(_, algorithms)| algorithms);
    let fits = |key: &[u8]| {
        let message = signed(exported);
        algorithms.iter().any(|algorithm| algorithm.verify_signature(key, &message, &proof.signature).is_ok())
    };
    fits(&proof.key.0)
}

/// By which people know a device.
#[must_use]
pub fn fingerprint(key: DeviceKey) -> Fingerprint {
    Fingerprint::of_public_key(&public_key_to_spki(&alg_id::ED25519, key.0))
}

/// The private key of a device, wiped when it is dropped.
pub struct DeviceSecret(Zeroizing<KeyPair>);

/// Not the key of a device, or cryptography that has no such keys. Displayed as what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum NotADeviceKey {
    /// It is no key that can be used.
    #[error("{0}")]
    Unusable(#[from] rcgen::Error),
    /// It is another kind of key.
    #[error("it is no Ed25519 key")]
    OtherKind,
}

impl DeviceSecret {
    /// A new one.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn generate() -> Result<DeviceSecret, NotADeviceKey> {
        Ok(DeviceSecret(Zeroizing::new(KeyPair::generate_for(&PKCS_ED25519)?)))
    }

    /// Reads PKCS #8 in PEM.
    ///
    /// # Errors
    /// If it is something else.
    pub fn from_pem(pem: &str) -> Result<DeviceSecret, NotADeviceKey> {
        let pair = Zeroizing::new(KeyPair::from_pem(pem)?);
        if *pair.algorithm() != PKCS_ED25519 { Err(NotADeviceKey::OtherKind) } else { Ok(DeviceSecret(pair)) }
    }

    /// As it is kept: PKCS #8 in PEM.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.serialize_pem())
    }

    /// As TLS loads it: PKCS #8.
    pub(super) fn to_der(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize_der())
    }

    /// Its public half.
    ///
    /// # Errors
    /// None that a key of this kind gives.
    pub fn key(&self) -> Result<DeviceKey, NotADeviceKey> {
        self.0.public_key_raw().try_into().map(DeviceKey).map_err(|_| NotADeviceKey::OtherKind)
    }

    /// Shows that it is at the end of the connection for which TLS exports `exported`.
    ///
    /// # Errors
    /// None that a key of this kind gives.
    pub fn prove(&self, exported: &Exported) -> Result<DeviceProof, NotADeviceKey> {
        let signature = self.0.sign(&signed(exported))?;
        let signature = signature.try_into().map_err(|_| NotADeviceKey::OtherKind)?;
        Ok(DeviceProof { key: self.key()?, signature })
    }
}

impl std::fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_on_its_connection_alone() {
        let secret = DeviceSecret::generate().unwrap();
        let proof = secret.prove(&[1; 32]).unwrap();
        assert!(holds(&proof, &[1; 32]));
        assert!(!holds(&proof, &[2; 32]), "another connection");
        let other = DeviceSecret::generate().unwrap().key().unwrap();
        assert!(!holds(&DeviceProof { key: other, ..proof }, &[1; 32]), "another key");
        for bit in 0..8 * DeviceProof::SIGNATURE_BYTES {
            let mut flipped = proof;
            flipped.signature[bit / 8] ^= 1 << (bit % 8);
            assert!(!holds(&flipped, &[1; 32]), "bit {bit}");
        }
    }

    #[test]
    fn a_secret_is_read_as_it_is_written() {
        let secret = DeviceSecret::generate().unwrap();
        let again = DeviceSecret::from_pem(&secret.to_pem()).unwrap();
        assert_eq!(again.key().unwrap(), secret.key().unwrap());
        assert!(DeviceSecret::from_pem("no key").is_err());
        let p256 = KeyPair::generate().unwrap().serialize_pem();
        assert!(matches!(DeviceSecret::from_pem(&p256), Err(NotADeviceKey::OtherKind)));
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // RFC 8032 §7.1, test 1: the key of its secret, in an SPKI of RFC 8410 §10.1's form.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let der = [hex("302e020100300506032b657004220420"), hex(seed)].concat();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            data_encoding::BASE64.encode(&der)
        );
        let key = DeviceSecret::from_pem(&pem).unwrap().key().unwrap();
        let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert_eq!(key.0[..], public);
        let spki = [hex("302a300506032b6570032100"), public].concat();
        assert_eq!(fingerprint(key), Fingerprint::of_public_key(&spki));
    }
}
