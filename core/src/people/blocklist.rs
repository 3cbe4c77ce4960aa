//! Whom one user blocks, and who blocks him.

use alloc::sync::Arc;

use crate::id::UserId;

/// A small set of users, ascending; handing it out costs no copy.
pub type UserSet = Arc<[UserId]>;

/// Both directions of the block relation around one user.
///
/// `blocked` is the truth and is stored; `blocked_by` is its inverse, told by the homes of the
/// blockers, so that no question has to be asked for each recipient of a broadcast.
#[derive(Clone, Debug, Default)]
pub struct Blocklist {
    blocked: Option<UserSet>,
    blocked_by: Option<UserSet>,
}

impl Blocklist {
    /// Whether he blocks `whom`.
    #[must_use]
    pub fn blocks(&self, whom: UserId) -> bool {
        contains(&self.blocked, whom)
    }

    /// Whether `by` blocks him.
    #[must_use]
    pub fn is_blocked_by(&self, by: UserId) -> bool {
        contains(&self.blocked_by, by)
    }

    /// Sets whether he blocks `whom`; false if it was so already.
    pub fn set(&mut self, whom: UserId, on: bool) -> bool {
        change(&mut self.blocked, whom, on)
    }

    /// Notes whether `by` blocks him; false if it was so already.
    pub fn set_blocked_by(&mut self, by: UserId, on: bool) -> bool {
        change(&mut self.blocked_by, by, on)
    }

    /// Whom he blocks: his presence is hidden from them.
    #[must_use]
    pub fn blocked(&self) -> Option<UserSet> {
        self.blocked.clone()
    }

    /// Who blocks him: they do not exist for him.
    #[must_use]
    pub fn blocked_by(&self) -> Option<UserSet> {
        self.blocked_by.clone()
    }
}

/// Whether `set` holds `user`.
#[must_use]
pub fn contains(set: &Option<UserSet>, user: UserId) -> bool {
    set.as_ref().is_some_and(|set| set.binary_search(&user).is_ok())
}

fn change(set: &mut Option<UserSet>, user: UserId, on: bool) -> bool {
    let old = set.as_deref().unwrap_or_default();
    let new: UserSet = match (old.binary_search(&user), on) {
        (Ok(_), true) | (Err(_), false) => return false,
        (Err(at), true) => old[..at].iter().chain([&user]).chain(&old[at..]).copied().collect(),
        (Ok(at), false) => old[..at].iter().chain(&old[at + 1..]).copied().collect(),
    };
    *set = (!new.is_empty()).then_some(new);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_what_was_put_in_and_not_taken_out() {
        let mut list = Blocklist::default();
        assert!(list.set(UserId(5), true));
        assert!(list.set(UserId(2), true));
        assert!(!list.set(UserId(5), true));
        assert_eq!(list.blocked().as_deref(), Some(&[UserId(2), UserId(5)][..]));
        assert!(list.blocks(UserId(2)) && !list.blocks(UserId(3)));
        assert!(list.set(UserId(2), false));
        assert!(!list.set(UserId(2), false));
        assert!(list.set(UserId(5), false));
        assert_eq!(list.blocked(), None);
    }
}
