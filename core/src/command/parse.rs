//! From a typed line to a command, or to what is wrong with the line.

use bytes::Bytes;

use super::words::{Word, Words, Wrong};
use super::{Command, table};
use crate::limits::LINE_MAX;

/// Characters that are shown of a word that is no command.
pub const INVALID_WORD_CHARS_MAX: usize = 32;

/// Why a line is not a command, in the order in which it is checked: the first that holds is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// More than [`LINE_MAX`] bytes, not counting a `\r` at the end.
    LineTooLong,
    /// Not valid UTF-8.
    NotUtf8,
    /// The first word is no command: at most [`INVALID_WORD_CHARS_MAX`] characters of it, not yet escaped.
    Invalid(Word),
    /// Too few or too many words, or one of the wrong kind: the form of the command.
    Usage(&'static str),
    /// The form is right, but the text has more than [`TEXT_MAX`](crate::limits::TEXT_MAX) bytes.
    MessageTooLong,
}

impl Mistake {
    /// Does the line count as activity of the person? Only a line whose form is right does.
    #[must_use]
    pub const fn is_activity(&self) -> bool {
        matches!(self, Mistake::MessageTooLong)
    }
}

/// Reads a line without its newline; a `\r` at its end is dropped. Nothing if it is blank.
///
/// Whoever cuts an endless line before it comes here leaves at least [`LINE_MAX`] + 2 bytes, so that a
/// `\r` in the middle of it is not taken for its end.
///
/// # Errors
/// [`Mistake`] says what is wrong with the line.
pub fn parse(line: &Bytes) -> Result<Option<Command>, Mistake> {
    let line = &without_return(line);
    if line.len() > LINE_MAX {
        return Err(Mistake::LineTooLong);
    }
    if core::str::from_utf8(line).is_err() {
        return Err(Mistake::NotUtf8);
    }
    let mut words = Words::of(line);
    let Some(verb) = words.next_place() else { return Ok(None) };
    let Some(row) = table::find(&line[verb.clone()]) else {
        return Err(Mistake::Invalid(words.at_place(verb).cut(INVALID_WORD_CHARS_MAX)));
    };
    let command = (row.read)(&mut words).and_then(|command| words.end().map(|()| command));
    command.map(Some).map_err(|wrong| match wrong {
        Wrong::Form => Mistake::Usage(row.form),
        Wrong::TextTooLong => Mistake::MessageTooLong,
    })
}

fn without_return(line: &Bytes) -> Bytes {
    line.slice(..line.strip_suffix(b"\r").unwrap_or(line).len())
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::limits::TEXT_MAX;

    fn read(line: &[u8]) -> Result<Option<Command>, Mistake> {
        parse(&Bytes::copy_from_slice(line))
    }

    /// The receiver and the text of a message line.
    fn message(line: &str) -> (Vec<u8>, Vec<u8>) {
        match read(line.as_bytes()) {
            Ok(Some(Command::Message { to, text })) => (to.as_bytes().to_vec(), text.bytes().to_vec()),
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    fn usage(line: &str) -> &'static str {
        match read(line.as_bytes()) {
            Err(Mistake::Usage(form)) => form,
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    fn invalid(line: &str) -> Vec<u8> {
        match read(line.as_bytes()) {
            Err(Mistake::Invalid(word)) => word.as_bytes().to_vec(),
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    fn since(line: &str) -> u64 {
        match read(line.as_bytes()) {
            Ok(Some(Command::Since { seconds })) => seconds,
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    /// A `message` line whose text has `text_len` bytes.
    fn message_of(text_len: usize) -> Vec<u8> {
        [b"message yoda ".as_slice(), &vec![b'x'; text_len]].concat()
    }

    #[test]
    fn a_text_is_kept_byte_for_byte() {
        assert_eq!(message("message yoda Hey  Dude"), (b"yoda".to_vec(), b"Hey  Dude".to_vec()));
        assert_eq!(message("message yoda   hi"), (b"yoda".to_vec(), b"  hi".to_vec()));
        assert_eq!(message("message yoda hi  "), (b"yoda".to_vec(), b"hi  ".to_vec()));
        assert_eq!(message("  message   yoda \thi\t"), (b"yoda".to_vec(), b"\thi\t".to_vec()));
        assert_eq!(message(r"message yoda C:\new"), (b"yoda".to_vec(), br"C:\new".to_vec()));
        let broadcast = read("broadcast  größer ".as_bytes());
        let Ok(Some(Command::Broadcast { text })) = broadcast else { panic!("{broadcast:?}") };
        assert_eq!(text.as_str(), " größer ");
    }

    #[test]
    fn a_text_shares_the_bytes_of_its_line() {
        let line = Bytes::from_static(b"message yoda hi there\r");
        let Ok(Some(Command::Message { to, text })) = parse(&line) else { panic!("no message") };
        assert_eq!(to.as_bytes().as_ptr(), line[8..].as_ptr());
        assert_eq!(text.bytes().as_ptr(), line[13..].as_ptr());
    }

    #[test]
    fn one_return_at_the_end_is_dropped() {
        assert_eq!(message("message yoda hi\r").1, b"hi");
        assert_eq!(message("message yoda hi\r\r").1, b"hi\r");
        assert_eq!(message("message yoda a\rb").1, b"a\rb");
        assert_eq!(read(b"whoelse\r"), Ok(Some(Command::Who)));
        assert_eq!(read(b"\r"), Ok(None));
        assert_eq!(usage("message yoda \r"), "message <user> <text>");
    }

    #[test]
    fn a_blank_line_is_nothing() {
        assert_eq!(read(b""), Ok(None));
        assert_eq!(read(b"     "), Ok(None));
    }

    #[test]
    fn spaces_around_words_do_not_matter() {
        assert_eq!(read(b"  whoelse   "), Ok(Some(Command::Who)));
        assert_eq!(read(b"logout "), Ok(Some(Command::Logout)));
        assert_eq!(since("whoelsesince    200  "), 200);
        assert!(
            matches!(read(b" block  hans "), Ok(Some(Command::Block { whom })) if whom.as_str() == "hans")
        );
        assert!(
            matches!(read(b"unblock hans"), Ok(Some(Command::Unblock { whom })) if whom.as_str() == "hans")
        );
    }

    #[test]
    fn a_tab_separates_nothing() {
        assert_eq!(invalid("\t"), b"\t");
        assert_eq!(invalid("message\tyoda hi"), b"message\tyoda");
        assert_eq!(usage("message yoda\thi"), "message <user> <text>");
        assert_eq!(usage("whoelsesince 5\t"), "whoelsesince <seconds>");
    }

    #[test]
    fn too_few_or_too_many_words_are_told_the_form() {
        for line in ["message", "message ", "message yoda", "message yoda ", "message yoda     "] {
            assert_eq!(usage(line), "message <user> <text>");
        }
        for line in ["broadcast", "broadcast ", "broadcast    "] {
            assert_eq!(usage(line), "broadcast <text>");
        }
        assert_eq!(usage("whoelse now"), "whoelse");
        assert_eq!(usage("logout please"), "logout");
        assert_eq!(usage("block"), "block <user>");
        assert_eq!(usage("block hans luke"), "block <user>");
        assert_eq!(usage("unblock  "), "unblock <user>");
        assert_eq!(usage("whoelsesince"), "whoelsesince <seconds>");
        assert_eq!(usage("whoelsesince 1 2"), "whoelsesince <seconds>");
    }

    #[test]
    fn seconds_are_digits_only_and_any_number_of_them() {
        for word in ["soon", "-1", "+1", "1.5", "1e3", "0x10", "١", "12s"] {
            assert_eq!(usage(&alloc::format!("whoelsesince {word}")), "whoelsesince <seconds>");
        }
        assert_eq!(since("whoelsesince 0"), 0);
        assert_eq!(since("whoelsesince 0000000000000000000000000000007"), 7);
        assert_eq!(since("whoelsesince 18446744073709551615"), u64::MAX);
        assert_eq!(since("whoelsesince 18446744073709551616"), u64::MAX);
        assert_eq!(since(&alloc::format!("whoelsesince {}", "9".repeat(60_000))), u64::MAX);
    }

    #[test]
    fn commands_are_matched_exactly() {
        assert_eq!(invalid("whatsthetime"), b"whatsthetime");
        assert_eq!(invalid("Whoelse"), b"Whoelse");
        assert_eq!(invalid("who"), b"who");
        assert_eq!(invalid("messages yoda hi"), b"messages");
        assert_eq!(invalid("\u{feff}whoelse"), "\u{feff}whoelse".as_bytes());
    }

    #[test]
    fn an_invalid_word_is_cut_to_32_characters() {
        assert_eq!(invalid(&"x".repeat(32)).len(), 32);
        assert_eq!(invalid(&"x".repeat(33)).len(), 32);
        assert_eq!(invalid(&"é".repeat(40)), "é".repeat(32).into_bytes());
        assert_eq!(invalid(&"🦀".repeat(1000)), "🦀".repeat(32).into_bytes());
    }

    #[test]
    fn a_word_that_cannot_be_a_name_is_still_a_word() {
        assert_eq!(message("message böb hi").0, "böb".as_bytes());
        assert_eq!(message(&alloc::format!("message {} hi", "x".repeat(100))).0.len(), 100);
    }

    #[test]
    fn length_and_encoding_are_judged_first() {
        assert_eq!(read(&vec![b' '; LINE_MAX]), Ok(None));
        assert_eq!(read(&vec![b' '; LINE_MAX + 1]), Err(Mistake::LineTooLong));
        assert_eq!(read(&vec![0xff; LINE_MAX + 1]), Err(Mistake::LineTooLong));
        assert_eq!(read(b"nonsense \xff"), Err(Mistake::NotUtf8));
        assert_eq!(read(b"message yoda \xed\xa0\x80"), Err(Mistake::NotUtf8));
        let with_return = [vec![b' '; LINE_MAX], b"\r".to_vec()].concat();
        assert_eq!(read(&with_return), Ok(None));
    }

    #[test]
    fn a_long_text_is_judged_after_the_form() {
        assert!(matches!(read(&message_of(TEXT_MAX)), Ok(Some(_))));
        assert_eq!(read(&message_of(TEXT_MAX + 1)), Err(Mistake::MessageTooLong));
        let blank = [b"message yoda".to_vec(), vec![b' '; TEXT_MAX + 9]].concat();
        assert_eq!(read(&blank), Err(Mistake::Usage("message <user> <text>")));
        let with_return = [message_of(TEXT_MAX), b"\r".to_vec()].concat();
        assert!(matches!(read(&with_return), Ok(Some(_))));
    }

    #[test]
    fn only_a_line_of_the_right_form_is_activity() {
        assert!(Mistake::MessageTooLong.is_activity());
        for line in [&b"block"[..], b"nonsense", b"\xff", &vec![b'x'; LINE_MAX + 1]] {
            assert!(!read(line).expect_err("a mistake").is_activity());
        }
    }
}
