//! The driver over loopback, with a clock that the test moves.

mod peer;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use starling_core::auth::credentials::{self, Entry};
use starling_core::id::RequestId;
use starling_core::name::Name;
use starling_core::seed::Seed;
use starling_core::server::Config;
use starling_core::text::Text;
use starling_core::time::Time;
use starling_core::wire::{Farewell, LoginRefusal, Outcome, PeerFault, Request, ServerFrame};
use tempfile::TempDir;

use self::peer::Peer;
use super::verify::hashed::hash;
use super::{Options, Security, Server, StartError};
use crate::clock::{Clock, ClockHand};
use crate::tls::device::DeviceSecret;

const TIMEOUT: Duration = Duration::from_secs(120);

/// A server in a folder of its own.
struct Stage {
    folder: TempDir,
    clock: Clock,
    hand: ClockHand,
    server: Server,
}

fn entries(file: &str) -> Vec<Entry> {
    credentials::parse(file.as_bytes()).unwrap()
}

fn options(folder: &TempDir, addr: SocketAddr) -> Options {
    let mut config = Config::new(Duration::from_secs(60), TIMEOUT);
    // Nobody moves the clock while a commit waits for company.
    config.limits.commit_delay = Duration::ZERO;
    Options {
        addr,
        data_dir: folder.path().join("data"),
        credentials: entries("hans falcon\nyoda wise\n"),
        config,
        conns_max: 100,
        seed: Seed::from(1),
        security: Security::Plain,
    }
}

/// A hash of `password`, as cheap as can be.
fn cheap(password: &str) -> String {
    hash(password.as_bytes(), &argon2::Params::new(8, 1, 1, None).unwrap()).unwrap()
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

impl Stage {
    fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(Time::from_secs(1_000));
        let server = Server::start(options(&folder, loopback()), clock.clone()).unwrap();
        Stage { folder, clock, hand, server }
    }

    fn peer(&self) -> Peer {
        Peer::connect(self.server.local_addr())
    }

    fn online(&self, name: &str, password: &str) -> Peer {
        let mut peer = self.peer();
        peer.login(name, password);
        assert!(matches!(peer.next(), ServerFrame::Greeting(_)));
        assert_eq!(peer.next(), ServerFrame::Welcome { name: Name::parse(name.as_bytes()).unwrap() });
        peer
    }
}

fn block(number: u32, whom: &str) -> Request {
    Request::Block { request: RequestId(number), whom: Name::parse(whom.as_bytes()).unwrap() }
}

fn broadcast(number: u32, len: usize) -> Request {
    Request::Broadcast {
        request: RequestId(number),
        text: Text::parse(Bytes::from(vec![b'x'; len])).unwrap(),
    }
}

fn done(number: u32, outcome: Outcome) -> ServerFrame {
    ServerFrame::Done { request: RequestId(number), outcome }
}

#[test]
fn what_one_says_the_other_hears() {
    let stage = Stage::new();
    let (mut hans, mut yoda) = (stage.online("hans", "falcon"), stage.online("yoda", "wise"));
    hans.send(&broadcast(1, 3));
    assert!(matches!(yoda.next(), ServerFrame::Cast { text, .. } if text.as_str() == "xxx"));
    assert_eq!(hans.next_but_presence(), done(1, Outcome::Accepted));
}

/// Where nothing is exported, a device has nothing to sign.
#[test]
fn in_the_clear_no_proof_holds() {
    let stage = Stage::new();
    let mut peer = stage.peer();
    let secret = DeviceSecret::generate().unwrap();
    peer.login_from("hans", "falcon", Some(secret.prove(&[0; 32]).unwrap()));
    assert!(matches!(peer.next(), ServerFrame::Greeting(_)));
    assert_eq!(peer.next(), ServerFrame::Fault(PeerFault::BadProof));
    assert!(peer.is_over());
}

#[test]
fn a_wrong_password_may_be_tried_again() {
    let stage = Stage::new();
    let mut peer = stage.peer();
    peer.login("hans", "wise");
    assert!(matches!(peer.next(), ServerFrame::Greeting(_)));
    assert_eq!(peer.next(), ServerFrame::LoginRefused(LoginRefusal::TryAgain));
}

#[test]
fn a_time_out_comes_when_the_clock_comes_to_it() {
    let stage = Stage::new();
    let mut hans = stage.online("hans", "falcon");
    for _ in 0..5 {
        stage.hand.advance(Duration::from_secs(20));
        hans.ping();
    }
    stage.hand.advance(TIMEOUT - Duration::from_secs(100));
    assert_eq!(hans.next(), ServerFrame::Farewell(Farewell::Idle { seconds: 120 }));
    assert!(hans.is_over());
}

#[test]
fn the_last_frame_arrives_although_the_server_has_not_read_everything() {
    let stage = Stage::new();
    let mut hans = stage.online("hans", "falcon");
    hans.send(&Request::Logout { request: RequestId(9) });
    for nonce in 0..20_000 {
        hans.send(&Request::Ping { nonce });
    }
    assert_eq!(hans.next(), done(9, Outcome::LoggedOut));
    assert!(hans.is_over());
}

#[test]
fn who_does_not_read_is_cut_and_nobody_else_waits() {
    let stage = Stage::new();
    let (mut hans, yoda) = (stage.online("hans", "falcon"), stage.online("yoda", "wise"));
    let mut number = 0;
    loop {
        number += 1;
        hans.send(&broadcast(number, 16_000));
        match hans.next_but_presence() {
            frame if frame == done(number, Outcome::Accepted) => {}
            frame => {
                assert_eq!(frame, done(number, Outcome::NobodyOnline));
                break;
            }
        }
        // The commands of a user are counted in time.
        stage.hand.advance(Duration::from_millis(2));
        assert!(number < 2_000, "yoda has taken {number} texts without reading");
    }
    drop(yoda);
}

#[test]
fn at_a_stop_everybody_is_told_and_the_server_ends() {
    let mut stage = Stage::new();
    let (mut hans, stranger) = (stage.online("hans", "falcon"), stage.peer());
    stage.server.handle().stop();
    assert_eq!(hans.next(), ServerFrame::Farewell(Farewell::ShuttingDown));
    assert!(hans.is_over());
    drop((hans, stranger));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(stage.server.ended()), super::Ended::Stopped);

    let addr = stage.server.local_addr();
    stage.server.join();
    let again = Server::start(options(&stage.folder, addr), stage.clock.clone()).unwrap();
    assert_eq!(again.local_addr(), addr);
}

#[test]
fn a_folder_or_an_address_in_use_is_refused_in_one_line() {
    let stage = Stage::new();
    let refusal = |addr| Server::start(options(&stage.folder, addr), stage.clock.clone()).unwrap_err();
    let (data, listen) = (refusal(loopback()), refusal(stage.server.local_addr()));
    assert!(matches!(data, StartError::Data(_)), "{data}");
    assert!(matches!(listen, StartError::Listen { .. }), "{listen}");
    assert!(!format!("{data}{listen}").contains('\n'));
}

#[test]
fn new_credentials_are_used_once_their_users_are_numbered() {
    let stage = Stage::new();
    let mut hans = stage.online("hans", "falcon");
    stage.server.handle().use_credentials(entries("hans falcon\nluke lightsaber\n"));
    // The store takes its orders one after the other: the block is written after luke is numbered.
    hans.send(&block(1, "yoda"));
    assert_eq!(hans.next(), done(1, Outcome::Accepted));
    stage.online("luke", "lightsaber");
}

#[test]
fn hashed_passwords_are_checked_while_the_server_goes_on() {
    let stage = Stage::new();
    let mut hans = stage.online("hans", "falcon");
    let (wise, other) = (cheap("wise"), cheap("other"));
    // From now on a password is checked elsewhere.
    stage.server.handle().use_credentials(entries(&format!("hans {other}\nyoda {wise}\n")));
    hans.send(&block(1, "yoda"));
    assert_eq!(hans.next(), done(1, Outcome::Accepted));
    let mut yoda = stage.online("yoda", "wise");
    for refused in [("hans", "falcon"), ("nobody", "wise")] {
        let mut peer = stage.peer();
        peer.login(refused.0, refused.1);
        assert!(matches!(peer.next(), ServerFrame::Greeting(_)));
        assert_eq!(peer.next(), ServerFrame::LoginRefused(LoginRefusal::TryAgain));
    }
    // And now at once again.
    stage.server.handle().use_credentials(entries("hans falcon\nluke lightsaber\n"));
    yoda.send(&block(2, "hans"));
    assert_eq!(yoda.next_but_presence(), done(2, Outcome::Accepted));
    stage.online("luke", "lightsaber");
}

#[test]
fn credentials_that_cannot_be_used_change_nothing() {
    let stage = Stage::new();
    let mut hans = stage.online("hans", "falcon");
    stage.server.handle().use_credentials(entries("hans new\nluke $argon2id$nonsense\n"));
    hans.send(&block(1, "yoda"));
    assert_eq!(hans.next(), done(1, Outcome::Accepted));
    stage.online("yoda", "wise");
    let folder = tempfile::tempdir().unwrap();
    let options =
        Options { credentials: entries("hans $argon2id$nonsense\n"), ..options(&folder, loopback()) };
    let refused = Server::start(options, stage.clock.clone()).unwrap_err();
    assert!(matches!(refused, StartError::Credentials(_)), "{refused}");
}

#[test]
fn connections_beyond_the_limit_wait_until_others_end() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(Time::from_secs(1));
    let server = Server::start(Options { conns_max: 2, ..options(&folder, loopback()) }, clock).unwrap();
    let (mut first, mut second) = (Peer::connect(server.local_addr()), Peer::connect(server.local_addr()));
    first.ping_before_login();
    second.ping_before_login();
    let mut third = Peer::connect(server.local_addr());
    drop(first);
    third.ping_before_login();
    second.ping_before_login();
}

#[test]
fn those_who_are_sent_away_and_stay_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(Time::from_secs(1));
    let mut options = Options { conns_max: 3, ..options(&folder, loopback()) };
    options.config.limits.greeting_max = 1;
    let server = Server::start(options, clock).unwrap();
    // Each makes room for the next and keeps his end open. If that took the patience with those who end,
    // they would be at it for minutes.
    let stay: Vec<Peer> = (0..100)
        .map(|_| {
            let mut peer = Peer::connect(server.local_addr());
            peer.ping_before_login();
            peer
        })
        .collect();
    drop(stay);
}

#[test]
fn a_stranger_who_says_nothing_is_closed_at_the_deadline() {
    let stage = Stage::new();
    let mut stranger = stage.peer();
    stranger.ping_before_login();
    stage.hand.advance(Duration::from_secs(60));
    assert!(stranger.is_over());
}
