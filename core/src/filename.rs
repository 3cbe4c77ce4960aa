//! Names of files that people offer and ask for.

use alloc::sync::Arc;
use core::fmt;

/// The name of a file directly in a folder: one path component on every system, 1 to [`FileName::MAX`] bytes of
/// UTF-8, compared byte for byte.
///
/// A name that could not be written everywhere is none: nothing is rewritten to fit, so two names are never
/// taken for one. Copies share their bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(Arc<str>);

impl FileName {
    /// The most bytes a name has: what common file systems take.
    pub const MAX: usize = 255;

    /// Checks `bytes` and keeps them as a name; nothing if they are none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<FileName> {
        let text = core::str::from_utf8(bytes).ok()?;
        let fits = !text.is_empty() && text.len() <= FileName::MAX;
        let is_plain = !text.starts_with('.') && !text.ends_with(['.', ' ']) && !text.contains(is_forbidden);
        (fits && is_plain && !is_device(text)).then(|| FileName(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_text(self) -> Arc<str> {
        self.0
    }

    /// The name as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Separators, controls, and what has a meaning to Windows (Microsoft, *Naming Files, Paths, and Namespaces*).
fn is_forbidden(char: char) -> bool {
    char.is_control() || matches!(char, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

/// Windows takes it for a device: by what stands before the first dot, spaces at its end left out, in any case
/// (same source; `CONIN$` and `CONOUT$` from *Console Handles*).
fn is_device(text: &str) -> bool {
    let base = text.split('.').next().unwrap_or(text).trim_end_matches(' ');
    let devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    if devices.iter().any(|device| base.eq_ignore_ascii_case(device)) {
        return true;
    }
    let mut chars = base.chars();
    let number = chars.next_back();
    let is_port = ["COM", "LPT"].iter().any(|port| chars.as_str().eq_ignore_ascii_case(port));
    is_port && matches!(number, Some('0'..='9' | '¹' | '²' | '³'))
}

impl fmt::Display for FileName {
    /// As it is: whoever shows it to a person escapes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use proptest::prelude::*;

    fn is_name(text: &str) -> bool {
        FileName::parse(text.as_bytes()).is_some()
    }

    #[test]
    fn honest_names_are_names() {
        for honest in [
            "report.pdf",
            "a",
            " leading space",
            "inner  spaces.txt",
            "no-extension",
            "two..dots",
            "naïve café.md",
            "отчёт.pdf",
            "報告書.pdf",
            "می\u{200c}خواهم.txt",
            "🦀.rs",
            "~backup~",
            "#1 (copy) [2] {3} 100% & more; it's = + , @ ! $HOME `x` ^",
            "console.log",
            "COM.txt",
            "COM10",
            "COM1x",
            "lpt",
            "nul-and-void",
            "aux1",
            "x.nul",
            "COM⁴",
            "conin",
        ] {
            assert!(is_name(honest), "{honest:?}");
        }
        assert!(is_name(&"x".repeat(FileName::MAX)));
    }

    #[test]
    fn what_cannot_be_written_everywhere_is_no_name() {
        for wrong in
            ["", ".", "..", ".hidden", "a/b", "/a", "a/", "a\\b", "..\\a", "a\0b", "a\nb", "a\tb", "\u{7f}"]
        {
            assert!(!is_name(wrong), "{wrong:?}");
        }
        for wrong in ["a.", "a ", "a:b", "C:", "*", "?", "a\"", "<", ">", "a|b", "\u{85}x"] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
        assert!(!is_name(&"x".repeat(FileName::MAX + 1)));
        assert!(!is_name(&"ä".repeat(FileName::MAX / 2 + 1)), "bytes are counted, not letters");
        assert_eq!(FileName::parse(b"caf\xe9"), None, "not UTF-8");
    }

    #[test]
    fn devices_of_windows_are_no_names() {
        for device in [
            "CON", "con", "Prn", "AUX", "nul", "COM1", "com9", "COM0", "LPT1", "lpt³", "COM¹", "com²",
            "CONIN$", "conout$",
        ] {
            for end in ["", ".txt", ".tar.gz", " .txt", "   .a"] {
                assert!(!is_name(&(String::from(device) + end)), "{device}{end}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_name_is_the_bytes_that_were_given(bytes in prop::collection::vec(any::<u8>(), 0..20), text in "\\PC{0,20}") {
            for given in [&bytes[..], text.as_bytes()] {
                if let Some(name) = FileName::parse(given) {
                    prop_assert_eq!(name.as_bytes(), given);
                    prop_assert!(!name.as_str().contains(['/', '\\', '\0']));
                }
            }
        }
    }
}
