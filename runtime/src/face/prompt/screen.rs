//! What stands on the screen: lines that scroll away, and one row at the bottom that is drawn and wiped.
//!
//! Whatever is written goes through [`escape`] here, wherever it comes from: nothing but this module
//! commands the terminal.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use crossterm::cursor::{MoveTo, MoveToColumn};
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType, size};
use starling_core::escape;

use super::cells::thinned;
use super::{fold, row};

/// Bytes that are gathered at most before they are written.
const GATHERED_BYTES: usize = 32 * 1024;
/// The columns of a terminal that does not tell how many it has.
const COLUMNS: u16 = 80;

/// A terminal that is only written to.
pub struct Screen<W: Write> {
    out: BufWriter<W>,
    columns: fn() -> u16,
    /// The row stands on the screen.
    drawn: bool,
}

/// The columns of the terminal of the process now.
pub(super) fn columns_now() -> u16 {
    size().map_or(COLUMNS, |(columns, _)| columns)
}

impl<W: Write> Screen<W> {
    /// A screen without a row. `columns` is asked whenever something is shown.
    pub fn new(out: W, columns: fn() -> u16) -> Screen<W> {
        Screen { out: BufWriter::with_capacity(GATHERED_BYTES, out), columns, drawn: false }
    }

    pub(super) fn is_drawn(&self) -> bool {
        self.drawn
    }

    /// Prints a line where the row was, on as many rows as it needs.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn print(&mut self, line: &impl Display) -> io::Result<()> {
        self.wipe()?;
        let rows = self.rows(line);
        write!(self.out, "{rows}\r\n")
    }

    /// A line on as many rows as it needs, for whatever stream leads to the terminal. Nothing in it commands
    /// the terminal.
    pub(super) fn rows(&self, line: &impl Display) -> String {
        let line = escape::text(&line.to_string()).to_string();
        fold::folded(&line, usize::from((self.columns)()))
    }

    /// Draws the row: a prompt, and a text as it was typed, with the cursor between `before` and `after`.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn draw(&mut self, prompt: &str, before: &str, after: &str) -> io::Result<()> {
        let columns = (self.columns)();
        // The last column stays free: a row that fills it makes some terminals go on to the next.
        let room = usize::from(columns).saturating_sub(prompt.len() + 1);
        let (text, cursor) = row::window(&tame(before), &tame(after), room);
        let column = u16::try_from(prompt.len() + cursor).unwrap_or(columns);
        self.drawn = true;
        queue!(self.out, MoveToColumn(0), Clear(ClearType::UntilNewLine))?;
        write!(self.out, "{prompt}{text}")?;
        queue!(self.out, MoveToColumn(column))
    }

    /// Takes the row away.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn wipe(&mut self) -> io::Result<()> {
        if !self.drawn {
            return Ok(());
        }
        self.drawn = false;
        queue!(self.out, MoveToColumn(0), Clear(ClearType::FromCursorDown))
    }

    /// Takes everything away.
    pub(super) fn clear(&mut self) {
        self.drawn = false;
        let _ = queue!(self.out, Clear(ClearType::All), MoveTo(0, 0));
    }

    /// Lets the terminal have it.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What was typed or pasted, without anything that moves the cursor.
fn tame(typed: &str) -> String {
    thinned(&escape::name(typed).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(before: &str, after: &str) -> String {
        let mut screen = Screen::new(Vec::new(), || 40);
        screen.draw("> ", before, after).unwrap();
        String::from_utf8(screen.out.buffer().to_vec()).unwrap()
    }

    #[test]
    fn nothing_typed_commands_the_terminal() {
        assert_eq!(drawn("a\tb\u{1b}[2J", "\u{9b}c"), "\x1b[1G\x1b[K> a\\u{9}b\\u{1b}[2J\\u{9b}c\x1b[19G");
    }
}
