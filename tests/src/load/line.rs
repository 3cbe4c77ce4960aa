//! One connection: a stream, and what it has not yet taken.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection that never blocks.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    /// What is to be written; a voice appends to it.
    pub(crate) out: Vec<u8>,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// The room is full: there may be more.
    Full(usize),
    /// So many bytes, and no more now.
    Some(usize),
    /// The other side has closed.
    End,
}

impl Line {
    /// Connects. On the loopback that takes no longer than the server's system needs.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn connect(addr: SocketAddr) -> io::Result<Line> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Line { stream, out: Vec::new() })
    }

    /// Reads once. Less than the room means that there was no more: another read would only say so.
    ///
    /// # Errors
    /// If the connection is broken.
    pub(crate) fn read(&mut self, room: &mut [u8]) -> io::Result<Came> {
        match self.stream.read(room) {
            Ok(0) => Ok(Came::End),
            Ok(count) if count == room.len() => Ok(Came::Full(count)),
            Ok(count) => Ok(Came::Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Came::Some(0)),
            Err(error) => Err(error),
        }
    }

    /// Writes what the system takes.
    ///
    /// # Errors
    /// If the connection is broken.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        while written < self.out.len() {
            match self.stream.write(&self.out[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.out.drain(..written);
        Ok(())
    }
}
