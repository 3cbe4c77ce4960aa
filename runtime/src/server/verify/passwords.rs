//! Who may log in with what.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use blake3::Hash;
use starling_core::auth::credentials::{Entry, Stored};
use starling_core::name::Name;
use starling_core::wire::{LoginName, Password};
use subtle::{Choice, ConstantTimeEq};

use super::hashed::{HashFault, Hashed, Hasher};

/// The passwords of all users. Of a plain one only its digest is kept, under a key that lives as long as
/// the process.
///
/// Every attempt costs the same, whoever it is for: a digest of what was typed, and, as soon as a single
/// line is hashed, one Argon2. Where a name is unknown, or its line has the other form, the work is done on
/// something that nothing fits. So time does not tell who has an account.
pub(crate) struct Passwords {
    key: [u8; 32],
    rows: HashMap<Name, Row>,
    nobody: Hash,
    /// Nothing if no line is hashed: then an attempt costs a digest, and needs no thread of its own.
    decoy: Option<Hashed>,
    /// Some hashes cost more than others.
    is_uneven: bool,
}

#[derive(PartialEq, Eq)]
enum Row {
    Plain(Hash),
    Hashed(Box<Hashed>),
}

/// The first line whose hash cannot be used. Displayed as what is wrong, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: the password of {name} {fault}; set it anew with `server passwd {name}`")]
pub struct BrokenHash {
    line: usize,
    name: Name,
    fault: HashFault,
}

/// How one set of passwords differs from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: usize,
    pub(crate) removed: usize,
    pub(crate) changed: usize,
}

impl Passwords {
    /// The passwords of `entries`, digests under `key`.
    ///
    /// # Errors
    /// [`BrokenHash`] tells the first line that looks like a hash and is none.
    pub(crate) fn new(entries: &[Entry], key: [u8; 32]) -> Result<Passwords, BrokenHash> {
        let mut rows = HashMap::with_capacity(entries.len());
        for entry in entries {
            let row = match &entry.password {
                Stored::Plain(password) => Row::Plain(digest(&key, password.reveal().as_bytes())),
                Stored::Hashed(text) => {
                    let broken = |fault| BrokenHash { line: entry.line, name: entry.name, fault };
                    Row::Hashed(Box::new(Hashed::parse(text.reveal()).map_err(broken)?))
                }
            };
            rows.insert(entry.name, row);
        }
        let (usual, is_uneven) = usual(rows.values());
        let decoy = usual.map(|hashed| hashed.decoy(&key));
        Ok(Passwords { key, rows, nobody: Hash::from_bytes(key), decoy, is_uneven })
    }

    /// Other passwords under the same key.
    ///
    /// # Errors
    /// As [`Passwords::new`].
    pub(crate) fn with(&self, entries: &[Entry]) -> Result<Passwords, BrokenHash> {
        Passwords::new(entries, self.key)
    }

    /// Whether an attempt takes so long that nobody may wait for it: a line is hashed.
    pub(crate) fn are_slow(&self) -> bool {
        self.decoy.is_some()
    }

    /// Whether hashes differ in their cost, so that time can tell some names from others.
    pub(crate) fn are_uneven(&self) -> bool {
        self.is_uneven
    }

    /// Whether `name` is known and `password` his.
    pub(crate) fn is_right(&self, name: &LoginName, password: &Password, hasher: &mut Hasher) -> bool {
        let row = Name::parse(name.as_bytes()).ok().and_then(|name| self.rows.get(&name));
        let (digest_of_his, hash_of_his) = match row {
            Some(Row::Plain(digest)) => (digest, self.decoy.as_ref()),
            Some(Row::Hashed(hashed)) => (&self.nobody, Some(&**hashed)),
            None => (&self.nobody, self.decoy.as_ref()),
        };
        let typed = digest(&self.key, password.reveal());
        let by_digest = digest_of_his.as_bytes().ct_eq(typed.as_bytes());
        let by_hash = hash_of_his.map_or(Choice::from(0), |hash| hasher.fits(hash, password.reveal()));
        (by_digest | by_hash).into()
    }

    /// What has changed since `before`, which has the same key.
    pub(crate) fn since(&self, before: &Passwords) -> Difference {
        let mut difference = Difference::default();
        for (name, row) in &self.rows {
            match before.rows.get(name) {
                None => difference.added += 1,
                Some(other) if other != row => difference.changed += 1,
                Some(_) => {}
            }
        }
        difference.removed = before.rows.keys().filter(|name| !self.rows.contains_key(*name)).count();
        difference
    }
}

fn digest(key: &[u8; 32], password: &[u8]) -> Hash {
    blake3::keyed_hash(key, password)
}

/// A hash that costs what most do, and whether some cost something else. Made by the same command, all cost
/// the same.
fn usual<'a>(rows: impl Iterator<Item = &'a Row>) -> (Option<&'a Hashed>, bool) {
    let mut costs: BTreeMap<_, (usize, &Hashed)> = BTreeMap::new();
    for row in rows {
        if let Row::Hashed(hashed) = row {
            costs.entry(hashed.cost()).or_insert((0, hashed)).0 += 1;
        }
    }
    let usual = costs.values().max_by_key(|(count, _)| *count).map(|(_, hashed)| *hashed);
    (usual, costs.len() > 1)
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({} users)", self.rows.len())
    }
}
