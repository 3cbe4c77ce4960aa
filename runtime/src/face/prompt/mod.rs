//! The face on a terminal: a prompt at the bottom, on one row, and everything else scrolling by above it.
//!
//! The row is wiped before a line is printed and drawn again after it, so an incoming line never destroys a
//! half-typed one. A line longer than the row scrolls sideways in it: nothing here depends on where the
//! row is on the screen, or on an answer of the terminal.

mod cells;
mod completion;
mod editor;
mod fold;
mod history;
mod keyboard;
mod keys;
mod row;
mod screen;
mod tty;

use std::collections::VecDeque;
use std::io::{self, Stdout};

use bytes::Bytes;
use crossterm::event::Event;
use starling_core::client::{Line, Prompt, TYPED_MAX};

pub use self::cells::{CELL_CHARS_MAX, MARKS_MAX};
use self::editor::{Edited, Editor};
pub use self::fold::GUTTER;
use self::keyboard::Keyboard;
pub use self::screen::Screen;
use self::tty::RawMode;
use super::resumed::Resumed;
use super::{Face, Heard};

/// Lines that may be typed ahead of the client. Beyond that the keyboard waits.
const TYPED_AHEAD_MAX: usize = 4096;

/// The terminal of the process.
pub struct Terminal {
    keyboard: Keyboard,
    editor: Editor,
    screen: Screen<Stdout>,
    /// Lines that the client has not taken yet.
    typed: VecDeque<String>,
    /// No more lines will be typed.
    ended: bool,
    raw: RawMode,
    resumed: Resumed,
}

impl Terminal {
    /// Takes over the terminal of the process until it is closed or dropped.
    ///
    /// # Errors
    /// If there is none, or it cannot be put into raw mode.
    pub fn open() -> io::Result<Terminal> {
        let resumed = Resumed::listen()?;
        let raw = RawMode::enter()?;
        Ok(Terminal {
            keyboard: Keyboard::open()?,
            editor: Editor::default(),
            screen: Screen::new(io::stdout(), screen::columns_now),
            typed: VecDeque::new(),
            ended: false,
            raw,
            resumed,
        })
    }

    /// More keys are taken in.
    fn listens(&self) -> bool {
        !self.ended && self.typed.len() < TYPED_AHEAD_MAX
    }

    /// The line or the end that is there already.
    fn ready(&mut self) -> Option<Heard> {
        match self.typed.pop_front() {
            Some(line) => Some(Heard::Line(self.hand_over(line))),
            None => self.ended.then_some(Heard::End),
        }
    }

    /// Leaves a line standing above the prompt, as it was typed there, and gives it away.
    fn hand_over(&mut self, mut line: String) -> Bytes {
        let echo = self.editor.taken(&line);
        // Whether the terminal still takes it is noticed when a line is shown.
        let _ = self.screen.print(&echo).and_then(|()| self.screen.flush());
        line.truncate(line.floor_char_boundary(TYPED_MAX));
        Bytes::from(line)
    }

    /// Takes in what happened at the terminal; true if the person wants out.
    fn take(&mut self, event: Option<Event>) -> bool {
        let edited = match event {
            Some(Event::Key(key)) => self.editor.press(key),
            Some(Event::Paste(text)) => self.editor.paste(&text),
            Some(_) => Edited::Text,
            None => Edited::End,
        };
        match edited {
            Edited::Text => {}
            Edited::Lines(lines) => self.typed.extend(lines),
            Edited::Clear => self.screen.clear(),
            Edited::End => self.ended = true,
            Edited::Interrupted => return true,
        }
        false
    }

    fn draw(&mut self) -> io::Result<()> {
        match self.editor.prompt() {
            Some(prompt) => {
                let (before, after) = self.editor.visible();
                self.screen.draw(prompt, before, after)
            }
            None => self.screen.wipe(),
        }
    }
}

impl Face for Terminal {
    fn show(&mut self, line: &Line) -> io::Result<()> {
        self.screen.print(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.screen.is_drawn() {
            self.draw()?;
        }
        self.screen.flush()
    }

    fn warn(&mut self, words: &str) {
        let _ = self.screen.wipe().and_then(|()| self.screen.flush());
        eprint!("{}\r\n", self.screen.rows(&words));
    }

    fn ask(&mut self, prompt: Prompt) {
        if self.editor.ask(prompt) {
            let _ = self.screen.wipe();
        }
    }

    async fn heard(&mut self, wanted: bool) -> Heard {
        loop {
            if let Some(heard) = wanted.then(|| self.ready()).flatten() {
                return heard;
            }
            let listens = self.listens();
            let mut event = tokio::select! {
                event = self.keyboard.next(), if listens => event,
                () = self.resumed.next() => {
                    self.raw.restore();
                    let _ = self.draw().and_then(|()| self.screen.flush());
                    continue;
                }
            };
            // A paste without brackets is a flood of keys: the row is drawn once for all of them.
            loop {
                if self.take(event) {
                    return Heard::Interrupted;
                }
                if !self.listens() {
                    break;
                }
                match self.keyboard.next_if_there() {
                    Some(next) => event = Some(next),
                    None => break,
                }
            }
            let _ = self.draw().and_then(|()| self.screen.flush());
        }
    }

    fn close(&mut self) {
        let unfinished = self.editor.unfinished();
        let _ = match unfinished {
            Some(line) => self.screen.print(&line),
            None => self.screen.wipe(),
        };
        let _ = self.screen.flush();
        self.raw.leave();
    }
}
