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
    #[cfg(all(feature = "aws-lc-rs", feature = "ring", target_arch = "x86_64"))]
    if is_ring_faster() {
        provider.cipher_suites = rustls::crypto::ring::default_provider().cipher_suites;
    }
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}

/// AES with vectors (VAES): aws-lc has it only for processors with AVX-512, ring for those with AVX2, too, where it takes
/// half the time.
#[cfg(all(feature = "aws-lc-rs", feature = "ring", target_arch = "x86_64"))]
fn is_ring_faster() -> bool {
    let is_wide = is_x86_feature_detected!("vaes") && is_x86_feature_detected!("vpclmulqdq");
    is_wide && is_x86_feature_detected!("avx2") && !is_x86_feature_detected!("avx512f")
}

#[cfg(test)]
mod tests {
    use rustls::CipherSuite::{
        TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };

    use super::*;

    #[test]
    fn whose_cryptography_it_is_changes_nothing_on_the_wire() {
        let provider = provider();
        let suites: Vec<_> = provider.cipher_suites.iter().map(|suite| suite.suite()).collect();
        let usual = [TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256];
        assert_eq!(suites, usual);
        #[cfg(feature = "aws-lc-rs")]
        assert_eq!(provider.kx_groups[0].name(), rustls::NamedGroup::X25519MLKEM768);
    }
}
