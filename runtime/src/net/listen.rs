//! Listening sockets: how they are made, and how they are accepted from.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use tokio::net::{TcpListener, TcpStream};

/// Connections that the system completes before they are accepted.
const BACKLOG: i32 = 4096;
/// What the system buffers of what was sent (it doubles the number): enough for a peer that is busy for a
/// moment, and not so much that one who does not read at all is noticed late.
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// What the system buffers of what was not read yet: the peer waits beyond it.
const RECEIVE_BUFFER_BYTES: usize = 128 * 1024;
/// How long nothing is accepted when descriptors or memory have run out.
pub(crate) const BACK_OFF: Duration = Duration::from_millis(100);

/// A socket that listens on `addr`. The IPv6 wildcard address takes both families.
///
/// # Errors
/// What the system says, such as that the address is in use.
pub(crate) fn listen_on(addr: SocketAddr) -> io::Result<StdListener> {
    let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if addr.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, addr.ip() != IpAddr::from([0_u16; 8]))?;
    }
    // Accepted sockets inherit both sizes.
    sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER_BYTES)?;
    sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES)?;
    bind(&socket, &addr)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// What came of an attempt to accept.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// A new connection.
    Stream(TcpStream, SocketAddr),
    /// That connection was gone before it was accepted; there may be others.
    Gone,
    /// The system has no descriptor or memory left: try again after [`BACK_OFF`].
    Exhausted(io::Error),
}

/// Accepts one connection.
pub(crate) fn poll_accept(listener: &TcpListener, cx: &mut Context<'_>) -> Poll<Accepted> {
    let accepted = ready!(listener.poll_accept(cx)).and_then(|(stream, peer)| {
        stream.set_nodelay(true)?;
        Ok(Accepted::Stream(stream, peer))
    });
    Poll::Ready(accepted.unwrap_or_else(classify))
}

fn classify(error: io::Error) -> Accepted {
    const EXHAUSTED: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    if EXHAUSTED.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
        Accepted::Exhausted(error)
    } else {
        Accepted::Gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_once() {
        let first = listen_on(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let again = listen_on(first.local_addr().unwrap()).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn running_out_of_descriptors_is_not_the_fault_of_a_connection() {
        let error = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        assert!(matches!(classify(error(Errno::MFILE)), Accepted::Exhausted(_)));
        assert!(matches!(classify(error(Errno::CONNABORTED)), Accepted::Gone));
    }
}
