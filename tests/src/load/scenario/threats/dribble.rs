//! T2: connections that say a byte now and then, in the handshake or before the login.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use starling_core::wire::ServerFrame;

use super::{Again, shown};
use crate::load::args::Dribble;
use crate::load::bed::Bed;
use crate::load::caller::{Caller, connect_from, session};
use crate::load::error::Error;
use crate::load::people;
use crate::load::percentile::Sorted;
use crate::load::report::{Figures, figures, rounded};

/// How often it is looked whether somebody was cut, and somebody logs in.
const LOOK: Duration = Duration::from_millis(50);

/// Somebody who dribbles.
struct Dribbler {
    /// None once he is cut.
    stream: Option<TcpStream>,
    since: Instant,
    /// What he says, byte by byte.
    words: Vec<u8>,
    said: usize,
    /// How long he was there.
    lasted: Option<Duration>,
}

pub(super) fn run(args: &Dribble, bed: &Bed) -> Result<Figures, Error> {
    let addr = bed.host.addr;
    // Meanwhile somebody logs in, again and again.
    let mut waits = Vec::new();
    let (tell, told) = channel();
    let honest = Again::begin(LOOK, move || {
        let asked = Instant::now();
        let mut caller = Caller::greeted(Ipv4Addr::new(127, 0, 0, 1), addr)?;
        caller.knock(&people::name(0), people::PASSWORD)?;
        let welcome = matches!(caller.next()?, ServerFrame::Welcome { .. });
        let _ = tell.send(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
        Ok(u64::from(welcome))
    });
    let (mut hello, mut login) = crowd(args, bed)?;
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let every = Duration::from_secs(args.every_s);
    while Instant::now() < until && hello.iter().chain(&login).any(|one| one.stream.is_some()) {
        hello.iter_mut().chain(&mut login).for_each(|one| one.look(every));
        waits.extend(told.recv_timeout(LOOK));
    }
    let welcome = honest.end()?;
    waits.extend(told);
    Ok(figures(json!({
        "count": args.count,
        "byte_every_s": args.every_s,
        "in_the_handshake": lasted(&hello),
        "before_the_login": lasted(&login),
        "logins_meanwhile": waits.len(),
        "welcome": welcome,
        "login": shown(&Sorted::of(waits)),
    })))
}

/// Half of them with the beginning of a handshake to say, half who have said hello in it.
fn crowd(args: &Dribble, bed: &Bed) -> Result<(Vec<Dribbler>, Vec<Dribbler>), Error> {
    let mut words = Vec::new();
    session()?.write_tls(&mut words)?;
    let (mut hello, mut login) = (Vec::new(), Vec::new());
    for number in 0..args.count / 2 {
        let from = Ipv4Addr::new(127, 0, 1, u8::try_from(number % 254 + 1).unwrap_or(1));
        hello.push(Dribbler::new(connect_from(from, bed.host.addr)?, words.clone())?);
        let since = Instant::now();
        // Where there are more than the server lets wait, some are sent away at once.
        if let Ok(Caller { stream, .. }) = Caller::greeted(from, bed.host.addr) {
            // The beginning of a record, which never ends.
            let words = [&[0x17, 3, 3, 1, 0][..], &[0; 100]].concat();
            login.push(Dribbler { since, ..Dribbler::new(stream.sock, words)? });
        }
    }
    Ok((hello, login))
}

impl Dribbler {
    fn new(stream: TcpStream, words: Vec<u8>) -> std::io::Result<Dribbler> {
        stream.set_nonblocking(true)?;
        Ok(Dribbler { stream: Some(stream), since: Instant::now(), words, said: 0, lasted: None })
    }

    fn look(&mut self, every: Duration) {
        let Some(stream) = &mut self.stream else { return };
        let lasted = self.since.elapsed();
        let is_there = match stream.read(&mut [0; 1_024]) {
            Ok(0) => false,
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        if !is_there {
            self.lasted = Some(lasted);
            self.stream = None;
        } else if lasted >= every * u32::try_from(self.said).unwrap_or(u32::MAX) {
            let byte = self.words.get(self.said).copied().unwrap_or(0);
            self.said += 1;
            // A broken connection is found at the next look.
            let _ = stream.write(&[byte]);
        }
    }
}

/// How many were cut, and after how long the first and the last.
fn lasted(dribblers: &[Dribbler]) -> Value {
    let spans: Vec<f64> =
        dribblers.iter().filter_map(|one| one.lasted).map(|span| span.as_secs_f64()).collect();
    json!({
        "count": dribblers.len(),
        "cut": spans.len(),
        "first_s": rounded(spans.iter().copied().fold(f64::INFINITY, f64::min)),
        "last_s": rounded(spans.iter().copied().fold(0.0, f64::max)),
    })
}
