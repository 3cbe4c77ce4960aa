//! What people have in their folders, and how that is written.

use std::fmt;

use bytes::Bytes;
use starling_core::filename::FileName;

use super::parse::{number, one};
use super::quote::unquote;
use super::{What, Who};

/// Bytes that a file of a transcript has at most: it is in memory several times.
const SIZE_MAX: usize = 64 * 1024 * 1024;

/// What somebody does with his folder, or what becomes of it.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// A file is there now, in the place of another of that name.
    Puts(FileName, Bytes),
    /// An earlier run has left the first so many chunks of a download there.
    Leaves(FileName, Bytes, u32),
    /// A file is there no more.
    Removes(FileName),
    /// It is not yet known, or known from now on, what a file is.
    Indexes(FileName, bool),
    /// The disk takes nothing more, or something again.
    Fills(bool),
    /// From now on every chunk that others get from there is wrong.
    Lies,
}

/// Reads what follows `file `.
pub(super) fn owned_file(text: &str) -> Result<(Who, Change), String> {
    let (who, rest) = text.split_once(' ').ok_or("a file has an owner and a name")?;
    Ok((one(who)?, puts(rest)?))
}

/// Reads a step about a folder; nothing if it is none.
pub(super) fn step(text: &str) -> Option<Result<What, String>> {
    let (who, rest) = text.trim_end().split_once(' ')?;
    let who = one(who).ok()?;
    let (verb, rest) = rest.split_once(' ')?;
    let change = |change: Result<Change, String>| change.map(|change| What::Changes(who.clone(), change));
    match verb {
        "puts" => Some(change(puts(rest))),
        "removes" => Some(change(file_name(rest).map(Change::Removes))),
        "has" => Some(has(rest).map(|(name, bytes)| What::Has(who, name, bytes))),
        _ => None,
    }
}

/// Reads what stands in brackets about a folder; nothing if it is not about one.
pub(super) fn event(words: &str) -> Option<Result<What, String>> {
    let changes = |who: &str, change| one(who).map(|who| What::Changes(who, change));
    for (ending, is_full) in [("'s disk is full", true), ("'s disk has room again", false)] {
        if let Some(who) = words.strip_suffix(ending) {
            return Some(changes(who, Change::Fills(is_full)));
        }
    }
    if let Some(who) = words.strip_suffix(" lies about what is in his files") {
        return Some(changes(who, Change::Lies));
    }
    for (ending, indexing) in [(" is being indexed", true), (" is indexed", false)] {
        if let Some((who, name)) = words.strip_suffix(ending).and_then(|words| words.split_once("'s ")) {
            return Some(file_name(name).and_then(|name| changes(who, Change::Indexes(name, indexing))));
        }
    }
    None
}

fn puts(text: &str) -> Result<Change, String> {
    let (name, content) = text.split_once(" = ").ok_or("a file is `<name> = <content>`")?;
    let name = file_name(name)?;
    for chunks in [" chunks of ", " chunk of "] {
        if let Some((count, of)) = content.split_once(chunks)
            && !count.starts_with('"')
        {
            return Ok(Change::Leaves(name, bytes(of)?, number(count)?));
        }
    }
    Ok(Change::Puts(name, bytes(content)?))
}

fn has(text: &str) -> Result<(FileName, Option<Bytes>), String> {
    match (text.split_once(" = "), text.strip_prefix("no ")) {
        (Some((name, content)), _) => Ok((file_name(name)?, Some(bytes(content)?))),
        (None, Some(name)) => Ok((file_name(name)?, None)),
        (None, None) => Err("he has `<name> = <content>`, or `no <name>`".to_owned()),
    }
}

fn file_name(name: &str) -> Result<FileName, String> {
    let bytes = if name.starts_with('"') { unquote(name)? } else { name.as_bytes().to_vec() };
    FileName::parse(&bytes).ok_or_else(|| format!("no file can be called {name:?}"))
}

/// The bytes that a content means: quoted ones, or so many that follow from a quoted seed.
fn bytes(content: &str) -> Result<Bytes, String> {
    if content.starts_with('"') {
        return unquote(content).map(Bytes::from);
    }
    let parts = content.split_once(" bytes of ").or_else(|| content.split_once(" byte of "));
    let (size, seed) = parts.ok_or("a content is quoted, or `<size> bytes of <quoted>`")?;
    let size = usize::try_from(number(size)?).ok().filter(|size| *size <= SIZE_MAX);
    grown(&unquote(seed)?, size.ok_or("a file of that size is too large")?)
}

/// So many bytes of the output of BLAKE3 for a seed: a longer file begins as a shorter one does.
fn grown(seed: &[u8], size: usize) -> Result<Bytes, String> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(seed).finalize_xof().fill(&mut bytes);
    Ok(bytes.into())
}

impl fmt::Debug for Change {
    /// Sizes, not contents.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Puts(name, bytes) => write!(f, "puts {name:?}, {} bytes", bytes.len()),
            Change::Leaves(name, _, chunks) => write!(f, "has {chunks} chunks of {name:?}"),
            Change::Removes(name) => write!(f, "removes {name:?}"),
            Change::Indexes(name, true) => write!(f, "{name:?} is being indexed"),
            Change::Indexes(name, false) => write!(f, "{name:?} is indexed"),
            Change::Fills(true) => f.write_str("the disk is full"),
            Change::Lies => f.write_str("lies"),
            Change::Fills(false) => f.write_str("the disk has room again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        file_name(text).unwrap()
    }

    #[test]
    fn files_are_quoted_or_grown() {
        let (who, change) = owned_file("hans a file.txt = \"a\"*3").unwrap();
        assert_eq!((who.as_str(), change), ("hans", Change::Puts(name("a file.txt"), "aaa".into())));
        let Ok((_, Change::Puts(_, long))) = owned_file("hans x = 1000 bytes of \"seed\"") else { panic!() };
        let Ok((_, Change::Puts(_, short))) = owned_file("hans x = 1 byte of \"seed\"") else { panic!() };
        assert_eq!((long.len(), &long[..1]), (1000, &short[..]));
        assert_eq!(short[..], blake3::hash(b"seed").as_bytes()[..1]);
        assert_eq!(file_name(r#""a\u{e9}""#).unwrap().as_str(), "aé");
        assert_ne!(bytes("9 bytes of \"a\""), bytes("9 bytes of \"b\""));
        let Ok((_, left)) = owned_file("hans x = 7 chunks of 1000 bytes of \"seed\"") else { panic!() };
        assert_eq!(left, Change::Leaves(name("x"), long, 7));
    }

    #[test]
    fn folders_are_changed_and_looked_into() {
        let told = |text| format!("{:?}", step(text).unwrap().unwrap());
        assert_eq!(told("hans puts x = \"a\""), "Changes(Who(\"hans\"), puts \"x\", 1 bytes)");
        assert_eq!(told("hans removes my x"), "Changes(Who(\"hans\"), removes \"my x\")");
        assert_eq!(told("hans has x = \"a\""), "Has(Who(\"hans\"), \"x\", Some(b\"a\"))");
        assert_eq!(told("hans has no x"), "Has(Who(\"hans\"), \"x\", None)");
        let told = |words| format!("{:?}", event(words).unwrap().unwrap());
        assert_eq!(told("hans's disk is full"), "Changes(Who(\"hans\"), the disk is full)");
        assert_eq!(told("hans's x y is being indexed"), "Changes(Who(\"hans\"), \"x y\" is being indexed)");
        assert_eq!(told("hans lies about what is in his files"), "Changes(Who(\"hans\"), lies)");
        assert_eq!(event("hans's client is killed"), None);
        assert_eq!(step("hans> has no x"), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for wrong in ["puts x", "puts x = a", "puts x = 9 \"a\"", "puts ../x = \"a\"", "has x", "removes .x"]
        {
            assert!(step(&format!("hans {wrong}")).unwrap().is_err(), "{wrong}");
        }
        assert!(owned_file("hans x = 1000000000 bytes of \"a\"").is_err());
    }
}
