//! T14: the longest texts to everybody, from many at once.

use serde_json::json;
use starling_core::limits::TEXT_MAX;

use super::peak::Peak;
use crate::load::args::Broadcasts;
use crate::load::bed::Bed;
use crate::load::error::Error;
use crate::load::people;
use crate::load::proc;
use crate::load::report::{Figures, figures, rounded};
use crate::load::scenario::talk::{Over, Talk};

/// Who broadcasts.
const SENDERS: usize = 32;
/// Broadcasts under way in all.
const UNDER_WAY: usize = 64;

pub(super) fn run(args: &Broadcasts, bed: &Bed) -> Result<Figures, Error> {
    let pid = bed.host.pid;
    let mut crowd = bed.gather(args.members as usize)?;
    let base = proc::rss(pid)?;
    let peak = Peak::begin(pid);
    let talk = Talk {
        say: |number| (number % SENDERS, format!("broadcast {}", people::text(number, TEXT_MAX)).into()),
        over: Over::Received,
        messages: args.messages as usize,
        under_way: UNDER_WAY,
        copies: args.members - 1,
    };
    let measured = talk.measure(&mut crowd, bed)?;
    let peak = peak.end()?;
    let mib = (measured.delivered * TEXT_MAX as u64) as f64 / f64::from(1 << 20);
    Ok(figures(json!({
        "members": args.members,
        "text_bytes": TEXT_MAX,
        "complete": measured.complete,
        "deliveries": measured.delivered,
        "mib_per_s": rounded(mib / measured.spent.wall.as_secs_f64()),
        "rss_base_kib": base,
        "rss_peak_kib": peak,
        "rss_above_base_kib": peak.saturating_sub(base),
        "busy": measured.spent.busy(),
    })))
}
