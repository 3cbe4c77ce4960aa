//! A process of a swarm, and what it spends.

use std::time::Duration;

use rustix::process::Signal;
use starling_tests::program::{Program, Said};

use crate::load::proc::{self, Usage};

/// A program that runs or was killed. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Member {
    program: Program,
    usage: Usage,
    written: u64,
    /// There once it was killed.
    last: Option<Sample>,
}

/// What a process has had since [`Member::begins`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub(super) cpu: Duration,
    /// The most memory since it was started, KiB.
    pub(super) peak_kib: u64,
    /// Bytes that it has written, into files and into sockets.
    pub(super) written: u64,
}

impl Member {
    pub(super) fn new(program: Program) -> Member {
        Member { program, usage: Usage::default(), written: 0, last: None }
    }

    /// What is spent from now on counts.
    pub(super) fn begins(&mut self) {
        self.usage = Usage::of(self.program.id()).unwrap_or_default();
        self.written = proc::bytes_written(self.program.id()).unwrap_or_default();
    }

    /// What it has spent by now, or by its death.
    pub(super) fn sample(&self) -> Sample {
        let pid = self.program.id();
        self.last.unwrap_or_else(|| Sample {
            cpu: Usage::of(pid).map(|usage| usage.since(&self.usage)).unwrap_or_default(),
            peak_kib: proc::peak(pid).unwrap_or_default(),
            written: self.written(),
        })
    }

    /// Bytes that it has written by now.
    pub(super) fn written(&self) -> u64 {
        proc::bytes_written(self.program.id()).unwrap_or_default().saturating_sub(self.written)
    }

    /// Ends it without a word.
    pub(super) fn kill(&mut self) {
        if self.last.is_none() {
            self.last = Some(self.sample());
            self.program.signal(Signal::KILL);
        }
    }

    pub(super) fn is_killed(&self) -> bool {
        self.last.is_some()
    }

    /// Types a line.
    pub(super) fn types(&mut self, line: &str) {
        self.program.write(format!("{line}\n").as_bytes());
    }

    /// What it says next, if it does so in time.
    pub(super) fn next(&self, patience: Duration) -> Said {
        self.program.next(patience)
    }

    /// What it has written to standard error.
    pub(super) fn words(&self) -> String {
        self.program.words()
    }
}
