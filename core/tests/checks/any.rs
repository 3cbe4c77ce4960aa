//! Any value that can travel.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use proptest::prelude::*;
use starling_core::device::{DeviceKey, DeviceProof};
use starling_core::direct::place::{CANDIDATES_MAX, HOSTS_MAX, PORT_MIN};
use starling_core::direct::{Pass, Purpose, Reach, Role};
use starling_core::filename::FileName;
use starling_core::id::{Epoch, MsgId, RequestId, Seq, ServerId};
use starling_core::limits::TEXT_MAX;
use starling_core::name::Name;
use starling_core::pattern::Pattern;
use starling_core::swarm::{Bitmap, Content, ContentId, Layout};
use starling_core::text::Text;
use starling_core::wire::{
    Farewell, Finding, Found, Greeting, Hello, LoginName, LoginRefusal, NamesPage, News, Offer, Offers,
    Outcome, PIECE_MAX, Parting, Password, PeerFault, PeerFrame, Presence, PresenceList, Refused, Report,
    Request, ServerFrame, Share, SwarmPage, Transfer, VERSION, Vouch,
};

pub(crate) fn hello() -> impl Strategy<Value = Hello> {
    let typed = |max| prop::collection::vec(any::<u8>(), 1..=max).prop_map(Bytes::from);
    let login_name = typed(LoginName::MAX).prop_map(|bytes| LoginName::cut(bytes).expect("not empty"));
    let password = typed(Password::MAX).prop_map(|bytes| Password::cut(bytes).expect("not empty"));
    prop_oneof![
        product().prop_map(|product| Hello::Hello { version: VERSION, product }),
        (login_name, password, seq(), prop::option::of(device_proof()))
            .prop_map(|(name, password, seen, device)| Hello::Login { name, password, seen, device }),
        any::<u32>().prop_map(|nonce| Hello::Ping { nonce }),
        any::<u32>().prop_map(|nonce| Hello::Pong { nonce }),
    ]
}

fn device_proof() -> impl Strategy<Value = DeviceProof> {
    (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(key, first, second)| {
        let mut signature = [0; DeviceProof::SIGNATURE_BYTES];
        signature[..32].copy_from_slice(&first);
        signature[32..].copy_from_slice(&second);
        DeviceProof { key: DeviceKey(key), signature }
    })
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        (request_id(), msg_id(), name(), text()).prop_map(|(request, id, to, text)| Request::Message {
            request,
            id,
            to,
            text
        }),
        (request_id(), text()).prop_map(|(request, text)| Request::Broadcast { request, text }),
        request_id().prop_map(|request| Request::Who { request }),
        (request_id(), any::<u64>()).prop_map(|(request, seconds)| Request::Since { request, seconds }),
        (request_id(), name()).prop_map(|(request, whom)| Request::Block { request, whom }),
        (request_id(), name()).prop_map(|(request, whom)| Request::Unblock { request, whom }),
        request_id().prop_map(|request| Request::Logout { request }),
        (request_id(), purpose(), name())
            .prop_map(|(request, purpose, whom)| { Request::Call { request, purpose, whom } }),
        (request_id(), any::<bool>(), file_name()).prop_map(|(request, again, name)| Request::Seek {
            request,
            again,
            name
        }),
        (content(), any::<bool>(), bitmap()).prop_map(|(content, watches, held)| Request::Share(Share {
            content,
            watches,
            held
        })),
        (content(), prop::collection::vec(report(), 0..20))
            .prop_map(|(content, items)| Request::News(News { content, items })),
        content().prop_map(|content| Request::Leave { content }),
        (request_id(), name()).prop_map(|(request, whom)| Request::Know { request, whom }),
        (request_id(), pattern()).prop_map(|(request, pattern)| Request::Files { request, pattern }),
        offers().prop_map(Request::Offers),
        request_id().prop_map(|request| Request::More { request }),
        reach().prop_map(Request::Reach),
        seq().prop_map(|seq| Request::Ack { seq }),
        Just(Request::Active),
        any::<u32>().prop_map(|nonce| Request::Ping { nonce }),
        any::<u32>().prop_map(|nonce| Request::Pong { nonce }),
    ]
}

pub(crate) fn server_frame() -> impl Strategy<Value = ServerFrame> {
    prop_oneof![
        greeting().prop_map(ServerFrame::Greeting),
        name().prop_map(|name| ServerFrame::Welcome { name }),
        login_refusal().prop_map(ServerFrame::LoginRefused),
        prop::sample::select(&PeerFault::ALL[..]).prop_map(ServerFrame::Fault),
        farewell().prop_map(ServerFrame::Farewell),
        (seq(), msg_id(), name(), text()).prop_map(|(seq, id, from, text)| ServerFrame::Mail {
            seq,
            id,
            from,
            text
        }),
        (name(), text()).prop_map(|(from, text)| ServerFrame::Cast { from, text }),
        presence().prop_map(ServerFrame::Presence),
        vouch().prop_map(ServerFrame::Vouch),
        (request_id(), outcome()).prop_map(|(request, outcome)| ServerFrame::Done { request, outcome }),
        names().prop_map(ServerFrame::Names),
        (any::<u32>(), pattern()).prop_map(|(question, pattern)| ServerFrame::Ask { question, pattern }),
        found().prop_map(ServerFrame::Found),
        swarm_page().prop_map(ServerFrame::Swarm),
        any::<u32>().prop_map(|nonce| ServerFrame::Ping { nonce }),
        any::<u32>().prop_map(|nonce| ServerFrame::Pong { nonce }),
    ]
}

pub(crate) fn peer_frame() -> impl Strategy<Value = PeerFrame> {
    prop_oneof![
        (pass(), role()).prop_map(|(pass, role)| PeerFrame::meet(pass, role)),
        Just(PeerFrame::Open),
        Just(PeerFrame::Opened),
        text().prop_map(|text| PeerFrame::Whisper { text }),
        any::<u64>().prop_map(|count| PeerFrame::Heard { count }),
        prop::sample::select(&[Parting::Stopped, Parting::LoggedOut][..]).prop_map(PeerFrame::Bye),
        transfer().prop_map(PeerFrame::Transfer),
        any::<u32>().prop_map(|nonce| PeerFrame::Ping { nonce }),
        any::<u32>().prop_map(|nonce| PeerFrame::Pong { nonce }),
    ]
}

fn pass() -> impl Strategy<Value = Pass> {
    any::<[u8; Pass::BYTES]>().prop_map(Pass)
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(&[Role::Caller, Role::Called][..])
}

fn purpose() -> impl Strategy<Value = Purpose> {
    prop::sample::select(&[Purpose::Talk, Purpose::Fetch][..])
}

/// An address in its one form.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(|octets| IpAddr::from(octets).to_canonical()),
    ]
}

fn reach() -> impl Strategy<Value = Reach> {
    (PORT_MIN.., prop::collection::vec(address(), 0..=HOSTS_MAX))
        .prop_map(|(port, hosts)| Reach { port, hosts })
}

fn vouch() -> impl Strategy<Value = Vouch> {
    let candidate = (address(), PORT_MIN..).prop_map(SocketAddr::from);
    let candidates = prop::collection::vec(candidate, 0..=CANDIDATES_MAX);
    (pass(), role(), purpose(), request_id(), name(), any::<[u8; DeviceKey::BYTES]>(), candidates).prop_map(
        |(pass, role, purpose, request, name, key, candidates)| Vouch {
            pass,
            role,
            purpose,
            request,
            name,
            key: DeviceKey(key),
            candidates,
        },
    )
}

fn name() -> impl Strategy<Value = Name> {
    "[A-Za-z0-9_.-]{1,32}".prop_map(|name| Name::parse(name.as_bytes()).expect("a name"))
}

fn text() -> impl Strategy<Value = Text> {
    let short = ".{0,40}[^ ].{0,40}";
    let long = (TEXT_MAX - 2..=TEXT_MAX).prop_map(|len| "x".repeat(len));
    prop_oneof![9 => short, 1 => long]
        .prop_map(|text| Text::parse(Bytes::from(text)).expect("short, and not blank"))
}

fn product() -> impl Strategy<Value = String> {
    "[ -~]{0,64}"
}

fn request_id() -> impl Strategy<Value = RequestId> {
    any::<u32>().prop_map(RequestId)
}

fn seq() -> impl Strategy<Value = Seq> {
    (0..=Seq::MAX.to_bits()).prop_map(Seq::from_bits)
}

fn msg_id() -> impl Strategy<Value = MsgId> {
    (any::<u64>(), 1..=u64::MAX).prop_map(|(instance, counter)| MsgId { instance, counter })
}

fn greeting() -> impl Strategy<Value = Greeting> {
    (product(), any::<u64>(), 0..=Epoch::MAX.0).prop_map(|(product, server, epoch)| Greeting {
        version: VERSION,
        product,
        server: ServerId(server),
        epoch: Epoch(epoch),
    })
}

fn login_refusal() -> impl Strategy<Value = LoginRefusal> {
    any::<u32>().prop_flat_map(|seconds| {
        prop::sample::select(vec![
            LoginRefusal::TryAgain,
            LoginRefusal::LockedNow { seconds },
            LoginRefusal::Locked { seconds },
            LoginRefusal::AlreadyOnline,
            LoginRefusal::Busy,
        ])
    })
}

fn farewell() -> impl Strategy<Value = Farewell> {
    any::<u32>().prop_flat_map(|seconds| {
        prop::sample::select(vec![
            Farewell::ShuttingDown,
            Farewell::Idle { seconds },
            Farewell::TooManyCommands,
        ])
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop::sample::select(Outcome::ALL.to_vec())
}

fn presence() -> impl Strategy<Value = PresenceList> {
    let change = (name(), any::<bool>()).prop_map(|(name, online)| Presence { name, online });
    (any::<u64>(), prop::collection::vec(change, 0..20))
        .prop_map(|(version, changes)| PresenceList { version, changes })
}

fn names() -> impl Strategy<Value = NamesPage> {
    (request_id(), any::<bool>(), any::<u64>(), prop::collection::vec(name(), 0..20))
        .prop_map(|(request, last, version, names)| NamesPage { request, last, version, names })
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![9 => ".{1,40}", 1 => Just("*".repeat(Pattern::MAX))]
        .prop_map(|pattern| Pattern::parse(pattern.as_bytes()).expect("short, and not empty"))
}

fn file_name() -> impl Strategy<Value = FileName> {
    prop_oneof![9 => "_[a-zé .]{0,20}_", 1 => Just("é".repeat(FileName::MAX / 2))]
        .prop_map(|name| FileName::parse(name.as_bytes()).expect("a name"))
}

fn offer() -> impl Strategy<Value = Offer> {
    (file_name(), any::<[u8; ContentId::BYTES]>(), 0..=Layout::SIZE_MAX)
        .prop_map(|(name, content, size)| Offer { name, content: ContentId(content), size })
}

fn offers() -> impl Strategy<Value = Offers> {
    (any::<u32>(), any::<bool>(), any::<bool>(), prop::collection::vec(offer(), 0..20))
        .prop_map(|(question, last, indexing, offers)| Offers { question, last, indexing, offers })
}

fn found() -> impl Strategy<Value = Found> {
    let finding = (offer(), name()).prop_map(|(offer, owner)| Finding { offer, owner });
    (request_id(), any::<bool>(), any::<u32>(), prop::collection::vec(finding, 0..20))
        .prop_map(|(request, last, indexing, findings)| Found { request, last, indexing, findings })
}

fn content() -> impl Strategy<Value = Content> {
    (any::<[u8; ContentId::BYTES]>(), 0..=Layout::SIZE_MAX)
        .prop_map(|(id, size)| Content { id: ContentId(id), size })
}

/// One of few chunks, or of as many as there can be.
fn bitmap() -> impl Strategy<Value = Bitmap> {
    prop_oneof![9 => 0..100_u32, 1 => Just(Layout::CHUNKS_MAX)].prop_flat_map(bitmap_of)
}

fn bitmap_of(chunks: u32) -> impl Strategy<Value = Bitmap> {
    prop::collection::vec(any::<u32>(), 0..20).prop_map(move |held| {
        let mut bitmap = Bitmap::none(chunks);
        held.into_iter().for_each(|chunk| _ = bitmap.insert(chunk % chunks.max(1)));
        bitmap
    })
}

fn report() -> impl Strategy<Value = Report> {
    prop_oneof![
        any::<u32>().prop_map(Report::Gained),
        any::<u32>().prop_map(Report::Started),
        any::<u32>().prop_map(Report::Dropped),
        (name(), any::<u32>()).prop_map(|(owner, chunk)| Report::Doubted(owner, chunk)),
    ]
}

fn swarm_page() -> impl Strategy<Value = SwarmPage> {
    (0..100_u32).prop_flat_map(|chunks| {
        let came = prop::collection::vec((name(), bitmap_of(chunks)), 0..10);
        let left = prop::collection::vec(name(), 0..10);
        let copies = prop::collection::vec((any::<u32>(), 0..=u32::from(u16::MAX)), 0..20);
        (content(), any::<bool>(), came, left, copies).prop_map(move |(content, last, came, left, copies)| {
            SwarmPage { content, last, chunks, came, left, copies }
        })
    })
}

fn transfer() -> impl Strategy<Value = Transfer> {
    let hashes = prop::collection::vec(any::<[u8; ContentId::BYTES]>(), 0..10)
        .prop_map(|hashes| Bytes::from(hashes.concat()));
    let refused = prop::sample::select(&[Refused::Lacking, Refused::BrokenOff][..]);
    let pieces = prop_oneof![9 => 1..100_usize, 1 => PIECE_MAX - 1..=PIECE_MAX];
    prop_oneof![
        (content(), bitmap()).prop_map(|(content, held)| Transfer::Has { content, held }),
        content().prop_map(|content| Transfer::Lacks { content }),
        (content(), prop::collection::vec(any::<u32>(), 0..20))
            .prop_map(|(content, chunks)| Transfer::Got { content, chunks }),
        (content(), any::<u32>()).prop_map(|(content, from)| Transfer::List { content, from }),
        (content(), any::<u32>(), hashes).prop_map(|(content, from, hashes)| Transfer::Hashes {
            content,
            from,
            hashes
        }),
        (content(), any::<u8>(), any::<u32>(), any::<bool>())
            .prop_map(|(content, wants, has, later)| Transfer::Bid { content, wants, has, later }),
        (content(), prop::option::of(any::<u32>()))
            .prop_map(|(content, suggested)| Transfer::Grant { content, suggested }),
        (content(), any::<u32>(), any::<u32>()).prop_map(|(content, transfer, chunk)| Transfer::Choose {
            content,
            transfer,
            chunk
        }),
        content().prop_map(|content| Transfer::Return { content }),
        any::<u32>().prop_map(|transfer| Transfer::Cancel { transfer }),
        (any::<u32>(), refused).prop_map(|(transfer, why)| Transfer::Refuse { transfer, why }),
        (any::<u32>(), pieces)
            .prop_map(|(transfer, len)| Transfer::Piece { transfer, bytes: vec![7; len].into() }),
    ]
}
