//! Why a login or a connection ends.

use bytes::Bytes;

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, Start};
use super::kind::Kind;

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Wrong name or password; another try on this connection is welcome.
    TryAgain,
    /// That failure locked the account. The server closes.
    LockedNow {
        /// For how long, whole seconds.
        seconds: u32,
    },
    /// The account is locked. The server closes.
    Locked {
        /// What is left, rounded up to whole seconds.
        seconds: u32,
    },
    /// The password is right, but the user is online. The server closes.
    AlreadyOnline,
    /// Too many attempts at once, or the server is stopping. The server closes.
    Busy,
}

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The server stops.
    ShuttingDown,
    /// The person did nothing for so long.
    Idle {
        /// The time-out, whole seconds.
        seconds: u32,
    },
    /// The client flooded on although it was slowed down.
    TooManyCommands,
}

impl LoginRefusal {
    pub(super) fn frame(self) -> Frame {
        let start = Start::of(Kind::LOGIN_REFUSED);
        let start = match self {
            LoginRefusal::TryAgain => start.u8(1),
            LoginRefusal::LockedNow { seconds } => start.u8(2).u32(seconds),
            LoginRefusal::Locked { seconds } => start.u8(3).u32(seconds),
            LoginRefusal::AlreadyOnline => start.u8(4),
            LoginRefusal::Busy => start.u8(5),
        };
        start.end(Bytes::new())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<LoginRefusal, PeerFault> {
        Ok(match fields.u8()? {
            1 => LoginRefusal::TryAgain,
            2 => LoginRefusal::LockedNow { seconds: fields.u32()? },
            3 => LoginRefusal::Locked { seconds: fields.u32()? },
            4 => LoginRefusal::AlreadyOnline,
            5 => LoginRefusal::Busy,
            _ => return Err(PeerFault::Malformed),
        })
    }
}

impl Farewell {
    pub(super) fn frame(self) -> Frame {
        let start = Start::of(Kind::FAREWELL);
        let start = match self {
            Farewell::ShuttingDown => start.u8(1),
            Farewell::Idle { seconds } => start.u8(2).u32(seconds),
            Farewell::TooManyCommands => start.u8(3),
        };
        start.end(Bytes::new())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Farewell, PeerFault> {
        Ok(match fields.u8()? {
            1 => Farewell::ShuttingDown,
            2 => Farewell::Idle { seconds: fields.u32()? },
            3 => Farewell::TooManyCommands,
            _ => return Err(PeerFault::Malformed),
        })
    }
}
