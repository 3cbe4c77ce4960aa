//! Frames, whole and broken.

use std::net::IpAddr;

use bytes::Bytes;
use starling_core::direct::{Pass, Purpose, Reach, Role};
use starling_core::filename::FileName;
use starling_core::id::{MsgId, RequestId, Seq};
use starling_core::pattern::Pattern;
use starling_core::seed::Dice;
use starling_core::swarm::ContentId;
use starling_core::text::Text;
use starling_core::wire::{
    HEAD_BYTES, Hello, Kind, Offer, Offers, Parting, PeerFrame, Phase, Request, VERSION,
};

use super::house::{encoded, login, name_of};
use super::{noise, one_of, pick};

/// Every state that a reader can be in.
pub(crate) const PHASES: [Phase; 4] = [Phase::BeforeLogin, Phase::Online, Phase::FromServer, Phase::FromPeer];

/// Lengths at every limit of every kind, one below and one above, and those where numbers change their size.
pub(crate) const LENGTHS: [usize; 35] = [
    0, 1, 3, 4, 5, 8, 9, 12, 13, 33, 34, 37, 38, 64, 255, 256, 259, 260, 2_060, 2_061, 2_062, 4_095, 4_096,
    4_097, 16_384, 16_387, 16_388, 16_389, 16_437, 16_438, 32_768, 65_535, 65_536, 65_537, 0xff_ffff,
];

pub(crate) fn text_of(text: &str) -> Text {
    Text::parse(Bytes::copy_from_slice(text.as_bytes())).expect("a text")
}

/// The head of a frame whose body claims to have `len` bytes.
pub(crate) fn head(kind: u8, len: usize) -> [u8; HEAD_BYTES] {
    let [.., high, mid, low] = u32::try_from(len).expect("24 bits").to_be_bytes();
    [kind, high, mid, low]
}

/// A frame of any kind with that body.
pub(crate) fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    [&head(kind, body.len())[..], body].concat()
}

/// A message of the sender's only client; `number` is that of the request and counts up.
pub(crate) fn message(number: u32, to: &str, text: &str) -> Request {
    let id = MsgId { instance: 1, counter: u64::from(number) };
    Request::Message { request: RequestId(number), id, to: name_of(to), text: text_of(text) }
}

pub(crate) fn offer(name: &str) -> Offer {
    let name = FileName::parse(name.as_bytes()).expect("a name");
    Offer { name, content: ContentId([7; ContentId::BYTES]), size: 5 }
}

/// One good request of every kind.
pub(crate) fn requests(number: u32, other: &str) -> Vec<Request> {
    let (request, whom) = (RequestId(number), name_of(other));
    vec![
        message(number, other, "hello"),
        Request::Broadcast { request, text: text_of("hello") },
        Request::Who { request },
        Request::Since { request, seconds: 60 },
        Request::Block { request, whom },
        Request::Unblock { request, whom },
        Request::Logout { request },
        Request::Call { request, purpose: Purpose::Talk, whom },
        Request::Know { request, whom },
        Request::Files { request, pattern: Pattern::any() },
        Request::Offers(Offers {
            question: number,
            last: true,
            indexing: false,
            offers: vec![offer("report.pdf")],
        }),
        Request::More { request },
        Request::Reach(Reach { port: 4_001, hosts: vec![IpAddr::from([192, 168, 0, 7])] }),
        Request::Ack { seq: Seq::START },
        Request::Active,
        Request::Ping { nonce: number },
        Request::Pong { nonce: number },
    ]
}

/// A whole frame of any kind there is, or of none, with a good body, a bad one, or noise.
pub(crate) fn any_frame(dice: &mut Dice) -> Vec<u8> {
    let good: Vec<Vec<u8>> = requests(1, "luke")
        .iter()
        .map(|request| encoded(&request.frame()))
        .chain(hellos())
        .chain(between_clients())
        .collect();
    match dice.below(4) {
        0 => one_of(dice, &good).clone(),
        1 => {
            let mut frame = one_of(dice, &good).clone();
            break_body(dice, &mut frame);
            frame
        }
        2 => {
            let kinds: Vec<Kind> = Kind::all().collect();
            let (kind, len) = (one_of(dice, &kinds).0, pick(dice, 60));
            framed(kind, &noise(dice, len))
        }
        _ => {
            let (kind, len) = (noise(dice, 1)[0], pick(dice, 60));
            framed(kind, &noise(dice, len))
        }
    }
}

fn hellos() -> impl Iterator<Item = Vec<u8>> {
    let hellos = [
        Hello::Hello { version: VERSION, product: "test".into() },
        login(b"hans", b"guess"),
        Hello::Ping { nonce: 1 },
        Hello::Pong { nonce: 1 },
    ];
    hellos.into_iter().map(|hello| encoded(&hello.frame()))
}

/// One good frame of every kind that only a client says to another.
pub(crate) fn between_clients() -> impl Iterator<Item = Vec<u8>> {
    let frames = [
        PeerFrame::meet(Pass([7; Pass::BYTES]), Role::Caller),
        PeerFrame::Open,
        PeerFrame::Opened,
        PeerFrame::Whisper { text: text_of("hello") },
        PeerFrame::Heard { count: 1 },
        PeerFrame::Bye(Parting::Stopped),
    ];
    frames.into_iter().map(|frame| encoded(&frame.frame()))
}

/// Changes a byte of the body, or its length; the head stays true to it.
pub(crate) fn break_body(dice: &mut Dice, frame: &mut Vec<u8>) {
    let body = frame.len() - HEAD_BYTES;
    match dice.below(3) {
        0 if body > 0 => {
            let at = HEAD_BYTES + pick(dice, body);
            frame[at] = noise(dice, 1)[0];
        }
        1 if body > 0 => frame.truncate(HEAD_BYTES + pick(dice, body)),
        _ => frame.extend(noise(dice, 3)),
    }
    let head = head(frame[0], frame.len() - HEAD_BYTES);
    frame[..HEAD_BYTES].copy_from_slice(&head);
}
