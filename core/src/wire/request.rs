//! What a client may say once it is logged in.

use bytes::Bytes;

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, RawFrame, Start};
use super::kind::Kind;
use super::offers::{Offers, pattern};
use super::swarm::{News, Share, about};
use super::transfer::content;
use super::vouch::{purpose, purpose_code};
use crate::direct::{Purpose, Reach};
use crate::filename::FileName;
use crate::id::{MsgId, RequestId, Seq};
use crate::name::Name;
use crate::pattern::Pattern;
use crate::swarm::Content;
use crate::text::Text;

/// A frame from a logged-in client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A text for one person.
    Message {
        /// Numbers the reply.
        request: RequestId,
        /// The identity of the message.
        id: MsgId,
        /// The receiver.
        to: Name,
        /// What is said.
        text: Text,
    },
    /// A text for everybody who is online.
    Broadcast {
        /// Numbers the reply.
        request: RequestId,
        /// What is said.
        text: Text,
    },
    /// Who is online?
    Who {
        /// Numbers the reply.
        request: RequestId,
    },
    /// Who was online at any moment of the last `seconds`?
    Since {
        /// Numbers the reply.
        request: RequestId,
        /// Saturated: `u64::MAX` means since the server started.
        seconds: u64,
    },
    /// Refuse messages from somebody, and hide from him.
    Block {
        /// Numbers the reply.
        request: RequestId,
        /// The person to block.
        whom: Name,
    },
    /// Undo a block.
    Unblock {
        /// Numbers the reply.
        request: RequestId,
        /// The person to unblock.
        whom: Name,
    },
    /// End the login.
    Logout {
        /// Numbers the reply.
        request: RequestId,
    },
    /// Introduce me to somebody.
    Call {
        /// Numbers the reply.
        request: RequestId,
        /// What for.
        purpose: Purpose,
        /// The person to be introduced to.
        whom: Name,
    },
    /// Is there such a user?
    Know {
        /// Numbers the reply.
        request: RequestId,
        /// The person that is asked about.
        whom: Name,
    },
    /// Which files are offered?
    Files {
        /// Numbers the reply.
        request: RequestId,
        /// What their names must fit.
        pattern: Pattern,
    },
    /// Who offers a file of this name?
    Seek {
        /// Numbers the reply.
        request: RequestId,
        /// It was asked before, and somebody was not yet ready to say: no activity of the person.
        again: bool,
        /// The name.
        name: FileName,
    },
    /// This client takes part in a content. Answered with SWARM if it watches.
    Share(Share),
    /// What has changed of what this client has. No reply.
    News(News),
    /// This client has nothing of a content any more. No reply.
    Leave {
        /// Of which.
        content: Content,
    },
    /// Files that this client offers, in answer to a question of the server. No reply.
    Offers(Offers),
    /// The next page of the answer to that request. It is the reply.
    More {
        /// The request.
        request: RequestId,
    },
    /// Where this client may be reached by others. No reply.
    Reach(Reach),
    /// Everything up to here has been shown. No reply.
    Ack {
        /// The last letter shown; cumulative.
        seq: Seq,
    },
    /// The person did something that needed no request. No reply.
    Active,
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

impl Request {
    /// The frame that says it. A text stays in its bytes.
    #[must_use]
    pub fn frame(&self) -> Frame {
        let numbered = |kind, request: &RequestId| Start::of(kind).request(*request);
        let none = Bytes::new();
        match self {
            Request::Message { request, id, to, text } => {
                numbered(Kind::MESSAGE, request).msg_id(*id).name(*to).end(text.bytes().clone())
            }
            Request::Broadcast { request, text } => {
                numbered(Kind::BROADCAST, request).end(text.bytes().clone())
            }
            Request::Who { request } => numbered(Kind::WHO, request).end(none),
            Request::Since { request, seconds } => numbered(Kind::SINCE, request).u64(*seconds).end(none),
            Request::Block { request, whom } => numbered(Kind::BLOCK, request).name(*whom).end(none),
            Request::Unblock { request, whom } => numbered(Kind::UNBLOCK, request).name(*whom).end(none),
            Request::Logout { request } => numbered(Kind::LOGOUT, request).end(none),
            Request::Call { request, purpose, whom } => {
                numbered(Kind::CALL, request).u8(purpose_code(*purpose)).name(*whom).end(none)
            }
            Request::Know { request, whom } => numbered(Kind::KNOW, request).name(*whom).end(none),
            Request::Files { request, pattern } => {
                numbered(Kind::FILES, request).end(Bytes::copy_from_slice(pattern.as_bytes()))
            }
            Request::Seek { request, again, name } => numbered(Kind::SEEK, request)
                .u8(u8::from(*again))
                .end(Bytes::copy_from_slice(name.as_bytes())),
            Request::Share(share) => share.frame(),
            Request::News(news) => news.frame(),
            Request::Leave { content } => about(Kind::LEAVE, *content).end(none),
            Request::Offers(offers) => offers.frame(),
            Request::More { request } => numbered(Kind::MORE, request).end(none),
            Request::Reach(reach) => reach.frame(),
            Request::Ack { seq } => Start::of(Kind::ACK).seq(*seq).end(none),
            Request::Active => Start::of(Kind::ACTIVE).end(none),
            Request::Ping { nonce } => Frame::ping(*nonce),
            Request::Pong { nonce } => Frame::pong(*nonce),
        }
    }

    /// Reads a frame of a user. A text stays a slice of what came in; nothing is allocated but for the lists of
    /// REACH and OFFERS.
    ///
    /// # Errors
    /// [`PeerFault::Truncated`] or [`PeerFault::Overlong`] if the body is too short or too long for its
    /// fields, [`PeerFault::Malformed`] if a value is out of its bounds, [`PeerFault::TooLong`] for a text
    /// over its limit, [`PeerFault::OutOfState`] for a kind that a [`Reader`](super::Reader) lets not
    /// through in this phase.
    pub fn decode(raw: RawFrame) -> Result<Request, PeerFault> {
        let mut fields = Fields::of(raw.body);
        let request = match raw.kind {
            Kind::MESSAGE => {
                let (request, id, to) = (fields.request()?, fields.msg_id()?, fields.name()?);
                return Ok(Request::Message { request, id, to, text: fields.text()? });
            }
            Kind::BROADCAST => {
                let request = fields.request()?;
                return Ok(Request::Broadcast { request, text: fields.text()? });
            }
            Kind::WHO => Request::Who { request: fields.request()? },
            Kind::SINCE => Request::Since { request: fields.request()?, seconds: fields.u64()? },
            Kind::BLOCK => Request::Block { request: fields.request()?, whom: fields.name()? },
            Kind::UNBLOCK => Request::Unblock { request: fields.request()?, whom: fields.name()? },
            Kind::LOGOUT => Request::Logout { request: fields.request()? },
            Kind::CALL => {
                let (request, purpose) = (fields.request()?, purpose(&mut fields)?);
                Request::Call { request, purpose, whom: fields.name()? }
            }
            Kind::KNOW => Request::Know { request: fields.request()?, whom: fields.name()? },
            Kind::FILES => Request::Files { request: fields.request()?, pattern: pattern(&mut fields)? },
            Kind::SEEK => {
                let (request, again) = (fields.request()?, fields.flag()?);
                let name = FileName::parse(&fields.bytes(fields.len())?).ok_or(PeerFault::Malformed)?;
                Request::Seek { request, again, name }
            }
            Kind::SHARE => Request::Share(Share::read(&mut fields)?),
            Kind::NEWS => Request::News(News::read(&mut fields)?),
            Kind::LEAVE => Request::Leave { content: content(&mut fields)? },
            Kind::MORE => Request::More { request: fields.request()? },
            Kind::OFFERS => Request::Offers(Offers::read(&mut fields)?),
            Kind::REACH => Request::Reach(Reach::read(&mut fields)?),
            Kind::ACK => Request::Ack { seq: fields.seq()? },
            Kind::ACTIVE => Request::Active,
            Kind::PING => Request::Ping { nonce: fields.u32()? },
            Kind::PONG => Request::Pong { nonce: fields.u32()? },
            _ => return Err(PeerFault::OutOfState),
        };
        fields.end(request)
    }
}
