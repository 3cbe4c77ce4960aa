//! One way to an account, with a door of its own.

use crate::device::DeviceKey;
use crate::name::AccountName;

/// What failed logins are counted under: an account, or one device of its user apart from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub(crate) account: AccountName,
    /// Nothing: everybody who has no lane of his own.
    pub(crate) device: Option<DeviceKey>,
}
