//! What goes to stderr.

use std::env;
use std::io;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Says what is logged, as `debug` or `starling_runtime=trace,info`.
const VARIABLE: &str = "STARLING_LOG";

/// Begins to log to stderr.
pub(crate) fn begin() {
    let wanted = env::var(VARIABLE).unwrap_or_default();
    let filter = wanted.parse::<Targets>().ok().filter(|_| !wanted.is_empty());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false).with_target(false);
    // Where stderr is closed nobody can be told so.
    let lines = lines.log_internal_errors(false);
    tracing_subscriber::registry().with(lines).with(filter).init();
}
