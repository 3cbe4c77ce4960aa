//! How the sockets between clients are set.

use std::os::fd::RawFd;

use rustls::ConnectionCommon;
use socket2::SockRef;
use tokio::io::BufReader;
use tokio::net::TcpStream;

use super::Socket;

/// Bytes that the system takes before it has sent what it took earlier. Little: what is to be sent next is decided
/// as late as can be, and a word goes out before the rest of a file.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_MAX: u32 = 32 * 1024;

/// Sets a socket that was just opened. One that cannot be set is only slower.
pub(super) fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_MAX);
}

/// Has the other side send so many bytes at most before they are read here. A limit that cannot be set is none.
pub(super) fn limit(socket: RawFd, bytes: u32) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = uapi::setsockopt(socket, uapi::c::IPPROTO_TCP, uapi::c::TCP_WINDOW_CLAMP, &bytes);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (socket, bytes);
}

/// Bytes that are read at once. TLS alone would ask the system for a quarter of a record at a time.
const READ_BYTES: usize = 64 * 1024;

/// A socket that is read in large pieces.
pub(super) fn buffered(stream: TcpStream) -> Socket {
    BufReader::with_capacity(READ_BYTES, stream)
}

/// Bytes that are encrypted before they are written: a frame of any length at once. TLS alone would end in the middle
/// of the longest, and write its last bytes by themselves.
const WRITE_BYTES: usize = 128 * 1024;

/// Has each frame written with one call.
pub(super) fn widen<D>(session: &mut ConnectionCommon<D>) {
    session.set_buffer_limit(Some(WRITE_BYTES));
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::net::{TcpListener, TcpStream as Blocking};
    use std::os::fd::AsRawFd as _;

    use uapi::c::{IPPROTO_TCP, TCP_WINDOW_CLAMP};

    use super::*;

    #[test]
    fn a_window_can_be_made_smaller_and_larger_again() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let stream = Blocking::connect(listener.local_addr().expect("a place")).expect("it listens");
        let socket = stream.as_raw_fd();
        for bytes in [64 * 1024, 512 * 1024, 100_000] {
            limit(socket, bytes);
            let mut set = 0_u32;
            uapi::getsockopt(socket, IPPROTO_TCP, TCP_WINDOW_CLAMP, &mut set).expect("a socket");
            assert_eq!(set, bytes);
        }
    }
}
