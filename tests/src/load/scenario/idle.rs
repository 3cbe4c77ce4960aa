//! The memory of connections that do nothing.

use serde_json::json;

use crate::load::args::Idle;
use crate::load::bed::{Bed, Entry};
use crate::load::crowd::Crowd;
use crate::load::error::Error;
use crate::load::proc::{self, Memory};
use crate::load::report::{Figures, figures, rounded};
use crate::load::scribe::Scribe;

/// Logins at once.
const UNDER_WAY: usize = 64;

pub(crate) fn run(args: &Idle, bed: &mut Bed) -> Result<Figures, Error> {
    let people = args.connections as usize;
    let pid = bed.host.pid;
    let (rss_before, before) = (proc::rss(pid)?, Memory::of(pid)?);
    let mut crowd = Crowd::new(bed.secrecy)?;
    let entry = Entry { people, under_way: UNDER_WAY };
    bed.let_in(&mut crowd, entry, |_, number| Scribe::new(number), |_| {})?;
    bed.calm(&mut crowd, |_| {})?;
    let (rss_after, after) = (proc::rss(pid)?, Memory::of(pid)?);
    let each = |before: u64, after: u64| rounded((after as f64 - before as f64) / people as f64);
    Ok(figures(json!({
        "connections": people,
        "vm_rss_kib_per_connection": each(rss_before, rss_after),
        "rss_kib_per_connection": each(before.resident, after.resident),
        "private_dirty_kib_per_connection": each(before.private_dirty, after.private_dirty),
        "rss_before_kib": before.resident,
        "rss_after_kib": after.resident,
    })))
}
