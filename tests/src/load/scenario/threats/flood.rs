//! T13: a user who sends as fast as his line takes it, and comes back when he is cut.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustix::process::nice;
use serde_json::json;
use starling_core::id::RequestId;
use starling_core::wire::{Request, ServerFrame};

use super::{Again, shown, talk};
use crate::load::args::{Flood, TALKERS};
use crate::load::bed::Bed;
use crate::load::caller::Caller;
use crate::load::error::Error;
use crate::load::gauge::Gauge;
use crate::load::people;
use crate::load::report::{Figures, figures, rounded};

/// Requests in one write.
const PIECE: usize = 1_000;

pub(super) fn run(args: &Flood, bed: &Bed) -> Result<Figures, Error> {
    let mut crowd = bed.gather(TALKERS as usize)?;
    let before = talk(&mut crowd, bed, args.seconds)?;
    let frame = Request::Who { request: RequestId(1) }.frame();
    let mut piece = Vec::new();
    (0..PIECE).for_each(|_| frame.encode_into(&mut piece));
    let (addr, name) = (bed.host.addr, people::name(TALKERS as usize));
    let gauge = Gauge::begin(bed.host.pid)?;
    // Who has had his share of connections or logins is refused now and then.
    let flood = Again::begin(Duration::ZERO, move || {
        // A flooder has a computer of his own: his thread takes what the talkers and the server leave. On Linux the
        // call is about the thread that makes it.
        let _ = nice(19);
        Ok(u64::from(flood_once(addr, &name, &piece).unwrap_or(false)))
    });
    let during = talk(&mut crowd, bed, args.seconds)?;
    let spent = gauge.read()?;
    let cuts = flood.end()?;
    let [p99, base] = [&during, &before].map(|waits| waits.per_mille(990) as f64);
    Ok(figures(json!({
        "seconds": args.seconds,
        "cuts": cuts,
        "busy": spent.busy(),
        "message_before": shown(&before),
        "message_during": shown(&during),
        "p99_ratio": rounded(p99 / base.max(1.0)),
    })))
}

/// Logs in and sends until he is cut; false if he is not let in.
fn flood_once(addr: SocketAddr, name: &str, piece: &[u8]) -> io::Result<bool> {
    let mut caller = Caller::greeted(Ipv4Addr::new(127, 0, 13, 1), addr)?;
    caller.knock(name, people::PASSWORD)?;
    if !matches!(caller.next()?, ServerFrame::Welcome { .. }) {
        return Ok(false);
    }
    while caller.stream.write_all(piece).is_ok() {}
    Ok(true)
}
