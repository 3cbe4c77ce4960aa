//! What goes to stderr: one line an event, and nothing in it that steers a terminal or deceives a reader.

use std::env;
use std::io::{self, Write};

use starling_core::escape;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

/// Says what is logged, as `debug` or `starling_runtime=trace,info`.
const VARIABLE: &str = "STARLING_LOG";

/// Begins to log to stderr.
pub(crate) fn begin() {
    let wanted = env::var(VARIABLE).unwrap_or_default();
    let filter = wanted.parse::<Targets>().ok().filter(|_| !wanted.is_empty());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    tracing_subscriber::registry().with(lines(io::stderr)).with(filter).init();
}

/// Writes each event as one line, whatever stands in its message and its fields.
pub fn lines<S, W>(out: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(Lines(out)).with_ansi(false).with_target(false);
    // Its own sanitiser leaves newlines alone, and shows an escape in a form of its own.
    let lines = lines.with_ansi_sanitization(false);
    // Where stderr is closed nobody can be told so.
    lines.log_internal_errors(false)
}

/// Makes a [`Line`] for each event.
struct Lines<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Lines<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Line(self.0.make_writer())
    }

    fn make_writer_for(&'w self, about: &Metadata<'_>) -> Self::Writer {
        Line(self.0.make_writer_for(about))
    }
}

/// Takes whole events: the layer writes each at once, with a newline at its end.
struct Line<W>(W);

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let words = event.strip_suffix(b"\n").unwrap_or(event);
        let line = format!("{}\n", escape::bytes(words));
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
