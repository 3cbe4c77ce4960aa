//! Many people over one `epoll`, on one thread.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use starling_core::time::Time;
use starling_tests::line::{Came, Dialer, Line, Secrecy};

/// Bytes that one read takes.
const ROOM_BYTES: usize = 64 * 1024;
/// Connections that one turn serves.
const EVENTS_MAX: usize = 1_024;
/// How often everybody is asked whether his time has come: far less than a keep-alive.
const ROUND: Duration = Duration::from_secs(1);

/// What somebody heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sound {
    /// Who heard it.
    pub(crate) who: usize,
    /// When it was read, nanoseconds since the crowd was made.
    pub(crate) at: u64,
    /// What.
    pub(crate) what: Heard,
}

/// See [`Sound`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// He is logged in.
    Welcome,
    /// A text with this number.
    Text(usize),
    /// A message of his is stored for somebody who is not there.
    Queued,
    /// So many people came or went; the version of the online set after them, if it is known.
    Presence { changes: usize, version: u64 },
    /// His connection is over, as planned or not.
    Gone { planned: bool },
    /// Something that no scenario plans; what it is stands in the error that follows from it.
    Trouble(&'static str),
}

/// Whoever sits at the near end of a connection.
pub(crate) trait Voice {
    /// The connection is there.
    fn opened(&mut self, ear: &mut Ear<'_>);
    /// Bytes came.
    fn received(&mut self, bytes: Bytes, ear: &mut Ear<'_>);
    /// Some time has passed.
    fn looked_at(&mut self, ear: &mut Ear<'_>);
    /// The connection has ended.
    fn closed(&mut self, ear: &mut Ear<'_>);
}

/// What a voice is given: the time, a place for what it says, and one for what it hears.
#[derive(Debug)]
pub(crate) struct Ear<'a> {
    pub(crate) who: usize,
    pub(crate) at: u64,
    pub(crate) out: &'a mut Vec<u8>,
    heard: &'a mut Vec<Sound>,
}

impl Ear<'_> {
    /// The time as the core counts it.
    pub(crate) fn now(&self) -> Time {
        Time::from_micros(self.at / 1_000)
    }

    /// Notes that something was heard.
    pub(crate) fn hears(&mut self, what: Heard) {
        self.heard.push(Sound { who: self.who, at: self.at, what });
    }
}

/// See the module.
pub(crate) struct Crowd<V> {
    /// How new lines speak.
    dialer: Dialer,
    epoll: OwnedFd,
    seats: Vec<Seat<V>>,
    origin: Instant,
    /// Who has something to write; flushed at the beginning of a turn.
    dirty: Vec<usize>,
    heard: Vec<Sound>,
    room: Box<[u8]>,
    events: Vec<epoll::Event>,
    next_round: Instant,
}

struct Seat<V> {
    /// None once he is gone.
    line: Option<Line>,
    voice: V,
    dirty: bool,
}

impl<V: Voice> Crowd<V> {
    /// Nobody yet.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn new(secrecy: Secrecy) -> io::Result<Crowd<V>> {
        let origin = Instant::now();
        Ok(Crowd {
            dialer: Dialer::new(secrecy),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            seats: Vec::new(),
            origin,
            dirty: Vec::new(),
            heard: Vec::new(),
            room: vec![0; ROOM_BYTES].into_boxed_slice(),
            events: Vec::with_capacity(EVENTS_MAX),
            next_round: origin + ROUND,
        })
    }

    /// Nanoseconds since it was made.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The same as the core counts it.
    pub(crate) fn time(&self) -> Time {
        Time::from_micros(self.now() / 1_000)
    }

    /// Connects somebody. He is known by his place in the order of joining.
    ///
    /// # Errors
    /// If there is no connection to be had.
    pub(crate) fn join(&mut self, addr: SocketAddr, voice: V) -> io::Result<usize> {
        let line = self.dialer.connect(addr)?;
        let who = self.seats.len();
        let interest = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
        epoll::add(&self.epoll, line.socket(), epoll::EventData::new_u64(who as u64), interest)?;
        self.seats.push(Seat { line: Some(line), voice, dirty: false });
        self.with(who, V::opened);
        Ok(who)
    }

    /// Lets somebody say something, unless he is gone. It is written in the next turn.
    pub(crate) fn with(&mut self, who: usize, speak: impl FnOnce(&mut V, &mut Ear<'_>)) {
        let at = self.now();
        let seat = &mut self.seats[who];
        let Some(line) = &mut seat.line else { return };
        speak(&mut seat.voice, &mut Ear { who, at, out: &mut line.out, heard: &mut self.heard });
        if !line.out.is_empty() && !seat.dirty {
            seat.dirty = true;
            self.dirty.push(who);
        }
    }

    /// Closes somebody's connection.
    pub(crate) fn leave(&mut self, who: usize) {
        self.seats[who].line = None;
    }

    /// Writes what is to be written, waits for something to come, but not for longer than `wait`, and
    /// returns what was heard: what is in `heard` afterwards is new.
    ///
    /// # Errors
    /// If the system refuses to wait. A broken connection is a sound, not an error.
    pub(crate) fn turn(&mut self, wait: Duration, heard: &mut Vec<Sound>) -> io::Result<()> {
        heard.clear();
        self.flush();
        let wait = if self.heard.is_empty() { wait.min(ROUND) } else { Duration::ZERO };
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(0),
            tv_nsec: wait.subsec_nanos().into(),
        };
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for at in 0..self.events.len() {
            let event = self.events[at];
            let data = event.data;
            self.serve(usize::try_from(data.u64()).unwrap_or(usize::MAX));
        }
        self.look_round();
        std::mem::swap(&mut self.heard, heard);
        Ok(())
    }

    fn serve(&mut self, who: usize) {
        loop {
            let Some(Seat { line: Some(line), dirty, .. }) = self.seats.get_mut(who) else { return };
            if line.is_pending() && !*dirty {
                // It may take again what it would not take before.
                *dirty = true;
                self.dirty.push(who);
            }
            let (count, more) = match line.read(&mut self.room) {
                Ok(Came::Some(0)) => return,
                Ok(Came::Some(count)) => (count, false),
                Ok(Came::Full(count)) => (count, true),
                Ok(Came::End) | Err(_) => return self.lose(who),
            };
            if count > 0 {
                let bytes = Bytes::copy_from_slice(&self.room[..count]);
                self.with(who, |voice, ear| voice.received(bytes, ear));
            }
            if !more {
                return;
            }
        }
    }

    fn lose(&mut self, who: usize) {
        self.with(who, V::closed);
        self.leave(who);
    }

    fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for who in dirty.drain(..) {
            let seat = &mut self.seats[who];
            seat.dirty = false;
            if seat.line.as_mut().is_some_and(|line| line.flush().is_err()) {
                self.lose(who);
            }
        }
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
    }

    fn look_round(&mut self) {
        let now = Instant::now();
        if now >= self.next_round {
            self.next_round = now + ROUND;
            (0..self.seats.len()).for_each(|who| self.with(who, V::looked_at));
        }
    }
}
