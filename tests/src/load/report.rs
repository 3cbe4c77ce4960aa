//! The one line that a scenario prints.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use starling_tests::line::Secrecy;

use super::args::Scenario;
use super::proc::load_average;

/// Figures by their names.
pub(crate) type Figures = Map<String, Value>;

/// What is known before the scenario runs.
#[derive(Debug)]
pub(crate) struct Report {
    head: Figures,
}

impl Report {
    /// Notes where and when it runs.
    pub(crate) fn begin(scenario: &Scenario, secrecy: Secrecy) -> Report {
        let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let head = figures(json!({
            "scenario": scenario.name(),
            "transport": secrecy.name(),
            "unix_s": unix_s,
            "commit": commit(),
            "cores": cores,
            "load_before": load_average(),
        }));
        Report { head }
    }

    /// The line, with the figures of the scenario.
    pub(crate) fn end(mut self, figures: Figures) -> String {
        self.head.insert("load_after".to_owned(), json!(load_average()));
        self.head.extend(figures);
        Value::Object(self.head).to_string()
    }
}

/// The commit of the working directory, if `git` is there and knows one.
fn commit() -> Option<String> {
    let output = Command::new("git").args(["describe", "--always", "--dirty"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// An object as figures.
pub(crate) fn figures(value: Value) -> Figures {
    match value {
        Value::Object(figures) => figures,
        other => Figures::from_iter([("value".to_owned(), other)]),
    }
}

/// A number with three decimals.
pub(crate) fn rounded(number: f64) -> Value {
    json!((number * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object() {
        let report = Report { head: figures(json!({"scenario": "idle"})) };
        let line = report.end(figures(json!({"kib": rounded(1.234_56)})));
        assert!(!line.contains('\n'));
        let read: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&read["scenario"], &read["kib"]), (&json!("idle"), &json!(1.235)));
    }
}
