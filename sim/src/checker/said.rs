//! What is known of one message, from its typing to its showing.

use std::collections::BTreeSet;

use starling_core::id::Seq;

use super::book::Book;

/// Devices of one user.
pub const DEVICES: usize = 2;

/// What waited for somebody when he was welcomed.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog {
    pub(super) left: BTreeSet<u32>,
    /// Some of it may have been handled only later: it came behind commands that had to wait.
    pub(super) vague: bool,
}

/// A message, from its typing on. Its number is its place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Letter {
    /// It is a message at all; numbers are shared with broadcasts.
    pub(super) typed: bool,
    pub(super) number: Option<u32>,
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) print: u64,
    pub(super) bytes: usize,
    pub(super) heard: Option<u64>,
    /// On which connection.
    pub(super) heard_on: Option<u32>,
    /// In which life of the server it was heard.
    pub(super) life: u32,
    /// Where it was sent from its mailbox.
    pub(super) seq: Option<Seq>,
    pub(super) answer: Option<Answer>,
    pub(super) durable: bool,
    /// It was on the disk and is no more.
    pub(super) deleted: bool,
    /// Its receiver's client has acknowledged it, on this connection.
    pub(super) arrived: Option<u32>,
    /// By device.
    pub(super) shown: [u8; DEVICES],
    /// By device: it may be shown once more, since its note was lost.
    pub(super) again: [bool; DEVICES],
    pub(super) tellings: u32,
    pub(super) stored_telling: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Safe,
    /// It cannot have reached anybody.
    Never,
    /// It may have reached its receiver.
    Perhaps,
}

impl Letter {
    /// An acknowledgement behind commands that had to wait may never have been looked at.
    pub(super) fn has_surely_arrived(&self, book: &Book) -> bool {
        self.arrived.is_some_and(|link| !book.sight(link).was_paused)
    }
}

/// A fingerprint of what was said (FNV-1a over words): what was written is what is shown.
pub(super) fn print(text: &[u8]) -> u64 {
    let (words, rest) = text.as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    words.chain(rest).fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(7)
    })
}
