//! Lines in the log that are none.

use crate::support::hostile;
use crate::support::sinks::{logged, logged_bytes};
use crate::support::terminal::operations;

/// Every sequence in a message and in fields of every kind: as many lines as events, and no control but their ends.
#[test]
fn t24_an_event_is_one_line_whatever_stands_in_it() {
    let texts = hostile::sequences();
    let log = logged(|| {
        for text in &texts {
            tracing::info!(shown = %text, string = text.as_str(), debug = ?text, "{text}");
            let error = std::io::Error::other(text.clone());
            tracing::warn!(error = &error as &dyn std::error::Error, "failed");
        }
    });
    assert!(texts.len() >= 400, "{} sequences are too few", texts.len());
    assert_eq!(operations(&log), vec!["control 0xa"; 2 * texts.len()]);
    let log = String::from_utf8(log).expect("a log is text");
    assert!(!log.contains(hostile::is_invisible), "what nobody sees is shown");
}

#[test]
fn t24_bytes_that_are_no_text_are_one_line_too() {
    for bytes in hostile::byte_sequences() {
        let log = logged_bytes(&bytes);
        assert_eq!(operations(&log), ["control 0xa"], "{}", bytes.escape_ascii());
    }
}

/// One form everywhere: in the log a character looks as it does in a conversation.
#[test]
fn t24_the_log_escapes_as_the_faces_do() {
    let log = logged(|| tracing::info!(word = "a\u{1b}[2J\nb\u{202e}", "c\u{9b}\td"));
    let log = String::from_utf8(log).expect("a log is text");
    assert!(log.ends_with("INFO c\\u{9b}\\u{9}d word=\"a\\u{1b}[2J\\nb\\u{202e}\"\n"), "{log}");
}
