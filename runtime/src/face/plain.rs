//! The plain face: lines in, lines out. For pipes and scripts.

use std::future;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::thread;

use bytes::Bytes;
use starling_core::client::{Line, Prompt};
use starling_core::escape;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::lines::next_line;
use super::{Face, Heard};

/// Lines that are read ahead of the client.
const READ_AHEAD_LINES: usize = 16;
/// Bytes of output that are gathered at most before they are written.
const GATHERED_BYTES: usize = 32 * 1024;

/// Reads lines from one stream and writes lines to another. Asks nothing.
pub struct Plain<W: Write> {
    typed: Receiver<Bytes>,
    shown: BufWriter<W>,
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
        Ok(Plain { typed: receiver, shown: BufWriter::with_capacity(GATHERED_BYTES, shown) })
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

    fn ask(&mut self, _prompt: Prompt) {}

    async fn heard(&mut self, wanted: bool) -> Heard {
        if !wanted {
            return future::pending().await;
        }
        self.typed.recv().await.map_or(Heard::End, Heard::Line)
    }

    fn close(&mut self) {}
}
