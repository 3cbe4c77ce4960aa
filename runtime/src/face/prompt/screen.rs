//! What stands on the screen: lines that scroll away, and one row at the bottom that is drawn and wiped.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use crossterm::cursor::{MoveTo, MoveToColumn};
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType, size};

use super::row;

/// Bytes that are gathered at most before they are written.
const GATHERED_BYTES: usize = 32 * 1024;
/// The columns of a terminal that does not tell how many it has.
const COLUMNS: u16 = 80;

/// A terminal that is only written to.
pub(super) struct Screen<W: Write> {
    out: BufWriter<W>,
    /// The row stands on the screen.
    drawn: bool,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W) -> Screen<W> {
        Screen { out: BufWriter::with_capacity(GATHERED_BYTES, out), drawn: false }
    }

    pub(super) fn is_drawn(&self) -> bool {
        self.drawn
    }

    /// Prints a line where the row was.
    pub(super) fn print(&mut self, line: &impl Display) -> io::Result<()> {
        self.wipe()?;
        write!(self.out, "{line}\r\n")
    }

    /// Draws the row: a prompt, a text and the cursor before its `cursor`th character.
    pub(super) fn draw(&mut self, prompt: &str, text: &str, cursor: usize) -> io::Result<()> {
        let columns = size().map_or(COLUMNS, |(columns, _)| columns);
        // The last column stays free: a row that fills it makes some terminals go on to the next.
        let room = usize::from(columns).saturating_sub(prompt.len() + 1);
        let (text, cursor) = row::window(text, cursor, room);
        let column = u16::try_from(prompt.len() + cursor).unwrap_or(columns);
        self.drawn = true;
        queue!(self.out, MoveToColumn(0), Clear(ClearType::UntilNewLine))?;
        write!(self.out, "{prompt}{text}")?;
        queue!(self.out, MoveToColumn(column))
    }

    /// Takes the row away.
    pub(super) fn wipe(&mut self) -> io::Result<()> {
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
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
