//! Texts that people write: files, lines, names.

use bytes::Bytes;
use starling_core::auth::credentials::{self, Broken, HASH_BYTES_MAX, HASH_PREFIX, Stored};
use starling_core::command::{self, Command, INVALID_WORD_CHARS_MAX, Mistake, Private};
use starling_core::limits::{LINE_MAX, PASSWORD_MAX, TEXT_MAX};
use starling_core::name::Name;

/// A credentials file.
pub fn credentials(file: &[u8]) {
    match credentials::parse(file) {
        Ok(entries) => {
            let mut names: Vec<Name> = entries.iter().map(|entry| entry.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), entries.len(), "each user has one line");
            let fits = |stored: &Stored| match stored {
                Stored::Plain(password) => {
                    let password = password.reveal();
                    (1..=PASSWORD_MAX).contains(&password.len()) && !password.starts_with(HASH_PREFIX)
                }
                Stored::Hashed(hash) => {
                    hash.reveal().starts_with(HASH_PREFIX) && hash.reveal().len() <= HASH_BYTES_MAX
                }
            };
            assert!(!entries.is_empty() && entries.iter().all(|entry| fits(&entry.password)));
            let lines = file.split(|byte| *byte == b'\n').count();
            assert!(entries.iter().all(|entry| (1..=lines).contains(&entry.line)));
            assert!(entries.is_sorted_by_key(|entry| entry.line));
        }
        Err(broken) => {
            if let Broken::Line { number, .. } = broken {
                let lines = file.split(|byte| *byte == b'\n').count();
                assert!((1..=lines).contains(&number), "it is a line of the file");
            }
            harmless(&broken.to_string(), false);
        }
    }
}

/// A typed line.
pub fn command_line(line: &[u8]) {
    let line = Bytes::copy_from_slice(line);
    match command::parse(&line) {
        Ok(Some(
            Command::Message { text, .. }
            | Command::Broadcast { text }
            | Command::Private(Private::Say { text, .. }),
        )) => {
            let end = line.strip_suffix(b"\r").unwrap_or(&line);
            assert!(end.ends_with(text.bytes()), "a text is the end of its line");
            assert!(text.len() <= TEXT_MAX);
        }
        Ok(_) => assert!(line.len() <= LINE_MAX + 1),
        Err(Mistake::Invalid(word)) => {
            assert!(word.as_str().chars().count() <= INVALID_WORD_CHARS_MAX, "an invalid word is cut");
            assert!(!word.as_bytes().contains(&b' '));
        }
        Err(Mistake::LineTooLong) => assert!(line.len() > LINE_MAX),
        Err(Mistake::NotUtf8) => assert!(std::str::from_utf8(&line).is_err()),
        Err(Mistake::Usage(_) | Mistake::MessageTooLong) => {}
    }
}

/// What another person wrote, as a name, a text and an entry of a log.
pub fn escape(written: &[u8]) {
    harmless(&starling_core::escape::bytes(written).to_string(), false);
    if let Ok(name) = Name::parse(written) {
        assert_eq!(
            starling_core::escape::name(name.as_str()).to_string(),
            name.as_str(),
            "a name needs no escape"
        );
    }
    let Ok(text) = std::str::from_utf8(written) else { return };
    let shown = starling_core::escape::text(text).to_string();
    harmless(&shown, true);
    harmless(&starling_core::escape::name(text).to_string(), false);
    assert_eq!(
        starling_core::escape::text(&shown).to_string(),
        shown,
        "what was made harmless stays as it is"
    );
}

/// Nothing in it moves a cursor, begins a line or turns what stands beside it.
fn harmless(shown: &str, tab_is_kept: bool) {
    let harmful = |char: char| match char {
        '\t' => !tab_is_kept,
        '\u{61c}' | '\u{200b}' | '\u{feff}' => true,
        '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => true,
        char => char.is_control(),
    };
    assert!(!shown.contains(harmful), "{shown:?}");
}
