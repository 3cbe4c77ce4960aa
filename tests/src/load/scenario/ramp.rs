//! A crowd that logs in and stays.

use std::time::Duration;

use serde_json::json;

use crate::load::args::Ramp;
use crate::load::bed::{Bed, Entry};
use crate::load::crowd::{Crowd, Heard, Sound};
use crate::load::error::Error;
use crate::load::gauge::Gauge;
use crate::load::report::{Figures, figures, rounded};
use crate::load::scribe::Scribe;

/// What the crowd was told of who came.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    frames: u64,
    changes: u64,
    /// Windows of presence: as many as the first person was told of, who was there from the beginning.
    windows: u64,
    version: u64,
}

impl Told {
    fn hear(&mut self, sound: &Sound) {
        let Heard::Presence { changes, version } = sound.what else { return };
        self.frames += 1;
        self.changes += changes as u64;
        // A window may be cut into several frames of one version.
        if sound.who == 0 && version != self.version {
            self.windows += 1;
            self.version = version;
        }
    }
}

pub(crate) fn run(args: &Ramp, bed: &mut Bed) -> Result<Figures, Error> {
    let people = args.people as usize;
    let mut crowd = Crowd::new(bed.secrecy)?;
    let entry = Entry { people, under_way: args.under_way as usize };
    let gauge = Gauge::begin(bed.host.pid)?;
    let mut told = Told::default();
    let (mut welcome, mut quarters) = (0, Vec::new());
    let mut cpu = Duration::ZERO;
    bed.let_in(
        &mut crowd,
        entry,
        |_, number| Scribe::new(number),
        |sound| {
            told.hear(sound);
            welcome += usize::from(sound.what == Heard::Welcome);
            if sound.what == Heard::Welcome && welcome.is_multiple_of(people.div_ceil(4)) {
                let by_now = gauge.read().map_or(cpu, |spent| spent.cpu);
                quarters.push(rounded((by_now - cpu).as_secs_f64()));
                cpu = by_now;
            }
        },
    )?;
    let all_in = gauge.read()?;
    bed.calm(&mut crowd, |sound| told.hear(sound))?;
    let spent = gauge.read()?;
    Ok(figures(json!({
        "people": people,
        "logins_at_once": args.under_way,
        "server_cpu_s": rounded(spent.cpu.as_secs_f64()),
        "server_cpu_s_of_full_quarters": quarters,
        "server_cpu_us_per_login": rounded(spent.micros_each(people as u64)),
        "logged_in_after_s": rounded(all_in.wall.as_secs_f64()),
        "presence_changes_received": told.changes,
        "presence_frames_received": told.frames,
        "presence_windows": told.windows,
        "changes_per_window": rounded(people as f64 / told.windows.max(1) as f64),
        "frames_per_window": rounded(told.frames as f64 / told.windows.max(1) as f64),
        "threads_us_per_login": spent.threads_each(people as u64),
        "busy": spent.busy(),
    })))
}
