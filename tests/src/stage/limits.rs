//! Limits that a transcript sets.

use std::time::Duration;

use starling_core::limits::Limits;

use crate::transcript::Setup;

/// The limits of a server for `setup`.
///
/// # Panics
/// If the transcript names a limit that no transcript has needed yet.
#[must_use]
pub(super) fn limits(setup: &Setup) -> Limits {
    let mut limits = Limits::default();
    for (key, value) in &setup.limits {
        let count = usize::try_from(*value).expect("32 bits fit");
        match key.as_str() {
            "attempts_waiting_max" => limits.attempts_waiting_max = count,
            "commands_burst" => limits.commands_burst = *value,
            "commands_per_second" => limits.commands_per_second = *value,
            "greeting_max" => limits.greeting_max = count,
            "login_deadline_s" => limits.login_deadline = Duration::from_secs((*value).into()),
            "mailbox_bytes_max" => limits.mailbox_bytes_max = count,
            "mailbox_letters_max" => limits.mailbox_letters_max = count,
            "mailbox_sender_part" => limits.mailbox_sender_part = count,
            "page_bytes" => limits.page_bytes = count,
            "strangers_max" => limits.strangers_max = count,
            "under_way_max" => limits.under_way_max = count,
            other => panic!("the stage knows no limit {other}"),
        }
    }
    limits
}
