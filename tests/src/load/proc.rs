//! What the system says of a process: processor time by thread, and memory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

/// The clock of `/proc/<pid>/stat`: `USER_HZ`, 100 on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Processor time that a process has had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Of each living thread, to the nanosecond.
    threads: BTreeMap<u32, Thread>,
    /// Of all threads, those that have ended included, in ticks.
    ticks: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Thread {
    name: String,
    nanos: u64,
}

impl Usage {
    /// What the process `pid` has had by now.
    ///
    /// # Errors
    /// If there is no such process.
    pub(crate) fn of(pid: u32) -> io::Result<Usage> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let ticks = ticks(&stat).ok_or(io::ErrorKind::InvalidData)?;
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let path = entry?.path();
            let tid = path.file_name().and_then(|name| name.to_str()?.parse().ok());
            // A thread may end while it is looked at.
            let nanos = fs::read_to_string(path.join("schedstat")).ok().and_then(|text| nanos_on_cpu(&text));
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default().trim().to_owned();
            if let (Some(tid), Some(nanos)) = (tid, nanos) {
                threads.insert(tid, Thread { name, nanos });
            }
        }
        Ok(Usage { threads, ticks })
    }

    /// What was had since `earlier`: exact, or in ticks if a thread has ended in between.
    pub(crate) fn since(&self, earlier: &Usage) -> Duration {
        let lost = earlier.threads.keys().any(|tid| !self.threads.contains_key(tid));
        if lost || self.threads.is_empty() {
            return TICK * u32::try_from(self.ticks.saturating_sub(earlier.ticks)).unwrap_or(u32::MAX);
        }
        self.threads
            .iter()
            .map(|(tid, thread)| Duration::from_nanos(thread.since(earlier.threads.get(tid))))
            .sum()
    }

    /// The same by the names of threads.
    pub(crate) fn by_name_since(&self, earlier: &Usage) -> BTreeMap<String, Duration> {
        let mut names = BTreeMap::new();
        for (tid, thread) in &self.threads {
            let spent = Duration::from_nanos(thread.since(earlier.threads.get(tid)));
            *names.entry(thread.name.clone()).or_default() += spent;
        }
        names
    }
}

impl Thread {
    fn since(&self, earlier: Option<&Thread>) -> u64 {
        self.nanos.saturating_sub(earlier.map_or(0, |thread| thread.nanos))
    }
}

/// User and system time of `/proc/<pid>/stat`. The name in it may hold spaces and brackets.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The first number of `/proc/<pid>/task/<tid>/schedstat`.
fn nanos_on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// Memory of a process, KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Pages of it that are in memory.
    pub(crate) resident: u64,
    /// Those among them that it alone has, and has written to.
    pub(crate) private_dirty: u64,
}

impl Memory {
    /// What the process `pid` has now, counted page by page.
    ///
    /// # Errors
    /// If there is no such process, or it may not be looked at.
    pub(crate) fn of(pid: u32) -> io::Result<Memory> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        Memory::read(&rollup).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn read(rollup: &str) -> Option<Memory> {
        Some(Memory { resident: value(rollup, "Rss")?, private_dirty: value(rollup, "Private_Dirty")? })
    }
}

/// `VmRSS` of the process `pid`, KiB: what `ps` and `top` show.
///
/// # Errors
/// If there is no such process.
pub(crate) fn rss(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    value(&status, "VmRSS").ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// `VmHWM` of the process `pid`, KiB: the most that `VmRSS` has been.
///
/// # Errors
/// If there is no such process, or it has ended and is not yet waited for.
pub(crate) fn peak(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    value(&status, "VmHWM").ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// `wchar` of the process `pid`: bytes that it has written, into files and with `writev` into sockets.
///
/// # Errors
/// If there is no such process, or it may not be looked at.
pub(crate) fn bytes_written(pid: u32) -> io::Result<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io"))?;
    value(&io, "wchar").ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The value of `key` in lines like `VmRSS:    1900 kB`.
fn value(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

/// The load averages of the last 1, 5 and 15 minutes.
pub(crate) fn load_average() -> Option<[f64; 3]> {
    averages(&fs::read_to_string("/proc/loadavg").ok()?)
}

fn averages(loadavg: &str) -> Option<[f64; 3]> {
    let mut numbers = loadavg.split_ascii_whitespace().map(|field| field.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(ticks: u64, threads: &[(u32, u64)]) -> Usage {
        let thread =
            |(tid, nanos): &(u32, u64)| (*tid, Thread { name: format!("t{}", tid % 2), nanos: *nanos });
        Usage { ticks, threads: threads.iter().map(thread).collect() }
    }

    #[test]
    fn a_stat_line_may_have_an_odd_name() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194560 101 0 0 0 77 23 0 0 20 0 3 0 362834 3133440 386";
        assert_eq!(ticks(stat), Some(100));
        assert_eq!(ticks("42 (x) S 1 2"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn keys_are_whole_words() {
        let status = "Name:\tx\nVmHWM:\t    2000 kB\nVmRSS:\t    1900 kB\nRssAnon:\t 152 kB\n";
        assert_eq!(value(status, "VmRSS"), Some(1_900));
        assert_eq!(value(status, "VmHWM"), Some(2_000));
        assert_eq!(value("rchar: 9\nwchar: 8\n", "wchar"), Some(8));
        assert_eq!(value(status, "Vm"), None);
        let rollup = "55-7f ---p 0 0:0 0  [rollup]\nRss:  1716 kB\nPss: 254 kB\nPrivate_Dirty:   112 kB\n";
        assert_eq!(Memory::read(rollup), Some(Memory { resident: 1_716, private_dirty: 112 }));
        assert_eq!(Memory::read("Rss: 1 kB\n"), None);
    }

    #[test]
    fn the_first_number_counts() {
        assert_eq!(nanos_on_cpu("57969 12 1\n"), Some(57_969));
        assert_eq!(nanos_on_cpu(""), None);
        assert_eq!(averages("4.14 6.11 5.03 6/130 625\n"), Some([4.14, 6.11, 5.03]));
        assert_eq!(averages("4.14"), None);
    }

    #[test]
    fn threads_are_added_up() {
        let (before, after) = (usage(10, &[(1, 500), (2, 900)]), usage(11, &[(1, 700), (2, 900), (3, 50)]));
        assert_eq!(after.since(&before), Duration::from_nanos(250));
        let by_name = after.by_name_since(&before);
        assert_eq!(by_name["t1"], Duration::from_nanos(250));
        assert_eq!(by_name["t0"], Duration::ZERO);
    }

    #[test]
    fn where_a_thread_has_ended_ticks_count() {
        let (before, after) = (usage(10, &[(1, 500), (2, 900)]), usage(13, &[(1, 700)]));
        assert_eq!(after.since(&before), Duration::from_millis(30));
    }
}
