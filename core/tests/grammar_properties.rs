//! The grammar, the escapes and the credentials parser against naive models.
//!
//! The models say the rules of the specification once more, in the plainest way and without care for
//! speed: they split, collect and compare.

use bytes::Bytes;
use proptest::prelude::*;
use starling_core::auth::credentials::{self, HASH_PREFIX, Stored};
use starling_core::command::{self, Command, Mistake, Private, TABLE};
use starling_core::{escape, limits};

/// What a line means, in words of its own.
fn command_model(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > limits::LINE_MAX {
        return "line too long".into();
    }
    let Ok(line) = std::str::from_utf8(line) else { return "not UTF-8".into() };
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let usage = |form: &str| format!("usage {form}");
    match words[..] {
        [] => "nothing".into(),
        [verb @ ("message" | "private"), to, _, ..] => {
            let after_verb = line.trim_start_matches(' ').strip_prefix(verb).expect("the first word");
            let text = &after_verb.trim_start_matches(' ')[to.len() + 1..];
            text_model(&format!("{verb} to {to}"), text)
        }
        ["message", ..] => usage("message <user> <text>"),
        ["broadcast", _, ..] => text_model("broadcast", &line.trim_start_matches(' ')["broadcast ".len()..]),
        ["broadcast"] => usage("broadcast <text>"),
        ["whoelse"] => "who".into(),
        ["whoelse", ..] => usage("whoelse"),
        ["whoelsesince", digits] if digits.chars().all(|char| char.is_ascii_digit()) => {
            format!("since {}", digits.parse().unwrap_or(u64::MAX))
        }
        ["whoelsesince", ..] => usage("whoelsesince <seconds>"),
        ["block", whom] => format!("block {whom}"),
        ["block", ..] => usage("block <user>"),
        ["unblock", whom] => format!("unblock {whom}"),
        ["unblock", ..] => usage("unblock <user>"),
        ["startprivate", whom] => format!("startprivate {whom}"),
        ["startprivate", ..] => usage("startprivate <user>"),
        ["private", ..] => usage("private <user> <text>"),
        ["stopprivate", whom] => format!("stopprivate {whom}"),
        ["stopprivate", ..] => usage("stopprivate <user>"),
        ["verify", whom] => format!("verify {whom}"),
        ["verify", whom, "ok"] => format!("verify {whom} ok"),
        ["verify", ..] => usage("verify <user> [ok]"),
        ["files"] => "files".into(),
        ["files", ..] => format!("files {}", line.trim_matches(' ')["files".len()..].trim_start_matches(' ')),
        ["p2pDownload", "--id", id, _, ..] if is_id(id) => {
            format!("download {} of id", after(line, 3))
        }
        ["p2pDownload"] | ["p2pDownload", "--id", ..] => usage("p2pDownload [--id <id>] <filename>"),
        ["p2pDownload", ..] => format!("download {}", after(line, 1)),
        ["downloads"] => "downloads".into(),
        ["downloads", ..] => usage("downloads"),
        ["cancel"] => usage("cancel <filename>"),
        ["cancel", ..] => format!("cancel {}", after(line, 1)),
        ["logout"] => "logout".into(),
        ["logout", ..] => usage("logout"),
        [other, ..] => format!("invalid {}", other.chars().take(32).collect::<String>()),
    }
}

fn is_id(word: &str) -> bool {
    (8..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What follows so many words, without spaces at its ends.
fn after(line: &str, words: usize) -> &str {
    let rest = (0..words).fold(line.trim_matches(' '), |rest, _| {
        rest.split_once(' ').map_or("", |(_, rest)| rest).trim_start_matches(' ')
    });
    rest.trim_end_matches(' ')
}

fn text_model(what: &str, text: &str) -> String {
    if text.len() > limits::TEXT_MAX { "message too long".into() } else { format!("{what}: {text}") }
}

/// What the parser made of a line, in the words of the model.
fn told(parsed: &Result<Option<Command>, Mistake>) -> String {
    match parsed {
        Ok(None) => "nothing".into(),
        Ok(Some(Command::Message { to, text })) => format!("message to {}: {}", to.as_str(), text.as_str()),
        Ok(Some(Command::Broadcast { text })) => format!("broadcast: {}", text.as_str()),
        Ok(Some(Command::Who)) => "who".into(),
        Ok(Some(Command::Since { seconds })) => format!("since {seconds}"),
        Ok(Some(Command::Block { whom })) => format!("block {}", whom.as_str()),
        Ok(Some(Command::Unblock { whom })) => format!("unblock {}", whom.as_str()),
        Ok(Some(Command::Private(private))) => told_of(private),
        Ok(Some(Command::Files { pattern: None })) => "files".into(),
        Ok(Some(Command::Files { pattern: Some(pattern) })) => format!("files {}", pattern.as_str()),
        Ok(Some(Command::Download { id: Some(_), name })) => format!("download {} of id", name.as_str()),
        Ok(Some(Command::Download { id: None, name })) => format!("download {}", name.as_str()),
        Ok(Some(Command::Downloads)) => "downloads".into(),
        Ok(Some(Command::Cancel { name })) => format!("cancel {}", name.as_str()),
        Ok(Some(Command::Logout)) => "logout".into(),
        Err(Mistake::LineTooLong) => "line too long".into(),
        Err(Mistake::NotUtf8) => "not UTF-8".into(),
        Err(Mistake::Invalid(word)) => format!("invalid {}", word.as_str()),
        Err(Mistake::Usage(form)) => format!("usage {form}"),
        Err(Mistake::MessageTooLong) => "message too long".into(),
    }
}

fn told_of(private: &Private) -> String {
    match private {
        Private::Start { whom } => format!("startprivate {}", whom.as_str()),
        Private::Say { to, text } => format!("private to {}: {}", to.as_str(), text.as_str()),
        Private::Stop { whom } => format!("stopprivate {}", whom.as_str()),
        Private::Verify { whom, ok: false } => format!("verify {}", whom.as_str()),
        Private::Verify { whom, ok: true } => format!("verify {} ok", whom.as_str()),
    }
}

/// A piece of a line. Most of them mean something.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let verb = (0..TABLE.len()).prop_map(|row| TABLE[row].name().as_bytes().to_vec());
    let known: &[&[u8]] = &[
        b" ",
        b"  ",
        b"\t",
        b"\r",
        b"yoda",
        b"ok",
        b"0042",
        b"--id",
        b"0123abcd",
        b"99999999999999999999",
        b"\xff",
    ];
    prop_oneof![
        4 => verb,
        4 => Just(b" ".to_vec()),
        4 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        2 => "\\PC{0,40}".prop_map(String::into_bytes),
        1 => (1..3_usize * limits::TEXT_MAX).prop_map(|len| vec![b'x'; len]),
        1 => (1..2 * limits::LINE_MAX).prop_map(|len| vec![b' '; len]),
    ]
}

fn line() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(piece(), 0..8).prop_map(|pieces| Bytes::from(pieces.concat()))
}

/// Is `part` a slice of the very bytes of `whole`?
fn is_within(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

proptest! {
    #[test]
    fn a_line_means_what_the_model_says(line in line()) {
        prop_assert_eq!(told(&command::parse(&line)), command_model(&line));
    }

    #[test]
    fn any_bytes_are_a_line(line in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(told(&command::parse(&Bytes::from(line.clone()))), command_model(&line));
    }

    #[test]
    fn what_was_typed_is_never_copied(line in line()) {
        match command::parse(&line) {
            Ok(Some(Command::Message { to, text } | Command::Private(Private::Say { to, text }))) => {
                prop_assert!(is_within(to.as_bytes(), &line) && is_within(text.bytes(), &line));
            }
            Ok(Some(Command::Broadcast { text })) => prop_assert!(is_within(text.bytes(), &line)),
            Ok(Some(Command::Files { pattern: Some(word) })) | Err(Mistake::Invalid(word)) => prop_assert!(is_within(word.as_bytes(), &line)),
            _ => {}
        }
    }
}

/// The list of the specification, written once more.
fn is_forbidden(char: char) -> bool {
    let point = u32::from(char);
    char.is_control()
        || [0x061c, 0x200b, 0x200e, 0x200f, 0xfeff].contains(&point)
        || (0x2028..=0x202e).contains(&point)
        || (0x2060..=0x2069).contains(&point)
        || (0xe0000..=0xe007f).contains(&point)
}

/// How many characters at the start of `chars` are the flag of a region.
fn flag_model(chars: &[char]) -> usize {
    let [base, rest @ ..] = chars else { return 0 };
    let spelled = |len: usize| {
        rest[..len].iter().all(|tag| {
            let ascii = char::from_u32(u32::from(*tag).wrapping_sub(0xe0000)).unwrap_or('!');
            ascii.is_ascii_digit() || ascii.is_ascii_lowercase()
        })
    };
    let is_flag = |len: &usize| rest.get(*len) == Some(&'\u{e007f}') && spelled(*len);
    if *base == '\u{1f3f4}' { (3..=7).find(is_flag).map_or(0, |len| len + 2) } else { 0 }
}

fn escape_model(text: &str, tab_stays: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(&char) = chars.get(at) {
        let flag = flag_model(&chars[at..]);
        if flag > 0 {
            out.extend(&chars[at..at + flag]);
            at += flag - 1;
        } else if is_forbidden(char) && !(char == '\t' && tab_stays) {
            out += &format!("\\u{{{:x}}}", u32::from(char));
        } else {
            out.push(char);
        }
        at += 1;
    }
    out
}

/// Text with many characters that somebody would deceive with.
fn spoof() -> impl Strategy<Value = String> {
    let char = prop_oneof![
        3 => any::<char>(),
        3 => prop::char::range(' ', '~'),
        2 => prop::char::range('\0', '\u{a0}'),
        2 => prop::char::range('\u{2000}', '\u{2070}'),
        1 => prop::sample::select(&['\u{61c}', '\u{feff}', '\u{200d}', '\t', '\\'][..]),
    ];
    let flag = "[\u{1f3f4}][\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{0,9}[\u{e007f}]?[\u{e0040}-\u{e0063}]?";
    let piece = prop_oneof![6 => char.prop_map(String::from), 1 => flag];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Without whole flags, which are allowed to hold tags.
fn without_flags(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while at < chars.len() {
        match flag_model(&chars[at..]) {
            0 => {
                out.push(chars[at]);
                at += 1;
            }
            len => at += len,
        }
    }
    out
}

proptest! {
    #[test]
    fn escapes_are_those_of_the_model(text in spoof()) {
        prop_assert_eq!(escape::text(&text).to_string(), escape_model(&text, true));
        prop_assert_eq!(escape::name(&text).to_string(), escape_model(&text, false));
        prop_assert_eq!(escape::bytes(text.as_bytes()).to_string(), escape_model(&text, false));
    }

    #[test]
    fn nothing_forbidden_is_shown(text in spoof()) {
        prop_assert!(!without_flags(&escape::name(&text).to_string()).contains(is_forbidden));
        let shown = without_flags(&escape::text(&text).to_string());
        prop_assert!(!shown.contains(|char| is_forbidden(char) && char != '\t'));
    }

    #[test]
    fn what_is_clean_stays_as_it_is(text in "\\PC*") {
        let clean: String = text.chars().filter(|char| !is_forbidden(*char)).collect();
        prop_assert_eq!(escape::text(&clean).to_string(), clean.clone());
        prop_assert_eq!(escape::name(&clean).to_string(), clean);
    }

    #[test]
    fn what_is_shown_is_shown_the_same_again(text in spoof()) {
        let once = escape::name(&text).to_string();
        prop_assert_eq!(escape::name(&once).to_string(), once.clone());
    }

    #[test]
    fn any_bytes_make_one_harmless_line(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!without_flags(&escape::bytes(&bytes).to_string()).contains(is_forbidden));
    }
}

/// The users of a file, or the number of the first line that is wrong (0: nobody).
fn credentials_model(file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, usize> {
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let mut users: Vec<(String, Vec<u8>)> = Vec::new();
    for (index, line) in file.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.first() == Some(&b'#') || line.iter().all(|byte| b" \t".contains(byte)) {
            continue;
        }
        let line = std::str::from_utf8(line).map_err(|_| index + 1)?;
        let (name, password) = line.split_once(' ').ok_or(index + 1)?;
        let is_name = (1..=32).contains(&name.len())
            && name.chars().all(|char| char.is_ascii_alphanumeric() || "_.-".contains(char));
        let bytes_max = if password.starts_with("$argon2id$") { 512 } else { 1024 };
        let is_password = (1..=bytes_max).contains(&password.len());
        if !is_name || !is_password || users.iter().any(|(known, _)| known == name) {
            return Err(index + 1);
        }
        users.push((name.into(), password.into()));
    }
    if users.is_empty() { Err(0) } else { Ok(users) }
}

fn credentials_told(file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, usize> {
    let user = |entry: &credentials::Entry| {
        let (password, is_hashed) = match &entry.password {
            Stored::Plain(password) => (password.reveal(), false),
            Stored::Hashed(hash) => (hash.reveal(), true),
        };
        assert_eq!(is_hashed, password.starts_with(HASH_PREFIX));
        (entry.name.to_string(), password.into())
    };
    match credentials::parse(file) {
        Ok(entries) => Ok(entries.iter().map(user).collect()),
        Err(credentials::Broken::Line { number, .. }) => Err(number),
        Err(credentials::Broken::NoUsers) => Err(0),
    }
}

fn credentials_line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => "[a-zA-Z0-9_.-]{1,6} \\PC{1,20}".prop_map(String::into_bytes),
        2 => "[a-e] [a-z ]{1,5}".prop_map(String::into_bytes),
        1 => "[ \t#]{0,4}".prop_map(String::into_bytes),
        1 => "#\\PC{0,20}".prop_map(String::into_bytes),
        1 => "[a-z@ ]{0,40} ?\\PC{0,20}".prop_map(String::into_bytes),
        1 => (1_000..1_050_usize).prop_map(|len| [b"z ".to_vec(), vec![b'x'; len]].concat()),
        1 => (0..530_usize).prop_map(|len| [b"y $argon2id$".to_vec(), vec![b'x'; len]].concat()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn credentials_file() -> impl Strategy<Value = Vec<u8>> {
    let end = prop::sample::select(&["\n", "\r\n"][..]);
    let lines = prop::collection::vec((credentials_line(), end), 0..8);
    (any::<bool>(), lines).prop_map(|(mark, lines)| {
        let lines = lines.into_iter().map(|(line, end)| [line, end.into()].concat());
        let mark = if mark { "\u{feff}" } else { "" };
        [mark.as_bytes().to_vec(), lines.collect::<Vec<_>>().concat()].concat()
    })
}

proptest! {
    #[test]
    fn a_credentials_file_means_what_the_model_says(file in credentials_file()) {
        prop_assert_eq!(credentials_told(&file), credentials_model(&file));
    }

    #[test]
    fn any_bytes_are_a_credentials_file_or_a_told_mistake(file in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(credentials_told(&file), credentials_model(&file));
    }
}
