//! What the inner machines tell each other.
//!
//! No step reads another user's state: on one node an envelope waits in a queue inside the same step,
//! on many it would travel. Each answers at most a bounded number of others, so a step ends.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::exchange::Asked;
use super::home::Place;
use crate::bucket::Bucket;
use crate::device::DeviceKey;
use crate::direct::{Pass, Purpose, Reach};
use crate::id::{ConnId, MsgId, RequestId, Seq, UserId};
use crate::name::{AccountName, Name};
use crate::pattern::Pattern;
use crate::people::blocklist::UserSet;
use crate::swarm::Content;
use crate::text::Text;
use crate::wire::{
    Farewell, LoginName, LoginRefusal, News, Offers, Outcome, Password, PeerFault, Refusal, Share,
};

/// Whom a reply is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplyTo {
    pub(crate) conn: ConnId,
    pub(crate) request: RequestId,
}

/// Somebody at the door.
#[derive(Clone, Debug)]
pub(crate) struct Knock {
    pub(crate) conn: ConnId,
    pub(crate) name: LoginName,
    pub(crate) password: Password,
    pub(crate) seen: Seq,
    /// The device from which it comes, if that is proven.
    pub(crate) device: Option<DeviceKey>,
}

/// Somebody has given the right password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Enter {
    pub(crate) conn: ConnId,
    pub(crate) seen: Seq,
    /// The device from which he comes, if that is proven.
    pub(crate) device: Option<DeviceKey>,
}

/// Somebody asks for another.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) by: UserId,
    pub(crate) name: Name,
    pub(crate) purpose: Purpose,
    pub(crate) pass: Pass,
    /// Where he is himself.
    pub(crate) place: Option<Box<Place>>,
    pub(crate) reply: ReplyTo,
}

/// Where the other one is.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) name: Name,
    pub(crate) pass: Pass,
    pub(crate) key: DeviceKey,
    pub(crate) candidates: Vec<SocketAddr>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) user: UserId,
    pub(crate) reply: ReplyTo,
}

#[derive(Clone, Debug)]
pub(crate) enum Envelope {
    Door(ToDoor),
    Home(UserId, ToHome),
    Roster(ToRoster),
    Exchange(ToExchange),
    Swarms(ToSwarms),
    Session(ConnId, ToSession),
}

/// For the door of an account.
#[derive(Clone, Debug)]
pub(crate) enum ToDoor {
    /// An attempt to log in.
    Knock(Knock),
    /// The home has decided about the attempt that it was handed; the next may be heard.
    Decided(AccountName),
}

/// For the home of a user.
#[derive(Clone, Debug)]
pub(crate) enum ToHome {
    /// The right password was given on `conn`.
    Enter(Enter),
    /// The session is there and has welcomed the user.
    Arrived { conn: ConnId },
    /// The session that was probed has answered.
    Alive { conn: ConnId },
    /// The user's session has ended.
    Left { conn: ConnId, bucket: Bucket },
    /// The user says something to another.
    Say { reply: ReplyTo, id: MsgId, to: Name, text: Text },
    /// Another says something to the user.
    Deliver { from: UserId, name: Name, id: MsgId, text: Text, reply: ReplyTo },
    /// The user says something to everybody.
    Cast { asker: Asker, text: Text },
    /// The user asks who is online, or was within so many seconds.
    Who { asker: Asker, seconds: Option<u64> },
    /// The user blocks somebody, or no longer.
    Block { reply: ReplyTo, whom: Name, on: bool },
    /// Another blocks the user, or no longer.
    BlockedBy { by: UserId, on: bool, reply: ReplyTo },
    /// The user's client says where it may be reached; the server sees it at `seen`.
    Reachable { conn: ConnId, seen: IpAddr, reach: Reach },
    /// The user asks which files are offered.
    Files { reply: ReplyTo, pattern: Pattern },
    /// The user's client takes part in a content.
    Share { conn: ConnId, share: Share },
    /// What has changed of what it has.
    News { conn: ConnId, news: News },
    /// It takes no part any more.
    Leave { conn: ConnId, content: Content },
    /// The user asks whether there is somebody.
    Know { reply: ReplyTo, whom: Name },
    /// The user asks to be introduced to somebody.
    Call { reply: ReplyTo, purpose: Purpose, whom: Name },
    /// Another asks to be introduced to the user.
    Called(Called),
    /// Whether the one was found whom the user has asked for.
    Answered { whom: UserId, purpose: Purpose, reply: ReplyTo, found: Result<Found, Refusal> },
    /// The user's client has shown letters.
    Ack { conn: ConnId, seq: Seq },
    /// The user's connection takes mail, or does not because it does not read what it gets.
    Flow { conn: ConnId, on: bool },
}

/// For the roster.
#[derive(Clone, Debug)]
pub(crate) enum ToRoster {
    Joined {
        user: UserId,
        name: Name,
        conn: ConnId,
        hide_from: Option<UserSet>,
    },
    Left {
        user: UserId,
        hide_from: Option<UserSet>,
    },
    /// The user's presence is hidden from these from now on.
    Hide {
        user: UserId,
        hide_from: Option<UserSet>,
    },
    /// What is known of who came and went must be told before the user is heard.
    Announce,
    Cast {
        asker: Asker,
        name: Name,
        text: Text,
        withheld: Option<UserSet>,
    },
    Who {
        asker: Asker,
        hidden: Option<UserSet>,
        seconds: Option<u64>,
    },
    /// Everybody but these is to be asked for his files.
    Files {
        reply: ReplyTo,
        pattern: Pattern,
        hidden: Hidden,
    },
}

/// Whom a user must not see, and who must not see him: whom he blocks, and who blocks him.
pub(crate) type Hidden = [Option<UserSet>; 2];

/// For the exchange.
#[derive(Clone, Debug)]
pub(crate) enum ToExchange {
    /// These are to be asked for their files.
    Ask { reply: ReplyTo, pattern: Pattern, of: Vec<Asked> },
    /// A user answers.
    Offers { user: UserId, offers: Offers },
    /// The next page of an answer is wanted.
    More { reply: ReplyTo },
    /// A user's session has ended.
    Left { user: UserId, name: Name, conn: ConnId },
}

/// For the swarms.
#[derive(Clone, Debug)]
pub(crate) enum ToSwarms {
    /// A user takes part in a content.
    Share { user: UserId, name: Name, conn: ConnId, hidden: Hidden, share: Share },
    /// What has changed of what he has, in order.
    News { user: UserId, content: Content, items: Vec<Told> },
    /// He takes no part in it any more.
    Leave { user: UserId, content: Content },
    /// He must not see these from now on.
    Hide { user: UserId, hidden: Hidden },
    /// His session has ended.
    Left { user: UserId },
}

/// What a user tells of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    Gained(u32),
    Started(u32),
    Dropped(u32),
    /// That user does not give it.
    Doubted(UserId, u32),
}

/// For a session.
#[derive(Clone, Debug)]
pub(crate) enum ToSession {
    /// The login succeeded; `bucket` is what the user has left of his share of commands.
    Admit { user: UserId, name: Name, bucket: Bucket },
    /// The login failed.
    Refuse(LoginRefusal),
    /// The mail that was there at the login has been sent.
    Open,
    /// Is anybody there?
    Probe,
    /// A request has ended.
    Reply { request: RequestId, outcome: Outcome },
    /// The peer broke the protocol in a way that only its home could see.
    Fault(PeerFault),
    /// The server wants it to end.
    End(Farewell),
}
