//! T4: handshakes from a few addresses at full speed. Only the server pays: the hello is made once.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::net::sockopt;
use serde_json::json;

use super::{Again, shown, talk};
use crate::load::args::{Handshakes, TALKERS};
use crate::load::bed::Bed;
use crate::load::caller::{connect_from, session};
use crate::load::error::Error;
use crate::load::gauge::Gauge;
use crate::load::report::{Figures, figures};

pub(super) fn run(args: &Handshakes, bed: &Bed) -> Result<Figures, Error> {
    let mut crowd = bed.gather(TALKERS as usize)?;
    let before = talk(&mut crowd, bed, args.seconds.div_ceil(4))?;
    let mut hello = Vec::new();
    session()?.write_tls(&mut hello)?;
    let addr = bed.host.addr;
    let gauge = Gauge::begin(bed.host.pid)?;
    let floods: Vec<Again> = (1..=args.addresses)
        .map(|address| {
            let hello = hello.clone();
            let from = Ipv4Addr::new(127, 0, 4, address);
            Again::begin(Duration::ZERO, move || {
                // Who has had his share is closed without a word, or reset.
                let answered = connect_from(from, addr).and_then(|mut stream| {
                    // Nothing of it stays: the ports of an address are soon used up.
                    sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
                    stream.write_all(&hello)?;
                    stream.read(&mut [0])
                });
                Ok(u64::from(matches!(answered, Ok(1))))
            })
        })
        .collect();
    let during = talk(&mut crowd, bed, args.seconds)?;
    let spent = gauge.read()?;
    let handshakes = floods.into_iter().map(Again::end).sum::<Result<u64, _>>()?;
    Ok(figures(json!({
        "addresses": args.addresses,
        "seconds": args.seconds,
        "handshakes": handshakes,
        "busy": spent.busy(),
        "message_before": shown(&before),
        "message_during": shown(&during),
    })))
}
