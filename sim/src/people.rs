//! The users of a world: their names and their passwords.

use bytes::Bytes;
use starling_core::name::Name;

/// Whoever is in the credentials, by a small number.
#[derive(Clone, Debug)]
pub struct People {
    names: Vec<Name>,
    passwords: Vec<Bytes>,
    /// Users by the hash of their names, open addressing; a world looks names up all the time.
    table: Vec<Option<u16>>,
}

const FIRST: [&str; 6] = ["hans", "yoda", "luke", "vader", "r2d2", "leia"];

impl People {
    /// So many persons, then so many accounts of hosts that misbehave.
    #[must_use]
    pub fn new(persons: u16, rogues: u16) -> People {
        let person = |n: u16| match FIRST.get(usize::from(n)) {
            Some(name) => (*name).to_owned(),
            None => format!("p{n:04}"),
        };
        let names = (0..persons).map(person).chain((0..rogues).map(|n| format!("rogue{n}")));
        let users: Vec<_> = names.map(|name| (name.clone(), format!("secret of {name}"))).collect();
        People::named(users.iter().map(|(name, password)| (name.as_str(), password.as_str())))
    }

    /// Users of given names and passwords.
    ///
    /// # Panics
    /// If one of them is not a name.
    pub fn named<'a>(users: impl IntoIterator<Item = (&'a str, &'a str)>) -> People {
        let user = |(name, password): (&str, &'a str)| {
            (Name::parse(name.as_bytes()).expect("a name"), Bytes::copy_from_slice(password.as_bytes()))
        };
        let (names, passwords): (Vec<Name>, Vec<Bytes>) = users.into_iter().map(user).unzip();
        let mut table = vec![None; (names.len() * 4).next_power_of_two()];
        for (user, name) in (0_u16..).zip(&names) {
            let mut at = hash(*name) % table.len();
            while table[at].is_some() {
                at = (at + 1) % table.len();
            }
            table[at] = Some(user);
        }
        People { names, passwords, table }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// All names, by number.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// The name of a user.
    #[must_use]
    pub fn name(&self, user: u16) -> Name {
        self.names[usize::from(user)]
    }

    /// The user of a name.
    #[must_use]
    pub fn find(&self, name: Name) -> Option<u16> {
        let mut at = hash(name) % self.table.len();
        loop {
            let user = self.table[at]?;
            if self.name(user) == name {
                return Some(user);
            }
            at = (at + 1) % self.table.len();
        }
    }

    /// The password of a user.
    #[must_use]
    pub fn password(&self, user: u16) -> Bytes {
        self.passwords[usize::from(user)].clone()
    }

    /// Whether a password opens a name.
    #[must_use]
    pub fn opens(&self, name: &[u8], password: &[u8]) -> bool {
        let user = Name::parse(name).ok().and_then(|name| self.find(name));
        user.is_some_and(|user| self.password(user) == password)
    }
}

/// FNV-1a.
fn hash(name: Name) -> usize {
    let fold = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    name.as_bytes().iter().fold(0x811c_9dc5, fold) as usize
}
