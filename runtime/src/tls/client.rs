//! What a client insists on. Whose key it is, is decided by whoever dials: before anything is said.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, Error, RootCertStore};

use super::possession::{Possession, Shown};
use super::{ALPN, provider};

/// For servers that are known by their key: the handshake proves that the server has the private key that
/// belongs to its certificate, and nothing else. The caller looks at the key before he says a word.
///
/// # Panics
/// Never: both versions and suites are there.
#[must_use]
pub fn by_key() -> Arc<ClientConfig> {
    let provider = provider();
    let verifier = Possession::of(Shown::Certificate, &provider);
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
