//! `server.toml`: one table `[limits]`, each key a limit.
//!
//! A span of time says its unit: `login_deadline_s = 60` or `login_deadline_ms = 60000`. Keys may be written
//! with `-` instead of `_`. Nothing may be 0.

use std::fmt;
use std::time::Duration;

use starling_core::limits::Limits;
use toml::{Table, Value};

/// Reads the limits that `text` sets; the others stay as they are by default.
///
/// # Errors
/// [`Broken`] says which key is wrong, and how.
pub(crate) fn parse(text: &str) -> Result<Limits, Broken> {
    let file: Table = text.parse().map_err(|error: toml::de::Error| Broken::of_toml(text, &error))?;
    let mut limits = Limits::default();
    for (key, value) in &file {
        match (key.as_str(), value) {
            ("limits", Value::Table(table)) => {
                table.iter().try_for_each(|(key, value)| set(&mut limits, key, value))?;
            }
            _ => return Err(Broken::UnknownKey(key.clone())),
        }
    }
    if limits.unread_soft_bytes > limits.unread_hard_bytes {
        return Err(Broken::SoftAboveHard);
    }
    Ok(limits)
}

/// What is wrong with a configuration. Displayed as what and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It is not TOML.
    Syntax {
        /// The first line that is wrong; the first is 1.
        line: usize,
        /// What was expected.
        why: String,
    },
    /// There is no such key.
    UnknownKey(String),
    /// A span of time without its unit.
    NoUnit(String),
    /// Not a whole number of at least 1 that the limit can hold.
    NotANumber(String),
    /// The soft limit of unread bytes is above the hard one.
    SoftAboveHard,
}

impl Broken {
    fn of_toml(text: &str, error: &toml::de::Error) -> Broken {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        Broken::Syntax { line, why: error.message().lines().collect::<Vec<_>>().join(", ") }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Syntax { line, why } => write!(f, "line {line}: {why}"),
            Broken::UnknownKey(key) => write!(f, "there is no key {key:?}"),
            Broken::NoUnit(key) => write!(f, "the key {key:?} must say its unit: {key}_s or {key}_ms"),
            Broken::NotANumber(key) => {
                write!(f, "the value of {key:?} must be a whole number, at least 1, not too large")
            }
            Broken::SoftAboveHard => f.write_str("unread_soft_bytes is above unread_hard_bytes"),
        }
    }
}

/// A limit: its name, and where it stands.
struct Row(&'static str, Place);

enum Place {
    Span(fn(&mut Limits) -> &mut Duration),
    Count(fn(&mut Limits) -> &mut usize),
    Number(fn(&mut Limits) -> &mut u32),
}

/// A row a limit.
macro_rules! rows {
    ($($place:ident $field:ident),* $(,)?) => {
        [$(Row(stringify!($field), Place::$place(|limits| &mut limits.$field))),*]
    };
}

const ROWS: &[Row] = &rows![
    Span hello_deadline,
    Span login_deadline,
    Span silence,
    Span probe,
    Count greeting_max,
    Number address_connects_burst,
    Number address_connects_per_second,
    Number address_attempts_burst,
    Number address_attempts_per_second,
    Count addresses_max,
    Count attempts_waiting_max,
    Count verify_waiting_max,
    Count devices_max,
    Count strangers_max,
    Number commands_burst,
    Number commands_per_second,
    Count broadcast_recipients_per_command,
    Count under_way_max,
    Span call_window,
    Span answer_window,
    Count findings_max,
    Number unread_soft_bytes,
    Number unread_hard_bytes,
    Span unread_stuck,
    Span presence_window,
    Count presence_burst,
    Span presence_calm,
    Span presence_tick,
    Count mailbox_letters_max,
    Count mailbox_bytes_max,
    Count mailbox_sender_part,
    Count mail_window_bytes,
    Count page_bytes,
    Span commit_delay,
    Count commit_bytes_max,
    Span store_retry,
];

fn set(limits: &mut Limits, key: &str, value: &Value) -> Result<(), Broken> {
    let written = key.replace('-', "_");
    let (name, unit) = match written.rsplit_once('_') {
        Some((name, "ms")) => (name, Some(Duration::from_millis(1))),
        Some((name, "s")) => (name, Some(Duration::from_secs(1))),
        _ => (written.as_str(), None),
    };
    let row = ROWS.iter().find(|row| row.0 == name).ok_or_else(|| Broken::UnknownKey(key.to_owned()))?;
    let not_a_number = || Broken::NotANumber(key.to_owned());
    let number =
        value.as_integer().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0).ok_or_else(not_a_number)?;
    match (&row.1, unit) {
        (Place::Span(place), Some(unit)) => {
            *place(limits) = unit.checked_mul(number).ok_or_else(not_a_number)?
        }
        (Place::Span(_), None) => return Err(Broken::NoUnit(key.to_owned())),
        (Place::Count(place), None) => *place(limits) = number as usize,
        (Place::Number(place), None) => *place(limits) = number,
        (Place::Count(_) | Place::Number(_), Some(_)) => return Err(Broken::UnknownKey(key.to_owned())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_limits_in_either_case() {
        let limits = parse("[limits]\nlogin-deadline-ms = 1500\nprobe_s = 2\ncommands_burst = 10\n").unwrap();
        assert_eq!(limits.login_deadline, Duration::from_millis(1500));
        assert_eq!(limits.probe, Duration::from_secs(2));
        assert_eq!(limits.commands_burst, 10);
        assert_eq!(limits.silence, Limits::default().silence);
        assert_eq!(parse(""), Ok(Limits::default()));
    }

    #[test]
    fn every_limit_has_a_row() {
        // Debug names each field, so a new limit without a row is found here.
        let shown = format!("{:?}", Limits::default());
        assert_eq!(shown.matches(": ").count(), ROWS.len());
        for row in ROWS {
            assert!(shown.contains(&format!("{}: ", row.0)), "{}", row.0);
            let key =
                if matches!(row.1, Place::Span(_)) { format!("{}_ms", row.0) } else { row.0.to_owned() };
            let text = format!("[limits]\nunread_hard_bytes = 4294967295\n{key} = 7\n");
            let text = if row.0 == "unread_hard_bytes" {
                "[limits]\nunread_soft_bytes = 7\nunread_hard_bytes = 7\n".to_owned()
            } else {
                text
            };
            assert_ne!(parse(&text).unwrap(), Limits::default());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("[limits]\nprobes_s = 2", "there is no key \"probes_s\""),
            ("[limits]\nprobe = 2", "the key \"probe\" must say its unit: probe_s or probe_ms"),
            (
                "[limits]\nprobe_s = 0",
                "the value of \"probe_s\" must be a whole number, at least 1, not too large",
            ),
            (
                "[limits]\ngreeting_max = \"x\"",
                "the value of \"greeting_max\" must be a whole number, at least 1, not too large",
            ),
            ("[limits]\ngreeting_max_s = 1", "there is no key \"greeting_max_s\""),
            ("[limit]\n", "there is no key \"limit\""),
            ("limits = 3\n", "there is no key \"limits\""),
            ("[limits]\nunread_hard_bytes = 1", "unread_soft_bytes is above unread_hard_bytes"),
        ];
        for (text, why) in cases {
            assert_eq!(parse(text).unwrap_err().to_string(), why);
        }
        assert!(matches!(parse("[limits]\n\nx = = 1"), Err(Broken::Syntax { line: 3, .. })));
    }
}
