//! How the sockets between clients are set.

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
