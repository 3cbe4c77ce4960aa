//! What anybody can say to the port.

use std::io::Read as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::ClientConfig;
use starling_core::wire::{Hello, VERSION};
use starling_runtime::tls;

use crate::support::house::encoded;
use crate::support::place::{Place, Serving, USERS};
use crate::support::raw::{answer, answer_to_all, connect_from, rest_of};
use crate::support::visitor::{hello, session};
use crate::support::{dice, noise, pick};

/// First flights of noise.
const FLIGHTS: usize = 10_000;
/// A connection costs nothing here: how many there may be is another threat.
const MANY: &str = "address_connects_burst = 1000000\naddress_attempts_burst = 1000000";

/// An alert that TLS 1.2 is not spoken: fatal, protocol version.
const NO_SUCH_VERSION: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 70];

/// How a dozen other protocols begin.
const OTHERS: [&[u8]; 12] = [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"EHLO mail.example\r\n",
    b"STARTTLS\r\n",
    b"a001 CAPABILITY\r\n",
    b"NICK bob\r\nUSER bob 0 * :bob\r\n",
    b"<?xml version='1.0'?><stream:stream to='localhost'>",
    b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c",
    b"\x13BitTorrent protocol\x00\x00\x00\x00\x00\x00\x00\x00",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
    b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
];

/// A hello of a client that speaks nothing newer than TLS 1.2, but of Starling.
pub(crate) fn old_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 8, 0xc0, 0x2b, 0xc0, 0x2f, 0xcc, 0xa9, 0x00, 0x9c, 1, 0]);
    let mut extensions =
        vec![0, 10, 0, 4, 0, 2, 0, 0x1d, 0, 13, 0, 6, 0, 4, 4, 3, 8, 7, 0, 16, 0, 13, 0, 11, 10];
    extensions.extend(tls::ALPN);
    let len = |len: usize| u8::try_from(len).expect("it is short");
    body.extend([0, len(extensions.len())]);
    body.extend(extensions);
    let mut hello = vec![0x16, 3, 1, 0, len(body.len() + 4), 1, 0, 0, len(body.len())];
    hello.extend(body);
    hello
}

/// A client that insists on other protocols.
fn speaking(protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut config = (*tls::client::by_key()).clone();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

/// Nothing but alerts.
fn is_alerts(mut bytes: &[u8]) -> bool {
    while let [0x15, 3, _, 0, 2, _, _, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes.is_empty()
}

/// Lines of the log that speak of an address.
fn complaints(server: &Serving, address: Ipv4Addr) -> usize {
    let from = format!("from={address}");
    server.program.words().lines().filter(|line| line.split_whitespace().any(|word| word == from)).count()
}

fn still_serves(place: &Place, server: &Serving) {
    let visit = place.visit("honest", ("127.0.0.1", server.port()), &[], "hans\nfalcon\n");
    assert!(visit.is_welcome("hans"), "{visit:?}");
}

#[test]
fn t43_no_older_tls_is_spoken() {
    let place = Place::with(USERS, MANY);
    let server = place.serve();
    let from = Ipv4Addr::new(127, 0, 43, 1);
    let mut stream = connect_from(from, server.addr);
    assert_eq!(answer(&mut stream, &old_hello()), NO_SUCH_VERSION);
    assert_eq!(complaints(&server, from), 1);
    if let Some(said) = openssl(&server, &["-tls1_2", "-alpn", "starling/1"]) {
        assert!(said.contains("alert protocol version"), "{said}");
    }
    still_serves(&place, &server);
}

/// What `openssl s_client` says of the server, if there is such a program.
fn openssl(server: &Serving, options: &[&str]) -> Option<String> {
    let to = server.addr.to_string();
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &to])
        .args(options)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn t43_whoever_does_not_speak_of_starling_gets_no_further() {
    let place = Place::with(USERS, MANY);
    let server = place.serve();
    let attempts: [&[&[u8]]; 4] = [&[b"h2"], &[b"http/1.1", b"starling/0"], &[b"starling/2"], &[]];
    for (number, protocols) in (1..).zip(attempts) {
        let from = Ipv4Addr::new(127, 0, 43, number);
        let mut stream = session(speaking(protocols), connect_from(from, server.addr));
        let mut said = Vec::new();
        let ended = stream.read_to_end(&mut said);
        assert!(said.is_empty(), "{protocols:?}: {said:?}");
        rest_of(&mut stream.sock);
        if !protocols.is_empty() {
            let error = ended.expect_err("an alert").to_string();
            assert!(error.contains("NoApplicationProtocol"), "{error}");
        }
        assert_eq!(complaints(&server, from), 1, "{protocols:?}");
    }
    still_serves(&place, &server);
}

#[test]
fn t43_nothing_is_said_in_the_clear() {
    let place = Place::with(USERS, MANY);
    let server = place.serve();
    let hello = encoded(&Hello::Hello { version: VERSION, product: "test".into() }.frame());
    let from = Ipv4Addr::new(127, 0, 43, 9);
    let said = answer(&mut connect_from(from, server.addr), &hello);
    assert!(is_alerts(&said), "{said:?}");
    assert_eq!(complaints(&server, from), 1);
}

#[test]
fn t11_other_protocols_are_answered_with_an_alert_and_one_line() {
    let place = Place::with(USERS, MANY);
    let server = place.serve();
    for (number, flight) in (1..).zip(OTHERS) {
        let from = Ipv4Addr::new(127, 0, 11, number);
        for _ in 0..3 {
            let said = answer(&mut connect_from(from, server.addr), flight);
            assert!(is_alerts(&said), "{}: {said:?}", flight.escape_ascii());
        }
        assert_eq!(complaints(&server, from), 1, "{}", flight.escape_ascii());
    }
    still_serves(&place, &server);
}

#[test]
fn t11_noise_is_answered_with_nothing_and_one_line() {
    let place = Place::with(USERS, MANY);
    let server = place.serve();
    let from = Ipv4Addr::new(127, 0, 11, 100);
    let mut dice = dice(11);
    let hello = hello();
    for number in 0..FLIGHTS {
        let len = 1 + pick(&mut dice, 600);
        let mut flight = noise(&mut dice, len);
        match number % 3 {
            0 => {}
            // It looks like a record of a handshake.
            1 => flight
                .splice(..0, [0x16, 3, 1, 0, u8::try_from(len.min(255)).expect("a byte")])
                .for_each(drop),
            // It is the beginning of a good one.
            _ => flight = hello[..1 + pick(&mut dice, hello.len() - 1)].to_vec(),
        }
        let said = answer_to_all(&mut connect_from(from, server.addr), &flight);
        assert!(is_alerts(&said), "{}: {said:?}", flight.escape_ascii());
    }
    assert_eq!(complaints(&server, from), 1);
    still_serves(&place, &server);
}
