//! Where connections come in.

use std::io;
use std::net::{IpAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustls::ServerConfig;
use starling_core::time::Time;
use tokio::net::{TcpListener, TcpStream};

use crate::clock::Clock;
use crate::net::listen::{Accepted, BACK_OFF, poll_accept};
use crate::net::tls::TlsStream;
use crate::net::transport::Transport;

/// Connections that one turn accepts at most.
pub(super) const ACCEPTS_MAX: usize = 64;
/// One line in the log in such a time, however often descriptors run out.
const COMPLAINT_EVERY: Duration = Duration::from_secs(1);

/// The listening sockets of a shard.
#[derive(Debug)]
pub(crate) struct Doors {
    listeners: Vec<TcpListener>,
    /// How those who come in are spoken to; nothing: in the clear.
    tls: Option<Arc<ServerConfig>>,
    /// Puts the doors on the shard's ready list.
    waker: Waker,
    /// Somebody may be waiting: a listener has not yet said that nobody is.
    knocked: bool,
    /// Closed until then, because descriptors or memory ran out.
    closed_until: Option<Time>,
    quiet_until: Time,
}

impl Doors {
    /// Doors at `listeners`, in the tokio runtime of the shard.
    ///
    /// # Errors
    /// If the runtime refuses a listener.
    pub(crate) fn new(
        listeners: Vec<StdListener>,
        tls: Option<Arc<ServerConfig>>,
        waker: Waker,
    ) -> io::Result<Doors> {
        let listeners = listeners.into_iter().map(TcpListener::from_std).collect::<io::Result<Vec<_>>>()?;
        Ok(Doors { listeners, tls, waker, knocked: true, closed_until: None, quiet_until: Time::ZERO })
    }

    /// A listener was woken.
    pub(crate) fn knock(&mut self) {
        self.knocked = true;
    }

    /// Lets nobody in any more.
    pub(crate) fn shut(&mut self) {
        self.listeners.clear();
        self.knocked = false;
        self.closed_until = None;
    }

    /// Lets in whoever waits, up to `room` and to what a turn accepts.
    pub(crate) fn accept(&mut self, room: usize, clock: &Clock) -> Vec<(Transport, IpAddr)> {
        let mut streams = Vec::new();
        if !self.knocked || self.is_closed(clock) {
            return streams;
        }
        for _ in 0..room.min(ACCEPTS_MAX) {
            match self.accept_one() {
                Some(Accepted::Stream(stream, peer)) => {
                    tracing::debug!(%peer, "accepted");
                    streams.extend(self.dress(stream).map(|transport| (transport, peer.ip().to_canonical())));
                }
                Some(Accepted::Gone) => {}
                Some(Accepted::Exhausted(error)) => {
                    self.close(clock.now(), &error);
                    break;
                }
                None => {
                    self.knocked = false;
                    break;
                }
            }
        }
        streams
    }

    fn dress(&self, stream: TcpStream) -> Option<Transport> {
        let Some(config) = &self.tls else { return Some(Transport::Plain(stream)) };
        match TlsStream::new(stream, Arc::clone(config)) {
            Ok(stream) => Some(Transport::Tls(Box::new(stream))),
            Err(error) => {
                tracing::error!(%error, "no TLS session can be made");
                None
            }
        }
    }

    fn accept_one(&self) -> Option<Accepted> {
        let mut cx = Context::from_waker(&self.waker);
        self.listeners.iter().find_map(|listener| match poll_accept(listener, &mut cx) {
            Poll::Ready(accepted) => Some(accepted),
            Poll::Pending => None,
        })
    }

    fn is_closed(&mut self, clock: &Clock) -> bool {
        self.closed_until = self.closed_until.filter(|until| *until > clock.now());
        self.closed_until.is_some()
    }

    fn close(&mut self, now: Time, error: &io::Error) {
        self.closed_until = Some(now + BACK_OFF);
        if self.quiet_until <= now {
            self.quiet_until = now + COMPLAINT_EVERY;
            tracing::warn!(%error, "cannot accept connections now; those that are open go on");
        }
    }

    /// When to look again, if the doors are closed for a while.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.closed_until
    }

    /// Whether somebody may be waiting, and would be let in.
    pub(crate) fn is_knocked(&self) -> bool {
        self.knocked && self.closed_until.is_none()
    }
}
