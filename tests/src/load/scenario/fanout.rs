//! Broadcasts to a crowd.

use serde_json::json;

use super::talk::{Over, Talk};
use crate::load::args::{Fanout, Mode};
use crate::load::bed::Bed;
use crate::load::error::Error;
use crate::load::people;
use crate::load::percentile::Sorted;
use crate::load::raw;
use crate::load::report::{Figures, figures, rounded};

/// Bytes of a CAST frame besides its text: head, length of the name, name.
const CAST_BYTES: usize = 4 + 1 + people::NAME_BYTES;

pub(crate) fn run(args: &Fanout, bed: &mut Bed) -> Result<Figures, Error> {
    let (members, size) = (args.members as usize, args.size as usize);
    let (senders, under_way) = match args.mode {
        Mode::Single => (1, 1),
        Mode::Burst => (32, 64),
    };
    let raw_before = raw::micros_per_write(members - 1, CAST_BYTES + size, bed.secrecy)?;
    let mut crowd = bed.gather(members)?;
    let talk = Talk {
        say: |number| (number % senders, format!("broadcast {}", people::text(number, size)).into()),
        over: Over::Received,
        messages: args.messages as usize,
        under_way,
        copies: args.members - 1,
    };
    let measured = talk.measure(&mut crowd, bed)?;
    drop(crowd);
    let raw_after = raw::micros_per_write(members - 1, CAST_BYTES + size, bed.secrecy)?;
    let raw = f64::midpoint(raw_before, raw_after);
    let each = measured.spent.micros_each(measured.delivered);
    let waits = Sorted::of(measured.waits);
    Ok(figures(json!({
        "mode": if args.mode == Mode::Single { "single" } else { "burst" },
        "members": members,
        "text_bytes": size,
        "senders": senders,
        "under_way": under_way,
        "complete": measured.complete,
        "deliveries": measured.delivered,
        "deliveries_per_s": rounded(measured.spent.per_second(measured.delivered)),
        "server_cpu_us_per_delivery": rounded(each),
        "raw_write_us": rounded(raw),
        "raw_write_us_before_after": [rounded(raw_before), rounded(raw_after)],
        "ratio_to_raw": rounded(each / raw),
        "threads_us_per_delivery": measured.spent.threads_each(measured.delivered),
        "busy": measured.spent.busy(),
        "delivery_p50_us": waits.per_mille(500) / 1_000,
        "delivery_p99_us": waits.per_mille(990) / 1_000,
    })))
}
