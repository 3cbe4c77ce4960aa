//! What the leechers of a swarm have said.

use std::time::Duration;

use super::FILE;

/// What a leecher has said. Times are since the first command.
#[derive(Debug, Default)]
pub(super) struct Leecher {
    /// He was told to fetch the file.
    pub(super) is_told: bool,
    /// He said that he begins.
    pub(super) first_line: Option<Duration>,
    /// He was first seen with a chunk.
    pub(super) first_chunk: Option<Duration>,
    /// He has the file.
    pub(super) end: Option<Duration>,
    /// Chunks that he has, and that there are.
    pub(super) held: (u64, u64),
    /// He was asked how far he is and has not answered.
    pub(super) is_asked: bool,
    /// Why he will not end.
    pub(super) failure: Option<String>,
    pub(super) is_killed: bool,
}

impl Leecher {
    /// Nothing more is expected of him.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some() || self.failure.is_some() || self.is_killed
    }

    /// Thousandths of the file that he was last seen with.
    pub(super) fn per_mille(&self) -> u64 {
        if self.end.is_some() { 1_000 } else { self.held.0 * 1_000 / self.held.1.max(1) }
    }

    /// Takes in a line that he said at this time.
    pub(super) fn hear(&mut self, line: &str, at: Duration) {
        let about = |first: &str| line.strip_prefix(first).is_some_and(|rest| rest.starts_with(FILE));
        if about("Downloading ") || about("Resuming ") {
            self.first_line.get_or_insert(at);
        } else if about("Downloaded ") {
            self.end.get_or_insert(at);
        } else if about("Download of ") || line.starts_with("Error. ") {
            self.failure.get_or_insert_with(|| line.to_owned());
        } else if let Some(held) = held(line) {
            self.is_asked = false;
            self.held = held;
            if held.0 > 0 {
                self.first_chunk.get_or_insert(at);
            }
        } else if line == "No downloads." {
            self.is_asked = false;
        }
    }
}

/// The numbers in `swarm.bin: 3 of 16 chunks`.
fn held(line: &str) -> Option<(u64, u64)> {
    let (held, rest) = line.strip_prefix(FILE)?.strip_prefix(": ")?.split_once(" of ")?;
    let (chunks, _) = rest.split_once(' ')?;
    Some((held.parse().ok()?, chunks.parse().ok()?))
}

/// What became of everybody.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) leechers: Vec<Leecher>,
    pub(super) is_seeder_killed: bool,
}

impl Record {
    /// From the first command to the last file.
    pub(super) fn wall(&self) -> Duration {
        self.leechers.iter().filter_map(|leecher| leecher.end).max().unwrap_or_default()
    }

    /// Everybody has the file who was not killed.
    pub(super) fn is_complete(&self) -> bool {
        self.leechers.iter().all(|leecher| leecher.end.is_some() || leecher.is_killed)
    }

    /// The numbers of those who have the file.
    pub(super) fn finished(&self) -> impl Iterator<Item = usize> {
        let numbered = self.leechers.iter().enumerate();
        numbered.filter(|(_, leecher)| leecher.end.is_some()).map(|(number, _)| number)
    }

    /// Who was killed.
    pub(super) fn killed(&self) -> Vec<String> {
        let seeder = self.is_seeder_killed.then(|| "seeder".to_owned());
        let numbered = self.leechers.iter().enumerate().filter(|(_, leecher)| leecher.is_killed);
        seeder.into_iter().chain(numbered.map(|(number, _)| format!("leecher {number}"))).collect()
    }

    /// Why the others have no file.
    pub(super) fn failures(&self) -> Vec<&str> {
        self.leechers.iter().filter_map(|leecher| leecher.failure.as_deref()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: [Duration; 4] = [
        Duration::from_millis(1),
        Duration::from_millis(2),
        Duration::from_millis(3),
        Duration::from_millis(4),
    ];

    #[test]
    fn a_leecher_tells_how_far_he_is() {
        let mut leecher = Leecher { is_asked: true, ..Leecher::default() };
        leecher.hear("u000003 logged in", AT[0]);
        leecher.hear("Downloading swarm.bin: 131072 bytes in 2 chunks from 1 owner.", AT[0]);
        leecher.hear("swarm.bin: 0 of 2 chunks", AT[1]);
        assert_eq!((leecher.is_asked, leecher.first_chunk, leecher.per_mille()), (false, None, 0));
        leecher.hear("swarm.bin: 1 of 2 chunks", AT[2]);
        assert_eq!((leecher.first_chunk, leecher.per_mille()), (Some(AT[2]), 500));
        assert!(!leecher.is_over());
        leecher.hear("Downloaded swarm.bin: 131072 bytes in 2 chunks from u000000.", AT[3]);
        assert_eq!((leecher.first_line, leecher.end), (Some(AT[0]), Some(AT[3])));
        assert!(leecher.is_over());
    }

    #[test]
    fn who_has_failed_or_was_killed_is_not_waited_for() {
        let (mut failed, killed) = (Leecher::default(), Leecher { is_killed: true, ..Leecher::default() });
        failed.hear("Download of swarm.bin stopped: 3 of 16 chunks. Repeat the command to resume.", AT[0]);
        assert!(failed.is_over() && killed.is_over());
        let record = Record { leechers: vec![failed, killed], is_seeder_killed: true };
        assert!(!record.is_complete());
        assert_eq!(
            (record.failures().len(), record.killed()),
            (1, vec!["seeder".into(), "leecher 1".into()])
        );
    }
}
