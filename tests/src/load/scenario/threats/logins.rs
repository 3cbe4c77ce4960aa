//! T5: many logins at once while a password costs a hash each.

use std::net::Ipv4Addr;
use std::thread;

use serde_json::json;
use starling_core::wire::{LoginRefusal, ServerFrame};

use super::peak::Peak;
use super::{shown, talk};
use crate::load::args::{Logins, TALKERS};
use crate::load::bed::Bed;
use crate::load::caller::Caller;
use crate::load::error::Error;
use crate::load::people;
use crate::load::proc;
use crate::load::report::{Figures, figures};

/// Connections of one address.
const EACH: u32 = 100;

pub(super) fn run(args: &Logins, bed: &Bed) -> Result<Figures, Error> {
    let pid = bed.host.pid;
    let at_start = proc::rss(pid)?;
    let mut crowd = bed.gather(TALKERS as usize)?;
    let mut callers = Vec::new();
    for number in 0..args.logins {
        let from = Ipv4Addr::new(127, 0, 5, u8::try_from(number / EACH).unwrap_or(0));
        callers.push(Caller::greeted(from, bed.host.addr)?);
    }
    let before = talk(&mut crowd, bed, args.seconds.div_ceil(4))?;
    let base = proc::rss(pid)?;
    let peak = Peak::begin(pid);
    let answers = thread::spawn(move || {
        for (number, caller) in callers.iter_mut().enumerate() {
            let name = people::name(TALKERS as usize + number);
            // Who is closed before he is heard has no answer.
            let _ = caller.knock(&name, people::PASSWORD);
        }
        callers.iter_mut().map(|caller| caller.next().ok()).collect::<Vec<_>>()
    });
    let during = talk(&mut crowd, bed, args.seconds)?;
    let answers = answers.join().unwrap_or_default();
    let peak = peak.end()?;
    let count =
        |wanted: fn(&ServerFrame) -> bool| answers.iter().flatten().filter(|frame| wanted(frame)).count();
    Ok(figures(json!({
        "logins": args.logins,
        "welcome": count(|frame| matches!(frame, ServerFrame::Welcome { .. })),
        "busy_answers": count(|frame| matches!(frame, ServerFrame::LoginRefused(LoginRefusal::Busy))),
        "rss_at_start_kib": at_start,
        "rss_base_kib": base,
        "rss_peak_kib": peak,
        "rss_above_base_kib": peak.saturating_sub(base),
        "message_before": shown(&before),
        "message_during": shown(&during),
    })))
}
