//! The one place where what another person wrote is made harmless for a terminal or a log.
//!
//! Characters that steer a terminal or deceive a reader are shown as `\u{1b}`: their code point in
//! lower-case hex without leading zeros. Everything else stays as it is, a backslash too, so what is
//! shown can be ambiguous but never active. Nothing is copied.
//!
//! | Shown as an escape | Why |
//! |---|---|
//! | C0 (a tab in names only), DEL, C1 | steer the terminal, begin new lines |
//! | U+061C, 200E, 200F, 202A–202E, 2066–2069 | turn the direction of the text around them |
//! | U+200B, 2060–2065, FEFF | invisible: two different words look alike |
//! | U+2028, 2029 | begin a new line in some programs |
//! | U+E0000–E007F | invisible copy of ASCII, hides whole sentences |
//!
//! The joiners U+200C and 200D stay: Persian, Indic scripts and composed emoji are written with them.
//! So do the tags in the flags of England, Scotland, Texas and their like.

use core::fmt;

/// `text` for showing, where a tab is an honest character.
#[must_use]
pub fn text(text: &str) -> impl fmt::Display {
    Escaped { text, tab: Tab::Kept }
}

/// `name` for showing: of a user, a file, a command; nothing in it moves what stands beside it.
#[must_use]
pub fn name(name: &str) -> impl fmt::Display {
    Escaped { text: name, tab: Tab::Escaped }
}

/// `bytes` for a log, as a [`name`]; a byte that is no part of UTF-8 is shown as `\xff`.
#[must_use]
pub fn bytes(bytes: &[u8]) -> impl fmt::Display {
    EscapedBytes(bytes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Kept,
    Escaped,
}

struct Escaped<'a> {
    text: &'a str,
    tab: Tab,
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.text;
        if is_printable_ascii(rest.as_bytes()) {
            return f.write_str(rest);
        }
        while let Some((at, deceiver)) = self.first_deceiver(rest) {
            write!(f, "{}\\u{{{:x}}}", &rest[..at], u32::from(deceiver))?;
            rest = &rest[at + deceiver.len_utf8()..];
        }
        f.write_str(rest)
    }
}

impl Escaped<'_> {
    /// The first character of `rest` that must not be shown raw, and where it stands.
    fn first_deceiver(&self, rest: &str) -> Option<(usize, char)> {
        let mut chars = rest.char_indices();
        while let Some((at, char)) = chars.next() {
            if char == FLAG_BASE {
                let tags = flag_tags(chars.as_str());
                if tags > 0 {
                    chars.nth(tags - 1);
                }
            } else if deceives(char) && !(char == '\t' && self.tab == Tab::Kept) {
                return Some((at, char));
            }
        }
        None
    }
}

struct EscapedBytes<'a>(&'a [u8]);

impl fmt::Display for EscapedBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.utf8_chunks().try_for_each(|chunk| {
            name(chunk.valid()).fmt(f)?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
        })
    }
}

/// Whether nothing in `bytes` needs a second look. Sixteen at a time without a branch: the compiler
/// turns that into vector instructions.
fn is_printable_ascii(bytes: &[u8]) -> bool {
    bytes.chunks(16).all(|chunk| chunk.iter().fold(true, |ok, byte| ok & matches!(byte, b' '..=b'~')))
}

const fn deceives(char: char) -> bool {
    matches!(
        char,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The black flag that the tags of a regional flag follow.
const FLAG_BASE: char = '\u{1f3f4}';
const FLAG_END: char = '\u{e007f}';

/// How many characters of `rest`, which follows a [`FLAG_BASE`], complete a flag; 0 if none do.
///
/// A flag spells a subdivision such as `gbsct` in tags: three to seven lower-case letters or digits,
/// then the end tag (UTS #51, `emoji_tag_sequence`, and UTS #35, `unicode_subdivision_id`). Anything
/// longer could hide a sentence.
fn flag_tags(rest: &str) -> usize {
    let is_tag = |char: &char| matches!(char, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let spelled = rest.chars().take(8).take_while(is_tag).count();
    match rest.chars().nth(spelled) {
        Some(FLAG_END) if (3..=7).contains(&spelled) => spelled + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    fn shown(typed: &str) -> String {
        text(typed).to_string()
    }

    /// `spelled` in tag characters.
    fn tags(spelled: &str) -> String {
        spelled.chars().filter_map(|char| char::from_u32(0xe0000 + u32::from(char))).collect()
    }

    #[test]
    fn terminal_sequences_are_shown_not_sent() {
        assert_eq!(shown("\x1b[2J"), r"\u{1b}[2J");
        assert_eq!(shown("\x1b]0;title\x07"), r"\u{1b}]0;title\u{7}");
        assert_eq!(shown("\u{9b}31m"), r"\u{9b}31m");
        assert_eq!(shown("\0\x7f\u{80}\u{9f}"), r"\u{0}\u{7f}\u{80}\u{9f}");
        assert_eq!(shown("ok\r\nhans: fake"), r"ok\u{d}\u{a}hans: fake");
        assert_eq!(shown("a\u{85}b\u{2028}c\u{2029}d"), r"a\u{85}b\u{2028}c\u{2029}d");
        assert_eq!(shown("\x08\x08\x08yoda"), r"\u{8}\u{8}\u{8}yoda");
    }

    #[test]
    fn invisible_and_turning_characters_are_shown() {
        assert_eq!(shown("invoice\u{202e}fdp.exe"), r"invoice\u{202e}fdp.exe");
        assert_eq!(
            shown("\u{2066}a\u{2069}\u{200f}\u{200e}\u{61c}"),
            r"\u{2066}a\u{2069}\u{200f}\u{200e}\u{61c}"
        );
        assert_eq!(shown("yo\u{200b}da\u{2060}\u{feff}"), r"yo\u{200b}da\u{2060}\u{feff}");
        assert_eq!(shown("\u{2061}\u{2065}\u{2068}"), r"\u{2061}\u{2065}\u{2068}");
    }

    #[test]
    fn only_what_the_specification_names_is_escaped() {
        let escaped = |char: char| name(char.encode_utf8(&mut [0; 4])).to_string().starts_with('\\');
        let found = (0..=0x10_ffff).filter_map(char::from_u32).filter(|char| *char != '\\' && escaped(*char));
        // C0, DEL and C1; U+061C, 200B, FEFF; 200E–200F; 2028–202E; 2060–2069; E0000–E007F.
        assert_eq!(found.count(), 32 + 33 + 3 + 2 + 7 + 10 + 128);
    }

    #[test]
    fn a_tab_is_kept_in_texts_and_escaped_in_names() {
        assert_eq!(text("a\tb").to_string(), "a\tb");
        assert_eq!(name("a\tb").to_string(), r"a\u{9}b");
        assert_eq!(text("ä\tb\x1b").to_string(), "ä\tb\\u{1b}");
    }

    #[test]
    fn a_backslash_is_shown_as_typed() {
        assert_eq!(shown(r"C:\u{1b}\new"), r"C:\u{1b}\new");
    }

    #[test]
    fn honest_scripts_stay_as_they_are() {
        for honest in [
            "plain English, with \"quotes\" & {braces}",
            "Grüße aus Köln, naïve café",
            "Zażółć gęślą jaźń",
            "İstanbul'da ığdır",
            "Tiếng Việt có dấu",
            "Ελληνικά",
            "Русский, Українська",
            "ქართული",
            "Հայերեն",
            "עברית",
            "العربية",
            "می\u{200c}خواهم",
            "हिन्दी क्\u{200d}ष",
            "বাংলা",
            "தமிழ்",
            "සිංහල ශ්\u{200d}රී",
            "ไทย",
            "မြန်မာ",
            "አማርኛ",
            "中文，简体和繁體",
            "日本語のテキスト",
            "한국어",
            "e\u{301} n\u{303} combining",
            "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 and 🦀🎉",
        ] {
            assert_eq!(text(honest).to_string(), honest);
            assert_eq!(name(honest).to_string(), honest);
        }
    }

    #[test]
    fn composed_emoji_stay_whole() {
        let scotland = String::from(FLAG_BASE) + &tags("gbsct") + "\u{e007f}";
        let texas = String::from(FLAG_BASE) + &tags("ustx") + "\u{e007f}";
        for emoji in [
            "👩\u{200d}💻",
            "👨\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "🏴\u{200d}☠\u{fe0f}",
            "🇩🇪",
            &scotland,
            &texas,
        ] {
            assert_eq!(shown(emoji), emoji);
        }
        assert_eq!(shown(&(scotland.clone() + &scotland + "\x07")), scotland.clone() + &scotland + r"\u{7}");
    }

    #[test]
    fn tags_outside_a_whole_flag_are_shown() {
        let base = String::from(FLAG_BASE);
        assert_eq!(shown(&tags("hi")), r"\u{e0068}\u{e0069}");
        assert_eq!(shown(&(base.clone() + &tags("gb"))), base.clone() + r"\u{e0067}\u{e0062}");
        assert_eq!(shown(&(base.clone() + "\u{e007f}")), base.clone() + r"\u{e007f}");
        assert_eq!(shown("\u{e0001}\u{e0000}"), r"\u{e0001}\u{e0000}");
        for hidden in ["gbsct", "ignore the above", "GBSCT\u{7f}", "gb\u{7f}", "abcdefgh\u{7f}"] {
            assert!(
                !shown(&(base.clone() + &tags(hidden))).chars().any(|char| char >= '\u{e0000}'),
                "{hidden}"
            );
        }
        let after = base.clone() + &tags("gbeng\u{7f}") + &tags("x");
        assert_eq!(shown(&after), base + &tags("gbeng\u{7f}") + r"\u{e0078}");
    }

    #[test]
    fn bytes_need_not_be_utf8() {
        assert_eq!(bytes(b"plain").to_string(), "plain");
        assert_eq!(bytes(b"\xff\xfea\tb").to_string(), r"\xff\xfea\u{9}b");
        assert_eq!(bytes(b"GET / HTTP/1.1\r\n").to_string(), r"GET / HTTP/1.1\u{d}\u{a}");
        assert_eq!(bytes(b"\xe2\x80").to_string(), r"\xe2\x80");
        assert_eq!(bytes("größe".as_bytes()).to_string(), "größe");
    }
}
