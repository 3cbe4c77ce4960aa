//! More than one's share of connections, handshakes and buffers, at the real server.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;

use starling_core::id::{RequestId, Seq};
use starling_core::limits::TEXT_MAX;
use starling_core::wire::{Hello, Outcome, Request, ServerFrame, VERSION};

use crate::support::frames::{message, text_of};
use crate::support::house::encoded;
use crate::support::place::{Place, Serving, USERS};
use crate::support::raw::{connect_from, connect_with_room, rest_of};
use crate::support::visitor::{Visitor, hello};

/// Those who say too little, of each kind. The whole attack has 2,000.
const DRIBBLERS: u8 = 100;
/// Descriptors of a small server.
const DESCRIPTORS: u32 = 256;
/// Pairs of people who talk meanwhile.
const PAIRS: usize = 25;
/// Connections that are thrown at it.
const CONNECTS: usize = 5_000;
/// Of them, those that stay open at once, which is more than it can hold.
const OPEN: usize = 300;

/// So many people, who are called `user0` and so on; their password is `pw`.
fn people(count: usize) -> String {
    (0..count).fold(String::new(), |all, number| format!("{all}user{number} pw\n"))
}

/// Two people who talk: each message is there before the next is sent.
struct Talk {
    from: Visitor,
    to: Visitor,
    receiver: String,
    said: u32,
}

impl Talk {
    fn between(server: &Serving, [(from, word), (to, other_word)]: [(&str, &str); 2]) -> Talk {
        let from = Visitor::online(server.addr, from, word);
        Talk { from, to: Visitor::online(server.addr, to, other_word), receiver: to.to_owned(), said: 0 }
    }

    fn goes_on(&mut self) {
        self.said += 1;
        let text = format!("message {}", self.said);
        self.from.asks(&message(self.said, &self.receiver, &text));
        let (seq, heard) = self.to.next_letter();
        assert_eq!(heard, text);
        self.to.asks(&Request::Ack { seq });
        let outcome = self.from.outcome(self.said);
        assert!(matches!(outcome, Outcome::Accepted | Outcome::Queued), "{outcome:?}");
    }
}

#[test]
fn t02_who_dribbles_is_cut_and_nobody_waits_for_him() {
    let limits = "hello_deadline_ms = 3000\nlogin_deadline_ms = 5000\naddress_connects_burst = 100000";
    let place = Place::with(USERS, limits);
    let server = place.serve();
    let from = |number| Ipv4Addr::new(127, 0, 2, number);
    let mut silent: Vec<TcpStream> = (0..DRIBBLERS).map(|n| connect_from(from(n), server.addr)).collect();
    let mut slow: Vec<TcpStream> = (0..DRIBBLERS).map(|n| connect_from(from(n), server.addr)).collect();
    let word = encoded(&Hello::Hello { version: VERSION, product: "test".into() }.frame());
    let mut greeted: Vec<Visitor> = (0..DRIBBLERS)
        .map(|n| {
            let mut visitor = Visitor::over(connect_from(from(n), server.addr));
            visitor.says(&word);
            visitor
        })
        .collect();
    for byte in hello().iter().take(10) {
        // Some may be cut by now.
        slow.iter_mut().for_each(|stream| drop(stream.write_all(&[*byte])));
        let visit = place.visit("honest", ("127.0.0.1", server.port()), &[], "hans\nfalcon\n");
        assert!(visit.is_welcome("hans"), "{visit:?}");
    }
    for stream in silent.iter_mut().chain(&mut slow) {
        rest_of(stream);
    }
    for visitor in &mut greeted {
        assert!(matches!(visitor.next(), Some(ServerFrame::Greeting(_))));
        while visitor.next().is_some() {}
    }
}

#[test]
fn t03_connections_without_end_cost_nobody_a_message() {
    let place = Place::with(&people(2 * PAIRS + 2), "");
    let server = place.serve_with_descriptors(DESCRIPTORS);
    let mut talks: Vec<Talk> = (0..PAIRS)
        .map(|number| {
            let names = [format!("user{}", 2 * number), format!("user{}", 2 * number + 1)];
            Talk::between(&server, [(&names[0], "pw"), (&names[1], "pw")])
        })
        .collect();
    let [somebody, another] = [0, 1].map(|number| format!("user{}", 2 * PAIRS + number));
    let mut open = VecDeque::new();
    for number in 0..CONNECTS {
        let address = Ipv4Addr::new(127, 0, 3, u8::try_from(number % 200).expect("a byte"));
        open.push_back(connect_from(address, server.addr));
        if open.len() > OPEN {
            open.pop_front();
        }
        if number % 20 == 0 {
            talks[number / 20 % PAIRS].goes_on();
        }
        if number % 1_000 == 999 {
            // Those who say nothing make way for somebody who does.
            Visitor::online(server.addr, &somebody, "pw");
        }
    }
    talks.iter_mut().for_each(Talk::goes_on);
    drop(open);
    Talk::between(&server, [(&somebody, "pw"), (&another, "pw")]).goes_on();
    let words = server.program.words();
    assert!(words.lines().count() < 100, "{words}");
    server.ends();
}

#[test]
fn t04_handshakes_do_not_hold_up_those_who_talk() {
    const ROUNDS: u8 = 20;
    const HANDSHAKES: usize = 100;
    let place = Place::new();
    let server = place.serve();
    let mut talk = Talk::between(&server, [("hans", "falcon"), ("yoda", "wise")]);
    let hello = hello();
    let mut overtaken = 0;
    for round in 0..ROUNDS {
        let flood: Vec<TcpStream> = (0..HANDSHAKES)
            .map(|_| {
                let mut stream = connect_from(Ipv4Addr::new(127, 0, 4, round), server.addr);
                stream.write_all(&hello).expect("it is taken");
                stream
            })
            .collect();
        talk.goes_on();
        overtaken += flood.iter().filter(|stream| is_unanswered(stream)).count();
    }
    assert!(overtaken > 0, "the messages waited for all the handshakes");
    talk.goes_on();
}

/// Whether the server has said nothing yet.
fn is_unanswered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a mode");
    stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn t13_a_flooder_is_cut_while_others_talk() {
    let place = Place::new();
    let server = place.serve();
    let mut talk = Talk::between(&server, [("hans", "falcon"), ("yoda", "wise")]);
    let mut flooder = Visitor::online(server.addr, "vader", "sithlord");
    let request = encoded(&Request::Who { request: RequestId(1) }.frame());
    let many = request.repeat(1_000);
    let flood = thread::spawn(move || {
        // He neither keeps to his share nor reads what he gets.
        while flooder.stream.write_all(&many).is_ok() {}
    });
    for _ in 0..200 {
        talk.goes_on();
    }
    flood.join().expect("nothing went wrong");
    talk.goes_on();
}

#[test]
fn t15_a_reader_who_stops_is_cut_and_misses_nothing() {
    const STALLED: usize = 5;
    const LETTERS: u32 = 10;
    const BROADCASTS_MAX: u32 = 500;
    let place = Place::with(&people(STALLED + 2), "");
    let server = place.serve();
    let name = |number: usize| format!("user{number}");
    let stalled: Vec<Visitor> =
        (0..STALLED).map(|number| stops_reading(server.addr, &name(number))).collect();
    let mut reader = Visitor::online(server.addr, &name(STALLED), "pw");
    let mut sender = Visitor::online(server.addr, &name(STALLED + 1), "pw");
    let mut number = 0;
    for letter in 0..LETTERS {
        for receiver in 0..STALLED {
            number += 1;
            sender.asks(&message(number, &name(receiver), &format!("letter {letter}")));
            assert!(matches!(sender.outcome(number), Outcome::Accepted | Outcome::Queued));
        }
    }
    let text = text_of(&"x".repeat(TEXT_MAX));
    let mut cut = 0;
    while cut < STALLED {
        number += 1;
        assert!(number < BROADCASTS_MAX, "{cut} are cut, and the others are still written to");
        sender.asks(&Request::Broadcast { request: RequestId(number), text: text.clone() });
        sender.until(|frame| match frame {
            ServerFrame::Done { .. } => Some(()),
            ServerFrame::Presence(list) => {
                cut += list.changes.iter().filter(|change| !change.online).count();
                None
            }
            _ => None,
        });
        reader.until(|frame| matches!(frame, ServerFrame::Cast { .. }).then_some(()));
    }
    drop(stalled);
    for receiver in 0..STALLED {
        let mut back = Visitor::online(server.addr, &name(receiver), "pw");
        for letter in 0..LETTERS {
            let (seq, text) = back.next_letter();
            assert_eq!(text, format!("letter {letter}"));
            back.asks(&Request::Ack { seq });
        }
        assert_eq!(back.letters_until_pong(), Vec::<Seq>::new());
        back.asks(&Request::Logout { request: RequestId(1) });
        while back.next().is_some() {}
        let mut again = Visitor::online(server.addr, &name(receiver), "pw");
        assert_eq!(again.letters_until_pong(), Vec::<Seq>::new());
    }
}

/// Somebody who logs in, and whose system takes little of what he does not read.
fn stops_reading(addr: SocketAddr, name: &str) -> Visitor {
    let mut visitor = Visitor::over(connect_with_room(8 * 1024, addr));
    visitor.knocks(name, "pw");
    visitor.is_welcome();
    visitor
}
