//! The rest of a command's name.

use starling_core::command::TABLE;

/// What completes `start` as far as it is certain: the rest of the one command that begins so, with the
/// space after it, or the letters that all of several have in common.
pub(super) fn rest(start: &str) -> String {
    let names: Vec<&str> =
        TABLE.iter().map(|row| row.name()).filter(|name| name.starts_with(start)).collect();
    match names[..] {
        [] => String::new(),
        [name] => format!("{} ", &name[start.len()..]),
        [first, ..] => {
            let shared = |len: &usize| names.iter().all(|name| name.starts_with(&first[..*len]));
            let len = (start.len()..=first.len()).take_while(shared).last().unwrap_or(start.len());
            first[start.len()..len].to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_far_as_they_are_certain() {
        assert_eq!(rest("me"), "ssage ");
        assert_eq!(rest("who"), "else");
        assert_eq!(rest("whoelse"), "");
        assert_eq!(rest("whoelses"), "ince ");
        assert_eq!(rest("b"), "");
        assert_eq!(rest("br"), "oadcast ");
        assert_eq!(rest("xyz"), "");
        assert_eq!(rest(""), "");
    }
}
