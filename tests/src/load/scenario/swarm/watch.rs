//! The download from the first command to the last file.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde_json::json;
use starling_tests::program::Said;

use super::FILE;
use super::cast::Cast;
use super::record::{Leecher, Record};
use crate::load::args::Swarm;

/// How often it is looked at who is how far. It bounds how exact the first chunk and the kills are; ends are exact.
/// More often would take from the clients, when they have most to do, the processors that are to be measured.
const TICK: Duration = Duration::from_millis(5);

/// See the module.
pub(super) struct Watch<'a> {
    args: &'a Swarm,
    cast: &'a mut Cast,
    begin: Instant,
    leechers: Vec<Leecher>,
    next_question: Duration,
    next_trace: Duration,
}

impl<'a> Watch<'a> {
    /// Nobody has been told anything.
    pub(super) fn new(args: &'a Swarm, cast: &'a mut Cast) -> Watch<'a> {
        let leechers = cast.leechers.iter().map(|_| Leecher::default()).collect();
        let begin = Instant::now();
        Watch { args, cast, begin, leechers, next_question: Duration::ZERO, next_trace: Duration::ZERO }
    }

    /// Gives the commands, and listens until everybody has the file or will not have it, or the time is over.
    pub(super) fn run(mut self, until: Instant) -> Record {
        self.cast.begins();
        self.begin = Instant::now();
        self.command();
        while Instant::now() < until
            && let Some(first) = self.leechers.iter().position(|leecher| !leecher.is_over())
        {
            self.listen(first);
            self.command();
            self.kill();
            self.ask();
        }
        Record { leechers: self.leechers, is_seeder_killed: self.cast.seeder.is_killed() }
    }

    /// Tells those to fetch the file whose time has come.
    fn command(&mut self) {
        let stagger = Duration::from_millis(self.args.stagger);
        for (number, leecher) in (0_u32..).zip(&mut self.leechers) {
            if !leecher.is_told && self.begin.elapsed() >= stagger * number {
                self.cast.leechers[number as usize].types(&format!("p2pDownload {FILE}"));
                leecher.is_told = true;
            }
        }
    }

    /// Waits a tick, or until the leecher with the number `first` says something; then hears everybody.
    fn listen(&mut self, first: usize) {
        self.hear(first, TICK);
        for number in 0..self.leechers.len() {
            while self.hear(number, Duration::ZERO) {}
        }
    }

    /// Whether he said something.
    fn hear(&mut self, number: usize, patience: Duration) -> bool {
        let (member, leecher) = (&self.cast.leechers[number], &mut self.leechers[number]);
        match member.next(patience) {
            Said::Line(line, at) => {
                leecher.hear(&line, at.saturating_duration_since(self.begin));
                true
            }
            Said::End(_) if !leecher.is_over() => {
                leecher.failure = Some(format!("it ended: {}", member.words()));
                false
            }
            Said::End(_) | Said::Nothing => false,
        }
    }

    /// Kills whoever has come as far as he was to come.
    fn kill(&mut self) {
        if let (Some(at), Some(last)) = (self.args.kill_leecher_at, self.leechers.last_mut())
            && !last.is_over()
            && last.first_line.is_some()
            && last.per_mille() >= at
            && let Some(member) = self.cast.leechers.last_mut()
        {
            member.kill();
            last.is_killed = true;
        }
        if let Some(at) = self.args.kill_seeder_at
            && self.cast.seeder.written().saturating_mul(1_000) >= at.saturating_mul(self.args.size)
        {
            self.cast.seeder.kill();
        }
    }

    /// Asks those how far they are for whom it matters, once a tick, and tells it if that is wanted.
    fn ask(&mut self) {
        let now = self.begin.elapsed();
        if now < self.next_question {
            return;
        }
        self.next_question = now + TICK;
        let is_traced = self.args.trace.is_some_and(|_| now >= self.next_trace);
        if is_traced {
            self.trace();
            self.next_trace = now + Duration::from_millis(self.args.trace.unwrap_or(0));
        }
        let last = self.leechers.len() - 1;
        for (number, leecher) in self.leechers.iter_mut().enumerate() {
            let is_victim = number == last && self.args.kill_leecher_at.is_some();
            let is_of_interest = leecher.first_chunk.is_none() || is_victim || is_traced;
            if is_of_interest && leecher.first_line.is_some() && !leecher.is_asked && !leecher.is_over() {
                self.cast.leechers[number].types("downloads");
                leecher.is_asked = true;
            }
        }
    }

    /// How far everybody was when last asked, as a line of JSON.
    fn trace(&self) {
        let line = json!({
            "at_ms": u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX),
            "seeder_written": self.cast.seeder.written(),
            "leechers_written": self.cast.leechers.iter().map(|leecher| leecher.written()).collect::<Vec<_>>(),
            "per_mille": self.leechers.iter().map(Leecher::per_mille).collect::<Vec<_>>(),
        });
        let _ = writeln!(io::stderr(), "{line}");
    }
}
