//! Deliberate mistakes, for measuring whether the simulator finds them.

/// A mistake that a server makes if it is told to. The type exists only for simulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Mail to somebody who is offline is stored without asking his block list.
    BlockSkippedOffline,
    /// A broadcast goes to those who blocked its sender, too.
    BroadcastIgnoresBlocks,
    /// Presence is told to those from whom it is hidden.
    PresenceToBlocked,
    /// `whoelse` shows those who blocked the asker.
    WhoShowsBlockers,
    /// A new life of the server gives places of the old epoch.
    EpochNotRaised,
    /// A failed login counts twice.
    FailureCountedTwice,
    /// A lock ends a microsecond late.
    LockEndsLate,
    /// Failed logins are not written down.
    FailuresNotStored,
    /// A person is timed out a microsecond late.
    TimeoutLate,
    /// What the server receives as keep-alive counts as activity.
    KeepAliveIsActivity,
    /// Mail is acknowledged to its sender before it is safe.
    AcceptedTooEarly,
    /// Mail that was sent counts as received when the connection breaks.
    SentIsReceived,
    /// A block is not written down.
    BlockNotStored,
    /// The right password is welcome although the user is online.
    TwoSessions,
}
