//! Faces: how a person and a client meet. A face draws lines and hands over what was typed; it decides
//! nothing.

mod echo;
mod lines;
pub mod plain;
pub mod prompt;
mod resumed;

use std::future::Future;
use std::io;

use bytes::Bytes;
use starling_core::client::{Line, Prompt};

/// What a face tells its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line was typed; it is cut to [`TYPED_MAX`](starling_core::client::TYPED_MAX) bytes.
    Line(Bytes),
    /// No more lines will come.
    End,
    /// The person wants out.
    Interrupted,
}

/// A way to show lines to a person and to take lines from him.
pub trait Face {
    /// Shows a line, at the latest at the next flush.
    ///
    /// # Errors
    /// If nobody can see it any more.
    fn show(&mut self, line: &Line) -> io::Result<()>;

    /// Makes sure that all lines so far are out.
    ///
    /// # Errors
    /// If nobody can see them any more.
    fn flush(&mut self) -> io::Result<()>;

    /// Tells what is no event of the conversation, on stderr.
    fn warn(&mut self, words: &str);

    /// Asks for a line.
    fn ask(&mut self, prompt: Prompt);

    /// Waits for the person. Lines, and their end, are handed over only if they are `wanted`. Nothing is
    /// lost if the wait is given up.
    fn heard(&mut self, wanted: bool) -> impl Future<Output = Heard>;

    /// Leaves the terminal as it was found.
    fn close(&mut self);
}
