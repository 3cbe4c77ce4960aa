//! What can go wrong in a world, by kind, and how often it did.

use std::fmt;

macro_rules! kinds {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $kind:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $kind,)* }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [$name] = &[$($name::$kind),*];

            /// In words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $($name::$kind => $text,)* }
            }

            /// Its place in [`Self::ALL`].
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.text())
            }
        }
    };
}
pub(crate) use kinds;

kinds! {
    /// A kind of fault. Which ones a world knows is drawn from its tape.
    FaultKind {
        /// A piece is much slower than its neighbours.
        Slow = "slow piece",
        /// A link carries only so many bytes a second.
        Narrow = "narrow link",
        /// A piece is cut in two at any byte.
        Cut = "cut piece",
        /// Pieces arrive as one.
        Join = "joined pieces",
        /// A system takes only a part of what is written.
        ShortWrite = "short write",
        /// A client does not run for a while.
        ReaderStall = "stalled reader",
        /// What a client writes is held up for a while.
        WriterStall = "stalled writer",
        /// One direction of one connection swallows everything for a while.
        BlackHole = "one-way black hole",
        /// Both directions of a connection are dead until the storm ends, and nobody is told.
        HalfOpen = "half-open connection",
        /// Everything towards a host, or from it, is held up for a while.
        Partition = "asymmetric partition",
        /// A connection is reset in the middle of what is under way.
        ResetMidway = "reset midway",
        /// A connection is reset and everything that is under way is lost.
        ResetUndelivered = "reset before delivery",
        /// Who closes with bytes unread makes the other side lose what was under way.
        RudeClose = "close with data under way",
        /// Nobody listens.
        Refused = "connect refused",
        /// The request to connect is held up.
        Hanging = "connect hanging",
        /// A client is killed.
        ClientKill = "client killed",
        /// The computer of a client loses power: nobody is told.
        ClientPower = "client without power",
        /// A client is killed after it showed a letter and before it noted it.
        KillAtNote = "killed at note",
        /// The server is killed.
        ServerKill = "server killed",
        /// The computer of the server loses power and boots again.
        ServerPower = "server without power",
        /// The operator stops the server.
        ServerStop = "server stopped",
        /// The store is slow.
        StoreSlow = "slow store",
        /// The store refuses a batch.
        StoreFailed = "failed commit",
        /// The disk is full for a while.
        StoreFull = "full disk",
        /// The store cannot tell, and has kept the batch.
        UnknownKept = "unknown, but kept",
        /// The store cannot tell, and has not kept the batch.
        UnknownLost = "unknown, and lost",
        /// The store cannot read a page.
        LoadFailed = "failed load",
        /// A crash loses what was not yet on the disk.
        BatchLost = "batch lost in crash",
        /// A crash comes between the commit and its answer.
        BatchUnanswered = "commit unanswered",
        /// A batch of an older life reaches the store and is refused.
        StaleBatch = "batch of an older life",
        /// The clock of a host runs fast.
        Drift = "drifting clock",
        /// An alarm of the server rings late.
        LateAlarm = "late alarm",
        /// The wall clock jumps.
        WallJump = "wall clock jump",
        /// Somebody floods the server with requests.
        Flood = "flood",
        /// Somebody sends noise instead of a login.
        Garbage = "garbage before login",
        /// Somebody logged in sends noise.
        GarbageOnline = "garbage after login",
        /// Somebody connects and says nothing.
        NeverLogin = "never logs in",
        /// Somebody logged in reads nothing.
        NeverRead = "never reads",
        /// Somebody sends one byte at a time, slowly.
        Dribble = "dribble",
        /// Somebody sends valid frames in the wrong state.
        WrongState = "frames in the wrong state",
        /// Somebody tries passwords of somebody else.
        Guess = "password guessing",
        /// Somebody announces a frame that is too long.
        Oversize = "oversized frame",
    }
}

/// How often each kind of fault struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults([u64; FaultKind::ALL.len()]);

impl Default for Faults {
    fn default() -> Self {
        Faults([0; FaultKind::ALL.len()])
    }
}

impl Faults {
    /// One more.
    pub fn count(&mut self, kind: FaultKind) {
        self.0[kind.index()] += 1;
    }

    /// How often `kind` struck.
    #[must_use]
    pub fn of(&self, kind: FaultKind) -> u64 {
        self.0[kind.index()]
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds another world's.
    pub fn add(&mut self, other: &Faults) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }
}

/// A set of kinds of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mask(u64);

impl Mask {
    /// No fault at all.
    pub const NONE: Mask = Mask(0);
    /// Every fault.
    pub const ALL: Mask = Mask(u64::MAX);

    /// The faults whose bits are set.
    #[must_use]
    pub const fn of_bits(bits: u64) -> Mask {
        Mask(bits)
    }

    /// Whether `kind` can strike.
    #[must_use]
    pub const fn has(self, kind: FaultKind) -> bool {
        self.0 >> kind.index() & 1 == 1
    }

    /// Without what the other has not.
    #[must_use]
    pub const fn and(self, other: Mask) -> Mask {
        Mask(self.0 & other.0)
    }

    /// Those of `kinds` that can strike.
    pub fn among(self, kinds: &'static [FaultKind]) -> impl Iterator<Item = FaultKind> + Clone {
        kinds.iter().copied().filter(move |kind| self.has(*kind))
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.among(FaultKind::ALL);
        match names.next() {
            None => f.write_str("none"),
            Some(first) => {
                write!(f, "{first}")?;
                names.try_for_each(|name| write!(f, ", {name}"))
            }
        }
    }
}
