//! The echo of a terminal that does everything else by itself.

use std::io::{self, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::resumed::Resumed;

/// Whether standard input, a terminal, echoes what is typed. However this ends, the terminal gets back the
/// settings that were found.
#[derive(Debug)]
pub(super) struct Echo {
    found: Termios,
    hidden: bool,
    resumed: Resumed,
}

impl Echo {
    /// That of standard input; nothing if it is no terminal.
    ///
    /// # Errors
    /// If a stop of the process could not be noticed.
    pub(super) fn of_stdin() -> io::Result<Option<Echo>> {
        let Ok(found) = tcgetattr(stdin()) else { return Ok(None) };
        Ok(Some(Echo { found, hidden: false, resumed: Resumed::listen()? }))
    }

    /// Hides what is typed from now on, or shows it again. What was typed already stays to be read.
    pub(super) fn hide(&mut self, hidden: bool) {
        if self.hidden != hidden {
            self.hidden = hidden;
            self.set();
        }
    }

    /// Waits until somebody else has had the terminal, and hides again what is to be hidden. Nothing is lost
    /// if the wait is given up.
    pub(super) async fn restored(&mut self) {
        self.resumed.next().await;
        if self.hidden {
            self.set();
        }
    }

    fn set(&self) {
        let mut settings = self.found.clone();
        if self.hidden {
            settings.local_modes.remove(LocalModes::ECHO);
        }
        // A terminal that is gone echoes nothing.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &settings);
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.hide(false);
    }
}
