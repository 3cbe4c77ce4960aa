//! Who has appeared or disappeared for one downloader alone.

use alloc::collections::BTreeSet;

use crate::id::UserId;

/// What a downloader is to be told beside what all are told. Everybody is in one of the sets at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    /// He may see them now.
    pub(super) appeared: BTreeSet<UserId>,
    /// He must not see them any more.
    pub(super) disappeared: BTreeSet<UserId>,
}

impl Sight {
    pub(super) fn set(&mut self, whom: UserId, on: bool) {
        let (into, out_of) = match on {
            true => (&mut self.appeared, &mut self.disappeared),
            false => (&mut self.disappeared, &mut self.appeared),
        };
        into.insert(whom);
        out_of.remove(&whom);
    }
}
