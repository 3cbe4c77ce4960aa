//! Two hubs on the loopback.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use starling_core::client::Input;
use starling_core::device::DeviceKey;
use starling_core::direct::{Pass, Role};
use starling_core::id::ConnId;
use starling_core::text::Text;
use starling_core::time::Time;
use starling_core::wire::{Frame, PeerFrame};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Hub;
use crate::tls::device::DeviceSecret;
use crate::tls::peer::PeerConfigs;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOW: Time = Time::from_secs(1);
const PASS: Pass = Pass([1; Pass::BYTES]);
const OTHER_PASS: Pass = Pass([2; Pass::BYTES]);

/// Somebody who meets others.
struct Person {
    hub: Hub,
    key: DeviceKey,
    place: SocketAddr,
}

impl Person {
    async fn new() -> Person {
        let secret = DeviceSecret::generate().expect("a key");
        let mut hub = Hub::open(HERE, HERE).await;
        let reach = hub.reach().expect("it listens");
        assert_eq!(reach.hosts, [HERE]);
        hub.begin(PeerConfigs::of(&secret).expect("a good key"));
        Person { hub, key: secret.key().expect("a good key"), place: SocketAddr::new(HERE, reach.port) }
    }

    fn expects(&mut self, other: &Person) {
        self.hub.expect(other.key, NOW + Duration::from_secs(10), NOW);
    }

    fn dials(&mut self, pass: Pass, other: &Person) {
        self.hub.dial(pass, Role::Caller, other.key, &[other.place]);
    }

    /// The next connection: its id, whose it is, and for what it was dialed.
    async fn opened(&mut self) -> (ConnId, DeviceKey, Option<Pass>) {
        match self.hub.next().await {
            Input::PeerOpened { peer, key, pass } => (peer, key, pass),
            other => panic!("no connection but {other:?}"),
        }
    }

    /// All that comes on a connection, until it ends or is so long.
    async fn hears(&mut self, from: ConnId, len: usize) -> Bytes {
        let mut all = BytesMut::new();
        while all.len() < len {
            match self.hub.next().await {
                Input::PeerReceived { peer, bytes } if peer == from => all.extend(bytes),
                Input::PeerClosed { peer } if peer == from => break,
                other => panic!("nothing of this connection but {other:?}"),
            }
        }
        all.freeze()
    }

    async fn is_left(&mut self, by: ConnId) {
        assert_eq!(self.hub.next().await, Input::PeerClosed { peer: by });
    }
}

/// Two who have met, and the connection as each has it.
async fn pair() -> (Person, ConnId, Person, ConnId) {
    let (mut hans, mut luke) = (Person::new().await, Person::new().await);
    luke.expects(&hans);
    hans.dials(PASS, &luke);
    let (to_luke, key, pass) = hans.opened().await;
    assert_eq!((key, pass), (luke.key, Some(PASS)));
    let (to_hans, key, pass) = luke.opened().await;
    assert_eq!((key, pass), (hans.key, None));
    (hans, to_luke, luke, to_hans)
}

/// Frames of all sizes, more than the system holds for one who does not read.
fn frames() -> Vec<Frame> {
    let lens = (1..=400).map(|number| number * 40);
    let texts = lens.map(|len| Text::parse(Bytes::from(vec![b'x'; len])).expect("a text"));
    texts.map(|text| PeerFrame::Whisper { text }.frame()).collect()
}

fn encoded(frames: &[Frame]) -> Bytes {
    let mut bytes = BytesMut::new();
    frames.iter().for_each(|frame| frame.encode_into(&mut bytes));
    bytes.freeze()
}

/// A place where somebody listens and never says anything.
async fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((HERE, 0)).await.expect("a port");
    let place = listener.local_addr().expect("an address");
    (listener, place)
}

async fn is_hung_up(stream: &mut TcpStream) {
    // What it said before does not matter.
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
}

#[tokio::test]
async fn both_keys_are_proven_and_bytes_keep_their_order() {
    let (mut hans, to_luke, mut luke, to_hans) = pair().await;
    let frames = frames();
    frames.iter().for_each(|frame| hans.hub.send(to_luke, frame));
    let all = encoded(&frames);
    assert_eq!(luke.hears(to_hans, all.len()).await, all);
    luke.hub.send(to_hans, &frames[0]);
    assert_eq!(hans.hears(to_luke, frames[0].len()).await, encoded(&frames[..1]));
}

#[tokio::test]
async fn what_was_sent_before_the_end_arrives() {
    let (mut hans, to_luke, mut luke, to_hans) = pair().await;
    let frames = frames();
    frames.iter().for_each(|frame| hans.hub.send(to_luke, frame));
    hans.hub.close(to_luke);
    let all = encoded(&frames);
    assert_eq!(luke.hears(to_hans, all.len()).await, all);
    luke.is_left(to_hans).await;

    let (mut hans, to_luke, mut luke, to_hans) = pair().await;
    frames.iter().for_each(|frame| hans.hub.send(to_luke, frame));
    let ((), heard) = tokio::join!(hans.hub.drain(), async {
        let heard = luke.hears(to_hans, all.len()).await;
        luke.is_left(to_hans).await;
        heard
    });
    assert_eq!(heard, all);
}

#[tokio::test]
async fn whoever_does_not_read_is_left() {
    let (mut hans, to_luke, mut luke, to_hans) = pair().await;
    let frames = frames();
    let all = encoded(&frames);
    for _ in 0..4 {
        frames.iter().for_each(|frame| hans.hub.send(to_luke, frame));
        assert_eq!(luke.hears(to_hans, all.len()).await, all, "whoever reads hears everything");
    }
    // Luke reads nothing more. Each time, the task takes what it can.
    for _ in 0..8 {
        frames.iter().for_each(|frame| hans.hub.send(to_luke, frame));
        tokio::task::yield_now().await;
    }
    let left = timeout(Duration::from_secs(5), hans.is_left(to_luke)).await;
    left.expect("not everything waits for luke");
    assert!(luke.hears(to_hans, 8 * all.len()).await.len() < 8 * all.len());
}

#[tokio::test]
async fn a_connection_that_was_closed_ends_though_nobody_reads() {
    let (mut hans, to_luke, _luke, _) = pair().await;
    frames().iter().for_each(|frame| hans.hub.send(to_luke, frame));
    tokio::time::pause();
    let ended = timeout(Duration::from_secs(60), hans.hub.drain()).await;
    ended.expect("luke does not hold it open");
}

#[tokio::test]
async fn a_connection_that_was_closed_is_not_told_of() {
    let (mut hans, to_luke, mut luke, to_hans) = pair().await;
    luke.hub.send(to_hans, &Frame::ping(1));
    hans.hub.close(to_luke);
    luke.is_left(to_hans).await;
    hans.dials(OTHER_PASS, &luke);
    let (again, _, pass) = hans.opened().await;
    assert_eq!(pass, Some(OTHER_PASS));
    assert_ne!(again, to_luke);
}

#[tokio::test]
async fn only_the_key_that_is_looked_for_is_passed_on() {
    let (mut hans, mut luke, stranger) = (Person::new().await, Person::new().await, Person::new().await);
    luke.expects(&hans);
    // Where luke is, somebody else is looked for.
    hans.hub.dial(PASS, Role::Caller, stranger.key, &[luke.place]);
    let (_, key, _) = luke.opened().await;
    assert_eq!(key, hans.key);
    hans.dials(OTHER_PASS, &luke);
    assert_eq!(hans.opened().await.2, Some(OTHER_PASS));
    // Whoever is not expected is turned away, also by somebody who waits for another.
    let mut stranger = stranger;
    stranger.dials(PASS, &luke);
    let (to_luke, _, _) = stranger.opened().await;
    stranger.is_left(to_luke).await;
}

#[tokio::test]
async fn whoever_dials_a_little_early_is_let_in() {
    let (mut hans, mut luke) = (Person::new().await, Person::new().await);
    hans.dials(PASS, &luke);
    hans.opened().await;
    luke.expects(&hans);
    assert_eq!(luke.opened().await.1, hans.key);
}

#[tokio::test]
async fn an_introduction_that_is_over_lets_nobody_in() {
    let (mut hans, mut luke) = (Person::new().await, Person::new().await);
    luke.expects(&hans);
    luke.hub.dial(PASS, Role::Caller, hans.key, &[]);
    luke.hub.abandon(PASS);
    hans.dials(PASS, &luke);
    let (to_luke, _, _) = hans.opened().await;
    hans.is_left(to_luke).await;
    hans.dials(OTHER_PASS, &luke);
    hans.opened().await;
    luke.expects(&hans);
    assert_eq!(luke.opened().await.1, hans.key);
}

#[tokio::test]
async fn the_end_of_one_introduction_does_not_end_another_of_the_same_two() {
    let (mut hans, mut luke) = (Person::new().await, Person::new().await);
    for pass in [PASS, OTHER_PASS] {
        luke.expects(&hans);
        luke.hub.dial(pass, Role::Called, hans.key, &[]);
    }
    luke.hub.abandon(PASS);
    hans.dials(OTHER_PASS, &luke);
    let (to_luke, _, _) = hans.opened().await;
    let opened = timeout(Duration::from_secs(5), luke.opened()).await;
    assert_eq!(opened.expect("the other one goes on").1, hans.key);
    luke.hub.abandon(OTHER_PASS);
    hans.hub.close(to_luke);
    hans.dials(OTHER_PASS, &luke);
    let (to_luke, _, _) = hans.opened().await;
    hans.is_left(to_luke).await;
}

#[tokio::test]
async fn all_places_are_tried() {
    let (mut hans, mut luke) = (Person::new().await, Person::new().await);
    let (_listener, nobody) = silent().await;
    let also = SocketAddr::new(Ipv4Addr::new(127, 0, 0, 2).into(), luke.place.port());
    luke.expects(&hans);
    hans.hub.dial(PASS, Role::Caller, luke.key, &[nobody, luke.place, also]);
    let (first, second) = (hans.opened().await, hans.opened().await);
    assert_ne!(first.0, second.0);
    assert_eq!((first.1, first.2), (second.1, second.2));
    assert_ne!(luke.opened().await.0, luke.opened().await.0);
}

/// The caller has come by then, as a rule, and the second handshake is spared.
#[tokio::test(start_paused = true)]
async fn whoever_is_called_leaves_the_caller_a_moment() {
    let mut hans = Person::new().await;
    let listener = std::net::TcpListener::bind((HERE, 0)).expect("a port");
    listener.set_nonblocking(true).expect("it can be set");
    let place = listener.local_addr().expect("an address");
    hans.hub.dial(PASS, Role::Called, hans.key, &[place]);
    tokio::task::yield_now().await;
    assert!(listener.accept().is_err(), "not at once");
    tokio::time::advance(Duration::from_millis(100)).await;
    tokio::task::yield_now().await;
    listener.accept().expect("but if the caller does not come");
}

#[tokio::test]
async fn a_dial_that_is_abandoned_ends() {
    let mut hans = Person::new().await;
    let ((listener, place), (unused, next)) = (silent().await, silent().await);
    hans.hub.dial(PASS, Role::Caller, hans.key, &[place, next]);
    let (mut stream, _) = listener.accept().await.expect("it is dialed");
    hans.hub.abandon(PASS);
    is_hung_up(&mut stream).await;
    hans.hub.dial(OTHER_PASS, Role::Caller, hans.key, &[place, next]);
    listener.accept().await.expect("it is dialed");
    unused.accept().await.expect("it is dialed");
    // If the first dial had gone on to this place, it would have come before.
    tokio::select! {
        biased;
        _ = unused.accept() => panic!("it is dialed once"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_hub_that_is_dropped_ends_everything() {
    let (hans, _, mut luke, to_hans) = pair().await;
    let place = hans.place;
    drop(hans);
    luke.is_left(to_hans).await;
    let mut stream = TcpStream::connect(place).await;
    if let Ok(stream) = &mut stream {
        is_hung_up(stream).await;
    }
}
