//! What two clients say to each other.

use bytes::Bytes;

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, RawFrame, Start};
use super::hello::VERSION;
use super::kind::Kind;
use super::transfer::Transfer;
use super::vouch::{role, role_code};
use crate::direct::{Pass, Role};
use crate::text::Text;

/// A frame from another client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerFrame {
    /// The first frame of either side: for which introduction the connection is.
    Meet {
        /// The protocol version.
        version: u16,
        /// The introduction.
        pass: Pass,
        /// What the one is who says it.
        role: Role,
    },
    /// The caller says: this connection it shall be.
    Open,
    /// The one who is called agrees: the session begins.
    Opened,
    /// A text of a private session.
    Whisper {
        /// What is said.
        text: Text,
    },
    /// So many texts of this session have been shown. No reply.
    Heard {
        /// All of them, from the beginning; cumulative.
        count: u64,
    },
    /// The session is over; nothing follows.
    Bye(Parting),
    /// It is about files.
    Transfer(Transfer),
    /// A sign of life.
    Ping {
        /// Comes back in the answer.
        nonce: u32,
    },
    /// The answer to a ping.
    Pong {
        /// The nonce of the ping.
        nonce: u32,
    },
}

/// Why somebody ends a connection to another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// He stopped the session.
    Stopped,
    /// He logged out, or was logged out.
    LoggedOut,
}

impl PeerFrame {
    /// The first frame of this version of the protocol.
    #[must_use]
    pub fn meet(pass: Pass, role: Role) -> PeerFrame {
        PeerFrame::Meet { version: VERSION, pass, role }
    }

    /// The frame that says it. A text stays in its bytes.
    #[must_use]
    pub fn frame(&self) -> Frame {
        let none = Bytes::new();
        match self {
            PeerFrame::Meet { version, pass, role } => {
                Start::of(Kind::MEET).u16(*version).bytes(&pass.0).u8(role_code(*role)).end(none)
            }
            PeerFrame::Open => Start::of(Kind::OPEN).end(none),
            PeerFrame::Opened => Start::of(Kind::OPENED).end(none),
            PeerFrame::Whisper { text } => Start::of(Kind::WHISPER).end(text.bytes().clone()),
            PeerFrame::Heard { count } => Start::of(Kind::HEARD).u64(*count).end(none),
            PeerFrame::Bye(parting) => Start::of(Kind::BYE).u8(parting.code()).end(none),
            PeerFrame::Transfer(transfer) => transfer.frame(),
            PeerFrame::Ping { nonce } => Frame::ping(*nonce),
            PeerFrame::Pong { nonce } => Frame::pong(*nonce),
        }
    }

    /// Reads a frame of another client. A text stays a slice of what came in.
    ///
    /// # Errors
    /// [`PeerFault::Version`] for a first frame of another version, whatever else stands in it; for the rest as
    /// [`Request::decode`](super::Request::decode).
    pub fn decode(raw: RawFrame) -> Result<PeerFrame, PeerFault> {
        if let Some(transfer) = Transfer::decode(&raw)? {
            return Ok(PeerFrame::Transfer(transfer));
        }
        let mut fields = Fields::of(raw.body);
        let frame = match raw.kind {
            Kind::WHISPER => return Ok(PeerFrame::Whisper { text: fields.text()? }),
            Kind::MEET => {
                let version = fields.u16()?;
                if version != VERSION {
                    return Err(PeerFault::Version);
                }
                PeerFrame::Meet { version, pass: Pass(fields.array()?), role: role(&mut fields)? }
            }
            Kind::OPEN => PeerFrame::Open,
            Kind::OPENED => PeerFrame::Opened,
            Kind::HEARD => PeerFrame::Heard { count: fields.u64()? },
            Kind::BYE => PeerFrame::Bye(Parting::read(&mut fields)?),
            Kind::PING => PeerFrame::Ping { nonce: fields.u32()? },
            Kind::PONG => PeerFrame::Pong { nonce: fields.u32()? },
            _ => return Err(PeerFault::OutOfState),
        };
        fields.end(frame)
    }
}

impl Parting {
    const fn code(self) -> u8 {
        match self {
            Parting::Stopped => 1,
            Parting::LoggedOut => 2,
        }
    }

    fn read(fields: &mut Fields) -> Result<Parting, PeerFault> {
        match fields.u8()? {
            1 => Ok(Parting::Stopped),
            2 => Ok(Parting::LoggedOut),
            _ => Err(PeerFault::Malformed),
        }
    }
}
