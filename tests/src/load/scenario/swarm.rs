//! A file from one client to many, with the real programs as other processes.
//!
//! How far a leecher is, he says himself: it is asked for with `downloads`. What a process has spent and sent is
//! read from the operating system, from the first command to the last file.

mod cast;
mod data;
mod member;
mod record;
mod watch;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::load::args::{Args, Swarm, Transport};
use crate::load::error::Error;
use crate::load::percentile::Sorted;
use crate::load::report::{Figures, figures, rounded};
use cast::{Cast, Spent};
use record::{Leecher, Record};
use watch::Watch;

/// The file that is fetched.
const FILE: &str = "swarm.bin";
const MIB: f64 = 1_048_576.0;

/// Starts a server, a seeder and leechers, and has all leechers fetch the seeder's file.
///
/// # Errors
/// If a program cannot be started, or the file is not offered in time.
pub(crate) fn run(args: &Swarm, all: &Args) -> Result<Figures, Error> {
    if all.target.connect.is_some() || all.transport != Transport::Tls {
        return Err(Error::OnlyOwn);
    }
    let until = Instant::now() + Duration::from_secs(all.deadline_s);
    let place = data::Place::make(args.dir.as_deref())?;
    // In memory as much as all leechers will write; on a disk that would only be another figure of the same disk.
    let plain_bytes =
        if place.is_disk { args.size } else { args.size.saturating_mul(u64::from(args.leechers)) };
    let plain_write = data::plain_write(place.path(), plain_bytes)?;
    let shared = cast::shared(place.path(), cast::SEEDER);
    std::fs::create_dir_all(&shared)?;
    let hash = data::make(&shared.join(FILE), args.size)?;

    let mut cast = Cast::start(args, all.target.server.as_deref(), place.path(), until)?;
    cast.wait_for_offer(until)?;
    let record = Watch::new(args, &mut cast).run(until);
    let spent = cast.spent();
    let mut is_equal = true;
    for number in record.finished() {
        let path = cast::shared(place.path(), cast::LEECHERS + number).join(FILE);
        is_equal &= data::hash(&path)? == hash;
    }

    let mut report = report(args, &record);
    report.extend(costs(args, &record, &spent));
    report.extend(figures(json!({
        "equal": is_equal,
        "on_disk": place.is_disk,
        "plain_write_bytes": plain_bytes,
        "plain_write_ms": millis(plain_write),
    })));
    Ok(report)
}

/// What became of the leechers, and when.
fn report(args: &Swarm, record: &Record) -> Figures {
    let times = |of: fn(&Leecher) -> Option<Duration>| {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Sorted::of(record.leechers.iter().filter_map(of).map(nanos).collect())
    };
    let lines = times(|leecher| leecher.first_line);
    let chunks = times(|leecher| leecher.first_chunk);
    let ends = times(|leecher| leecher.end);
    figures(json!({
        "leechers": args.leechers,
        "size_bytes": args.size,
        "picker": args.picker,
        "stagger_ms": args.stagger,
        "complete": record.is_complete(),
        "killed": record.killed(),
        "failures": record.failures(),
        "wall_ms": millis(record.wall()),
        "mib_per_s": rounded(delivered(args, record) / MIB / record.wall().as_secs_f64()),
        "first_line_max_ms": lines.max() / 1_000_000,
        "first_chunk_min_ms": chunks.per_mille(0) / 1_000_000,
        "first_chunk_max_ms": chunks.max() / 1_000_000,
        "end_min_ms": ends.per_mille(0) / 1_000_000,
        "end_p50_ms": ends.per_mille(500) / 1_000_000,
        "end_max_ms": ends.max() / 1_000_000,
    }))
}

/// What it has cost whom.
fn costs(args: &Swarm, record: &Record, spent: &Spent) -> Figures {
    let leechers: Duration = spent.leechers.iter().map(|sample| sample.cpu).sum();
    let all = spent.server.cpu + spent.seeder.cpu + leechers;
    figures(json!({
        "cpu_s_per_gib": rounded(all.as_secs_f64() / (delivered(args, record) / (1_024.0 * MIB))),
        "leechers_cpu_s": rounded(leechers.as_secs_f64()),
        "seeder_cpu_s": rounded(spent.seeder.cpu.as_secs_f64()),
        "server_cpu_s": rounded(spent.server.cpu.as_secs_f64()),
        "leecher_peak_kib": spent.leechers.iter().map(|sample| sample.peak_kib).max(),
        "seeder_peak_kib": spent.seeder.peak_kib,
        "server_peak_kib": spent.server.peak_kib,
        "seeder_written_copies": rounded(spent.seeder.written as f64 / args.size as f64),
        "server_written_bytes": spent.server.written,
    }))
}

/// Bytes of files that are there.
fn delivered(args: &Swarm, record: &Record) -> f64 {
    args.size as f64 * record.finished().count() as f64
}

fn millis(duration: Duration) -> Value {
    rounded(duration.as_secs_f64() * 1_000.0)
}
