//! What a peer can do wrong.

use core::fmt;

/// The peer broke the protocol. It is told so with a FAULT frame, and its connection is closed.
///
/// The numbers are those of PROTOCOL.md and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PeerFault {
    /// A kind of frame that does not exist, or has its reserved bit set.
    UnknownKind = 1,
    /// A kind that exists, but not in this state of the connection or in this direction.
    OutOfState = 2,
    /// Longer than this kind may be in this state.
    TooLong = 3,
    /// The body ends before its fields do.
    Truncated = 4,
    /// The body goes on after its fields.
    Overlong = 5,
    /// A field has a value that its type does not have.
    Malformed = 6,
    /// The first frame is not a HELLO of this protocol.
    NotStarling = 7,
    /// A protocol version that this side does not speak.
    Version = 8,
    /// A kind that is reserved for a later version.
    Reserved = 9,
    /// An acknowledgement of mail that was never sent.
    BadAck = 10,
    /// More requests under way than a client may have.
    TooMany = 11,
    /// A proof of a device that does not hold on this connection.
    BadProof = 12,
}

impl PeerFault {
    /// Every fault, in the order of the numbers.
    pub const ALL: [PeerFault; 12] = [
        PeerFault::UnknownKind,
        PeerFault::OutOfState,
        PeerFault::TooLong,
        PeerFault::Truncated,
        PeerFault::Overlong,
        PeerFault::Malformed,
        PeerFault::NotStarling,
        PeerFault::Version,
        PeerFault::Reserved,
        PeerFault::BadAck,
        PeerFault::TooMany,
        PeerFault::BadProof,
    ];

    /// Its number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The fault with this number, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<PeerFault> {
        PeerFault::ALL.into_iter().find(|fault| fault.code() == code)
    }
}

impl fmt::Display for PeerFault {
    /// One line: what is wrong, and what would be right.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PeerFault::UnknownKind => "unknown kind of frame: this version of the protocol has no such kind",
            PeerFault::OutOfState => "frame out of state: its kind is not allowed here now",
            PeerFault::TooLong => "frame too long: its kind has a lower limit in this state",
            PeerFault::Truncated => "truncated frame: the body ends before its last field",
            PeerFault::Overlong => "overlong frame: bytes follow the last field of the body",
            PeerFault::Malformed => "malformed frame: a field has a value outside its bounds",
            PeerFault::NotStarling => "not Starling: a connection begins with a HELLO and its magic bytes",
            PeerFault::Version => "unsupported version: this side does not speak that protocol version",
            PeerFault::Reserved => "reserved kind: it has no meaning before a later version",
            PeerFault::BadAck => "bad acknowledgement: no letter of that number was sent on this connection",
            PeerFault::TooMany => "too many requests: more are under way than a client may have",
            PeerFault::BadProof => {
                "bad proof: it does not show on this connection that the device has its key"
            }
        })
    }
}

impl core::error::Error for PeerFault {}

#[cfg(test)]
mod tests {
    use super::PeerFault;

    #[test]
    fn numbers_lead_back_to_their_faults() {
        for (code, fault) in (1..).zip(PeerFault::ALL) {
            assert_eq!(fault.code(), code);
            assert_eq!(PeerFault::from_code(code), Some(fault));
        }
        assert_eq!(PeerFault::from_code(0), None);
        assert_eq!(PeerFault::from_code(13), None);
    }
}
