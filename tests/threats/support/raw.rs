//! Bytes on a bare connection.

use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};

use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use starling_tests::program::PATIENCE;

/// Connects from an address of one's own; all of 127.0.0.0/8 are.
pub(crate) fn connect_from(address: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = new_socket();
    bind(&socket, &SocketAddrV4::new(address, 0)).expect("an address of the loopback");
    connected(socket, to)
}

/// Connects with room for so many bytes that are not read; the system doubles the number.
pub(crate) fn connect_with_room(bytes: usize, to: SocketAddr) -> TcpStream {
    let socket = new_socket();
    sockopt::set_socket_recv_buffer_size(&socket, bytes).expect("a size");
    connected(socket, to)
}

fn new_socket() -> OwnedFd {
    // A program that another test starts must not hold it open.
    let flags = SocketFlags::CLOEXEC;
    socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).expect("a socket")
}

fn connected(socket: OwnedFd, to: SocketAddr) -> TcpStream {
    connect(&socket, &to).expect("a server that listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Everything that comes until the other side closes, in whatever way.
///
/// # Panics
/// If it does not.
pub(crate) fn rest_of(stream: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    let mut room = [0; 4 * 1024];
    loop {
        match stream.read(&mut room) {
            Ok(0) => return all,
            Ok(count) => all.extend(&room[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("it stays open"),
            Err(_) => return all,
        }
    }
}

/// What the server says to `bytes`, and then closes.
pub(crate) fn answer(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    // It may close before it has all of it.
    let _ = stream.write_all(bytes);
    rest_of(stream)
}

/// The same to somebody who says that nothing more will come.
pub(crate) fn answer_to_all(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    rest_of(stream)
}
