//! What a write costs whoever writes: the system's price of a delivery, measured beside the server.
//!
//! A thread writes the same bytes to as many loopback sockets as the server has recipients, round by round;
//! the generator reads them with the same `epoll` as it reads a server. Only the processor time of the
//! writing thread counts, and of it only the writes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::time::{ClockId, clock_gettime};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection};
use starling_runtime::tls;
use starling_runtime::tls::key::ServerKey;
use starling_tests::line::Secrecy;
use tempfile::TempDir;

use super::error::Error;

/// What a record of TLS 1.3 adds to its text: head, kind and tag.
const RECORD_OVERHEAD_BYTES: usize = 5 + 1 + 16;
/// How long one round may take.
const ROUND_MAX: Duration = Duration::from_secs(5);
/// Writes of one measurement: a tenth of a second or two.
const WRITES: usize = 40_000;

/// The processor time of a write of `bytes` bytes (a record of its own, if encrypted) to each of `sockets` sockets in turn, microseconds.
///
/// # Errors
/// What the system says.
pub(crate) fn micros_per_write(sockets: usize, bytes: usize, secrecy: Secrecy) -> Result<f64, Error> {
    let rounds = (WRITES / sockets).max(20);
    let (near, far) = pairs(sockets, secrecy)?;
    let travelling = if secrecy == Secrecy::Tls { bytes + RECORD_OVERHEAD_BYTES } else { bytes };
    let (go, told) = mpsc::channel();
    let (tell, done) = mpsc::channel();
    let writer = thread::spawn(move || write_rounds(far, &vec![b'x'; bytes], &told, &tell));
    let mut reader = Readers::new(near)?;
    // The first rounds warm the caches.
    for round in 0..rounds + 3 {
        let _ = go.send(round >= 3);
        reader.read(sockets * travelling)?;
    }
    drop(go);
    let cpu = done.recv().unwrap_or(Ok(Duration::ZERO))?;
    let _ = writer.join();
    Ok(cpu.as_secs_f64() * 1e6 / (rounds * sockets) as f64)
}

/// The end that writes.
enum Far {
    Plain(TcpStream),
    Tls(TcpStream, Box<ServerConnection>),
}

impl Far {
    /// One write, as a server makes it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Far::Plain(stream) => stream.write_all(bytes),
            Far::Tls(stream, session) => {
                session.writer().write_all(bytes)?;
                while session.wants_write() {
                    session.write_tls(stream)?;
                }
                Ok(())
            }
        }
    }
}

fn pairs(count: usize, secrecy: Secrecy) -> Result<(Vec<TcpStream>, Vec<Far>), Error> {
    let folder = TempDir::new()?;
    let key = ServerKey::open(folder.path()).map_err(io::Error::other)?;
    let server = tls::server::config(&key).map_err(io::Error::other)?;
    let client = tls::client::by_key();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    let (mut near, mut far) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for _ in 0..count {
        let mut stream = TcpStream::connect(addr)?;
        let (mut other, _) = listener.accept()?;
        other.set_nodelay(true)?;
        far.push(match secrecy {
            Secrecy::Plain => Far::Plain(other),
            Secrecy::Tls => {
                let name = ServerName::try_from("starling").map_err(io::Error::other)?;
                let mut session = ServerConnection::new(Arc::clone(&server)).map_err(io::Error::other)?;
                let mut visitor =
                    ClientConnection::new(Arc::clone(&client), name).map_err(io::Error::other)?;
                shake_hands((&mut visitor, &mut stream), (&mut session, &mut other))?;
                Far::Tls(other, Box::new(session))
            }
        });
        near.push(stream);
    }
    for end in &far {
        let (Far::Plain(stream) | Far::Tls(stream, _)) = end;
        stream.set_nonblocking(true)?;
    }
    Ok((near, far))
}

/// Both sides sit on this thread, and what one writes fits into the buffers of the system.
fn shake_hands(
    near: (&mut ClientConnection, &mut TcpStream),
    far: (&mut ServerConnection, &mut TcpStream),
) -> io::Result<()> {
    while near.0.is_handshaking() || far.0.is_handshaking() || far.0.wants_write() || near.0.wants_write() {
        while near.0.wants_write() {
            near.0.write_tls(near.1)?;
        }
        if far.0.is_handshaking() {
            far.0.read_tls(far.1)?;
            far.0.process_new_packets().map_err(io::Error::other)?;
        }
        while far.0.wants_write() {
            far.0.write_tls(far.1)?;
        }
        if near.0.is_handshaking() {
            near.0.read_tls(near.1)?;
            near.0.process_new_packets().map_err(io::Error::other)?;
        }
    }
    Ok(())
}

/// Writes a round when it is told to; whether it counts is what it is told.
fn write_rounds(
    mut sockets: Vec<Far>,
    bytes: &[u8],
    told: &Receiver<bool>,
    tell: &Sender<io::Result<Duration>>,
) {
    let mut spent = Duration::ZERO;
    while let Ok(counts) = told.recv() {
        let before = thread_cpu();
        for socket in &mut sockets {
            if let Err(error) = socket.write(bytes) {
                let _ = tell.send(Err(error));
                return;
            }
        }
        if counts {
            spent += thread_cpu().saturating_sub(before);
        }
    }
    let _ = tell.send(Ok(spent));
}

/// The processor time that this thread has had.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

struct Readers {
    epoll: rustix::fd::OwnedFd,
    streams: Vec<TcpStream>,
    room: Vec<u8>,
    events: Vec<epoll::Event>,
}

impl Readers {
    fn new(streams: Vec<TcpStream>) -> io::Result<Readers> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (number, stream) in streams.iter().enumerate() {
            stream.set_nonblocking(true)?;
            let interest = epoll::EventFlags::IN | epoll::EventFlags::ET;
            epoll::add(&epoll, stream, epoll::EventData::new_u64(number as u64), interest)?;
        }
        Ok(Readers { epoll, streams, room: vec![0; 64 * 1024], events: Vec::with_capacity(1_024) })
    }

    /// Reads until so many bytes have come.
    fn read(&mut self, mut missing: usize) -> Result<(), Error> {
        let until = Instant::now() + ROUND_MAX;
        while missing > 0 {
            if Instant::now() >= until {
                return Err(Error::TooLate("the raw writes were read"));
            }
            self.events.clear();
            let timeout = Timespec { tv_sec: 1, tv_nsec: 0 };
            epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout))
                .map_err(io::Error::from)?;
            for event in &self.events {
                let data = event.data;
                let stream = usize::try_from(data.u64()).ok().and_then(|number| self.streams.get_mut(number));
                if let Some(Ok(count)) = stream.map(|stream| stream.read(&mut self.room)) {
                    missing = missing.saturating_sub(count);
                }
            }
        }
        Ok(())
    }
}
