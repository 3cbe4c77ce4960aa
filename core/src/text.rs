//! What one person says to another: checked once, then never doubted again.

use bytes::Bytes;

use crate::limits::TEXT_MAX;

/// The text of a message: UTF-8, 1 to [`TEXT_MAX`] bytes, not only spaces.
///
/// A cheap handle on the very bytes it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(Bytes);

/// Why bytes are not a [`Text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAText {
    /// Nothing, or nothing but spaces.
    Blank,
    /// More than [`TEXT_MAX`] bytes.
    TooLong,
    /// Not valid UTF-8.
    NotUtf8,
}

impl Text {
    /// Checks `bytes` and keeps them as a text.
    ///
    /// # Errors
    /// [`NotAText`] says which rule they break.
    pub fn parse(bytes: Bytes) -> Result<Text, NotAText> {
        if bytes.len() > TEXT_MAX {
            return Err(NotAText::TooLong);
        }
        if core::str::from_utf8(&bytes).is_err() {
            return Err(NotAText::NotUtf8);
        }
        if bytes.iter().all(|b| *b == b' ') {
            return Err(NotAText::Blank);
        }
        Ok(Text(bytes))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text as the handle it is.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Its length in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a text is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A copy in memory of its own.
    ///
    /// For what is kept: a small text must not pin the large buffer that it was read into.
    #[must_use]
    pub fn kept(&self) -> Text {
        Text(Bytes::copy_from_slice(&self.0))
    }
}

impl core::fmt::Debug for Text {
    /// Its length only: texts do not belong into logs.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}
