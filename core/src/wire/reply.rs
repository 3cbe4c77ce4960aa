//! What a server says.

use bytes::Bytes;

use super::ending::{Farewell, LoginRefusal};
use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, RawFrame, Start};
use super::hello::Greeting;
use super::kind::Kind;
use super::names::NamesPage;
use super::offers::{Found, pattern};
use super::outcome::Outcome;
use super::presence::PresenceList;
use super::swarm::SwarmPage;
use super::vouch::Vouch;
use crate::id::{MsgId, RequestId, Seq};
use crate::name::Name;
use crate::pattern::Pattern;
use crate::text::Text;

/// A frame from the server, as a client decodes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFrame {
    /// The first frame.
    Greeting(Greeting),
    /// The login succeeded.
    Welcome {
        /// The user's name.
        name: Name,
    },
    /// The login did not succeed.
    LoginRefused(LoginRefusal),
    /// The client broke the protocol; the connection is closed.
    Fault(PeerFault),
    /// The server ends the connection for a reason that a person should know.
    Farewell(Farewell),
    /// A letter from the mailbox; to be acknowledged once shown.
    Mail {
        /// Its place in the mailbox.
        seq: Seq,
        /// The identity its sender gave it.
        id: MsgId,
        /// Who said it.
        from: Name,
        /// What was said.
        text: Text,
    },
    /// A broadcast.
    Cast {
        /// Who said it.
        from: Name,
        /// What was said.
        text: Text,
    },
    /// Who came and went, in order.
    Presence(PresenceList),
    /// An introduction to somebody.
    Vouch(Vouch),
    /// The outcome of a request.
    Done {
        /// Which request.
        request: RequestId,
        /// How it ended.
        outcome: Outcome,
    },
    /// Names in answer to a request, in no particular order; several pages make one answer.
    Names(NamesPage),
    /// A question: which files does this client offer?
    Ask {
        /// The number of the question.
        question: u32,
        /// What their names must fit.
        pattern: Pattern,
    },
    /// Files in answer to a request; several pages make one answer.
    Found(Found),
    /// Who takes part in a content, and how many copies there are.
    Swarm(SwarmPage),
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

impl ServerFrame {
    /// The frame that says it. A text stays in its bytes.
    ///
    /// # Panics
    /// If a product string breaks its rules, or a list is longer than a frame can hold.
    #[must_use]
    pub fn frame(&self) -> Frame {
        match self {
            ServerFrame::Greeting(greeting) => greeting.frame(),
            ServerFrame::Welcome { name } => Start::of(Kind::WELCOME).name(*name).end(Bytes::new()),
            ServerFrame::LoginRefused(refusal) => refusal.frame(),
            ServerFrame::Fault(fault) => Start::of(Kind::FAULT).u8(fault.code()).end(Bytes::new()),
            ServerFrame::Farewell(farewell) => farewell.frame(),
            ServerFrame::Mail { seq, id, from, text } => Frame::mail(*seq, *id, *from, text),
            ServerFrame::Cast { from, text } => Frame::cast(*from, text),
            ServerFrame::Presence(list) => list.frame(),
            ServerFrame::Vouch(vouch) => vouch.frame(),
            ServerFrame::Done { request, outcome } => Frame::done(*request, *outcome),
            ServerFrame::Names(page) => page.frame(),
            ServerFrame::Ask { question, pattern } => {
                let pattern = Bytes::copy_from_slice(pattern.as_bytes());
                Start::of(Kind::ASK).u32(*question).end(pattern)
            }
            ServerFrame::Found(found) => found.frame(),
            ServerFrame::Swarm(page) => page.frame(),
            ServerFrame::Ping { nonce } => Frame::ping(*nonce),
            ServerFrame::Pong { nonce } => Frame::pong(*nonce),
        }
    }

    /// Reads a frame of a server. A text stays a slice of what came in.
    ///
    /// # Errors
    /// [`PeerFault::Version`] for a greeting of another version, whatever else stands in it; for the rest
    /// as [`Request::decode`](super::Request::decode).
    pub fn decode(raw: RawFrame) -> Result<ServerFrame, PeerFault> {
        let mut fields = Fields::of(raw.body);
        let frame = match raw.kind {
            Kind::MAIL => {
                let (seq, id, from) = (fields.seq()?, fields.msg_id()?, fields.name()?);
                return Ok(ServerFrame::Mail { seq, id, from, text: fields.text()? });
            }
            Kind::CAST => {
                let from = fields.name()?;
                return Ok(ServerFrame::Cast { from, text: fields.text()? });
            }
            Kind::GREETING => ServerFrame::Greeting(Greeting::read(&mut fields)?),
            Kind::WELCOME => ServerFrame::Welcome { name: fields.name()? },
            Kind::LOGIN_REFUSED => ServerFrame::LoginRefused(LoginRefusal::read(&mut fields)?),
            Kind::FAULT => ServerFrame::Fault(fault(&mut fields)?),
            Kind::FAREWELL => ServerFrame::Farewell(Farewell::read(&mut fields)?),
            Kind::PRESENCE => ServerFrame::Presence(PresenceList::read(&mut fields)?),
            Kind::VOUCH => ServerFrame::Vouch(Vouch::read(&mut fields)?),
            Kind::DONE => {
                ServerFrame::Done { request: fields.request()?, outcome: Outcome::read(&mut fields)? }
            }
            Kind::NAMES => ServerFrame::Names(NamesPage::read(&mut fields)?),
            Kind::ASK => ServerFrame::Ask { question: fields.u32()?, pattern: pattern(&mut fields)? },
            Kind::FOUND => ServerFrame::Found(Found::read(&mut fields)?),
            Kind::SWARM => ServerFrame::Swarm(SwarmPage::read(&mut fields)?),
            Kind::PING => ServerFrame::Ping { nonce: fields.u32()? },
            Kind::PONG => ServerFrame::Pong { nonce: fields.u32()? },
            _ => return Err(PeerFault::OutOfState),
        };
        fields.end(frame)
    }
}

fn fault(fields: &mut Fields) -> Result<PeerFault, PeerFault> {
    PeerFault::from_code(fields.u8()?).ok_or(PeerFault::Malformed)
}
