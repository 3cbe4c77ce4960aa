//! What travels between a client and its server, and between two clients, byte for byte.
//!
//! PROTOCOL.md says the same in words, with test vectors. Every frame is a head of four bytes (kind,
//! length of the body in 24 bits, big endian) and a body. The length is checked against what the
//! *state* of the connection allows for the *kind* before a byte of the body is kept.

mod ending;
mod fault;
mod fields;
mod frame;
mod hello;
mod kind;
mod names;
mod offers;
mod outcome;
mod peer;
mod presence;
mod reader;
mod reply;
mod request;
mod swarm;
mod transfer;
mod vouch;

pub use ending::{Farewell, LoginRefusal};
pub use fault::PeerFault;
pub use frame::{Frame, HEAD_BYTES, RawFrame};
pub use hello::{Greeting, Hello, LoginName, PRODUCT_MAX, Password, VERSION};
pub use kind::{Kind, Phase};
pub use names::NamesPage;
pub use offers::{Finding, Found, Offer, Offers};
pub use outcome::{Outcome, Refusal};
pub use peer::{Parting, PeerFrame};
pub use presence::{Presence, PresenceItems, PresenceList, PresenceMark, PresenceWindow};
pub use reader::Reader;
pub use reply::ServerFrame;
pub use request::Request;
pub use swarm::{News, Report, Share, SwarmPage};
pub use transfer::{GOT_MAX, HASHES_MAX, PIECE_MAX, Refused, Transfer};
pub use vouch::Vouch;
