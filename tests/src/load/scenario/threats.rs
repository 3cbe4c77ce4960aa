//! Attacks that are measured in time or memory, a file each, on a server with the limits that it has by default.

mod broadcasts;
mod connects;
mod dribble;
mod flood;
mod handshakes;
mod logins;
mod names;
mod peak;
mod scan;
mod stalled;

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use super::paced::Paced;
use crate::load::args::{TALKERS, Threat};
use crate::load::bed::Bed;
use crate::load::client::Person;
use crate::load::crowd::Crowd;
use crate::load::error::Error;
use crate::load::people;
use crate::load::percentile::Sorted;
use crate::load::report::Figures;

/// Messages a second of those who talk meanwhile.
const RATE: u32 = 100;
/// Bytes of their texts.
const TEXT_BYTES: usize = 100;

pub(crate) fn run(threat: &Threat, bed: &mut Bed) -> Result<Figures, Error> {
    match threat {
        Threat::T02(args) => dribble::run(args, bed),
        Threat::T03(args) => connects::run(args, bed),
        Threat::T04(args) => handshakes::run(args, bed),
        Threat::T05(args) => logins::run(args, bed),
        Threat::T09(args) => names::run(args, bed),
        Threat::T13(args) => flood::run(args, bed),
        Threat::T14(args) => broadcasts::run(args, bed),
        Threat::T15(args) => stalled::run(args, bed),
        Threat::T27(args) => scan::run(args, bed),
    }
}

/// Lets those who are there talk for so long: how long their messages took, from the moment each was due.
fn talk(crowd: &mut Crowd<Person>, bed: &Bed, seconds: u64) -> Result<Sorted, Error> {
    let pairs = TALKERS as usize / 2;
    let say = move |number: usize| {
        let receiver = people::name(pairs + number % pairs);
        (number % pairs, format!("message {receiver} {}", people::text(number, TEXT_BYTES)).into())
    };
    let messages = usize::try_from(seconds).unwrap_or(1) * RATE as usize;
    let (measured, _) = Paced { say, messages, rate: RATE }.measure(crowd, bed)?;
    if measured.complete { Ok(Sorted::of(measured.waits)) } else { Err(Error::TooLate("all had been said")) }
}

/// Percentiles of nanoseconds, in microseconds.
fn shown(waits: &Sorted) -> Value {
    json!({
        "p50_us": waits.per_mille(500) / 1_000,
        "p99_us": waits.per_mille(990) / 1_000,
        "max_us": waits.max() / 1_000,
    })
}

/// Lets so much time pass.
fn pause(span: Duration) {
    let (_tell, told) = channel::<()>();
    let _ = told.recv_timeout(span);
}

/// Something that is done on a thread again and again, until it is told to stop.
struct Again {
    stop: Sender<()>,
    thread: JoinHandle<io::Result<u64>>,
}

impl Again {
    /// `act` says how much it has done; `pause` later it is done again.
    fn begin(pause: Duration, mut act: impl FnMut() -> io::Result<u64> + Send + 'static) -> Again {
        let (stop, told) = channel();
        let thread = thread::spawn(move || {
            let mut done = 0;
            while told.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                done += act()?;
            }
            Ok(done)
        });
        Again { stop, thread }
    }

    /// How much was done in all.
    fn end(self) -> io::Result<u64> {
        drop(self.stop);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
    }
}
