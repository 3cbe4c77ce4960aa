//! From a host and a port to a server that is trusted.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use starling_core::client::ExitCode as Status;
use starling_core::device::{EXPORTER_LABEL, Exported};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::known::Place;
use super::trust::{Refused, Trust};
use crate::tls::ALPN;

/// How long to try to connect, and then to shake hands.
const CONNECT_MAX: Duration = Duration::from_secs(20);
/// The exit status when the server's key is not the right one.
pub const KEY_REFUSED: u8 = 6;

/// Why there is no connection. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody answers there.
    #[error("Cannot connect to {}, port {}: {why}. Is the server running there?", .place.host, .place.port)]
    Unreachable {
        /// Where.
        place: Place,
        /// What the system said.
        why: String,
    },
    /// Somebody answers, but not as a server of Starling does.
    #[error("{place} does not speak Starling: {why}. Is it the right port?")]
    Foreign {
        /// Where.
        place: Place,
        /// What was wrong.
        why: String,
    },
    /// It is not trusted.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl DialError {
    /// The exit status that it is.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            DialError::Unreachable { .. } | DialError::Foreign { .. } => Status::Lost as u8,
            DialError::Refused(_) => KEY_REFUSED,
        }
    }
}

/// A connection to a server that is trusted.
#[derive(Debug)]
pub struct Dialled {
    /// The connection. Nothing has been said on it.
    pub stream: TlsStream<TcpStream>,
    /// What TLS exports for it, for the proof of a device.
    pub exported: Exported,
    /// What the person should know about the server's key.
    pub notice: Option<String>,
}

/// Connects, shakes hands, and looks whose key it is.
///
/// # Errors
/// [`DialError`]; nothing has been said then but the handshake.
pub async fn dial(place: &Place, trust: &Trust) -> Result<Dialled, DialError> {
    let (config, name) = trust.config(place)?;
    let unreachable = |why: String| DialError::Unreachable { place: place.clone(), why };
    let too_late = || unreachable(format!("no answer within {} seconds", CONNECT_MAX.as_secs()));
    let connecting = TcpStream::connect((place.host.as_str(), place.port));
    let stream = timeout(CONNECT_MAX, connecting).await.map_err(|_| too_late())?;
    let stream = stream.map_err(|error| unreachable(error.to_string()))?;
    // Only a little slower without it.
    let _ = stream.set_nodelay(true);
    let shaking = TlsConnector::from(config).connect(name, stream);
    let stream = timeout(CONNECT_MAX, shaking).await.map_err(|_| too_late())?;
    let stream = stream.map_err(|error| of_handshake(place, &error))?;
    let foreign = |why: &str| DialError::Foreign { place: place.clone(), why: why.to_owned() };
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() != Some(ALPN) {
        return Err(foreign("it agreed on no protocol"));
    }
    let certificate = session.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
    let certificate = certificate.ok_or_else(|| foreign("it has no certificate"))?;
    let notice = trust.judge(place, certificate)?;
    let exported = session.export_keying_material(Exported::default(), EXPORTER_LABEL, None);
    let exported = exported.map_err(|error| foreign(&error.to_string()))?;
    Ok(Dialled { stream, exported, notice })
}

fn of_handshake(place: &Place, error: &std::io::Error) -> DialError {
    let place = place.clone();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => {
            Refused::NotVouched { place, why: why.to_string() }.into()
        }
        Some(other) => DialError::Foreign { place, why: other.to_string() },
        None => DialError::Unreachable { place, why: error.to_string() },
    }
}
