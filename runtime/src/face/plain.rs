//! The plain face: lines in, lines out. For pipes and scripts.

use std::future;
use std::io::{self, BufReader, BufWriter, Read, Stdout, Write};
use std::thread;

use bytes::Bytes;
use starling_core::client::{Line, Prompt};
use starling_core::escape;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::echo::Echo;
use super::lines::next_line;
use super::{Face, Heard};

/// Lines that are read ahead of the client.
const READ_AHEAD_LINES: usize = 16;
/// Bytes of output that are gathered at most before they are written.
const GATHERED_BYTES: usize = 32 * 1024;

/// Reads lines from one stream and writes lines to another. Asks nothing, but lets no password be seen that
/// is typed at a terminal.
pub struct Plain<W: Write> {
    typed: Receiver<Bytes>,
    shown: BufWriter<W>,
    /// If lines are typed at a terminal.
    echo: Option<Echo>,
}

impl Plain<Stdout> {
    /// The standard streams of the process.
    ///
    /// # Errors
    /// If there can be no thread that reads, or a stop of the process could not be noticed.
    pub fn open() -> io::Result<Plain<Stdout>> {
        let echo = Echo::of_stdin()?;
        Ok(Plain { echo, ..Plain::new(io::stdin(), io::stdout())? })
    }
}

impl<W: Write> Plain<W> {
    /// Begins to read `typed`, on a thread of its own: such a read cannot be given up, and must keep
    /// nobody from ending the program.
    ///
    /// # Errors
    /// If there can be no such thread.
    pub fn new(typed: impl Read + Send + 'static, shown: W) -> io::Result<Plain<W>> {
        let (sender, receiver) = channel(READ_AHEAD_LINES);
        thread::Builder::new().name("typed lines".into()).spawn(move || read_all(typed, &sender))?;
        let shown = BufWriter::with_capacity(GATHERED_BYTES, shown);
        Ok(Plain { typed: receiver, shown, echo: None })
    }

    fn hide(&mut self, hidden: bool) {
        if let Some(echo) = &mut self.echo {
            echo.hide(hidden);
        }
    }
}

/// Waits until a terminal, if there is one, was taken back from somebody else.
async fn restored(echo: Option<&mut Echo>) {
    match echo {
        Some(echo) => echo.restored().await,
        None => future::pending().await,
    }
}

/// Hands over line after line. A stream that cannot be read has ended.
fn read_all(typed: impl Read, sender: &Sender<Bytes>) {
    let mut typed = BufReader::new(typed);
    while let Ok(Some(line)) = next_line(&mut typed) {
        if sender.blocking_send(line).is_err() {
            return;
        }
    }
}

impl<W: Write> Face for Plain<W> {
    fn show(&mut self, line: &Line) -> io::Result<()> {
        writeln!(self.shown, "{line}")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shown.flush()
    }

    fn warn(&mut self, words: &str) {
        eprintln!("{}", escape::text(words));
    }

    fn ask(&mut self, prompt: Prompt) {
        self.hide(prompt == Prompt::Password);
    }

    async fn heard(&mut self, wanted: bool) -> Heard {
        loop {
            tokio::select! {
                line = self.typed.recv(), if wanted => return line.map_or(Heard::End, Heard::Line),
                () = restored(self.echo.as_mut()) => {}
            }
        }
    }

    fn close(&mut self) {
        self.hide(false);
    }
}
