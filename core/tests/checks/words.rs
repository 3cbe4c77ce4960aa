//! Frames in the words of PROTOCOL.md.

use starling_core::direct::{Pass, Purpose, Role};
use starling_core::id::{MsgId, Seq};
use starling_core::pattern::Pattern;
use starling_core::swarm::{Bitmap, Content};
use starling_core::wire::{
    Farewell, Finding, Found, Hello, LoginRefusal, NamesPage, News, Offer, Offers, Outcome, Parting,
    PeerFrame, PresenceList, Refusal, Refused, Report, Request, ServerFrame, Share, SwarmPage, Transfer,
    Vouch,
};

const NO_FIELDS: &str = "–";

pub(crate) fn hello(hello: &Hello) -> String {
    match hello {
        Hello::Hello { version, product } => format!("version {version}, product `{product}`"),
        Hello::Login { name, password, seen, device } => {
            let typed = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let (name, password) = (typed(name.as_bytes()), typed(password.reveal()));
            let device = device.map_or(String::new(), |proof| {
                format!(", device {}, signature {}", hex(&proof.key.0), hex(&proof.signature))
            });
            format!("name `{name}`, password `{password}`, seen {seen}{device}")
        }
        Hello::Ping { nonce } | Hello::Pong { nonce } => nonce_in_hex(*nonce),
    }
}

pub(crate) fn request(request: &Request) -> String {
    match request {
        Request::Message { request, id, to, text } => {
            format!("request {}, {}, to `{to}`, text `{}`", request.0, msg_id(*id), text.as_str())
        }
        Request::Broadcast { request, text } => format!("request {}, text `{}`", request.0, text.as_str()),
        Request::Who { request } | Request::Logout { request } | Request::More { request } => {
            format!("request {}", request.0)
        }
        Request::Since { request, seconds } => format!("request {}, {seconds} seconds", request.0),
        Request::Block { request, whom } | Request::Unblock { request, whom } => {
            format!("request {}, whom `{whom}`", request.0)
        }
        Request::Call { request, purpose, whom } => {
            format!("request {}, purpose {}, whom `{whom}`", request.0, purpose_of(*purpose))
        }
        Request::Know { request, whom } => format!("request {}, whom `{whom}`", request.0),
        Request::Files { request, pattern } => format!("request {}, {}", request.0, like(pattern)),
        Request::Seek { request, again, name } => {
            format!("request {}, again {}, name `{name}`", request.0, u8::from(*again))
        }
        Request::Share(Share { content, watches, held }) => {
            format!("{}, watches {}, {}", of(content), u8::from(*watches), bitmap(held))
        }
        Request::News(page) => news(page),
        Request::Leave { content } => of(content),
        Request::Offers(page) => offers(page),
        Request::Reach(reach) => format!("port {}, hosts {}", reach.port, listed(&reach.hosts)),
        Request::Ack { seq } => place(*seq),
        Request::Active => NO_FIELDS.into(),
        Request::Ping { nonce } | Request::Pong { nonce } => nonce_in_hex(*nonce),
    }
}

pub(crate) fn server_frame(frame: &ServerFrame) -> String {
    match frame {
        ServerFrame::Greeting(greeting) => {
            let (version, product) = (greeting.version, &greeting.product);
            let (server, epoch) = (greeting.server.0, greeting.epoch.0);
            format!("version {version}, product `{product}`, server {server:016x}, epoch {epoch}")
        }
        ServerFrame::Welcome { name } => format!("name `{name}`"),
        ServerFrame::LoginRefused(refusal) => login_refusal(*refusal),
        ServerFrame::Fault(fault) => format!("{fault:?}"),
        ServerFrame::Farewell(reason) => farewell(*reason),
        ServerFrame::Mail { seq, id, from, text } => {
            format!("{}, {}, from `{from}`, text `{}`", place(*seq), msg_id(*id), text.as_str())
        }
        ServerFrame::Cast { from, text } => format!("from `{from}`, text `{}`", text.as_str()),
        ServerFrame::Presence(list) => presence(list),
        ServerFrame::Vouch(introduction) => vouch(introduction),
        ServerFrame::Done { request, outcome } => format!("request {}, {}", request.0, ending(*outcome)),
        ServerFrame::Names(page) => names(page),
        ServerFrame::Ask { question, pattern } => format!("question {question}, {}", like(pattern)),
        ServerFrame::Found(page) => found(page),
        ServerFrame::Swarm(page) => swarm(page),
        ServerFrame::Ping { nonce } | ServerFrame::Pong { nonce } => nonce_in_hex(*nonce),
    }
}

pub(crate) fn peer_frame(frame: &PeerFrame) -> String {
    match frame {
        PeerFrame::Meet { version, pass, role } => {
            format!("version {version}, pass {}, role {}", hex(&pass.0), role_of(*role))
        }
        PeerFrame::Open | PeerFrame::Opened => NO_FIELDS.into(),
        PeerFrame::Whisper { text } => format!("text `{}`", text.as_str()),
        PeerFrame::Heard { count } => format!("count {count}"),
        PeerFrame::Bye(Parting::Stopped) => "reason 1".into(),
        PeerFrame::Bye(Parting::LoggedOut) => "reason 2".into(),
        PeerFrame::Transfer(frame) => transfer(frame),
        PeerFrame::Ping { nonce } | PeerFrame::Pong { nonce } => nonce_in_hex(*nonce),
    }
}

fn vouch(Vouch { pass: Pass(pass), role, purpose, request, name, key, candidates }: &Vouch) -> String {
    let (pass, key, candidates) = (hex(pass), hex(&key.0), listed(candidates));
    let (role, purpose) = (role_of(*role), purpose_of(*purpose));
    let head = format!("pass {pass}, role {role}, purpose {purpose}, request {}", request.0);
    format!("{head}, name `{name}`, key {key}, candidates {candidates}")
}

fn role_of(role: Role) -> u8 {
    match role {
        Role::Caller => 0,
        Role::Called => 1,
    }
}

fn purpose_of(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Talk => 1,
        Purpose::Fetch => 2,
    }
}

fn listed<T: ToString>(places: &[T]) -> String {
    let places: Vec<String> = places.iter().map(T::to_string).collect();
    if places.is_empty() { "none".into() } else { places.join(" ") }
}

fn ending(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "accepted",
        Outcome::Queued => "queued",
        Outcome::Partly => "partly",
        Outcome::NobodyOnline => "nobody online",
        Outcome::LoggedOut => "logged out",
        Outcome::Refused(Refusal::UnknownUser) => "unknown user",
        Outcome::Refused(Refusal::Yourself) => "yourself",
        Outcome::Refused(Refusal::BlockedBy) => "blocked by the receiver",
        Outcome::Refused(Refusal::AlreadyBlocked) => "already blocked",
        Outcome::Refused(Refusal::NotBlocked) => "not blocked",
        Outcome::Refused(Refusal::MailboxFull) => "mailbox full",
        Outcome::Refused(Refusal::CannotStore) => "cannot store",
        Outcome::Refused(Refusal::BlockedByYou) => "blocked by you",
        Outcome::Refused(Refusal::Offline) => "offline",
        Outcome::Refused(Refusal::Unreachable) => "unreachable",
    }
}

fn login_refusal(refusal: LoginRefusal) -> String {
    match refusal {
        LoginRefusal::TryAgain => "reason 1".into(),
        LoginRefusal::LockedNow { seconds } => format!("reason 2, {seconds} seconds"),
        LoginRefusal::Locked { seconds } => format!("reason 3, {seconds} seconds"),
        LoginRefusal::AlreadyOnline => "reason 4".into(),
        LoginRefusal::Busy => "reason 5".into(),
    }
}

fn farewell(reason: Farewell) -> String {
    match reason {
        Farewell::ShuttingDown => "reason 1".into(),
        Farewell::Idle { seconds } => format!("reason 2, {seconds} seconds"),
        Farewell::TooManyCommands => "reason 3".into(),
    }
}

fn presence(list: &PresenceList) -> String {
    let state = |online| if online { "online" } else { "offline" };
    let changes = list.changes.iter().map(|change| format!(", {} `{}`", state(change.online), change.name));
    format!("version {}{}", list.version, changes.collect::<String>())
}

fn names(page: &NamesPage) -> String {
    let (request, last) = (page.request.0, u8::from(page.last));
    let names = page.names.iter().map(|name| format!(", `{name}`"));
    format!("request {request}, last {last}, version {}{}", page.version, names.collect::<String>())
}

fn like(pattern: &Pattern) -> String {
    format!("pattern `{}`", String::from_utf8_lossy(pattern.as_bytes()))
}

fn offers(Offers { question, last, indexing, offers }: &Offers) -> String {
    let offers = offers.iter().map(|file| format!(", {}", offer(file))).collect::<String>();
    let (last, indexing) = (u8::from(*last), u8::from(*indexing));
    format!("question {question}, last {last}, indexing {indexing}{offers}")
}

fn found(Found { request, last, indexing, findings }: &Found) -> String {
    let findings =
        findings.iter().map(|Finding { offer: file, owner }| format!(", {} of `{owner}`", offer(file)));
    let (last, findings) = (u8::from(*last), findings.collect::<String>());
    format!("request {}, last {last}, indexing {indexing}{findings}", request.0)
}

fn of(Content { id, size }: &Content) -> String {
    format!("{id} {size} bytes")
}

fn bitmap(held: &Bitmap) -> String {
    let chunks: Vec<u32> = held.iter().collect();
    format!("{} chunks, held {}", held.chunks(), listed(&chunks))
}

fn news(News { content, items }: &News) -> String {
    let item = |report: &Report| match report {
        Report::Gained(chunk) => format!(", gained {chunk}"),
        Report::Started(chunk) => format!(", started {chunk}"),
        Report::Dropped(chunk) => format!(", dropped {chunk}"),
        Report::Doubted(owner, chunk) => format!(", doubted {chunk} of `{owner}`"),
    };
    format!("{}{}", of(content), items.iter().map(item).collect::<String>())
}

fn swarm(SwarmPage { content, last, chunks, came, left, copies }: &SwarmPage) -> String {
    let came: String = came
        .iter()
        .map(|(name, held)| format!(", `{name}` has {}", listed(&held.iter().collect::<Vec<_>>())))
        .collect();
    let left: String = left.iter().map(|name| format!(", `{name}` left")).collect();
    let copies: String = copies.iter().map(|(chunk, copies)| format!(", {chunk}: {copies}")).collect();
    format!("{}, last {}, {chunks} chunks{came}{left}{copies}", of(content), u8::from(*last))
}

fn transfer(frame: &Transfer) -> String {
    match frame {
        Transfer::Has { content, held } => format!("{}, {}", of(content), bitmap(held)),
        Transfer::Lacks { content } | Transfer::Return { content } => of(content),
        Transfer::Got { content, chunks } => format!("{}, chunks {}", of(content), listed(chunks)),
        Transfer::List { content, from } => format!("{}, from {from}", of(content)),
        Transfer::Hashes { content, from, hashes } => {
            let hashes: Vec<String> = hashes.chunks(32).map(hex).collect();
            format!("{}, from {from}, hashes {}", of(content), listed(&hashes))
        }
        Transfer::Bid { content, wants, has, later } => {
            format!("{}, wants {wants}, has {has}, later {}", of(content), u8::from(*later))
        }
        Transfer::Grant { content, suggested } => {
            format!("{}, suggested {}", of(content), listed(&suggested.iter().collect::<Vec<_>>()))
        }
        Transfer::Choose { content, transfer, chunk } => {
            format!("{}, transfer {transfer}, chunk {chunk}", of(content))
        }
        Transfer::Cancel { transfer } => format!("transfer {transfer}"),
        Transfer::Refuse { transfer, why: Refused::Lacking } => format!("transfer {transfer}, reason 1"),
        Transfer::Refuse { transfer, why: Refused::BrokenOff } => format!("transfer {transfer}, reason 2"),
        Transfer::Piece { transfer, bytes } => format!("transfer {transfer}, bytes {}", hex(bytes)),
    }
}

fn offer(Offer { name, content, size }: &Offer) -> String {
    format!("{content} {size} bytes `{name}`")
}

fn place(seq: Seq) -> String {
    format!("seq {seq}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn msg_id(id: MsgId) -> String {
    format!("instance {:016x}, counter {}", id.instance, id.counter)
}

fn nonce_in_hex(nonce: u32) -> String {
    format!("nonce {nonce:08x}")
}
