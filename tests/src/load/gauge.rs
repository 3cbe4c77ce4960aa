//! What the server spends between two moments.

use std::io;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

use super::proc::Usage;
use super::report::rounded;

/// A measurement that has begun.
#[derive(Debug)]
pub(crate) struct Gauge {
    pid: u32,
    began: Instant,
    usage: Usage,
    own: Duration,
}

/// What was spent.
#[derive(Debug)]
pub(crate) struct Spent {
    /// Processor time of the server.
    pub(crate) cpu: Duration,
    /// Time on the wall.
    pub(crate) wall: Duration,
    /// Processor time of the generator: as long as it is well below `wall`, it is not what is measured.
    pub(crate) own: Duration,
    threads: Vec<(String, Duration)>,
}

impl Gauge {
    /// Begins to measure the process `pid`.
    ///
    /// # Errors
    /// If there is no such process.
    pub(crate) fn begin(pid: u32) -> io::Result<Gauge> {
        Ok(Gauge { pid, usage: Usage::of(pid)?, own: own_cpu(), began: Instant::now() })
    }

    /// Reads what was spent since the beginning.
    ///
    /// # Errors
    /// If the process has ended.
    pub(crate) fn read(&self) -> io::Result<Spent> {
        let wall = self.began.elapsed();
        let own = own_cpu().saturating_sub(self.own);
        let now = Usage::of(self.pid)?;
        let threads = now.by_name_since(&self.usage).into_iter().collect();
        Ok(Spent { cpu: now.since(&self.usage), wall, own, threads })
    }
}

impl Spent {
    /// Processor time per unit, microseconds.
    pub(crate) fn micros_each(&self, units: u64) -> f64 {
        micros(self.cpu) / units.max(1) as f64
    }

    /// How busy server and generator were, in processors, and for how long.
    pub(crate) fn busy(&self) -> Value {
        let part = |cpu: Duration| rounded(cpu.as_secs_f64() / self.wall.as_secs_f64().max(1e-9));
        json!({"server": part(self.cpu), "generator": part(self.own), "wall_s": rounded(self.wall.as_secs_f64())})
    }

    /// Units a second.
    pub(crate) fn per_second(&self, units: u64) -> f64 {
        units as f64 / self.wall.as_secs_f64().max(1e-9)
    }

    /// Processor time per unit by the names of threads, microseconds.
    pub(crate) fn threads_each(&self, units: u64) -> Value {
        let each =
            |(name, cpu): &(String, Duration)| (name.clone(), rounded(micros(*cpu) / units.max(1) as f64));
        Value::Object(self.threads.iter().map(each).collect::<Map<_, _>>())
    }
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

/// The processor time that this process has had.
fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
