//! Commands that were typed before, for as long as the program runs.

use std::collections::VecDeque;
use std::mem;

/// Lines that are remembered.
const LINES_MAX: usize = 500;

/// The lines, oldest first, and where somebody who leafs through them stands.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: VecDeque<String>,
    /// Steps back from the newest; 0 is the line that is being typed.
    back: usize,
    /// What was being typed before the leafing began.
    draft: String,
}

impl History {
    /// Remembers a line. One that repeats the last is not remembered twice.
    pub(super) fn add(&mut self, line: &str) {
        self.back = 0;
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// The line before, if there is one, in place of `current`.
    pub(super) fn older(&mut self, current: &str) -> Option<String> {
        let line = self.lines.iter().rev().nth(self.back)?.clone();
        if self.back == 0 {
            current.clone_into(&mut self.draft);
        }
        self.back += 1;
        Some(line)
    }

    /// The line after; at last the one that was being typed.
    pub(super) fn newer(&mut self) -> Option<String> {
        self.back = self.back.checked_sub(1)?;
        match self.back {
            0 => Some(mem::take(&mut self.draft)),
            back => self.lines.iter().rev().nth(back - 1).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leafing_goes_back_and_returns_to_the_draft() {
        let mut history = History::default();
        ["whoelse", "block hans", "block hans", "  "].iter().for_each(|line| history.add(line));
        assert_eq!(history.newer(), None);
        assert_eq!(history.older("mess").as_deref(), Some("block hans"));
        assert_eq!(history.older("block hans").as_deref(), Some("whoelse"));
        assert_eq!(history.older("whoelse"), None);
        assert_eq!(history.newer().as_deref(), Some("block hans"));
        assert_eq!(history.newer().as_deref(), Some("mess"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn old_lines_are_forgotten() {
        let mut history = History::default();
        (0..LINES_MAX + 9).for_each(|n| history.add(&n.to_string()));
        assert_eq!(history.lines.len(), LINES_MAX);
        assert_eq!(history.lines[0], "9");
    }
}
