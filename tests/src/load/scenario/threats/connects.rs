//! T3: more connections than a server has descriptors; what it does when they stop coming, and stay.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;

use super::pause;
use crate::load::args::Connects;
use crate::load::bed::Bed;
use crate::load::caller::{Caller, connect_from};
use crate::load::error::Error;
use crate::load::gauge::Gauge;
use crate::load::people;
use crate::load::report::{Figures, figures, rounded};

/// Addresses from which they come.
const ADDRESSES: u32 = 200;

pub(super) fn run(args: &Connects, bed: &Bed) -> Result<Figures, Error> {
    let mut open = VecDeque::new();
    let gauge = Gauge::begin(bed.host.pid)?;
    for number in 0..args.connects {
        let from = Ipv4Addr::new(127, 0, 3, u8::try_from(number % ADDRESSES).unwrap_or(0));
        open.push_back(connect_from(from, bed.host.addr)?);
        if open.len() > args.open as usize {
            open.pop_front();
        }
    }
    let during = gauge.read()?;
    // Somebody who speaks gets in, whoever else is there.
    let mut caller = Caller::greeted(Ipv4Addr::LOCALHOST, bed.host.addr)?;
    caller.knock(&people::name(0), people::PASSWORD)?;
    caller.next()?;
    let gauge = Gauge::begin(bed.host.pid)?;
    pause(Duration::from_secs(args.seconds));
    let after = gauge.read()?;
    Ok(figures(json!({
        "connects": args.connects,
        "open": open.len(),
        "descriptors": args.descriptors,
        "busy_during": during.busy(),
        "busy_after": after.busy(),
        "cpu_us_per_connect": rounded(during.micros_each(u64::from(args.connects))),
    })))
}
