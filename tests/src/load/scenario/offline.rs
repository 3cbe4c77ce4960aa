//! Messages to people who are not online.

use serde_json::json;

use super::talk::{Over, Talk};
use crate::load::args::Offline;
use crate::load::bed::Bed;
use crate::load::error::Error;
use crate::load::people;
use crate::load::percentile::Sorted;
use crate::load::report::{Figures, figures, rounded};

pub(crate) fn run(args: &Offline, bed: &mut Bed) -> Result<Figures, Error> {
    let (senders, size) = (args.senders as usize, args.size as usize);
    let mut crowd = bed.gather(senders)?;
    let talk = Talk {
        say: |number: usize| {
            let sender = number % senders;
            let receiver = people::name(senders + sender);
            (sender, format!("message {receiver} {}", people::text(number, size)).into())
        },
        over: Over::Stored,
        messages: args.messages as usize,
        under_way: senders * args.under_way as usize,
        copies: 1,
    };
    let measured = talk.measure(&mut crowd, bed)?;
    let waits = Sorted::of(measured.waits);
    Ok(figures(json!({
        "senders": senders,
        "under_way": args.under_way,
        "text_bytes": size,
        "complete": measured.complete,
        "messages": measured.delivered,
        "messages_per_s": rounded(measured.spent.per_second(measured.delivered)),
        "server_cpu_us_per_message": rounded(measured.spent.micros_each(measured.delivered)),
        "threads_us_per_message": measured.spent.threads_each(measured.delivered),
        "busy": measured.spent.busy(),
        "stored_p50_us": waits.per_mille(500) / 1_000,
        "stored_p99_us": waits.per_mille(990) / 1_000,
    })))
}
