//! Names of users and of accounts.

use core::fmt;
use core::hash::{Hash, Hasher};

/// A user name: 1 to 32 ASCII letters, digits, `_`, `.` or `-`, compared byte for byte.
///
/// Kept inline, so that copying one costs no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    len: u8,
    bytes: [u8; Name::MAX],
}

/// Why bytes are not a [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAName {
    /// No byte at all.
    Empty,
    /// More than [`Name::MAX`] bytes.
    TooLong,
    /// A byte that a name cannot hold.
    Forbidden(u8),
}

impl Name {
    /// The most bytes a name has.
    pub const MAX: usize = 32;

    /// Checks `bytes` and keeps them as a name.
    ///
    /// # Errors
    /// [`NotAName`] says which rule they break.
    pub fn parse(bytes: &[u8]) -> Result<Name, NotAName> {
        if bytes.is_empty() {
            return Err(NotAName::Empty);
        }
        if bytes.len() > Name::MAX {
            return Err(NotAName::TooLong);
        }
        if let Some(&bad) = bytes.iter().find(|b| !is_name_byte(**b)) {
            return Err(NotAName::Forbidden(bad));
        }
        let mut name = Name { len: 0, bytes: [0; Name::MAX] };
        name.bytes[..bytes.len()].copy_from_slice(bytes);
        name.len = u8::try_from(bytes.len()).unwrap_or(0);
        Ok(name)
    }

    /// The name as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// How many bytes it has, 1 to [`Name::MAX`].
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a name is never empty")]
    pub const fn len(&self) -> u8 {
        self.len
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

const fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// What failed logins are counted under: the first bytes of whatever was given as a name.
///
/// Known users, unknown users and strings that cannot be names at all have the same kind of account,
/// so that nobody can tell them apart. Two impossible names that agree in their first
/// [`AccountName::MAX`] bytes share one; a valid name is never cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountName {
    bytes: [u8; AccountName::MAX],
    len: u8,
}

impl AccountName {
    /// How many bytes count.
    pub const MAX: usize = 48;

    /// The account of whoever calls himself `given`.
    #[must_use]
    pub fn of(given: &[u8]) -> AccountName {
        let len = given.len().min(AccountName::MAX);
        let mut bytes = [0; AccountName::MAX];
        bytes[..len].copy_from_slice(&given[..len]);
        AccountName { bytes, len: u8::try_from(len).unwrap_or(0) }
    }

    /// The bytes that count.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl From<Name> for AccountName {
    fn from(name: Name) -> Self {
        AccountName::of(name.as_bytes())
    }
}

impl fmt::Debug for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountName({})", self.as_bytes().escape_ascii())
    }
}
