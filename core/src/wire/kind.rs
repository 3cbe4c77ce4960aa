//! The kinds of frames: one row each says where a kind is allowed and how long it may be.

use core::fmt;

use super::fault::PeerFault;
use super::hello::{LoginName, PROOF_BYTES, Password};
use super::transfer::PIECE_MAX;
use super::vouch::{KEY_AND_CANDIDATES_MAX, REACH_MAX};
use crate::direct::Pass;
use crate::filename::FileName;
use crate::limits::TEXT_MAX;
use crate::name::Name;
use crate::pattern::Pattern;
use crate::swarm::{ContentId, Layout};

/// A kind of frame. The highest bit is reserved and must be 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

/// Who may say what: the state of a connection, seen from the side that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// A server reads from somebody who is not logged in.
    BeforeLogin,
    /// A server reads from a user.
    Online,
    /// A client reads from a server.
    FromServer,
    /// A client reads from another client.
    FromPeer,
}

impl Kind {
    /// The first frame of a client.
    pub const HELLO: Kind = Kind(0x01);
    /// An attempt to log in.
    pub const LOGIN: Kind = Kind(0x02);
    /// Reserved: a token that resumes a login without its password.
    pub const RESUME: Kind = Kind(0x03);
    /// A sign of life that asks for one.
    pub const PING: Kind = Kind(0x04);
    /// The answer to a ping.
    pub const PONG: Kind = Kind(0x05);

    /// A text for one person.
    pub const MESSAGE: Kind = Kind(0x10);
    /// A text for everybody who is online.
    pub const BROADCAST: Kind = Kind(0x11);
    /// Who is online?
    pub const WHO: Kind = Kind(0x12);
    /// Who was online lately?
    pub const SINCE: Kind = Kind(0x13);
    /// Refuse messages from somebody, and hide from him.
    pub const BLOCK: Kind = Kind(0x14);
    /// Undo a block.
    pub const UNBLOCK: Kind = Kind(0x15);
    /// End the login.
    pub const LOGOUT: Kind = Kind(0x16);
    /// Letters have been shown.
    pub const ACK: Kind = Kind(0x17);
    /// The person did something that needed no request.
    pub const ACTIVE: Kind = Kind(0x18);
    /// Where the client listens for others.
    pub const REACH: Kind = Kind(0x19);
    /// Files that the client offers.
    pub const OFFERS: Kind = Kind(0x1a);
    /// The next page of an answer, please.
    pub const MORE: Kind = Kind(0x1b);
    /// What the client has of a content that others may fetch from it.
    pub const SHARE: Kind = Kind(0x1c);
    /// Chunks have come, or are on their way, or are not given.
    pub const NEWS: Kind = Kind(0x1d);
    /// The client takes no part in a content any more.
    pub const LEAVE: Kind = Kind(0x1e);
    /// Introduce me to somebody.
    pub const CALL: Kind = Kind(0x20);
    /// Is there such a user?
    pub const KNOW: Kind = Kind(0x21);
    /// Which files are offered?
    pub const FILES: Kind = Kind(0x22);

    /// Who offers a file of this name?
    pub const SEEK: Kind = Kind(0x23);

    /// Who says it takes part in a content, with these chunks.
    pub const HAS: Kind = Kind(0x30);
    /// Who says it has nothing of a content.
    pub const LACKS: Kind = Kind(0x31);
    /// Further chunks have come.
    pub const GOT: Kind = Kind(0x32);
    /// The hashes of a content's chunks, please.
    pub const LIST: Kind = Kind(0x33);
    /// Hashes of chunks.
    pub const HASHES: Kind = Kind(0x34);
    /// I want chunks of a content.
    pub const BID: Kind = Kind(0x35);
    /// You may choose a chunk.
    pub const GRANT: Kind = Kind(0x36);
    /// This chunk.
    pub const CHOOSE: Kind = Kind(0x37);
    /// None, after all.
    pub const RETURN: Kind = Kind(0x38);
    /// That chunk is not needed any more.
    pub const CANCEL: Kind = Kind(0x39);
    /// That chunk does not come.
    pub const REFUSE: Kind = Kind(0x3a);
    /// A piece of a chunk.
    pub const PIECE: Kind = Kind(0x3b);

    /// The first frame of a server.
    pub const GREETING: Kind = Kind(0x41);
    /// The login succeeded.
    pub const WELCOME: Kind = Kind(0x42);
    /// The login did not succeed.
    pub const LOGIN_REFUSED: Kind = Kind(0x43);
    /// The client broke the protocol.
    pub const FAULT: Kind = Kind(0x44);
    /// The server ends the connection.
    pub const FAREWELL: Kind = Kind(0x45);
    /// A letter.
    pub const MAIL: Kind = Kind(0x50);
    /// A broadcast.
    pub const CAST: Kind = Kind(0x51);
    /// Who came and went.
    pub const PRESENCE: Kind = Kind(0x52);
    /// An introduction to somebody.
    pub const VOUCH: Kind = Kind(0x53);
    /// Which files do you offer?
    pub const ASK: Kind = Kind(0x54);
    /// Who takes part in a content, and how many copies there are of its chunks.
    pub const SWARM: Kind = Kind(0x55);
    /// The outcome of a request.
    pub const DONE: Kind = Kind(0x60);
    /// Names in answer to a request.
    pub const NAMES: Kind = Kind(0x61);
    /// Files in answer to a request.
    pub const FOUND: Kind = Kind(0x62);

    /// The first frame of either client on a connection between two.
    pub const MEET: Kind = Kind(0x70);
    /// The caller chooses this connection.
    pub const OPEN: Kind = Kind(0x71);
    /// The one who is called agrees.
    pub const OPENED: Kind = Kind(0x72);
    /// A text of a private session.
    pub const WHISPER: Kind = Kind(0x73);
    /// Texts of a private session have been shown.
    pub const HEARD: Kind = Kind(0x74);
    /// One side ends it.
    pub const BYE: Kind = Kind(0x75);

    /// Every kind there is, those that are reserved included.
    pub fn all() -> impl Iterator<Item = Kind> {
        ROWS.iter().map(|row| row.kind)
    }

    /// Its name in PROTOCOL.md.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }

    /// It is a request: it carries a number, and is answered.
    #[must_use]
    pub fn is_request(&self) -> bool {
        (Kind::MESSAGE..=Kind::LOGOUT).contains(self) || (Kind::CALL..=Kind::SEEK).contains(self)
    }

    /// The most bytes that its body may have in `phase`.
    ///
    /// # Errors
    /// [`PeerFault::UnknownKind`], [`PeerFault::Reserved`] or [`PeerFault::OutOfState`] if there it may
    /// not be said at all.
    pub fn body_max(self, phase: Phase) -> Result<usize, PeerFault> {
        let row = self.row().ok_or(PeerFault::UnknownKind)?;
        if self == Kind::RESUME {
            return Err(PeerFault::Reserved);
        }
        let max = match phase {
            Phase::BeforeLogin => row.before_login,
            Phase::Online => row.online,
            Phase::FromServer => row.from_server,
            Phase::FromPeer => row.from_peer,
        };
        max.ok_or(PeerFault::OutOfState)
    }

    fn row(self) -> Option<&'static Row> {
        *BY_BYTE.get(usize::from(self.0))?
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Kind({:#04x})", self.0),
        }
    }
}

/// The most bytes in the body of a frame whose length is not bounded by its fields.
pub(super) const CONTROL_MAX: usize = 64 * 1024;
/// The most bytes in a body before login. Only a HELLO has so much room: a later version may say more
/// in it, and has to be told its fault by name.
const BEFORE_LOGIN_MAX: usize = 4 * 1024;

const NAME: usize = 1 + Name::MAX;
const MSG_ID: usize = 8 + 8;
const REQUEST: usize = 4;
const CONTENT: usize = ContentId::BYTES + 8;
const BITMAP: usize = 4 + Layout::CHUNKS_MAX as usize / 8;
const SEQ: usize = 8;
const LOGIN: usize = 2 + LoginName::MAX + 2 + Password::MAX + SEQ + 1 + PROOF_BYTES;

/// A kind, and the most bytes of its body in each phase that allows it.
struct Row {
    kind: Kind,
    name: &'static str,
    before_login: Option<usize>,
    online: Option<usize>,
    from_server: Option<usize>,
    from_peer: Option<usize>,
}

const fn nowhere(kind: Kind, name: &'static str) -> Row {
    Row { kind, name, before_login: None, online: None, from_server: None, from_peer: None }
}

const fn before_login(kind: Kind, name: &'static str, max: usize) -> Row {
    Row { before_login: Some(max), ..nowhere(kind, name) }
}

const fn online(kind: Kind, name: &'static str, max: usize) -> Row {
    Row { online: Some(max), ..nowhere(kind, name) }
}

const fn from_server(kind: Kind, name: &'static str, max: usize) -> Row {
    Row { from_server: Some(max), ..nowhere(kind, name) }
}

const fn from_peer(kind: Kind, name: &'static str, max: usize) -> Row {
    Row { from_peer: Some(max), ..nowhere(kind, name) }
}

const fn everywhere(kind: Kind, name: &'static str, max: usize) -> Row {
    let all = Some(max);
    Row { kind, name, before_login: all, online: all, from_server: all, from_peer: all }
}

static ROWS: [Row; 56] = [
    before_login(Kind::HELLO, "HELLO", BEFORE_LOGIN_MAX),
    before_login(Kind::LOGIN, "LOGIN", LOGIN),
    nowhere(Kind::RESUME, "RESUME"),
    everywhere(Kind::PING, "PING", 4),
    everywhere(Kind::PONG, "PONG", 4),
    online(Kind::MESSAGE, "MESSAGE", REQUEST + MSG_ID + NAME + TEXT_MAX),
    online(Kind::BROADCAST, "BROADCAST", REQUEST + TEXT_MAX),
    online(Kind::WHO, "WHO", REQUEST),
    online(Kind::SINCE, "SINCE", REQUEST + 8),
    online(Kind::BLOCK, "BLOCK", REQUEST + NAME),
    online(Kind::UNBLOCK, "UNBLOCK", REQUEST + NAME),
    online(Kind::LOGOUT, "LOGOUT", REQUEST),
    online(Kind::ACK, "ACK", SEQ),
    online(Kind::ACTIVE, "ACTIVE", 0),
    online(Kind::REACH, "REACH", REACH_MAX),
    online(Kind::OFFERS, "OFFERS", CONTROL_MAX),
    online(Kind::MORE, "MORE", REQUEST),
    online(Kind::SHARE, "SHARE", CONTENT + 1 + BITMAP),
    online(Kind::NEWS, "NEWS", CONTROL_MAX),
    online(Kind::LEAVE, "LEAVE", CONTENT),
    online(Kind::CALL, "CALL", REQUEST + 1 + NAME),
    online(Kind::KNOW, "KNOW", REQUEST + NAME),
    online(Kind::FILES, "FILES", REQUEST + Pattern::MAX),
    online(Kind::SEEK, "SEEK", REQUEST + 1 + FileName::MAX),
    from_peer(Kind::HAS, "HAS", CONTENT + BITMAP),
    from_peer(Kind::LACKS, "LACKS", CONTENT),
    from_peer(Kind::GOT, "GOT", CONTROL_MAX),
    from_peer(Kind::LIST, "LIST", CONTENT + 4),
    from_peer(Kind::HASHES, "HASHES", CONTROL_MAX),
    from_peer(Kind::BID, "BID", CONTENT + 1 + 4 + 1),
    from_peer(Kind::GRANT, "GRANT", CONTENT + 1 + 4),
    from_peer(Kind::CHOOSE, "CHOOSE", CONTENT + 4 + 4),
    from_peer(Kind::RETURN, "RETURN", CONTENT),
    from_peer(Kind::CANCEL, "CANCEL", 4),
    from_peer(Kind::REFUSE, "REFUSE", 4 + 1),
    from_peer(Kind::PIECE, "PIECE", 4 + PIECE_MAX),
    from_server(Kind::GREETING, "GREETING", CONTROL_MAX),
    from_server(Kind::WELCOME, "WELCOME", NAME),
    from_server(Kind::LOGIN_REFUSED, "LOGIN_REFUSED", 1 + 4),
    from_server(Kind::FAULT, "FAULT", 1),
    from_server(Kind::FAREWELL, "FAREWELL", 1 + 4),
    from_server(Kind::MAIL, "MAIL", SEQ + MSG_ID + NAME + TEXT_MAX),
    from_server(Kind::CAST, "CAST", NAME + TEXT_MAX),
    from_server(Kind::PRESENCE, "PRESENCE", CONTROL_MAX),
    from_server(Kind::VOUCH, "VOUCH", Pass::BYTES + 1 + 1 + REQUEST + NAME + KEY_AND_CANDIDATES_MAX),
    from_server(Kind::ASK, "ASK", 4 + Pattern::MAX),
    from_server(Kind::SWARM, "SWARM", CONTROL_MAX),
    from_server(Kind::DONE, "DONE", REQUEST + 1),
    from_server(Kind::NAMES, "NAMES", CONTROL_MAX),
    from_server(Kind::FOUND, "FOUND", CONTROL_MAX),
    from_peer(Kind::MEET, "MEET", CONTROL_MAX),
    from_peer(Kind::OPEN, "OPEN", 0),
    from_peer(Kind::OPENED, "OPENED", 0),
    from_peer(Kind::WHISPER, "WHISPER", TEXT_MAX),
    from_peer(Kind::HEARD, "HEARD", 8),
    from_peer(Kind::BYE, "BYE", 1),
];

/// The rows by the byte of their kind; a byte with the reserved bit lies outside.
static BY_BYTE: [Option<&Row>; 128] = {
    let mut rows = [None; 128];
    let mut row = 0;
    while row < ROWS.len() {
        rows[ROWS[row].kind.0 as usize] = Some(&ROWS[row]);
        row += 1;
    }
    rows
};

#[cfg(test)]
mod tests {
    use super::{Kind, Phase};
    use crate::wire::PeerFault;

    #[test]
    fn every_byte_is_a_kind_or_a_fault() {
        let known = (0..=u8::MAX).filter(|byte| Kind(*byte).name().is_some());
        assert!(known.eq(Kind::all().map(|kind| kind.0)), "rows stand in the order of their bytes");
        assert_eq!(Kind(0x80 | Kind::PING.0).body_max(Phase::Online), Err(PeerFault::UnknownKind));
    }

    #[test]
    fn a_kind_is_allowed_in_one_phase_or_in_all() {
        for kind in Kind::all() {
            let phases = [Phase::BeforeLogin, Phase::Online, Phase::FromServer, Phase::FromPeer];
            let allowed = phases.into_iter().filter(|phase| kind.body_max(*phase).is_ok()).count();
            let expected = match kind {
                Kind::PING | Kind::PONG => 4,
                Kind::RESUME => 0,
                _ => 1,
            };
            assert_eq!(allowed, expected, "{kind:?}");
        }
    }
}
