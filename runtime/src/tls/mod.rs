//! TLS 1.3: the keys, who they belong to, and what both ends insist on.
//!
//! There is no weaker mode: TLS 1.2 is not compiled in, nothing is sent before the handshake is complete,
//! and no session is resumed (threats T40 to T44).

pub mod client;
pub mod device;
pub mod fingerprint;
pub mod key;
pub(crate) mod key_file;
pub mod peer;
mod possession;
pub mod server;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// What both ends must name in the handshake: whoever does not speak of Starling gets no further.
pub const ALPN: &[u8] = b"starling/1";

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("one of the features `aws-lc-rs` and `ring` must be on");

/// The cryptography, X25519MLKEM768 first where there is one; AES with 128 bits before 256, which costs a
/// third more and protects nobody better.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    use rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
    #[cfg(feature = "aws-lc-rs")]
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}
