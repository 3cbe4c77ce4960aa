//! What a client insists on. Whose key it is, is decided by whoever dials: before anything is said.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::{ALPN, provider};

/// For servers that are known by their key: the handshake proves that the server has the private key that
/// belongs to its certificate, and nothing else. The caller looks at the key before he says a word.
///
/// # Panics
/// Never: both versions and suites are there.
#[must_use]
pub fn by_key() -> Arc<ClientConfig> {
    let provider = provider();
    let verifier = Arc::new(ByKey(Arc::clone(&provider)));
    let builder = builder(provider).dangerous().with_custom_certificate_verifier(verifier);
    insist(builder.with_no_client_auth())
}

/// For servers whose certificate one of `roots` vouches for, under the host name that was dialled.
///
/// # Errors
/// If there are no roots.
pub fn by_authority(roots: RootCertStore) -> Result<Arc<ClientConfig>, Error> {
    let provider = provider();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    Ok(insist(builder(provider).with_webpki_verifier(verifier).with_no_client_auth()))
}

fn builder(provider: Arc<CryptoProvider>) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]);
    builder.expect("the provider has suites of TLS 1.3")
}

fn insist(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    config.enable_early_data = false;
    // A name would only tell a listener whom one is looking for; the authority's check does not need it.
    config.enable_sni = false;
    Arc::new(config)
}

/// Checks the proof of possession; the decision is the caller's.
struct ByKey(Arc<CryptoProvider>);

impl fmt::Debug for ByKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByKey")
    }
}

impl ServerCertVerifier for ByKey {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
