//! The terminal's mode, and giving it back.

use std::io::{self, stdin, stdout};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Raw mode, until it is left or dropped: also a panic gives the terminal back.
#[derive(Debug)]
pub(super) struct RawMode {
    entered: bool,
    /// The settings that are raw mode. Those that were found are kept by crossterm.
    settings: Termios,
}

impl RawMode {
    /// Every key is handed over as it is pressed; nothing is echoed. A paste is told from typing.
    ///
    /// # Errors
    /// If there is no terminal.
    pub(super) fn enter() -> io::Result<RawMode> {
        enable_raw_mode()?;
        let settings = tcgetattr(stdin()).inspect_err(|_| drop(disable_raw_mode()))?;
        let raw = RawMode { entered: true, settings };
        execute!(stdout(), EnableBracketedPaste)?;
        Ok(raw)
    }

    /// Enters it again, in one step, after somebody else had the terminal. To crossterm it was never left.
    pub(super) fn restore(&self) {
        if self.entered {
            // In the background this stops the process: it goes on when it may have the terminal.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.settings);
            let _ = execute!(stdout(), EnableBracketedPaste);
        }
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
