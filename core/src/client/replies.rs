//! Answers in the order of the commands: a later one waits for those before it.
//!
//! Each command that is not yet answered has an entry, and so has each answer that is known but stands
//! behind an unknown one. Their number is bounded: beyond [`UNDER_WAY_MAX`] no line is taken.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::asked::{Answer, Asked, Misfit};
use super::context::Context;
use super::view::Line;
use crate::id::RequestId;
use crate::limits::UNDER_WAY_MAX;
use crate::name::Name;
use crate::wire::{Finding, Found, NamesPage, Outcome};

/// Names that are held at most, all answers together: no honest server has so many users.
const NAMES_MAX: usize = 1 << 20;
/// Files that are held at most, all answers together: no server lists so many at once.
const FINDINGS_MAX: usize = 1 << 20;

/// The queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Replies {
    entries: VecDeque<Entry>,
    names_held: usize,
    findings_held: usize,
    /// No command is taken before all are answered.
    paused: bool,
}

#[derive(Clone, Debug)]
enum Entry {
    Waiting(Waiting),
    Known(Answer),
}

#[derive(Clone, Debug)]
struct Waiting {
    request: RequestId,
    asked: Asked,
    names: Vec<Name>,
    findings: Vec<Finding>,
}

impl Replies {
    /// Commands whose answer was not shown yet.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// There is room for one more command.
    pub(super) fn has_room(&self) -> bool {
        self.len() < UNDER_WAY_MAX && (!self.paused || self.entries.is_empty())
    }

    /// No further command is taken until all are answered.
    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// What a request that has no answer yet has asked for.
    pub(super) fn asked(&mut self, request: RequestId) -> Option<Asked> {
        self.waiting(request).ok().map(|(_, waiting)| waiting.asked)
    }

    /// The server sent files in answer to a request.
    ///
    /// # Errors
    /// [`Misfit`]: there is no such request, it does not ask for files, or too many are held.
    pub(super) fn found(&mut self, page: Found) -> Result<(), Misfit> {
        let held = self.findings_held + page.findings.len();
        let (at, waiting) = self.waiting(page.request)?;
        if waiting.asked != Asked::Files || held > FINDINGS_MAX {
            return Err(Misfit);
        }
        waiting.findings.extend(page.findings);
        if page.last {
            let before = waiting.findings.len();
            let answer = Asked::files(core::mem::take(&mut waiting.findings));
            self.findings_held = held - (before - answer.findings_held());
            self.entries[at] = Entry::Known(answer);
        } else {
            self.findings_held = held;
        }
        Ok(())
    }

    /// Whether all commands before this one have been answered, and it has not.
    pub(super) fn is_first(&self, request: RequestId) -> bool {
        matches!(self.entries.front(), Some(Entry::Waiting(waiting)) if waiting.request == request)
    }

    /// Shows the answers whose turn has come.
    pub(super) fn show_known(&mut self, cx: &mut Context<'_>) {
        while let Some(answer) = self.next() {
            match answer {
                Answer::Silence => {}
                Answer::Line(line) => cx.show(line),
                Answer::Lines(lines) => lines.into_iter().for_each(|line| cx.show(line)),
                Answer::Names(names) => names.into_iter().for_each(|name| cx.show(Line::Listed(name))),
                Answer::Files(files) => files.into_iter().for_each(|file| cx.show(Line::Offered(file))),
            }
        }
    }

    /// A command that is not the server's to answer has its answer. Nothing if it had one.
    pub(super) fn known(&mut self, request: RequestId, answer: Answer) {
        if let Ok((at, _)) = self.waiting(request) {
            self.entries[at] = Entry::Known(answer);
        }
    }

    /// A request went out.
    pub(super) fn expect(&mut self, request: RequestId, asked: Asked) {
        self.push(Entry::Waiting(Waiting { request, asked, names: Vec::new(), findings: Vec::new() }));
    }

    /// A command was answered on the spot.
    pub(super) fn answer(&mut self, line: Line) {
        self.push(Entry::Known(Answer::Line(line)));
    }

    /// The server told the outcome of a request.
    ///
    /// # Errors
    /// [`Misfit`]: there is no such request, or it cannot end so.
    pub(super) fn done(&mut self, request: RequestId, outcome: Outcome) -> Result<(), Misfit> {
        let (at, waiting) = self.waiting(request)?;
        let answer = waiting.asked.outcome(outcome)?;
        self.entries[at] = Entry::Known(answer);
        Ok(())
    }

    /// The server sent names in answer to a request.
    ///
    /// # Errors
    /// [`Misfit`]: there is no such request, it does not ask for names, or too many names are held.
    pub(super) fn names(&mut self, page: NamesPage) -> Result<(), Misfit> {
        let held = self.names_held + page.names.len();
        let (at, waiting) = self.waiting(page.request)?;
        if !waiting.asked.is_for_names() || held > NAMES_MAX {
            return Err(Misfit);
        }
        waiting.names.extend(page.names);
        if page.last {
            let answer = waiting.asked.names(core::mem::take(&mut waiting.names));
            self.entries[at] = Entry::Known(answer);
        }
        self.names_held = held;
        Ok(())
    }

    /// The answer whose turn it is, if it is known.
    fn next(&mut self) -> Option<Answer> {
        match self.entries.pop_front()? {
            Entry::Known(answer) => {
                self.names_held -= answer.names_held();
                self.findings_held -= answer.findings_held();
                Some(answer)
            }
            waiting @ Entry::Waiting(_) => {
                self.entries.push_front(waiting);
                None
            }
        }
    }

    fn push(&mut self, entry: Entry) {
        assert!(self.has_room(), "a command is taken only while there is room");
        self.paused = false;
        self.entries.push_back(entry);
    }

    fn waiting(&mut self, request: RequestId) -> Result<(usize, &mut Waiting), Misfit> {
        let mut entries = self.entries.iter_mut().enumerate();
        entries
            .find_map(|(at, entry)| match entry {
                Entry::Waiting(waiting) if waiting.request == request => Some((at, waiting)),
                Entry::Waiting(_) | Entry::Known(_) => None,
            })
            .ok_or(Misfit)
    }

    pub(super) fn check(&self) {
        assert!(self.len() <= UNDER_WAY_MAX, "commands under way are bounded");
        assert!(!matches!(self.entries.front(), Some(Entry::Known(_))), "a known answer in front is shown");
        let held: usize = self.entries.iter().map(Entry::names_held).sum();
        assert_eq!(self.names_held, held, "every held name is counted");
        assert!(held <= NAMES_MAX, "held names are bounded");
        let held: usize = self.entries.iter().map(Entry::findings_held).sum();
        assert_eq!(self.findings_held, held, "every held file is counted");
        assert!(held <= FINDINGS_MAX, "held files are bounded");
    }
}

impl Entry {
    fn findings_held(&self) -> usize {
        match self {
            Entry::Waiting(waiting) => waiting.findings.len(),
            Entry::Known(answer) => answer.findings_held(),
        }
    }

    fn names_held(&self) -> usize {
        match self {
            Entry::Waiting(waiting) => waiting.names.len(),
            Entry::Known(answer) => answer.names_held(),
        }
    }
}
