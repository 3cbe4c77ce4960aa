//! The server machine alone, frame by frame.

#[expect(unreachable_pub, reason = "shared with the benches")]
mod common;

use std::time::Duration;

use common::{World, message, name_of, text_of};
use starling_core::id::{ConnId, Epoch, RequestId, Seq};
use starling_core::pattern::Pattern;
use starling_core::server::{Config, Input};
use starling_core::store::{StoreOutcome, StoredLetter, Write};
use starling_core::wire::{Farewell, LoginRefusal, Outcome, PeerFault, Refusal, Request, ServerFrame};

const TICK: Duration = Duration::from_millis(2);

fn done(request: u32, outcome: Outcome) -> ServerFrame {
    ServerFrame::Done { request: RequestId(request), outcome }
}

fn mail_of(frame: &ServerFrame) -> (String, String) {
    match frame {
        ServerFrame::Mail { from, text, .. } => (from.to_string(), text.as_str().into()),
        other => panic!("not a letter: {other:?}"),
    }
}

fn acknowledge(world: &mut World, conn: ConnId, frame: &ServerFrame) {
    let ServerFrame::Mail { seq, .. } = frame else { panic!("not a letter: {frame:?}") };
    world.ask(conn, Request::Ack { seq: *seq });
}

#[test]
fn a_message_that_is_acknowledged_at_once_costs_the_store_nothing() {
    let mut world = World::new(&["hans", "luke"]);
    let (hans, luke) = (world.login("hans"), world.login("luke"));
    world.pass(Duration::from_secs(1));
    world.take(hans);
    world.ask(hans, message(1, "luke", "hello"));
    let got = world.take(luke);
    assert_eq!(mail_of(&got[0]), ("hans".into(), "hello".into()));
    assert_eq!(world.take(hans), []);
    acknowledge(&mut world, luke, &got[0]);
    assert_eq!(world.take(hans), [done(1, Outcome::Accepted)]);
    world.pass(Duration::from_secs(5));
    assert!(world.batches.is_empty());
}

#[test]
fn a_message_that_is_not_acknowledged_is_accepted_once_it_is_stored() {
    let mut world = World::new(&["hans", "luke"]);
    let (hans, luke) = (world.login("hans"), world.login("luke"));
    world.pass(Duration::from_secs(1));
    world.take(hans);
    world.ask(hans, message(1, "luke", "hello"));
    world.pass(TICK);
    assert_eq!(world.take(hans), []);
    let batch = world.store(StoreOutcome::Committed);
    assert!(matches!(batch.writes[..], [Write::Letter { .. }]));
    assert_eq!(world.take(hans), [done(1, Outcome::Accepted)]);
    let got = world.take(luke);
    acknowledge(&mut world, luke, &got[0]);
    world.pass(Duration::from_secs(1));
    assert!(matches!(world.batches[0].writes[..], [Write::Arrived { .. }]));
}

#[test]
fn mail_to_somebody_offline_is_queued_once_it_is_stored() {
    let mut world = World::new(&["hans", "luke"]);
    let hans = world.login("hans");
    world.ask(hans, message(1, "luke", "hello"));
    world.pass(TICK);
    world.store(StoreOutcome::Unknown);
    assert_eq!(world.take(hans), []);
    world.pass(Duration::from_secs(1));
    world.store(StoreOutcome::Committed);
    assert_eq!(world.take(hans), [done(1, Outcome::Queued)]);
}

#[test]
fn what_the_store_refuses_is_refused() {
    let mut world = World::new(&["hans", "luke"]);
    let hans = world.login("hans");
    world.ask(hans, message(1, "luke", "hello"));
    world.ask(hans, Request::Block { request: RequestId(2), whom: name_of("luke") });
    world.pass(TICK);
    world.store(StoreOutcome::Failed);
    let refused = Outcome::Refused(Refusal::CannotStore);
    assert_eq!(world.take(hans), [done(1, refused), done(2, refused)]);
}

#[test]
fn three_failures_lock_and_the_count_is_stored_first() {
    let mut world = World::new(&["hans"]);
    for refusal in [LoginRefusal::TryAgain, LoginRefusal::TryAgain, LoginRefusal::LockedNow { seconds: 60 }] {
        let conn = world.open();
        world.knock(conn, "hans", "wrong");
        assert_eq!(world.take(conn), []);
        world.pass(TICK);
        world.store(StoreOutcome::Committed);
        assert_eq!(world.take(conn), [ServerFrame::LoginRefused(refusal)]);
    }
    world.pass(Duration::from_secs(30));
    let conn = world.open();
    world.knock(conn, "hans", "secret");
    assert_eq!(world.take(conn), [ServerFrame::LoginRefused(LoginRefusal::Locked { seconds: 30 })]);
    world.pass(Duration::from_secs(30));
    world.login("hans");
}

#[test]
fn a_newcomer_hears_of_those_who_follow_and_not_of_those_before() {
    let mut world = World::new(&["hans", "luke", "yoda"]);
    let hans = world.login("hans");
    let luke = world.login("luke");
    let yoda = world.login("yoda");
    world.pass(Duration::from_secs(1));
    let names = |frames: Vec<ServerFrame>| -> Vec<String> {
        let changes = frames.into_iter().flat_map(|frame| match frame {
            ServerFrame::Presence(list) => list.changes,
            other => panic!("not a list: {other:?}"),
        });
        changes.map(|change| change.name.to_string()).collect()
    };
    assert_eq!(names(world.take(hans)), ["luke", "yoda"]);
    assert_eq!(names(world.take(luke)), ["yoda"]);
    assert_eq!(world.take(yoda), []);
}

#[test]
fn the_older_session_answers_or_makes_way() {
    let mut world = World::new(&["hans"]);
    let older = world.login("hans");
    let newer = world.open();
    world.knock(newer, "hans", "secret");
    let probe = world.take(older);
    let [ServerFrame::Ping { nonce }] = probe[..] else { panic!("a probe: {probe:?}") };
    world.ask(older, Request::Pong { nonce });
    assert_eq!(world.take(newer), [ServerFrame::LoginRefused(LoginRefusal::AlreadyOnline)]);

    let newest = world.open();
    world.knock(newest, "hans", "secret");
    world.pass(Duration::from_micros(2_999_999));
    assert_eq!(world.take(newest), []);
    world.pass(Duration::from_micros(1));
    assert!(world.is_closed(older));
    assert_eq!(world.take(newest), [ServerFrame::Welcome { name: name_of("hans") }]);
}

/// What one who is not listened to has sent may be old: he is asked, and answers or makes way.
#[test]
fn whoever_was_too_fast_is_not_taken_to_be_there() {
    let mut config = Config::new(Duration::from_secs(60), Duration::from_secs(120));
    (config.limits.commands_burst, config.limits.commands_per_second) = (3, 1);
    let mut world = World::with(config, &["hans"]);
    let older = world.login("hans");
    let flood = |world: &mut World| {
        (0..6).for_each(|n| world.ask(older, Request::Who { request: RequestId(n) }));
    };
    let probed = |world: &mut World| {
        let newer = world.open();
        world.knock(newer, "hans", "secret");
        assert_eq!(world.take(newer), []);
        let ping = world.take(older).into_iter().find_map(|frame| match frame {
            ServerFrame::Ping { nonce } => Some(nonce),
            _ => None,
        });
        (newer, ping.expect("he is asked"))
    };
    flood(&mut world);
    let (newer, nonce) = probed(&mut world);
    world.ask(older, Request::Pong { nonce });
    assert_eq!(world.take(newer), [], "what he has sent before comes first");
    world.pass(Duration::from_secs(8));
    assert_eq!(world.take(newer), [ServerFrame::LoginRefused(LoginRefusal::AlreadyOnline)]);

    flood(&mut world);
    let (newer, _) = probed(&mut world);
    flood(&mut world);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.take(newer), [], "that is no answer");
    world.feed(Input::Closed { conn: older });
    assert_eq!(world.take(newer), [ServerFrame::Welcome { name: name_of("hans") }]);

    let older = newer;
    (0..6).for_each(|n| world.ask(older, Request::Who { request: RequestId(n) }));
    let newest = world.open();
    world.knock(newest, "hans", "secret");
    world.pass(Duration::from_secs(12));
    assert!(world.is_closed(older));
    assert_eq!(world.take(newest), [ServerFrame::Welcome { name: name_of("hans") }]);
}

#[test]
fn who_gave_the_right_password_and_left_was_never_there() {
    let mut world = World::new(&["hans", "luke"]);
    let luke = world.login("luke");
    let older = world.login("hans");
    world.pass(Duration::from_secs(1));
    world.take(luke);
    let newer = world.open();
    world.knock(newer, "hans", "secret");
    world.feed(Input::Closed { conn: newer });
    world.pass(Duration::from_secs(4));
    assert!(world.is_closed(older));
    let frames = world.take(luke);
    assert!(matches!(&frames[..], [ServerFrame::Presence(list)] if !list.changes[0].online));
    world.login("hans");
}

#[test]
fn whoever_does_nothing_is_logged_out_to_the_microsecond() {
    let mut world = World::new(&["hans"]);
    let hans = world.login("hans");
    for _ in 0..5 {
        world.pass(Duration::from_secs(20));
        world.ask(hans, Request::Ping { nonce: 1 });
    }
    world.take(hans);
    world.pass(Duration::from_micros(19_999_999));
    assert_eq!(world.take(hans), []);
    world.pass(Duration::from_micros(1));
    assert_eq!(world.take(hans), [ServerFrame::Farewell(Farewell::Idle { seconds: 120 })]);
    assert!(world.is_closed(hans));
}

#[test]
fn nothing_can_be_done_before_login() {
    let mut world = World::new(&["hans"]);
    let conn = world.open();
    world.ask(conn, Request::Who { request: RequestId(1) });
    assert_eq!(world.take(conn), [ServerFrame::Fault(PeerFault::OutOfState)]);
    assert!(world.is_closed(conn));
}

#[test]
fn a_flood_is_slowed_down_and_one_that_goes_on_is_cut() {
    let mut world = World::new(&["hans"]);
    let hans = world.login("hans");
    let flood = |count: u32| {
        let mut bytes = Vec::new();
        (0..count).for_each(|n| Request::Who { request: RequestId(n) }.frame().encode_into(&mut bytes));
        bytes
    };
    world.feed(Input::Received { conn: hans, bytes: flood(2_010).into() });
    assert_eq!(world.take(hans).len(), 2_000);
    world.pass(Duration::from_millis(20));
    assert_eq!(world.take(hans).len(), 10);
    world.feed(Input::Received { conn: hans, bytes: flood(160).into() });
    let last = world.take(hans).pop();
    assert_eq!(last, Some(ServerFrame::Farewell(Farewell::TooManyCommands)));
    assert!(world.is_closed(hans));
}

#[test]
fn a_stop_tells_everybody_and_stores_what_waits() {
    let mut world = World::new(&["hans", "luke"]);
    let hans = world.login("hans");
    world.ask(hans, message(1, "luke", "hello"));
    world.feed(Input::Stop);
    assert_eq!(world.take(hans), [ServerFrame::Farewell(Farewell::ShuttingDown)]);
    world.pass(Duration::ZERO);
    let batch = world.store(StoreOutcome::Committed);
    assert!(matches!(&batch.writes[..], [Write::Letter { text, .. }] if *text == text_of("hello")));
}

/// What was asked and not answered is not answered after the farewell, though letters are still being stored.
#[test]
fn nobody_is_answered_after_a_stop() {
    let mut world = World::new(&["hans", "luke", "yoda"]);
    let (hans, _luke) = (world.login("hans"), world.login("luke"));
    world.ask(hans, message(1, "yoda", "hello"));
    let pattern = Pattern::parse(b"*").expect("a pattern");
    world.ask(hans, Request::Files { request: RequestId(2), pattern });
    world.pass(Duration::from_secs(1));
    world.feed(Input::Stop);
    assert_eq!(world.take(hans).pop(), Some(ServerFrame::Farewell(Farewell::ShuttingDown)));
    world.pass(Duration::from_secs(2));
    assert_eq!(world.take(hans), []);
}

fn changes_of(frames: &[ServerFrame]) -> Vec<(String, bool)> {
    let lists = frames.iter().filter_map(|frame| match frame {
        ServerFrame::Presence(list) => Some(list),
        _ => None,
    });
    lists.flat_map(|list| &list.changes).map(|change| (change.name.to_string(), change.online)).collect()
}

/// Logs in and breaks off, so often in so short a time that only the net effect is told any more.
fn fidget(world: &mut World, name: &str, times: usize) {
    for _ in 0..times {
        let conn = world.login(name);
        world.pass(Duration::from_millis(100));
        world.feed(Input::Closed { conn });
        world.pass(Duration::from_millis(100));
    }
}

#[test]
fn nobody_is_told_of_himself_and_newcomers_only_of_what_they_do_not_know() {
    let mut world = World::new(&["hans", "luke", "yoda"]);
    let yoda = world.login("yoda");
    fidget(&mut world, "hans", 3);
    let told = changes_of(&world.take(yoda));
    assert_eq!(told.iter().filter(|(name, _)| name == "hans").count(), 6);
    let hans = world.login("hans");
    let luke = world.login("luke");
    world.pass(Duration::from_secs(1));
    world.take(luke);
    assert_eq!(changes_of(&world.take(yoda)), [("luke".into(), true)]);
    world.take(hans);
    world.pass(Duration::from_secs(2));
    assert_eq!(changes_of(&world.take(yoda)), [("hans".into(), true)]);
    assert_eq!(world.take(hans), [], "he knows that he is here");
    assert_eq!(world.take(luke), [], "he has been here since luke came");

    world.feed(Input::Closed { conn: hans });
    world.pass(Duration::from_secs(3));
    assert_eq!(changes_of(&world.take(luke)), [("hans".into(), false)]);
}

#[test]
fn a_pasted_crowd_of_commands_among_acknowledgements_is_no_flood() {
    let mut world = World::new(&["hans"]);
    let hans = world.login("hans");
    let ask = |n: u32| Request::Who { request: RequestId(n) };
    for n in 0..2_000 {
        world.ask(hans, ask(n));
    }
    let mut bytes = Vec::new();
    (0..64).for_each(|n| ask(n).frame().encode_into(&mut bytes));
    (0..20).for_each(|_| Request::Active.frame().encode_into(&mut bytes));
    world.take(hans);
    world.feed(Input::Received { conn: hans, bytes: bytes.into() });
    world.pass(Duration::from_secs(1));
    assert_eq!(world.take(hans).len(), 64);
}

#[test]
fn a_failure_is_answered_for_its_own_record_only() {
    let mut world = World::new(&["hans"]);
    let first = world.open();
    world.knock(first, "hans", "wrong");
    world.pass(TICK);
    world.store(StoreOutcome::Committed);
    // The right password forgets the failure; the store is slow to hear of it.
    let second = world.login("hans");
    world.ask(second, Request::Logout { request: RequestId(1) });
    world.pass(TICK);
    let third = world.open();
    world.knock(third, "hans", "wrong");
    world.store(StoreOutcome::Committed);
    assert_eq!(world.take(third), [], "the failure is not yet kept");
    world.pass(TICK);
    world.store(StoreOutcome::Committed);
    assert_eq!(world.take(third), [ServerFrame::LoginRefused(LoginRefusal::TryAgain)]);
}

#[test]
fn mail_that_waited_comes_before_anything_else() {
    let mut world = World::new(&["hans", "luke"]);
    let hans = world.login("hans");
    world.ask(hans, message(1, "luke", "first"));
    world.pass(TICK);
    let batch = world.store(StoreOutcome::Committed);
    let Write::Letter { seq, id, text, .. } = batch.writes[0].clone() else { panic!("a letter") };

    let luke = world.open();
    world.knock(luke, "luke", "secret");
    assert_eq!(world.take(luke), [], "the welcome waits for the mail");
    let order = world.pages.remove(0);
    let letter = StoredLetter { seq, from: name_of("hans"), id, text };
    world.feed(Input::Loaded { user: order.user, ticket: order.ticket, letters: Some(vec![letter]) });
    let got = world.take(luke);
    assert!(matches!(got[..], [ServerFrame::Welcome { .. }, ServerFrame::Mail { .. }]), "{got:?}");
    world.ask(luke, Request::Logout { request: RequestId(1) });
    assert_eq!(world.take(luke), [done(1, Outcome::LoggedOut)]);
}

#[test]
fn requests_wait_until_a_long_mailbox_is_sent() {
    let mut config = Config::new(Duration::from_secs(60), Duration::from_secs(120));
    config.limits.mail_window_bytes = 8;
    let mut world = World::with(config, &["hans", "luke"]);
    let hans = world.login("hans");
    world.ask(hans, message(1, "luke", "the first"));
    world.ask(hans, message(2, "luke", "the second"));
    let luke = world.login("luke");
    world.ask(luke, Request::Who { request: RequestId(1) });
    let first = world.take(luke);
    assert!(matches!(first[..], []), "the answer waits: {first:?}");
    let seq = Seq::before_first(Epoch(1)).next();
    world.ask(luke, Request::Ack { seq });
    let rest = world.take(luke);
    assert!(matches!(rest[..], [ServerFrame::Mail { .. }, ServerFrame::Names(_)]), "{rest:?}");
}
