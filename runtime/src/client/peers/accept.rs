//! Connections of others: whoever proves a key that the server has vouched for is let through.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use starling_core::device::DeviceKey;
use starling_core::time::Time;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::News;
use super::socket::{buffered, tune, widen};
use crate::tls::peer::{PEER_ALPN, proven};

/// Handshakes at once.
const HANDSHAKES_MAX: usize = 16;
/// How long one may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// The server tells both of two, one after the other: whoever dials first may be a little too early.
const EARLY_MAX: Duration = Duration::from_secs(2);
/// A system that has no descriptor for another connection may have one then.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Whose keys are looked for, and until when.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected(BTreeMap<DeviceKey, Time>);

impl Expected {
    pub(super) fn add(&mut self, key: DeviceKey, until: Time, now: Time) {
        self.0.retain(|_, until| now < *until);
        self.0.insert(key, until);
    }

    pub(super) fn remove(&mut self, key: DeviceKey) {
        self.0.remove(&key);
    }
}

/// Accepts until it is aborted.
pub(super) async fn run(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    expected: watch::Receiver<Expected>,
    tell: mpsc::Sender<News>,
) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BACK_OFF).await;
            continue;
        };
        let (acceptor, expected, tell) =
            (TlsAcceptor::from(Arc::clone(&config)), expected.clone(), tell.clone());
        tokio::spawn(async move {
            // Whoever does not prove a key in time, or one that nobody looks for, is let go without a word.
            if let Ok(Some(news)) = timeout(HANDSHAKE_MAX, meet(stream, acceptor, expected)).await {
                let _ = tell.send(news).await;
            }
            drop(permit);
        });
    }
}

async fn meet(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    mut expected: watch::Receiver<Expected>,
) -> Option<News> {
    tune(&stream);
    // The other side has begun to speak, and is answered once.
    let begin = Instant::now();
    let mut stream = acceptor.accept(buffered(stream)).await.ok()?;
    let round_trip = begin.elapsed();
    let (_, session) = stream.get_mut();
    widen(session);
    if session.alpn_protocol() != Some(PEER_ALPN) {
        return None;
    }
    let key = proven(session)?;
    timeout(EARLY_MAX, expected.wait_for(|expected| expected.0.contains_key(&key))).await.ok()?.ok()?;
    Some(News::Opened { stream: Box::new(TlsStream::from(stream)), round_trip, key, pass: None })
}
