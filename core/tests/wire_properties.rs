//! The wire, for any value and any bytes.

#[path = "checks/any.rs"]
mod any_frame;
#[path = "checks/wire.rs"]
mod checks;

use bytes::Bytes;
use checks::stream::{Heard, again, encoded, hear};
use proptest::prelude::*;
use starling_core::filename::FileName;
use starling_core::id::{MsgId, RequestId, Seq};
use starling_core::name::Name;
use starling_core::swarm::{ContentId, Layout};
use starling_core::text::Text;
use starling_core::wire::{
    Finding, Found, Frame, Hello, Kind, LoginName, News, Offer, Offers, Password, PeerFault, PeerFrame,
    Phase, RawFrame, Reader, Request, ServerFrame,
};

/// The one frame in `bytes`.
fn only(phase: Phase, bytes: &[u8]) -> RawFrame {
    let Heard { mut frames, fault } = hear(phase, [(bytes, false)]);
    assert_eq!((frames.len(), fault), (1, None));
    frames.remove(0)
}

fn stream(frames: impl IntoIterator<Item = Frame>) -> Vec<u8> {
    frames.into_iter().flat_map(|frame| encoded(&frame)).collect()
}

/// Streams of any state, as they should be.
fn honest() -> impl Strategy<Value = (Phase, Vec<u8>)> {
    let many = 0..12;
    prop_oneof![
        prop::collection::vec(any_frame::hello(), many.clone())
            .prop_map(|all| (Phase::BeforeLogin, stream(all.iter().map(Hello::frame)))),
        prop::collection::vec(any_frame::request(), many.clone())
            .prop_map(|all| (Phase::Online, stream(all.iter().map(Request::frame)))),
        prop::collection::vec(any_frame::server_frame(), many.clone())
            .prop_map(|all| (Phase::FromServer, stream(all.iter().map(ServerFrame::frame)))),
        prop::collection::vec(any_frame::peer_frame(), many)
            .prop_map(|all| (Phase::FromPeer, stream(all.iter().map(PeerFrame::frame)))),
    ]
}

fn check(phase: Phase, input: &[u8]) {
    match phase {
        Phase::BeforeLogin => checks::before_login(input),
        Phase::Online => checks::online(input),
        Phase::FromServer => checks::from_server(input),
        Phase::FromPeer => checks::from_peer(input),
    }
}

proptest! {
    #[test]
    fn hello_comes_back(hello in any_frame::hello()) {
        let raw = only(Phase::BeforeLogin, &encoded(&hello.frame()));
        prop_assert_eq!(Hello::decode(raw), Ok(hello));
    }

    #[test]
    fn request_comes_back(request in any_frame::request()) {
        let raw = only(Phase::Online, &encoded(&request.frame()));
        prop_assert_eq!(Request::decode(raw), Ok(request));
    }

    #[test]
    fn server_frame_comes_back(frame in any_frame::server_frame()) {
        let raw = only(Phase::FromServer, &encoded(&frame.frame()));
        prop_assert_eq!(ServerFrame::decode(raw), Ok(frame));
    }

    #[test]
    fn peer_frame_comes_back(frame in any_frame::peer_frame()) {
        let raw = only(Phase::FromPeer, &encoded(&frame.frame()));
        prop_assert_eq!(PeerFrame::decode(raw), Ok(frame));
    }

    #[test]
    fn a_body_without_its_end_is_a_fault_or_another_frame(
        (phase, stream) in honest(),
        cut in any::<prop::sample::Index>(),
    ) {
        for raw in hear(phase, [(&stream[..], false)]).frames {
            let shorter = RawFrame { kind: raw.kind, body: raw.body.slice(..cut.index(raw.body.len() + 1)) };
            if let Ok(frame) = again(phase, shorter.clone()) {
                prop_assert_eq!(&encoded(&frame)[4..], &shorter.body[..]);
            }
        }
    }

    #[test]
    fn any_split_gives_the_same_frames((phase, stream) in honest(), cuts in any::<[u8; 8]>()) {
        check(phase, &[&cuts[..], &stream].concat());
    }

    #[test]
    fn any_bytes_do_no_harm(input in prop::collection::vec(any::<u8>(), 0..2_000)) {
        checks::before_login(&input);
        checks::online(&input);
        checks::from_server(&input);
        checks::from_peer(&input);
    }

    #[test]
    fn damage_does_no_harm(
        (phase, mut stream) in honest(),
        cuts in any::<[u8; 8]>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (place, byte) in damage {
            if !stream.is_empty() {
                let place = place.index(stream.len());
                stream[place] = byte;
            }
        }
        check(phase, &[&cuts[..], &stream].concat());
    }
}

#[test]
fn every_split_point_gives_the_same_frames() {
    let name = |name: &str| Name::parse(name.as_bytes()).expect("a name");
    let text = |len: usize| Text::parse(Bytes::from("é".repeat(len))).expect("a text");
    let talk = (1..=8).flat_map(|n: u32| {
        let (request, whom) = (RequestId(n), name("leia"));
        let id = MsgId { instance: 1, counter: n.into() };
        [
            Request::Message { request, id, to: name("luke"), text: text(200) },
            Request::Active,
            Request::Block { request, whom },
            Request::Broadcast { request, text: text(1) },
            Request::Ping { nonce: n },
        ]
    });
    let stream = stream(talk.map(|request| request.frame()));
    let whole = hear(Phase::Online, [(&stream[..], false)]);
    assert_eq!((whole.frames.len(), whole.fault), (40, None));
    for at in 0..stream.len() {
        let (first, rest) = stream.split_at(at);
        for fed_together in [false, true] {
            let heard = hear(Phase::Online, [(first, fed_together), (rest, false)]);
            assert_eq!(heard, whole, "cut at {at}");
        }
    }
    let bytes = stream.chunks(1).map(|byte| (byte, false));
    assert_eq!(hear(Phase::Online, bytes), whole);
}

#[test]
fn the_state_of_the_moment_judges_the_frame() {
    let name = LoginName::cut(Bytes::from_static(b"hans")).expect("a name");
    let password = Password::cut(Bytes::from_static(b"falcon")).expect("a password");
    let login = Hello::Login { name, password, seen: Seq::START, device: None }.frame();
    let who = Request::Who { request: RequestId(1) }.frame();

    let mut reader = Reader::new();
    reader.feed(stream([login.clone(), who, login]).into());
    assert_eq!(reader.next(Phase::BeforeLogin).unwrap().unwrap().kind, Kind::LOGIN);
    assert_eq!(reader.next(Phase::Online).unwrap().unwrap().kind, Kind::WHO);
    assert_eq!(reader.next(Phase::Online), Err(PeerFault::OutOfState));
}

/// A page holds so many files, however long their names are.
#[test]
fn a_full_page_is_a_frame() {
    let name = FileName::parse(&[b'x'; FileName::MAX]).expect("a name");
    let owner = Name::parse(&[b'y'; Name::MAX]).expect("a name");
    let offer = Offer { name, content: ContentId([7; ContentId::BYTES]), size: Layout::SIZE_MAX };
    let finding = Finding { offer: offer.clone(), owner };
    let findings = vec![finding; Found::PAGE_MAX];
    let found = ServerFrame::Found(Found { request: RequestId(1), last: true, indexing: u32::MAX, findings });
    let heard = hear(Phase::FromServer, [(&encoded(&found.frame())[..], false)]);
    assert_eq!((heard.frames.len(), heard.fault), (1, None));
    let pages: Vec<_> = Offers::pages(1, true, vec![offer; 2 * Found::PAGE_MAX]).collect();
    assert_eq!(pages.iter().map(|page| page.last).collect::<Vec<_>>(), [false, true]);
    let pages = stream(pages.into_iter().map(|page| Request::Offers(page).frame()));
    let heard = hear(Phase::Online, [(&pages[..], false)]);
    assert_eq!((heard.frames.len(), heard.fault), (2, None));
}

/// Bodies that are wrong in one way, and what they are called.
#[test]
fn wrong_bodies_have_their_fault() {
    use PeerFault::{Malformed, NotStarling, OutOfState, Overlong, TooLong, Truncated, Version};
    let long_text = [&[0, 0, 0, 1][..], &b"x".repeat(16 * 1024 + 1)].concat();
    let no_proof = [&b"\0\x01n\0\x01p"[..], &[0; 8], &[1], &[7; 95]].concat();
    let no_flag = [&no_proof[..14], &[2], &[7; 96]].concat();
    let early = [&no_proof[..14], &[0, 0]].concat();
    let before_login: [(Kind, &[u8], PeerFault); 15] = [
        (Kind::HELLO, b"", NotStarling),
        (Kind::HELLO, b"STARLIN", NotStarling),
        (Kind::HELLO, b"SPARROWS\0\x01\0", NotStarling),
        (Kind::HELLO, b"STARLING\0", Truncated),
        (Kind::HELLO, b"STARLING\0\x02 what a later version says", Version),
        (Kind::HELLO, b"STARLING\0\x01\x03ab", Truncated),
        (Kind::HELLO, b"STARLING\0\x01\x02ab!", Overlong),
        (Kind::HELLO, b"STARLING\0\x01\x01\x7f", Malformed),
        (Kind::HELLO, b"STARLING\0\x01\x41", Malformed),
        (Kind::LOGIN, b"\0\0\0\x01p\0\0\0\0\0\0\0\0", Malformed),
        (Kind::LOGIN, b"\0\x01n\0\0\0\0\0\0\0\0\0\0", Malformed),
        (Kind::LOGIN, b"\x04\x01n", Malformed),
        (Kind::LOGIN, &no_proof, Truncated),
        (Kind::LOGIN, &no_flag, Malformed),
        (Kind::LOGIN, &early, Overlong),
    ];
    let nine_hosts = [&b"\x0f\xa1\x09"[..], &b"\x04\x7f\0\0\x01".repeat(9)].concat();
    let mapped = [&b"\x0f\xa1\x01\x06"[..], &[0; 10], b"\xff\xff\x7f\0\0\x01"].concat();
    let of_content = |rest: &[u8]| [&[7; 32][..], b"\0\0\0\0\0\x10\0\0", rest].concat();
    let too_big = [&[7; 32][..], &[0xff; 8]].concat();
    let bits_behind = of_content(b"\x01\0\0\0\x0f\xff\xff");
    let few_bits = of_content(b"\x01\0\0\0\x10\xff");
    let many_chunks = of_content(&[&b"\0\0\0\x80\x01"[..], &[0; 4097]].concat());
    let (no_report, no_owner) = (of_content(b"\x05\0\0\0\x01"), of_content(b"\x04\0\0\0\x01"));
    let many_news = of_content(&b"\x01\0\0\0\x01".repeat(News::MAX + 1));
    let online: [(Kind, &[u8], PeerFault); 33] = [
        (Kind::WHO, b"\0\0\0", Truncated),
        (Kind::ACTIVE, b"\0", Overlong),
        (Kind::BLOCK, b"\0\0\0\x01", Truncated),
        (Kind::BLOCK, b"\0\0\0\x01\0", Malformed),
        (Kind::BLOCK, b"\0\0\0\x01\x21", Malformed),
        (Kind::BLOCK, b"\0\0\0\x01\x05luke", Truncated),
        (Kind::BLOCK, b"\0\0\0\x01\x04lu e", Malformed),
        (Kind::BLOCK, b"\0\0\0\x01\x03luke", Overlong),
        (Kind::ACK, b"\x80\0\0\0\0\0\0\0", Malformed),
        (Kind::BROADCAST, b"\0\0\0\x01", Malformed),
        (Kind::BROADCAST, b"\0\0\0\x01   ", Malformed),
        (Kind::BROADCAST, b"\0\0\0\x01\xff", Malformed),
        (Kind::BROADCAST, &long_text, TooLong),
        (Kind::MAIL, b"", OutOfState),
        (Kind::CALL, b"\0\0\0\x01\0\x04luke", Malformed),
        (Kind::CALL, b"\0\0\0\x01\x01\x04luke!", Overlong),
        (Kind::KNOW, b"\0\0\0\x01\x04luk", Truncated),
        (Kind::REACH, b"\x03\xff\0", Malformed),
        (Kind::REACH, b"\x0f\xa1\x01\x05\x7f\0\0\x01", Malformed),
        (Kind::REACH, b"\x0f\xa1\x01\x04\x7f\0\0", Truncated),
        (Kind::REACH, b"\x0f\xa1\0\x04", Overlong),
        (Kind::REACH, &nine_hosts, Malformed),
        (Kind::REACH, &mapped, Malformed),
        (Kind::SHARE, &bits_behind, Malformed),
        (Kind::SHARE, &few_bits, Malformed),
        (Kind::SHARE, &many_chunks, Malformed),
        (Kind::NEWS, &no_report, Malformed),
        (Kind::NEWS, &no_owner, Truncated),
        (Kind::NEWS, &many_news, TooLong),
        (Kind::LEAVE, &too_big, Malformed),
        (Kind::SEEK, b"\0\0\0\x01\x02a", Malformed),
        (Kind::SEEK, b"\0\0\0\x01\0a*", Malformed),
        (Kind::SEEK, b"\0\0\0\x01\0", Malformed),
    ];
    let vouch = |role: u8, purpose: u8, rest: &[u8]| {
        [&[7; 16][..], &[role, purpose], b"\0\0\0\x01\x04luke", &[1; 32], rest].concat()
    };
    let (no_role, no_purpose) = (vouch(2, 1, b"\0"), vouch(0, 3, b"\0"));
    let ten_candidates = vouch(0, 1, &[&b"\x0a"[..], &b"\x04\x7f\0\0\x01\x0f\xa1".repeat(10)].concat());
    let low_port = vouch(0, 1, b"\x01\x04\x7f\0\0\x01\0\x16");
    let few_owners = of_content(b"\x01\0\0\0\x04\0\x01\x01a");
    let copies_cut = of_content(b"\x01\0\0\0\x04\0\0\0\0\0\0\0\x01\0");
    let from_server: [(Kind, &[u8], PeerFault); 13] = [
        (Kind::GREETING, b"\0\x02", Version),
        (Kind::GREETING, b"\0\x01\0\0\0\0\0\0\0\0\0\0\x80\0\0", Malformed),
        (Kind::LOGIN_REFUSED, b"\x01\0\0\0\0", Overlong),
        (Kind::LOGIN_REFUSED, b"\x02", Truncated),
        (Kind::FAULT, b"\x0d", Malformed),
        (Kind::DONE, b"\0\0\0\x01\x06", Malformed),
        (Kind::PRESENCE, b"\0\0\0\0\0\0\0\x01\x02\x01a", Malformed),
        (Kind::VOUCH, &no_role, Malformed),
        (Kind::VOUCH, &no_purpose, Malformed),
        (Kind::VOUCH, &ten_candidates, Malformed),
        (Kind::VOUCH, &low_port, Malformed),
        (Kind::SWARM, &few_owners, Truncated),
        (Kind::SWARM, &copies_cut, Truncated),
    ];
    let (later, no_role) = (b"\0\x02 what a later version says", [&b"\0\x01"[..], &[7; 16], &[2]].concat());
    let (chunk_cut, hash_cut) = (of_content(b"\0\0\x01"), of_content(b"\0\0\0\x01\x07"));
    let (no_flag, suggests_none) = (of_content(b"\x02"), of_content(b"\x01"));
    let from_peer: [(Kind, &[u8], PeerFault); 17] = [
        (Kind::MEET, later, Version),
        (Kind::MEET, b"\0", Truncated),
        (Kind::MEET, &no_role[..17], Truncated),
        (Kind::MEET, &no_role, Malformed),
        (Kind::OPEN, b"\0", Overlong),
        (Kind::OPENED, b"\0", Overlong),
        (Kind::WHISPER, b"  ", Malformed),
        (Kind::HEARD, b"\0\0\0\0\0\0\x01", Truncated),
        (Kind::BYE, b"\x03", Malformed),
        (Kind::MESSAGE, b"", OutOfState),
        (Kind::HAS, &bits_behind[..44], Malformed),
        (Kind::GOT, &chunk_cut, Truncated),
        (Kind::HASHES, &hash_cut, Truncated),
        (Kind::GRANT, &no_flag, Malformed),
        (Kind::GRANT, &suggests_none, Truncated),
        (Kind::REFUSE, b"\0\0\0\x01\x03", Malformed),
        (Kind::PIECE, b"\0\0\0\x01", Truncated),
    ];
    let phases = [
        (Phase::BeforeLogin, &before_login[..]),
        (Phase::Online, &online[..]),
        (Phase::FromServer, &from_server[..]),
        (Phase::FromPeer, &from_peer[..]),
    ];
    for (phase, rows) in phases {
        for (kind, body, fault) in rows {
            let raw = RawFrame { kind: *kind, body: Bytes::copy_from_slice(body) };
            assert_eq!(again(phase, raw).err(), Some(*fault), "{kind:?} {}", body.escape_ascii());
        }
    }
}
