//! More than one's share of time, memory, disk and attention.

use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use starling_core::id::{ConnId, RequestId, UserId};
use starling_core::limits::{Limits, TEXT_MAX, UNDER_WAY_MAX};
use starling_core::server::{Action, Event, Input};
use starling_core::wire::{Farewell, Outcome, Refusal, Request, ServerFrame};

use crate::support::dice;
use crate::support::frames::{message, text_of};
use crate::support::house::{House, PASSWORD, encoded, outcome, patient};

/// Members of the team that is flooded.
const MEMBERS: usize = 1_000;
/// Messages of one sender to somebody who is offline.
const LETTERS: u32 = 1_000_000;

/// A team, all of them online.
fn team(members: usize) -> (House, Vec<ConnId>) {
    let names: Vec<String> = (0..members).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut house = House::with(patient(), &names);
    let conns: Vec<ConnId> = names.iter().map(|name| house.login(name)).collect();
    house.pass(Duration::from_secs(20));
    conns.iter().for_each(|conn| drop(house.take_frames(*conn)));
    (house, conns)
}

/// Somebody who sends as fast as he is read gets his rate and no more, and everybody else is answered in the
/// very step in which he asks.
#[test]
fn t13_a_flooder_gets_his_rate_and_nobody_waits_for_him() {
    const SECONDS: u32 = 20;
    let (mut house, conns) = team(3);
    let (flooder, other) = (conns[0], conns[1]);
    let limits = Limits::default();
    let (mut sent, mut served) = (0, 0);
    for millisecond in 0..SECONDS * 1_000 {
        for _ in 0..4 {
            if house.is_read(flooder) {
                house.ask(flooder, &Request::Who { request: RequestId(sent) });
                sent += 1;
            }
        }
        served += u32::try_from(house.take_frames(flooder).len()).expect("few");
        if millisecond % 10 == 0 {
            house.ask(other, &Request::Who { request: RequestId(millisecond) });
            assert!(matches!(house.take(other)[..], [ServerFrame::Names(_)]), "at {millisecond} ms");
        }
        house.pass(Duration::from_millis(1));
    }
    assert!(!house.is_closed(flooder), "who keeps to what is read is slowed down, not cut");
    let most = limits.commands_burst + SECONDS * limits.commands_per_second + 1;
    assert!(served <= most, "{served} of at most {most}");
    assert!(served >= most - 50, "{served}: he gets what is his");
}

/// Somebody who floods on regardless is told so and cut, with what he sent unserved.
#[test]
fn t13_a_flood_that_goes_on_is_cut() {
    let (mut house, conns) = team(3);
    let flood: Vec<u8> =
        (0..20_000).flat_map(|n| encoded(&Request::Who { request: RequestId(n) }.frame())).collect();
    for read in flood.chunks(64 * 1024) {
        if house.is_read(conns[0]) {
            house.bytes(conns[0], read.to_vec());
        }
    }
    let served = house.take(conns[0]);
    assert_eq!(served.last(), Some(&ServerFrame::Farewell(Farewell::TooManyCommands)));
    assert!(served.len() <= 1 + usize::try_from(Limits::default().commands_burst).expect("it fits"));
    assert!(house.is_closed(conns[0]));
    assert!(!house.is_closed(conns[1]));
}

/// The share is the user's: whoever comes back, after a cut or of his own will, has no new one.
#[test]
fn t13_who_comes_back_has_no_new_share() {
    let burst = Limits::default().commands_burst;
    let mut house = House::with(patient(), &["mallory", "hans"]);
    let first = house.login("mallory");
    for number in 0..burst {
        house.ask(first, &Request::Who { request: RequestId(number) });
    }
    assert!(!house.is_read(first), "the burst is used up");
    house.feed(Input::Closed { conn: first });
    let second = house.login("mallory");
    house.ask(second, &Request::Who { request: RequestId(1) });
    assert!(!house.is_read(second), "nothing has grown again meanwhile");
    let other = house.login("hans");
    house.ask(other, &Request::Who { request: RequestId(1) });
    assert!(house.is_read(other), "another has his own");
}

/// A broadcast to everybody is one order with one frame, whose text is the very bytes that came in: what it
/// costs for each receiver is the number of a connection.
#[test]
fn t14_a_broadcast_is_encoded_once_and_its_text_is_never_copied() {
    const BROADCASTS: usize = 64;
    let (mut house, conns) = team(MEMBERS);
    let text = "x".repeat(TEXT_MAX);
    let stream = |number: u32| {
        Bytes::from(encoded(&Request::Broadcast { request: RequestId(number), text: text_of(&text) }.frame()))
    };
    let streams: Vec<Bytes> = (0..).take(BROADCASTS).map(stream).collect();
    let mut orders = Vec::with_capacity(BROADCASTS);
    let used = measure(|| {
        for bytes in &streams {
            let input = Input::Received { conn: conns[0], bytes: bytes.clone() };
            orders.push(house.server.step(Event { at: house.now, input }));
        }
    });
    for (orders, came) in orders.iter().zip(&streams) {
        let [Action::SendMany { to, frame }, Action::Send { .. }] = &orders[..] else { panic!("{orders:?}") };
        assert_eq!(to.len(), MEMBERS - 1);
        assert_eq!(frame.body().as_ptr_range().end, came.as_ptr_range().end, "the very bytes");
    }
    // A number for each receiver in a list that grows by doubling, a list of orders, a count of owners.
    let most = BROADCASTS * (2 * MEMBERS * size_of::<ConnId>() + 1024);
    assert!(used.bytes_max <= u64::try_from(most).expect("it fits"), "{} of {most} bytes", used.bytes_max);
}

/// One sender fills his part of a mailbox and no more, in letters or in bytes; another still gets through.
#[test]
fn t16_one_sender_cannot_fill_a_mailbox() {
    let limits = Limits::default();
    let letters_max = limits.mailbox_letters_max / limits.mailbox_sender_part;
    let bytes_max = limits.mailbox_bytes_max / limits.mailbox_sender_part;
    for text in ["x".to_owned(), "x".repeat(TEXT_MAX)] {
        let mut house = House::with(patient(), &["mallory", "hans", "luke"]);
        let (mallory, hans) = (house.login("mallory"), house.login("hans"));
        let mut queued = 0;
        for number in 1..=LETTERS {
            let answer = outcome(&house.asked(mallory, &message(number, "luke", &text)), number);
            match answer {
                Some(Outcome::Queued) => queued += 1,
                other => assert_eq!(other, Some(Outcome::Refused(Refusal::MailboxFull)), "{number}"),
            }
        }
        let (letters, bytes) = house.store.held(UserId(3));
        assert!(letters <= letters_max && bytes <= bytes_max, "{letters} letters, {bytes} bytes");
        assert_eq!((letters, letters_max.min(bytes_max / text.len())), (queued, queued), "he gets his part");
        let answer = outcome(&house.asked(hans, &message(1, "luke", "still there?")), 1);
        assert_eq!(answer, Some(Outcome::Queued));
        assert!(receives_all(&mut house, "luke").contains(&"still there?".to_owned()));
        house.pass(Duration::from_secs(1));
        assert_eq!(house.store.held(UserId(3)), (0, 0), "what was read is off the disk");
    }
}

/// Many senders together fill the mailbox and no more.
#[test]
fn t16_all_together_fill_one_mailbox_and_not_the_disk() {
    let limits = Limits::default();
    let senders: Vec<String> = (0..15).map(|number| format!("user{number}")).collect();
    let mut names: Vec<&str> = senders.iter().map(String::as_str).collect();
    names.push("luke");
    let mut house = House::with(patient(), &names);
    let text = "x".repeat(TEXT_MAX);
    for sender in &senders {
        let conn = house.login(sender);
        for number in 1..=110 {
            assert!(outcome(&house.asked(conn, &message(number, "luke", &text)), number).is_some());
        }
    }
    let (letters, bytes) = house.store.held(UserId(16));
    assert!(letters <= limits.mailbox_letters_max && bytes <= limits.mailbox_bytes_max, "{letters} {bytes}");
    assert!(bytes + TEXT_MAX > limits.mailbox_bytes_max, "{bytes} bytes are less than there is room for");
}

/// Logs in, acknowledges whatever comes, and gives the texts.
fn receives_all(house: &mut House, name: &str) -> Vec<String> {
    let conn = house.greeted();
    house.knock(conn, name.as_bytes(), PASSWORD.as_bytes());
    let mut texts = Vec::new();
    loop {
        house.pass(Duration::from_millis(5));
        let mail = house.take(conn).into_iter().filter_map(|frame| match frame {
            ServerFrame::Mail { seq, text, .. } => Some((seq, text.as_str().to_owned())),
            _ => None,
        });
        let (seqs, page): (Vec<_>, Vec<_>) = mail.unzip();
        texts.extend(page);
        let Some(seq) = seqs.last() else { return texts };
        house.ask(conn, &Request::Ack { seq: *seq });
    }
}

/// Somebody who comes and goes fifty times a second for a minute is told of six times at once and then every
/// two seconds at most.
#[test]
fn t17_a_flapper_is_told_of_every_two_seconds() {
    const CHANGES_MAX: usize = 35;
    let (mut house, conns) = team(MEMBERS);
    // The last of the team flaps; the others watch.
    let (flapper, watchers) = conns.split_last().expect("a team");
    let name = format!("user{}", watchers.len());
    house.forget(*flapper);
    house.pass(Duration::from_secs(20));
    watchers.iter().for_each(|conn| drop(house.take_frames(*conn)));

    let start = house.now;
    let mut dice = dice(17);
    // Twenty milliseconds on the average, so that a look finds him now here, now gone.
    let mut moment = || Duration::from_millis(10 + dice.below(21));
    while house.now < start + Duration::from_secs(60) {
        let conn = house.greeted();
        house.knock(conn, name.as_bytes(), PASSWORD.as_bytes());
        house.pass(moment());
        house.forget(conn);
        house.pass(moment());
    }
    for conn in watchers {
        let told = changes(&house.take(*conn));
        assert!(told <= CHANGES_MAX, "{told} notices");
        assert!(told >= 10, "{told}: the first changes are told at once, and then what came of them");
    }
}

fn changes(frames: &[ServerFrame]) -> usize {
    let lists = frames.iter().filter_map(|frame| match frame {
        ServerFrame::Presence(list) => Some(list.changes.len()),
        _ => None,
    });
    lists.sum()
}

/// Whoever speaks to a thousand pays for a thousand: after a burst that a paste of 64 lines does not exhaust, his
/// connection is not read until his share has grown again, and nobody else waits for him.
#[test]
fn t14_a_broadcast_is_paid_for_by_its_reach() {
    let limits = Limits::default();
    let (mut house, conns) = team(MEMBERS);
    let cost = 1 + MEMBERS / limits.broadcast_recipients_per_command;
    let burst = usize::try_from(limits.commands_burst).expect("it fits") / cost;
    assert!(burst > UNDER_WAY_MAX, "an honest paste is not slowed down");
    let mut granted = 0;
    let paused = |orders: &[Action]| orders.iter().any(|order| matches!(order, Action::Pause { .. }));
    for number in (1..).take(burst * 2) {
        let frame = Request::Broadcast { request: RequestId(number), text: text_of("all hands") }.frame();
        let input = Input::Received { conn: conns[0], bytes: encoded(&frame).into() };
        let orders = house.server.step(Event { at: house.now, input });
        granted += 1;
        if paused(&orders) {
            break;
        }
    }
    assert!(granted <= burst + 1, "{granted} of {burst}");
    assert!(granted + 1 >= burst, "{granted} of {burst}");
    let frame = Request::Who { request: RequestId(1) }.frame();
    let input = Input::Received { conn: conns[1], bytes: encoded(&frame).into() };
    assert!(!paused(&house.server.step(Event { at: house.now, input })), "another is not slowed down");
}
