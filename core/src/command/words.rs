//! A line, read word by word.

use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::swarm::IdPrefix;
use crate::text::{NotAText, Text};

/// A word of a line: UTF-8 without a space, not empty. A cheap handle on the line's own bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Word(Bytes);

impl Word {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The word as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its first `chars_max` characters, or all of it.
    pub(super) fn cut(mut self, chars_max: usize) -> Word {
        if let Some((end, _)) = self.as_str().char_indices().nth(chars_max) {
            self.0.truncate(end);
        }
        self
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Why a row cannot read its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A parameter is missing, of the wrong kind, or one too many.
    Form,
    /// The form is right, but the text is over its limit.
    TextTooLong,
}

/// What is left of a line. Only the space separates words.
pub(super) struct Words<'a> {
    line: &'a Bytes,
    /// Where the next word or its leading spaces begin: the end of the line, or a space, or the start.
    at: usize,
}

impl<'a> Words<'a> {
    /// All of `line`, which must be UTF-8.
    pub(super) fn of(line: &'a Bytes) -> Words<'a> {
        Words { line, at: 0 }
    }

    /// The next word, after any number of spaces.
    pub(super) fn word(&mut self) -> Result<Word, Wrong> {
        let place = self.next_place().ok_or(Wrong::Form)?;
        Ok(self.at_place(place))
    }

    /// The next word, which is digits 0 to 9 only: a number, saturated.
    pub(super) fn number(&mut self) -> Result<u64, Wrong> {
        let digits = self.next_place().ok_or(Wrong::Form)?;
        self.line[digits].iter().try_fold(0_u64, |number, byte| match byte {
            b'0'..=b'9' => Ok(number.saturating_mul(10).saturating_add(u64::from(byte - b'0'))),
            _ => Err(Wrong::Form),
        })
    }

    /// Whether the next word is `word`; there need be none.
    pub(super) fn option(&mut self, word: &str) -> Result<bool, Wrong> {
        match self.next_place() {
            None => Ok(false),
            Some(place) if self.line[place.clone()] == *word.as_bytes() => Ok(true),
            Some(_) => Err(Wrong::Form),
        }
    }

    /// Everything after the single space that follows the word before, byte for byte.
    pub(super) fn text(&mut self) -> Result<Text, Wrong> {
        let start = self.line.len().min(self.at + 1);
        self.at = self.line.len();
        if is_blank(&self.line[start..]) {
            return Err(Wrong::Form);
        }
        Text::parse(self.line.slice(start..)).map_err(|why| match why {
            NotAText::TooLong => Wrong::TextTooLong,
            NotAText::Blank | NotAText::NotUtf8 => Wrong::Form,
        })
    }

    /// `--id` and the beginning of a content id, if they are the next words.
    pub(super) fn id(&mut self) -> Result<Option<IdPrefix>, Wrong> {
        let start = self.at;
        match self.next_place() {
            Some(place) if self.line[place.clone()] == *b"--id" => {
                let digits = self.word()?;
                IdPrefix::parse(digits.as_str()).map(Some).ok_or(Wrong::Form)
            }
            _ => {
                self.at = start;
                Ok(None)
            }
        }
    }

    /// Everything that is left, without spaces at its ends; nothing if that is all.
    pub(super) fn rest(&mut self) -> Option<Word> {
        let start = self.next_place()?.start;
        let rest = &self.line[start..];
        let len = rest.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
        self.at = self.line.len();
        Some(self.at_place(start..start + len))
    }

    /// Nothing but spaces may be left.
    pub(super) fn end(&self) -> Result<(), Wrong> {
        if is_blank(&self.line[self.at..]) { Ok(()) } else { Err(Wrong::Form) }
    }

    /// Where the next word stands.
    pub(super) fn next_place(&mut self) -> Option<Range<usize>> {
        let rest = &self.line[self.at..];
        let start = self.at + rest.iter().position(|byte| *byte != b' ')?;
        let rest = &self.line[start..];
        self.at = start + rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        Some(start..self.at)
    }

    /// The word that stands at `place`.
    pub(super) fn at_place(&self, place: Range<usize>) -> Word {
        Word(self.line.slice(place))
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == b' ')
}
