//! Between two clients: raw public keys on both sides (RFC 7250), which are those of their devices.
//!
//! A handshake proves that the other end has the private key of the public one that it shows. Whether that is the
//! one that is looked for is asked afterwards, by whoever dials or accepts: only then is a word said.

use std::sync::Arc;

use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, alg_id};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::{CertifiedKey, public_key_to_spki};
use rustls::version::TLS13;
use rustls::{ClientConfig, CommonState, Error, ServerConfig};
use starling_core::device::DeviceKey;

use super::device::{DeviceSecret, NotADeviceKey};
use super::possession::{Possession, Shown};
use super::provider;

/// What two clients name in the handshake. It is not what a server names: neither can be taken for the other.
pub const PEER_ALPN: &[u8] = b"starling-peer/1";

/// How a device meets others: as the one who dials, and as the one who is dialed.
#[derive(Clone, Debug)]
pub struct PeerConfigs {
    /// For connections that it makes.
    pub client: Arc<ClientConfig>,
    /// For connections that it accepts.
    pub server: Arc<ServerConfig>,
}

/// Why a key cannot be used between clients. Displayed as what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum PeerKeyError {
    /// It is none.
    #[error(transparent)]
    Key(#[from] NotADeviceKey),
    /// TLS cannot use it.
    #[error(transparent)]
    Tls(#[from] Error),
}

impl PeerConfigs {
    /// Those of the device that has this key.
    ///
    /// # Errors
    /// None that a key of this kind gives.
    pub fn of(secret: &DeviceSecret) -> Result<PeerConfigs, PeerKeyError> {
        let provider = provider();
        let own = own_key(secret, &provider)?;
        let verifier = Possession::of(Shown::RawKey, &provider);
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::clone(&own))));
        client.alpn_protocols = vec![PEER_ALPN.to_vec()];
        client.resumption = rustls::client::Resumption::disabled();
        client.enable_early_data = false;
        client.enable_sni = false;
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(own)));
        server.alpn_protocols = vec![PEER_ALPN.to_vec()];
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.max_early_data_size = 0;
        Ok(PeerConfigs { client: Arc::new(client), server: Arc::new(server) })
    }
}

/// The key that the other end of a finished handshake has proven.
#[must_use]
pub fn proven(session: &CommonState) -> Option<DeviceKey> {
    let shown = session.peer_certificates()?.first()?;
    let key: [u8; DeviceKey::BYTES] = *shown.last_chunk()?;
    (public_key_to_spki(&alg_id::ED25519, key).as_ref() == shown.as_ref()).then_some(DeviceKey(key))
}

fn own_key(secret: &DeviceSecret, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, PeerKeyError> {
    let der = secret.to_der();
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(&der[..]));
    let key = provider.key_provider.load_private_key(der.clone_key())?;
    let public = public_key_to_spki(&alg_id::ED25519, secret.key()?.0);
    Ok(Arc::new(CertifiedKey::new(vec![CertificateDer::from(public.to_vec())], key)))
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConnection, ServerConnection};

    use rustls::pki_types::ServerName;

    use super::*;
    use crate::tls;
    use crate::tls::key::ServerKey;

    fn device() -> (PeerConfigs, DeviceKey) {
        let secret = DeviceSecret::generate().unwrap();
        (PeerConfigs::of(&secret).unwrap(), secret.key().unwrap())
    }

    /// Both ends after a handshake.
    fn meet(
        client: &Arc<ClientConfig>,
        server: &Arc<ServerConfig>,
    ) -> Result<(ClientConnection, ServerConnection), Error> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::clone(client), name)?;
        let mut server = ServerConnection::new(Arc::clone(server))?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut &wire[..]).unwrap();
            server.process_new_packets()?;
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            client.read_tls(&mut &wire[..]).unwrap();
            client.process_new_packets()?;
        }
        Ok((client, server))
    }

    #[test]
    fn each_proves_its_key_to_the_other() {
        let ((hans, hans_key), (luke, luke_key)) = (device(), device());
        let (client, server) = meet(&hans.client, &luke.server).unwrap();
        assert_eq!((proven(&client), proven(&server)), (Some(luke_key), Some(hans_key)));
        assert_eq!(client.alpn_protocol(), Some(PEER_ALPN));
        assert_eq!(server.alpn_protocol(), Some(PEER_ALPN));
    }

    #[test]
    fn a_key_is_not_shown_by_somebody_who_has_not_it() {
        let ((hans, _), (luke, _), (_, stranger)) = (device(), device(), device());
        let thief = DeviceSecret::generate().unwrap();
        let provider = provider();
        let own = own_key(&thief, &provider).unwrap();
        let shown = public_key_to_spki(&alg_id::ED25519, stranger.0);
        let stolen = CertifiedKey::new(vec![CertificateDer::from(shown.to_vec())], Arc::clone(&own.key));
        let stolen = Arc::new(stolen);
        let mut client = (*hans.client).clone();
        client.client_auth_cert_resolver =
            Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::clone(&stolen)));
        assert!(meet(&Arc::new(client), &luke.server).is_err());
        let mut server = (*luke.server).clone();
        server.cert_resolver = Arc::new(AlwaysResolvesServerRawPublicKeys::new(stolen));
        assert!(meet(&hans.client, &Arc::new(server)).is_err());
    }

    #[test]
    fn a_client_and_a_server_cannot_be_taken_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let server = tls::server::config(&ServerKey::open(folder.path()).unwrap()).unwrap();
        let (hans, _) = device();
        assert!(meet(&hans.client, &server).is_err());
        assert!(meet(&tls::client::by_key(), &hans.server).is_err());
    }
}
