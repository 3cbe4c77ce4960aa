//! The terminal's mode, and giving it back.

use std::io::{self, stdout};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// Raw mode, until it is left or dropped: also a panic gives the terminal back.
#[derive(Debug)]
pub(super) struct RawMode {
    entered: bool,
}

impl RawMode {
    /// Every key is handed over as it is pressed; nothing is echoed. A paste is told from typing.
    ///
    /// # Errors
    /// If there is no terminal.
    pub(super) fn enter() -> io::Result<RawMode> {
        enable_raw_mode()?;
        let raw = RawMode { entered: true };
        execute!(stdout(), EnableBracketedPaste)?;
        Ok(raw)
    }

    /// As it was before.
    pub(super) fn leave(&mut self) {
        if self.entered {
            self.entered = false;
            // A terminal that is gone needs nothing back.
            let _ = execute!(stdout(), DisableBracketedPaste);
            let _ = disable_raw_mode();
        }
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        self.leave();
    }
}
