//! What a request asks, and of whom.

use core::net::IpAddr;

use super::envelope::{Asker, ReplyTo, ToExchange, ToHome};
use crate::direct::Purpose;
use crate::id::{ConnId, RequestId, UserId};
use crate::pattern::Pattern;
use crate::wire::{Frame, Outcome, Request, ServerFrame};

/// What follows from a request.
pub(super) enum Wish {
    /// The user's home decides.
    Home(ToHome),
    /// It is about files that are offered.
    Exchange(ToExchange),
    /// It is answered at once.
    Answer(Frame),
    /// It is the last, and answered so.
    Goodbye(Frame),
    /// Nothing: it was enough to hear it.
    Nothing,
}

/// What `request` asks when `user` makes it on `conn`, which comes from `seen`.
pub(super) fn wish_of(request: Request, user: UserId, conn: ConnId, seen: IpAddr) -> Wish {
    let reply = |request: RequestId| ReplyTo { conn, request };
    let asker = |request: RequestId| Asker { user, reply: reply(request) };
    Wish::Home(match request {
        Request::Message { request, id, to, text } => ToHome::Say { reply: reply(request), id, to, text },
        Request::Broadcast { request, text } => ToHome::Cast { asker: asker(request), text },
        Request::Who { request } => ToHome::Who { asker: asker(request), seconds: None },
        Request::Since { request, seconds } => ToHome::Who { asker: asker(request), seconds: Some(seconds) },
        Request::Block { request, whom } => ToHome::Block { reply: reply(request), whom, on: true },
        Request::Unblock { request, whom } => ToHome::Block { reply: reply(request), whom, on: false },
        Request::Call { request, purpose, whom } => ToHome::Call { reply: reply(request), purpose, whom },
        Request::Know { request, whom } => ToHome::Know { reply: reply(request), whom },
        Request::Files { request, pattern } => ToHome::Files { reply: reply(request), pattern },
        // A name holds no wildcard: the only name that fits it is itself.
        Request::Seek { request, name, .. } => {
            ToHome::Files { reply: reply(request), pattern: Pattern::from(name) }
        }
        Request::Share(share) => ToHome::Share { conn, share },
        Request::News(news) => ToHome::News { conn, news },
        Request::Leave { content } => ToHome::Leave { conn, content },
        Request::Offers(offers) => return Wish::Exchange(ToExchange::Offers { user, offers }),
        Request::More { request } => return Wish::Exchange(ToExchange::More { reply: reply(request) }),
        Request::Reach(reach) => ToHome::Reachable { conn, seen, reach },
        Request::Ack { seq } => ToHome::Ack { conn, seq },
        Request::Logout { request } => return Wish::Goodbye(Frame::done(request, Outcome::LoggedOut)),
        Request::Ping { nonce } => return Wish::Answer(ServerFrame::Pong { nonce }.frame()),
        Request::Active | Request::Pong { .. } => return Wish::Nothing,
    })
}

/// Whether it only says that the client is there, not that a person is.
pub(super) fn is_sign_of_life(request: &Request) -> bool {
    matches!(
        request,
        Request::Ack { .. }
            | Request::Offers(_)
            | Request::More { .. }
            | Request::Reach(_)
            | Request::Share(_)
            | Request::News(_)
            | Request::Leave { .. }
            | Request::Ping { .. }
            | Request::Pong { .. }
    )
}

/// Whether a person has made it, now.
pub(super) fn is_activity(request: &Request) -> bool {
    let is_of_a_download =
        matches!(request, Request::Seek { again: true, .. } | Request::Call { purpose: Purpose::Fetch, .. });
    !is_of_a_download && !is_sign_of_life(request)
}

/// Whether it is answered in its turn.
pub(super) fn has_a_turn(request: &Request) -> bool {
    !is_sign_of_life(request) && !matches!(request, Request::Active)
}
