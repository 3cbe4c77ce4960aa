//! What anybody can hear who records all that passes, and what it is worth to him.

use std::iter;
use std::net::TcpStream;
use std::path::Path;

use starling_core::id::RequestId;
use starling_core::wire::{Outcome, Request, ServerFrame};

use crate::support::place::Place;
use crate::support::raw::answer_to_all;
use crate::support::tap::{Tap, holds};
use crate::support::visitor::Visitor;
use crate::support::{dice, noise};

const HERE: &str = "127.0.0.1";
/// How often a flight is replayed.
const REPLAYS: usize = 1_000;

#[test]
fn t44_what_was_recorded_is_worth_nothing() {
    let place = Place::new();
    let server = place.serve();
    let mut watcher = Visitor::online(server.addr, "yoda", "wise");
    let tap = Tap::before(server.addr);
    let visit = place.visit("hans", (HERE, tap.addr.port()), &[], "hans\nfalcon\nmessage yoda once\n");
    assert!(visit.is_welcome("hans"), "{visit:?}");
    let flights = tap.passed_on();
    let [flight] = &flights[..] else { panic!("{} connections", flights.len()) };
    for _ in 0..REPLAYS {
        answer_to_all(&mut TcpStream::connect(server.addr).expect("it listens"), &flight.by_client);
    }
    // Nobody came but hans, once, and what he said came once.
    watcher.asks(&Request::Who { request: RequestId(1) });
    let (mut letters, mut changes) = (0, 0);
    let others = watcher.until(|frame| match frame {
        ServerFrame::Done { outcome: Outcome::NobodyOnline, .. } => Some(0),
        ServerFrame::Names(list) => Some(list.names.len()),
        ServerFrame::Mail { .. } => {
            letters += 1;
            None
        }
        ServerFrame::Presence(list) => {
            changes += list.changes.len();
            None
        }
        other => panic!("{other:?}"),
    });
    assert_eq!((letters, changes, others), (1, 2, 0));
    assert!(place.visit("hans", (HERE, server.port()), &[], "hans\nfalcon\n").is_welcome("hans"));
}

/// Names, passwords and texts that nobody else may ever see.
struct Canaries(Vec<String>);

impl Canaries {
    fn new() -> Canaries {
        let mut dice = dice(40);
        let word = |kind: &str, dice: &mut _| {
            format!("{kind}-{:016x}", u64::from_be_bytes(noise(dice, 8).try_into().expect("eight bytes")))
        };
        Canaries((0..24).map(|number| word(["name", "pass", "text"][number % 3], &mut dice)).collect())
    }

    fn name(&self, number: usize) -> &str {
        &self.0[number * 3]
    }

    fn password(&self, number: usize) -> &str {
        &self.0[number * 3 + 1]
    }

    fn text(&self, number: usize) -> &str {
        &self.0[number * 3 + 2]
    }

    fn credentials(&self) -> String {
        (0..8).fold(String::new(), |all, n| format!("{all}{} {}\n", self.name(n), self.password(n)))
    }

    /// Those that stand in `bytes`.
    fn found_in(&self, bytes: &[u8]) -> Vec<&String> {
        self.0.iter().filter(|canary| holds(bytes, canary)).collect()
    }
}

/// An evening of three people and one who is asleep, with everything that can be typed.
fn evening(place: &Place, canaries: &Canaries, port: u16) {
    let login = |who: usize| format!("{}\n{}\n", canaries.name(who), canaries.password(who));
    let mut people: Vec<_> = (0..3)
        .map(|who| {
            let mut client = place.client(&format!("device{who}"), (HERE, port), &[]);
            if who == 0 {
                // His first guess is the password of somebody else.
                client.write(format!("{}\n{}\n", canaries.name(0), canaries.password(7)).as_bytes());
                assert_eq!(client.line(), "Invalid user name or password. Please try again.");
                client.write(format!("{}\n", canaries.password(0)).as_bytes());
            } else {
                client.write(login(who).as_bytes());
            }
            assert_eq!(client.line(), format!("Welcome, {}.", canaries.name(who)));
            client
        })
        .collect();
    let (first, second, asleep) = (canaries.name(0), canaries.name(1), canaries.name(3));
    people[0].write(format!(
        "message {second} {}\nbroadcast {}\nmessage {asleep} {}\nwhoelse\nwhoelsesince 100\nblock {second}\n\
         unblock {second}\nmessage nobody {}\n{}\n",
        canaries.text(0), canaries.text(1), canaries.text(2), canaries.text(3), canaries.text(4),
    ).as_bytes());
    for text in [canaries.text(0), canaries.text(1)] {
        let heard = || people[1].line();
        assert!(iter::from_fn(|| Some(heard())).any(|line| line == format!("{first}: {text}")));
    }
    let (printed, _) = {
        people[0].end_input();
        people[0].ends()
    };
    for line in ["Your message will be delivered", second, "is unblocked.", "Unknown user", "Invalid command"]
    {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    let visit = place.visit("device3", (HERE, port), &[], &login(3));
    assert!(visit.printed.contains(canaries.text(2)), "{visit:?}");
    for person in &mut people[1..] {
        person.end_input();
        assert_eq!(person.ends().1, 0);
    }
}

#[test]
fn t40_a_recorded_evening_tells_nothing() {
    let canaries = Canaries::new();
    let place = Place::with(&canaries.credentials(), "");
    let server = place.serve();
    let tap = Tap::before(server.addr);
    evening(&place, &canaries, tap.addr.port());
    let passed = tap.passed_on();
    assert_eq!(passed.len(), 4);
    for one in &passed {
        assert!(one.by_client.len() > 500 && one.by_server.len() > 500, "it is the evening");
        assert!(holds(&one.by_client, "starling/1"), "what is in the clear would be found");
        for bytes in [&one.by_client, &one.by_server] {
            assert!(canaries.found_in(bytes).is_empty(), "{:?}", canaries.found_in(bytes));
        }
    }
    assert!(canaries.found_in(server.program.words().as_bytes()).is_empty(), "{}", server.program.words());
    assert!(is_found_where_it_is(&canaries, &place.server().join("credentials.txt")));
}

fn is_found_where_it_is(canaries: &Canaries, file: &Path) -> bool {
    !canaries.found_in(&std::fs::read(file).expect("a file")).is_empty()
}
