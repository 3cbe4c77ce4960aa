//! T15: people who log in and read nothing more, while somebody writes to them and to everybody.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::json;
use starling_core::id::{MsgId, RequestId, Seq};
use starling_core::limits::TEXT_MAX;
use starling_core::name::Name;
use starling_core::text::Text;
use starling_core::wire::{Request, ServerFrame};

use super::pause;
use super::peak::Peak;
use crate::load::args::Stalled;
use crate::load::bed::Bed;
use crate::load::caller::Caller;
use crate::load::error::Error;
use crate::load::people;
use crate::load::proc;
use crate::load::report::{Figures, figures};

/// Each comes back after so long, which is more than a reader may make the server wait.
const BACK_AFTER: u64 = 20;
/// Letters a second, to one after the other.
const LETTERS: u32 = 25;
/// Addresses from which they come.
const ADDRESSES: usize = 100;
/// Bytes of a letter.
const LETTER_BYTES: usize = 100;

/// The one who writes; he reads what he is answered.
struct Writer {
    caller: Caller,
    requests: u32,
    /// Differs from run to run.
    instance: u64,
}

/// Somebody who is written to: his letters by their numbers, and what he has at his end.
struct Reader {
    number: usize,
    written: Vec<usize>,
    /// None while he is on his way.
    line: Option<Caller>,
}

pub(super) fn run(args: &Stalled, bed: &Bed) -> Result<Figures, Error> {
    let (pid, addr) = (bed.host.pid, bed.host.addr);
    let caller = enters(args.stalled as usize, addr)?;
    let mut writer = Writer { caller, requests: 0, instance: bed.run };
    let mut readers: Vec<Reader> = (0..args.stalled as usize)
        .map(|number| Ok(Reader { number, written: Vec::new(), line: Some(enters(number, addr)?) }))
        .collect::<io::Result<_>>()?;
    let base = proc::rss(pid)?;
    let peak = Peak::begin(pid);
    let (mut letters, mut logins) = (0, 0);
    let began = Instant::now();
    for second in 0..args.seconds {
        for _ in 0..args.rate {
            writer.broadcasts()?;
        }
        for _ in 0..LETTERS {
            let reader = &mut readers[letters % args.stalled as usize];
            writer.writes(reader.number, letters)?;
            reader.written.push(letters);
            letters += 1;
        }
        for reader in
            readers.iter_mut().filter(|reader| reader.number as u64 % BACK_AFTER == second % BACK_AFTER)
        {
            reader.line = None;
            reader.line = Some(enters(reader.number, addr)?);
            logins += 1;
        }
        pause((began + Duration::from_secs(second + 1)).saturating_duration_since(Instant::now()));
    }
    let peak = peak.end()?;
    let (mut right, mut again) = (0, 0);
    for reader in &mut readers {
        reader.line = None;
        right += usize::from(letters_of(reader.number, addr)? == reader.written);
        again += letters_of(reader.number, addr)?.len();
    }
    Ok(figures(json!({
        "stalled": args.stalled,
        "seconds": args.seconds,
        "took_s": began.elapsed().as_secs(),
        "broadcasts": args.seconds * u64::from(args.rate),
        "letters": letters,
        "logins": logins,
        "got_exactly_theirs": right,
        "letters_twice": again,
        "rss_base_kib": base,
        "rss_peak_kib": peak,
        "rss_above_base_kib_per_stalled": peak.saturating_sub(base) / u64::from(args.stalled),
    })))
}

/// Somebody who is let in, and reads no further than that.
fn enters(number: usize, addr: SocketAddr) -> io::Result<Caller> {
    let from = Ipv4Addr::new(127, 0, 15, u8::try_from(number % ADDRESSES + 1).unwrap_or(1));
    let mut caller = Caller::greeted(from, addr)?;
    caller.knock(&people::name(number), people::PASSWORD)?;
    match caller.next()? {
        ServerFrame::Welcome { .. } => Ok(caller),
        other => Err(io::Error::other(format!("person {number} was answered {other:?}"))),
    }
}

/// The numbers of the letters that wait for somebody. He acknowledges them and goes.
fn letters_of(number: usize, addr: SocketAddr) -> io::Result<Vec<usize>> {
    let mut caller = enters(number, addr)?;
    let mut letters = Vec::new();
    // What was there at his login is sent before what he asks for is answered; and a page follows when the one
    // before it is acknowledged.
    let mut nonce = 0;
    loop {
        nonce += 1;
        caller.say(&Request::Ping { nonce }.frame())?;
        let (known, mut last) = (letters.len(), Seq::START);
        loop {
            match caller.next()? {
                ServerFrame::Mail { seq, text, .. } => {
                    letters.extend(people::number(text.as_str()));
                    last = seq;
                }
                ServerFrame::Pong { nonce: answered } if answered == nonce => break,
                _ => {}
            }
        }
        if letters.len() == known {
            break;
        }
        caller.say(&Request::Ack { seq: last }.frame())?;
    }
    caller.say(&Request::Logout { request: RequestId(1) }.frame())?;
    while caller.next().is_ok() {}
    Ok(letters)
}

impl Writer {
    fn broadcasts(&mut self) -> io::Result<()> {
        let text = text(&people::text(0, TEXT_MAX))?;
        self.asks(|request| Request::Broadcast { request, text })
    }

    fn writes(&mut self, to: usize, letter: usize) -> io::Result<()> {
        let id = MsgId { instance: self.instance, counter: letter as u64 + 1 };
        let to = Name::parse(people::name(to).as_bytes()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let text = text(&people::text(letter, LETTER_BYTES))?;
        self.asks(|request| Request::Message { request, id, to, text })
    }

    /// Asks, and waits for the answer.
    fn asks(&mut self, wish: impl FnOnce(RequestId) -> Request) -> io::Result<()> {
        self.requests += 1;
        let number = RequestId(self.requests);
        self.caller.say(&wish(number).frame())?;
        loop {
            match self.caller.next()? {
                ServerFrame::Done { request, .. } if request == number => return Ok(()),
                ServerFrame::Ping { nonce } => self.caller.say(&Request::Pong { nonce }.frame())?,
                _ => {}
            }
        }
    }
}

fn text(text: &str) -> io::Result<Text> {
    Text::parse(text.to_owned().into_bytes().into()).map_err(|_| io::ErrorKind::InvalidInput.into())
}
