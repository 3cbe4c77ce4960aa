//! Shell-style patterns of file names: `*` is any characters, `?` is one; all else means itself.

use alloc::sync::Arc;
use core::fmt;

use crate::filename::FileName;

/// A pattern of file names.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// The most bytes a pattern has: as many as a name.
    pub const MAX: usize = FileName::MAX;

    /// Reads a pattern; nothing if it is too long, empty or no text.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Pattern> {
        let text = core::str::from_utf8(bytes).ok()?;
        (1..=Pattern::MAX).contains(&text.len()).then(|| Pattern(text.into()))
    }

    /// The pattern that every name fits.
    #[must_use]
    pub fn any() -> Pattern {
        Pattern("*".into())
    }

    /// As it was written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The only name that fits, if there are no wildcards in it.
    #[must_use]
    pub fn exact(&self) -> Option<FileName> {
        FileName::parse(self.as_bytes())
    }

    /// Whether a name fits. It takes at most as many steps as the product of the two lengths.
    #[must_use]
    pub fn fits(&self, name: &FileName) -> bool {
        fits(&self.0, name.as_str())
    }
}

impl From<FileName> for Pattern {
    /// The pattern that only this name fits: a name holds neither of the two characters that mean others.
    fn from(name: FileName) -> Pattern {
        Pattern(name.into_text())
    }
}

/// One star is tried again at a time, the last: whatever an earlier one could take, the later can.
fn fits(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    let mut again = None;
    loop {
        match (pattern.next(), name.clone().next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                again = Some((pattern.clone(), name.clone()));
                continue;
            }
            (Some(wanted), Some(char)) if wanted == '?' || wanted == char => {
                name.next();
                continue;
            }
            _ => {}
        }
        let Some((star, mut rest)) = again.take() else { return false };
        if rest.next().is_none() {
            return false;
        }
        (pattern, name) = (star.clone(), rest.clone());
        again = Some((star, rest));
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::fits;
    use proptest::prelude::*;

    /// Too simple to be wrong.
    fn model(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=name.len()).any(|from| model(rest, &name[from..])),
            (['?', pattern @ ..], [_, name @ ..]) => model(pattern, name),
            ([wanted, pattern @ ..], [char, name @ ..]) => wanted == char && model(pattern, name),
            _ => false,
        }
    }

    #[test]
    fn stars_and_marks() {
        for (pattern, name) in
            [("*", ""), ("*.pdf", "a.pdf"), ("r?port*", "report"), ("*a*b*", "xaxbx"), ("ü?", "üé")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("", "a"), ("a", "A"), ("?", ""), ("*.pdf", "a.pdf.gz"), ("*a*b*", "xbxa"), ("[a]", "a")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_model(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            let chars = |text: &String| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(fits(&pattern, &name), model(&chars(&pattern), &chars(&name)));
        }
    }
}
