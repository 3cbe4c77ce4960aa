//! What a server insists on.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;

use super::key::ServerKey;
use super::{ALPN, provider};

/// The configuration of all connections of a server.
///
/// Nothing is resumed: a ticket would have to be kept by both sides, and a login costs more than a handshake.
///
/// # Errors
/// If the key and the certificate do not belong together.
pub fn config(key: &ServerKey) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
    let mut config =
        builder.with_no_client_auth().with_single_cert(key.chain.clone(), key.key.clone_key())?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}
