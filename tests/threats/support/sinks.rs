//! Every place where what somebody wrote meets a terminal or a log: from his text to the bytes that go out.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use starling_core::client::Line;
use starling_core::escape;
use starling_runtime::face::Face as _;
use starling_runtime::face::plain::Plain;
use starling_runtime::face::prompt::Screen;
use starling_runtime::server::log;
use tracing_subscriber::prelude::*;

use super::person::Person;

/// A sink and what it is.
pub(crate) type Sink = (&'static str, fn(&str) -> Vec<u8>);

/// Sinks for texts, where a tab is honest.
pub(crate) const TEXT_SINKS: [Sink; 5] = [
    ("a broadcast, plain", |text| plain(&Person::online().is_called(text))),
    ("a letter, plain", |text| plain(&Person::online().gets_mail(text))),
    ("a broadcast, on a terminal", |text| printed(&Person::online().is_called(text), WIDE)),
    ("a letter, on a terminal", |text| printed(&Person::online().gets_mail(text), WIDE)),
    ("a pasted line that stays", |text| printed(&[format!("> {text}")], WIDE)),
];

/// Sinks for names and words, where a tab is escaped, too.
pub(crate) const NAME_SINKS: [Sink; 9] = [
    ("an unknown command, plain", |word| plain(&Person::online().types(word.as_bytes()))),
    ("an unknown name, plain", |word| plain(&Person::online().types(format!("block {word}").as_bytes()))),
    ("an unknown command, on a terminal", |word| printed(&Person::online().types(word.as_bytes()), WIDE)),
    ("an unknown name, on a terminal", |word| {
        printed(&Person::online().types(format!("block {word}").as_bytes()), WIDE)
    }),
    ("the row of a half-typed line", |typed| drawn(typed, "", WIDE)),
    ("the row behind the cursor", |typed| drawn("", typed, WIDE)),
    ("the message of an event in the log", |text| logged(|| tracing::info!("{text}"))),
    ("a field of an event as it displays", |text| logged(|| tracing::info!(peer = %text, "said"))),
    ("a field of an event as a string", |text| logged(|| tracing::info!(peer = text, "said"))),
];

/// A terminal on which nothing here is folded.
pub(crate) const WIDE: fn() -> u16 = || 4_000;

/// Lines at the plain face.
pub(crate) fn plain(lines: &[Line]) -> Vec<u8> {
    let out = Shared::default();
    let mut face = Plain::new(io::empty(), out.clone()).expect("a face");
    lines.iter().for_each(|line| face.show(line).expect("memory takes all"));
    face.flush().expect("memory takes all");
    out.taken()
}

/// Lines at the screen of a terminal.
pub(crate) fn printed(lines: &[impl Display], columns: fn() -> u16) -> Vec<u8> {
    on_screen(columns, |screen| lines.iter().try_for_each(|line| screen.print(line)))
}

/// The row at the bottom of a terminal.
pub(crate) fn drawn(before: &str, after: &str, columns: fn() -> u16) -> Vec<u8> {
    on_screen(columns, |screen| screen.draw("> ", before, after))
}

fn on_screen(columns: fn() -> u16, act: impl FnOnce(&mut Screen<Shared>) -> io::Result<()>) -> Vec<u8> {
    let out = Shared::default();
    let mut screen = Screen::new(out.clone(), columns);
    act(&mut screen).and_then(|()| screen.flush()).expect("memory takes all");
    out.taken()
}

/// What `act` writes to the log.
pub(crate) fn logged(act: impl FnOnce()) -> Vec<u8> {
    let out = Shared::default();
    let writer = out.clone();
    let subscriber = tracing_subscriber::registry().with(log::lines(move || writer.clone()));
    tracing::subscriber::with_default(subscriber, act);
    out.taken()
}

/// Bytes that are not even text, as they are told in a log.
pub(crate) fn logged_bytes(bytes: &[u8]) -> Vec<u8> {
    logged(|| tracing::info!(first = %escape::bytes(bytes), "no hello"))
}

/// Bytes that are kept for whoever asks.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
