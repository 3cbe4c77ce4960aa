//! Which names are users.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::id::UserId;
use crate::name::{AccountName, Name};

/// The users of the credentials, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    by_name: BTreeMap<Name, UserId>,
}

impl Directory {
    pub(crate) fn new(users: impl IntoIterator<Item = (UserId, Name)>) -> Directory {
        let mut pairs: Vec<(Name, UserId)> = users.into_iter().map(|(id, name)| (name, id)).collect();
        pairs.sort_unstable();
        Directory { by_name: pairs.into_iter().collect() }
    }

    pub(crate) fn find(&self, name: Name) -> Option<UserId> {
        self.by_name.get(&name).copied()
    }

    pub(crate) fn has_account(&self, account: AccountName) -> bool {
        Name::parse(account.as_bytes()).is_ok_and(|name| self.by_name.contains_key(&name))
    }
}
