//! The port of a client, and what a server says of others: with the real programs.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use starling_core::device::DeviceKey;
use starling_core::direct::place::CANDIDATES_MAX;
use starling_core::direct::{Pass, Reach, Role};
use starling_core::wire::{Parting, PeerFrame, Request};
use starling_tests::program::Program;

use crate::fake_server::FakeServer;
use crate::support::deceived::{Deceived, here, vouch};
use crate::support::frames::text_of;
use crate::support::house::encoded;
use crate::support::place::{Place, Serving};
use crate::support::ports::{dialed, listening_port};
use crate::support::raw::{connect_from, rest_of};
use crate::support::street::{Caller, Device, Victims};
use crate::support::tenth_of;
use crate::support::visitor::Visitor;
use crate::transport::old_hello;

const HERE: &str = "127.0.0.1";
/// Strangers who come to a client at once.
const STRANGERS: usize = 200;
/// Places that a client dials at once.
const DIALS_MAX: usize = 8;
const CHANGED: &str = "The key of hans has changed. Compare it with: verify hans";

// --- Strangers ---

/// Shows a certificate, or nothing.
#[derive(Debug)]
struct Shows(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// What a device dials with, but for something.
fn dialing(change: impl FnOnce(&mut ClientConfig)) -> Arc<ClientConfig> {
    let mut config = (*Device::new().configs.client).clone();
    change(&mut config);
    Arc::new(config)
}

/// What a server shows, by somebody who dials.
fn with_a_certificate() -> Arc<ClientConfig> {
    let pair = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&pair).expect("a certificate");
    dialing(|config| {
        let key = PrivateKeyDer::try_from(pair.serialize_der()).expect("a key");
        let key = config.crypto_provider().key_provider.load_private_key(key).expect("a key");
        let shown = CertifiedKey::new(vec![certificate.der().clone()], key);
        config.client_auth_cert_resolver = Arc::new(Shows(Some(Arc::new(shown))));
    })
}

#[test]
fn t45_a_stranger_hears_nothing_and_is_closed() {
    let place = Place::new();
    let server = FakeServer::start();
    let mut yoda = Deceived::at(&server, &place);
    let mut silent = connect_from(Ipv4Addr::LOCALHOST, here(yoda.port));
    let pass = yoda.is_told_of("hans", Device::new().key, None, &[]);
    for config in [
        dialing(|_| {}),
        dialing(|config| config.alpn_protocols.clear()),
        dialing(|config| config.alpn_protocols = vec![b"starling/1".to_vec()]),
        dialing(|config| config.client_auth_cert_resolver = Arc::new(Shows(None))),
        with_a_certificate(),
    ] {
        let mut stranger = Caller::with(config, yoda.port);
        stranger.says(&[PeerFrame::meet(pass, Role::Caller), PeerFrame::Open]);
        stranger.hears_nothing();
    }
    for bytes in [&old_hello()[..], b"GET / HTTP/1.1\r\n\r\n", &[0; 64]] {
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, here(yoda.port));
        // It may be closed before all of it is there.
        let _ = stream.write_all(bytes);
        let answer = rest_of(&mut stream);
        assert!(matches!(answer[..], [] | [0x15, 3, _, 0, 2, ..]), "nothing but an alert: {answer:?}");
    }
    assert_eq!(rest_of(&mut silent), b"");
    yoda.has_seen_nothing();
}

#[test]
fn t45_strangers_without_end_stop_nobody_else() {
    let place = Place::new();
    let server = place.serve();
    let client = |who: &str, word: &str| {
        let mut client = place.client(who, (HERE, server.port()), &[]);
        client.write(format!("{who}\n{word}\n").as_bytes());
        assert_eq!(client.line(), format!("Welcome, {who}."));
        client
    };
    let (mut hans, mut luke) = (client("hans", "falcon"), client("luke", "lightsaber"));
    assert_eq!(hans.line(), "luke logged in");
    begin(&mut hans, "hans", &luke, "luke");
    let mut yoda = client("yoda", "wise");
    assert_eq!((hans.line(), luke.line()), ("yoda logged in".into(), "yoda logged in".into()));
    let port = listening_port(luke.id());
    let nobody = Device::new();
    let _silent: Vec<TcpStream> =
        (0..STRANGERS / 2).map(|_| connect_from(Ipv4Addr::LOCALHOST, here(port))).collect();
    let _loud: Vec<Caller> = (0..STRANGERS / 2)
        .map(|_| {
            let mut stranger = nobody.calls(port);
            stranger.starts();
            stranger
        })
        .collect();
    for number in 0..20 {
        hans.write(format!("private luke {number}\n").as_bytes());
        assert_eq!(luke.line(), format!("hans(private): {number}"));
        luke.write(format!("private hans {number}\n").as_bytes());
        assert_eq!(hans.line(), format!("luke(private): {number}"));
    }
    begin(&mut yoda, "yoda", &luke, "luke");
}

/// One starts a private session with the other.
fn begin(caller: &mut Program, who: &str, called: &Program, whom: &str) {
    caller.write(format!("startprivate {whom}\n").as_bytes());
    assert_eq!(caller.line(), format!("Private session with {whom} started."));
    assert_eq!(called.line(), format!("{who} started a private session with you."));
}

#[test]
fn t45_only_a_vouched_key_with_its_own_pass_is_met() {
    let place = Place::new();
    let server = FakeServer::start();
    let mut yoda = Deceived::at(&server, &place);
    let (hans, luke, stranger) = (Device::new(), Device::new(), Device::new());
    let whisper = PeerFrame::Whisper { text: text_of("let me in") };
    for early in [whisper, PeerFrame::Open, PeerFrame::Opened, PeerFrame::Bye(Parting::Stopped)] {
        let pass = yoda.is_told_of("hans", hans.key, None, &[]);
        let mut caller = hans.calls(yoda.port);
        caller.says(&[early, PeerFrame::meet(pass, Role::Caller)]);
        caller.hears_nothing();
    }
    let of_hans = yoda.is_told_of("hans", hans.key, None, &[]);
    let of_luke = yoda.is_told_of("luke", luke.key, None, &[]);
    for (device, pass, role) in [
        (&luke, of_hans, Role::Caller),
        (&hans, of_luke, Role::Caller),
        (&hans, of_hans, Role::Called),
        (&stranger, of_hans, Role::Caller),
    ] {
        let mut caller = device.calls(yoda.port);
        caller.says(&[PeerFrame::meet(pass, role), PeerFrame::Open]);
        caller.hears_nothing();
    }
    yoda.has_seen_nothing();
    yoda.talks_with(&hans, &[]);
}

// --- Places ---

/// A server names ten thousand places, so many at a time as are dialed before the introductions are over.
#[test]
fn t37_a_client_dials_few_places_at_once_whatever_the_server_says() {
    let place = Place::new();
    let server = FakeServer::start();
    let mut yoda = Deceived::at(&server, &place);
    let victims = Victims::new(CANDIDATES_MAX);
    let candidates: Vec<SocketAddr> = victims.ports.iter().map(|port| here(*port)).collect();
    let people = 28;
    let places = people * CANDIDATES_MAX;
    let all = usize::try_from(tenth_of(10_000)).expect("a small number");
    for round in 0..all.div_ceil(places) {
        for person in 0..people {
            let number = u16::try_from(round * people + person).expect("a small number");
            let mut key = DeviceKey([1; 32]);
            key.0[..2].copy_from_slice(&number.to_be_bytes());
            yoda.is_told_of(&format!("user{number}"), key, None, &candidates);
        }
        let mut held: Vec<TcpStream> = (0..DIALS_MAX).map(|_| victims.next()).collect();
        yoda.has_heard_all();
        for number in DIALS_MAX..=places {
            if number % DIALS_MAX == 0 {
                let at_once = dialed(yoda.client.id(), &victims.ports);
                assert!(at_once <= DIALS_MAX, "{at_once} places are dialed at once");
            }
            drop(held.remove(0));
            if number < places {
                held.push(victims.next());
            }
        }
        drop(held);
    }
    assert!(victims.are_left_alone(), "each place is dialed once");
    yoda.has_seen_nothing();
}

#[test]
fn t37_a_client_dials_no_place_that_is_none() {
    let place = Place::new();
    let server = FakeServer::start();
    let mut yoda = Deceived::at(&server, &place);
    let victims = Victims::new(1);
    let port = victims.ports[0];
    let is_none = [
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv6Addr::UNSPECIFIED.into(),
        Ipv4Addr::BROADCAST.into(),
        Ipv4Addr::new(224, 0, 0, 1).into(),
        Ipv4Addr::new(169, 254, 1, 1).into(),
        IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 1]),
        IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 1]),
    ];
    let mut candidates = is_none.map(|address: IpAddr| SocketAddr::new(address, port)).to_vec();
    candidates.push(here(port));
    yoda.is_told_of("hans", DeviceKey([1; 32]), None, &candidates);
    drop(victims.next());
    yoda.is_told_of("luke", DeviceKey([2; 32]), None, &[here(port)]);
    drop(victims.next());
    assert!(victims.are_left_alone());
    // A port at which others listen is nothing that a server may say.
    let frame = vouch("hans", DeviceKey([1; 32]), Pass([9; Pass::BYTES]), None, &[here(port)]);
    let mut bytes = encoded(&frame.frame());
    let end = bytes.len() - 2;
    bytes[end..].copy_from_slice(&22_u16.to_be_bytes());
    yoda.guest.stream.write_all(&bytes).and_then(|()| yoda.guest.stream.flush()).expect("it is heard");
    assert_eq!(yoda.client.ends(), ("Connection to the server lost.\n".to_owned(), 3));
}

/// Somebody says that he is to be met at a place of a victim's, and is seen elsewhere, at the same port.
struct Forger {
    victim: TcpListener,
    seen: Victims,
    reach: Reach,
}

impl Forger {
    const SEEN_AT: Ipv4Addr = Ipv4Addr::new(127, 0, 36, 2);

    fn new() -> Forger {
        let victim = TcpListener::bind((Ipv4Addr::new(127, 0, 36, 1), 0)).expect("a port");
        let at = victim.local_addr().expect("an address");
        victim.set_nonblocking(true).expect("a socket can be set so");
        let seen = Victims::at(&[(Forger::SEEN_AT, at.port()).into()]);
        Forger { victim, seen, reach: Reach { port: at.port(), hosts: vec![at.ip()] } }
    }

    /// Is online as hans until he is dropped.
    fn logs_in(&self, server: &Serving) -> Visitor {
        let mut hans = Device::new().logs_in(Forger::SEEN_AT, server.addr, "hans", "falcon");
        hans.asks(&Request::Reach(self.reach.clone()));
        hans
    }

    /// Nobody has come to the victim.
    fn harms_nobody(&self) -> bool {
        self.victim.accept().is_err()
    }
}

#[test]
fn t36_nobody_is_sent_to_a_host_where_the_other_one_is_not_seen() {
    let place = Place::new();
    let server = place.serve();
    let forger = Forger::new();
    let _hans = forger.logs_in(&server);
    let mut luke = place.client("luke", (HERE, server.port()), &[]);
    luke.write(b"luke\nlightsaber\nstartprivate hans\n");
    assert_eq!(luke.line(), "Welcome, luke.");
    let stream = forger.seen.next();
    assert!(forger.harms_nobody(), "he is looked for where he is seen, and nowhere else");
    drop(stream);
    assert_eq!(luke.line(), "Error. Could not reach hans directly.");
    assert!(forger.harms_nobody());
}

/// A thousand clients look for him, so many at a time. The forged place, were it told, would be dialed before the one
/// at which each of them is waited for.
#[test]
fn t36_a_thousand_clients_do_not_come_to_a_victim() {
    let clients = tenth_of(1_000);
    let names: Vec<String> = (0..clients).map(|number| format!("user{number}")).collect();
    let users: String = names.iter().map(|name| format!("{name} secret\n")).collect();
    let place = Place::with(&format!("hans falcon\n{users}"), "");
    let server = place.serve();
    let forger = Forger::new();
    for some in names.chunks(10) {
        let _hans = forger.logs_in(&server);
        let _clients: Vec<Program> = some.iter().map(|name| looks_for_hans(&place, &server, name)).collect();
        let _streams: Vec<TcpStream> = some.iter().map(|_| forger.seen.next()).collect();
        assert!(forger.harms_nobody());
    }
    assert!(forger.seen.are_left_alone(), "each has come once");
}

fn looks_for_hans(place: &Place, server: &Serving, name: &str) -> Program {
    let mut client = place.client(name, (HERE, server.port()), &[]);
    client.write(format!("{name}\nsecret\nstartprivate hans\n").as_bytes());
    client
}

// --- Keys ---

#[test]
fn t38_another_key_is_told_before_anything_is_said() {
    let place = Place::new();
    let server = FakeServer::start();
    let (known, swapped) = (Device::new(), Device::new());
    let mut yoda = Deceived::at(&server, &place);
    yoda.talks_with(&known, &[]);
    yoda.talks_with(&known, &[]);
    yoda.talks_with(&swapped, &[&format!("Warning. {CHANGED}")]);
    yoda.client.end_input();
    yoda.guest.lets_go();
    yoda.client.ends();
    // The device remembers who was last.
    let mut yoda = Deceived::at(&server, &place);
    yoda.talks_with(&swapped, &[]);
    yoda.talks_with(&known, &[&format!("Warning. {CHANGED}")]);
}

#[test]
fn t38_another_key_than_the_compared_one_is_refused() {
    let place = Place::new();
    let server = FakeServer::start();
    let (known, swapped) = (Device::new(), Device::new());
    let mut yoda = Deceived::at(&server, &place);
    yoda.talks_with(&known, &[]);
    let number = yoda.types("verify hans");
    assert!(number.starts_with("Safety number with hans: "), "{number}");
    assert_eq!(yoda.types("verify hans ok"), "hans is verified.");
    for _ in 0..2 {
        // Whoever calls with it is not met.
        yoda.is_called_by_hans(&swapped).hears_nothing();
        yoda.has_seen_nothing();
        // Nor is he looked for.
        let victims = Victims::new(1);
        yoda.client.write(b"startprivate hans\n");
        let request = yoda.calls();
        yoda.is_told_of("hans", swapped.key, Some(request), &[here(victims.ports[0])]);
        assert_eq!(yoda.client.line(), format!("Error. {CHANGED}"));
        assert!(victims.are_left_alone());
        // The right one is.
        yoda.talks_with(&known, &[]);
        yoda.client.end_input();
        yoda.guest.lets_go();
        yoda.client.ends();
        yoda = Deceived::at(&server, &place);
    }
}
