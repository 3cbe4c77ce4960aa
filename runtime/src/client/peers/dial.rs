//! Connections to others: all places at which somebody may be are tried, one shortly after the other.
//!
//! As RFC 8305 ("happy eyeballs") has it: the next is tried when the one before has not answered for a moment.
//! Each is tried once, and so many at once, whatever the server says (threats.md T37).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use starling_core::device::DeviceKey;
use starling_core::direct::place::may_dial;
use starling_core::direct::{Pass, Role};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::{TlsConnector, TlsStream};

use super::socket::{buffered, tune, widen};
use super::{News, Stream};
use crate::tls::peer::{PEER_ALPN, proven};

/// Places that are dialed at once, for all introductions together.
const DIALS_MAX: usize = 8;
/// How long after one place the next is tried.
const STAGGER: Duration = Duration::from_millis(100);
/// How long one may take to answer and to prove itself.
const DIAL_MAX: Duration = Duration::from_secs(9);

/// Dials, but only so many places at once.
#[derive(Debug)]
pub(super) struct Dialer {
    server: IpAddr,
    at_once: Arc<Semaphore>,
}

impl Dialer {
    /// For a client whose server is there.
    pub(super) fn new(server: IpAddr) -> Dialer {
        Dialer { server, at_once: Arc::new(Semaphore::new(DIALS_MAX)) }
    }

    /// Tries all of these. Whoever is called begins a moment later: as a rule the caller has come by then, and what a
    /// second handshake costs is saved.
    pub(super) fn dial(
        &self,
        pass: Pass,
        role: Role,
        key: DeviceKey,
        candidates: &[SocketAddr],
        config: &Arc<ClientConfig>,
        tell: &mpsc::Sender<News>,
    ) -> Vec<AbortHandle> {
        let allowed = candidates.iter().filter(|candidate| may_dial(**candidate, self.server));
        let first = u32::from(role == Role::Called);
        (first..)
            .zip(allowed)
            .map(|(place, candidate)| {
                let (at_once, candidate, tell) = (Arc::clone(&self.at_once), *candidate, tell.clone());
                let connector = TlsConnector::from(Arc::clone(config));
                let task = tokio::spawn(async move {
                    sleep(STAGGER * place).await;
                    let Ok(_permit) = at_once.acquire().await else { return };
                    let met = timeout(DIAL_MAX, meet(candidate, key, connector)).await;
                    if let Ok(Some((stream, round_trip))) = met {
                        let stream = Box::new(stream);
                        let _ = tell.send(News::Opened { stream, round_trip, key, pass: Some(pass) }).await;
                    }
                });
                task.abort_handle()
            })
            .collect()
    }
}

/// A connection with whoever has this key, and how long it took to be answered.
async fn meet(place: SocketAddr, key: DeviceKey, connector: TlsConnector) -> Option<(Stream, Duration)> {
    let begin = Instant::now();
    let stream = TcpStream::connect(place).await.ok()?;
    let round_trip = begin.elapsed();
    tune(&stream);
    let name = ServerName::from(place.ip());
    let mut stream = connector.connect(name, buffered(stream)).await.ok()?;
    let (_, session) = stream.get_mut();
    widen(session);
    let is_meant = session.alpn_protocol() == Some(PEER_ALPN) && proven(session) == Some(key);
    is_meant.then(|| (TlsStream::from(stream), round_trip))
}
