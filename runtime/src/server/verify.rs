//! Checking passwords in constant time.

use std::collections::HashMap;

use blake3::Hash;
use starling_core::auth::credentials::Entry;
use starling_core::name::Name;
use starling_core::wire::{LoginName, Password};
use subtle::{Choice, ConstantTimeEq};

/// Who may log in with what: digests under a key that lives as long as the process.
///
/// A check hashes what was typed and compares two digests of equal length without stopping at the first
/// difference; for an unknown name it does the same with a digest that no password has.
pub(crate) struct Verifier {
    key: [u8; 32],
    digests: HashMap<Name, Hash>,
    nobody: Hash,
}

impl Verifier {
    /// The digests of `entries` under `key`.
    pub(crate) fn new(entries: &[Entry], key: [u8; 32]) -> Verifier {
        let digest = |entry: &Entry| (entry.name, blake3::keyed_hash(&key, entry.password.reveal()));
        Verifier { key, digests: entries.iter().map(digest).collect(), nobody: Hash::from_bytes(key) }
    }

    /// The digests of other entries under the same key.
    pub(crate) fn with(&self, entries: &[Entry]) -> Verifier {
        Verifier::new(entries, self.key)
    }

    /// Whether `name` is known and `password` his.
    pub(crate) fn is_right(&self, name: &LoginName, password: &Password) -> bool {
        let typed = blake3::keyed_hash(&self.key, password.reveal());
        let entry = Name::parse(name.as_bytes()).ok().and_then(|name| self.digests.get(&name));
        let known = Choice::from(u8::from(entry.is_some()));
        let digest = entry.unwrap_or(&self.nobody);
        (digest.as_bytes().ct_eq(typed.as_bytes()) & known).into()
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({} users)", self.digests.len())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use starling_core::auth::credentials;

    use super::*;

    #[test]
    fn only_the_own_password_is_right() {
        let entries = credentials::parse(b"yoda wise\nhans falcon\n").unwrap();
        let verifier = Verifier::new(&entries, [7; 32]);
        let right = |name: &'static str, password: &'static str| {
            let name = LoginName::cut(Bytes::from_static(name.as_bytes())).unwrap();
            verifier.is_right(&name, &Password::cut(Bytes::from_static(password.as_bytes())).unwrap())
        };
        assert!(right("yoda", "wise"));
        assert!(right("hans", "falcon"));
        for (name, password) in [
            ("yoda", "falcon"),
            ("yoda", "wise "),
            ("yoda", "wis"),
            ("Yoda", "wise"),
            ("bob", "wise"),
            ("a b", "x"),
        ] {
            assert!(!right(name, password), "{name} {password}");
        }
    }
}
