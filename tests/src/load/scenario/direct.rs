//! Messages between people who are online.

use serde_json::json;

use super::paced::{Pace, Paced};
use super::talk::{Measured, Over, Talk};
use crate::load::args::Direct;
use crate::load::bed::Bed;
use crate::load::error::Error;
use crate::load::people;
use crate::load::percentile::Sorted;
use crate::load::raw;
use crate::load::report::{Figures, figures, rounded};

/// Bytes of a MAIL frame besides its text: head, place, identity, length of the name, name.
const MAIL_BYTES: usize = 4 + 8 + 16 + 1 + people::NAME_BYTES;

pub(crate) fn run(args: &Direct, bed: &mut Bed) -> Result<Figures, Error> {
    let (pairs, size) = (args.pairs as usize, args.size as usize);
    // The server writes to the receiver, and its answer to the sender.
    let raw_before = raw::micros_per_write(2 * pairs, MAIL_BYTES + size, bed.secrecy)?;
    let mut crowd = bed.gather(2 * pairs)?;
    let say = |number: usize| {
        let sender = number % pairs;
        let receiver = people::name(pairs + sender);
        (sender, format!("message {receiver} {}", people::text(number, size)).into())
    };
    let messages = args.messages as usize;
    let (measured, pace) = match args.rate {
        Some(rate) => Paced { say, messages, rate }.measure(&mut crowd, bed)?,
        None => {
            let under_way = pairs * args.under_way as usize;
            let talk = Talk { say, over: Over::Received, messages, under_way, copies: 1 };
            (talk.measure(&mut crowd, bed)?, Pace::default())
        }
    };
    drop(crowd);
    let raw = f64::midpoint(raw_before, raw::micros_per_write(2 * pairs, MAIL_BYTES + size, bed.secrecy)?);
    Ok(report(args, measured, pace, raw))
}

fn report(args: &Direct, measured: Measured, pace: Pace, raw: f64) -> Figures {
    let each = measured.spent.micros_each(measured.delivered);
    let waits = Sorted::of(measured.waits);
    let mut report = figures(json!({
        "pairs": args.pairs,
        "text_bytes": args.size,
        "complete": measured.complete,
        "messages": measured.delivered,
        "messages_per_s": rounded(measured.spent.per_second(measured.delivered)),
        "server_cpu_us_per_message": rounded(each),
        "raw_write_us": rounded(raw),
        "over_two_raw_writes_us": rounded(each - 2.0 * raw),
        "threads_us_per_message": measured.spent.threads_each(measured.delivered),
        "busy": measured.spent.busy(),
        "receipt_p50_us": waits.per_mille(500) / 1_000,
        "receipt_p99_us": waits.per_mille(990) / 1_000,
        "receipt_p999_us": waits.per_mille(999) / 1_000,
        "receipt_max_us": waits.max() / 1_000,
    }));
    report.extend(figures(match args.rate {
        Some(rate) => {
            let (late, on_the_way) = (Sorted::of(pace.late), Sorted::of(pace.on_the_way));
            json!({
                "rate": rate,
                "on_the_way_p50_us": on_the_way.per_mille(500) / 1_000,
                "on_the_way_p99_us": on_the_way.per_mille(990) / 1_000,
                "on_the_way_p999_us": on_the_way.per_mille(999) / 1_000,
                "generator_late_p50_us": late.per_mille(500) / 1_000,
                "generator_late_p99_us": late.per_mille(990) / 1_000,
                "generator_late_p999_us": late.per_mille(999) / 1_000,
            })
        }
        None => json!({"under_way": args.under_way}),
    }));
    report
}
