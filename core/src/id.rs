//! Identities: small numbers with one meaning each.

use core::fmt;

/// One connection of a driver: a dense slot and the generation of its use.
///
/// Slots are reused, pairs never: an action for a connection that is gone can be recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// Index into the driver's table of connections; the lowest free one is taken.
    pub slot: u32,
    /// Raised each time the slot is taken.
    pub generation: u32,
}

impl ConnId {
    /// The slot as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.slot as usize
    }
}

/// A user, as the store numbered the name at first sight. Never reused, not even for the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u32);

impl UserId {
    /// The user's number as an index into dense tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which data folder a server lives in: drawn once when the folder is made.
///
/// A client keeps its [`Seq`] cursor per server and drops it when this number changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u64);

/// One life of a server process over its store; raised and committed before it listens.
/// At most 2²³ − 1, so that a [`Seq`] fits a signed 64-bit column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The largest epoch.
    pub const MAX: Epoch = Epoch((1 << 23) - 1);
}

/// The place of a letter in its receiver's mailbox: the epoch in the high 24 bits, a count in the low 40.
///
/// Ordered as delivered. A number given in an epoch but lost before its commit is smaller than every
/// number of the next epoch, so it can never be taken for another letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Before every letter: the cursor of a device that has seen nothing.
    pub const START: Seq = Seq(0);
    /// The last place of the largest epoch. Whatever is greater comes from no server.
    pub const MAX: Seq = Seq((1 << 63) - 1);
    const COUNT_BITS: u32 = 40;

    /// The place before the first letter of `epoch`.
    #[must_use]
    pub const fn before_first(epoch: Epoch) -> Seq {
        Seq((epoch.0 as u64) << Self::COUNT_BITS)
    }

    /// The next place in the same epoch (a mailbox would have to receive 10¹² letters to leave it).
    #[must_use]
    pub const fn next(self) -> Seq {
        Seq(self.0 + 1)
    }

    /// The epoch that gave this place.
    #[must_use]
    pub const fn epoch(self) -> Epoch {
        Epoch((self.0 >> Self::COUNT_BITS) as u32)
    }

    /// As it stands on the wire and in the store.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// From the wire or the store.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Seq {
        Seq(bits)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> Self::COUNT_BITS, self.0 & ((1 << Self::COUNT_BITS) - 1))
    }
}

/// The identity of a message, made by the client that sends it: resending it is harmless.
///
/// One instance never uses a counter twice and sends counters in rising order, so whoever receives
/// keeps one high-water mark an instance and knows in O(1) what is a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MsgId {
    /// A run of a client on a device, drawn at random.
    pub instance: u64,
    /// Counts from 1.
    pub counter: u64,
}

/// A request of one connection, numbered by the client; its reply carries the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u32);

/// A round trip to something slow (password check, store): the answer carries the order's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);
