//! What the server knows of who has what, and whom it tells.

#[expect(unreachable_pub, dead_code, reason = "shared with other tests and the benches")]
mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{World, name_of};
use starling_core::id::{ConnId, RequestId};
use starling_core::name::Name;
use starling_core::server::{Config, Input};
use starling_core::store::StoreOutcome;
use starling_core::swarm::{Bitmap, Content, ContentId, Layout};
use starling_core::wire::{News, Report, Request, ServerFrame, Share, SwarmPage};

const TICK: Duration = Duration::from_millis(2);
const BATCH: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);
const CHUNK: u64 = 65_536;
const CHUNKS: u32 = 20;

fn content(byte: u8) -> Content {
    Content { id: ContentId([byte; ContentId::BYTES]), size: u64::from(CHUNKS) * CHUNK }
}

const fn config() -> fn() -> Config {
    || Config::new(Duration::from_secs(60), Duration::from_secs(120))
}

/// hans, luke and yoda, all online, with nothing unread.
fn three() -> (World, [ConnId; 3]) {
    three_with(config()())
}

fn three_with(config: Config) -> (World, [ConnId; 3]) {
    let mut world = World::with(config, &["hans", "luke", "yoda"]);
    let conns = ["hans", "luke", "yoda"].map(|name| world.login(name));
    settle(&mut world, &conns);
    (world, conns)
}

fn settle(world: &mut World, conns: &[ConnId]) {
    world.pass(SECOND);
    conns.iter().for_each(|conn| drop(world.take(*conn)));
}

fn held(chunks: &[u32]) -> Bitmap {
    let mut bitmap = Bitmap::none(CHUNKS);
    chunks.iter().for_each(|chunk| _ = bitmap.insert(*chunk));
    bitmap
}

fn share(world: &mut World, conn: ConnId, watches: bool, held: Bitmap) {
    world.ask(conn, Request::Share(Share { content: content(7), watches, held }));
}

fn news(world: &mut World, conn: ConnId, items: &[Report]) {
    world.ask(conn, Request::News(News { content: content(7), items: items.to_vec() }));
}

fn leave(world: &mut World, conn: ConnId) {
    world.ask(conn, Request::Leave { content: content(7) });
}

/// What somebody has been told of the content, in whole.
fn told(world: &mut World, conn: ConnId) -> Option<SwarmPage> {
    let pages: Vec<SwarmPage> = world.take(conn).into_iter().map(page).collect();
    let mut whole = pages.first()?.clone();
    for (number, page) in pages.iter().enumerate() {
        assert_eq!(page.last, number + 1 == pages.len(), "one answer or notice at a time");
        if number > 0 {
            whole.came.extend(page.came.iter().cloned());
            whole.left.extend(&page.left);
            whole.copies.extend(&page.copies);
        }
    }
    whole.last = true;
    Some(whole)
}

fn page(frame: ServerFrame) -> SwarmPage {
    match frame {
        ServerFrame::Swarm(page) => page,
        other => panic!("nothing of a swarm: {other:?}"),
    }
}

/// So much of the content.
fn so(came: &[(&str, &[u32])], left: &[&str], copies: &[(u32, u32)]) -> Option<SwarmPage> {
    Some(SwarmPage {
        content: content(7),
        last: true,
        chunks: CHUNKS,
        came: came.iter().map(|(name, chunks)| (name_of(name), held(chunks))).collect(),
        left: left.iter().map(|name| name_of(name)).collect(),
        copies: copies.to_vec(),
    })
}

fn block(world: &mut World, conn: ConnId, whom: &str, on: bool) {
    let (request, whom) = (RequestId(99), name_of(whom));
    world.ask(conn, if on { Request::Block { request, whom } } else { Request::Unblock { request, whom } });
    world.pass(TICK);
    world.store(StoreOutcome::Committed);
    assert!(world.take(conn).iter().any(|frame| matches!(frame, ServerFrame::Done { .. })));
}

#[test]
fn who_watches_is_answered_at_once_and_then_told_what_changes() {
    let (mut world, [hans, luke, yoda]) = three();
    share(&mut world, luke, false, held(&[1, 2]));
    settle(&mut world, &[luke]);
    share(&mut world, hans, true, held(&[2]));
    assert_eq!(told(&mut world, hans), so(&[("luke", &[1, 2])], &[], &[(1, 1), (2, 2)]), "his own counts");
    world.pass(BATCH);
    assert_eq!(told(&mut world, hans), None);
    share(&mut world, yoda, false, held(&[2, 19]));
    world.pass(BATCH);
    assert_eq!(told(&mut world, hans), so(&[("yoda", &[2, 19])], &[], &[(2, 3), (19, 1)]));
    leave(&mut world, yoda);
    world.pass(BATCH);
    assert_eq!(told(&mut world, hans), so(&[], &["yoda"], &[(2, 2), (19, 0)]));
    assert_eq!([world.take(luke), world.take(yoda)], [[], []], "who does not watch is told nothing");
}

#[test]
fn who_downloads_is_told_of_others_who_do() {
    let (mut world, [hans, luke, yoda]) = three();
    share(&mut world, hans, true, held(&[3]));
    assert_eq!(told(&mut world, hans), so(&[], &[], &[(3, 1)]), "there is an answer in any case");
    share(&mut world, luke, true, held(&[]));
    world.pass(BATCH);
    drop(world.take(luke));
    share(&mut world, yoda, true, held(&[]));
    let came = told(&mut world, yoda).expect("an answer").came;
    let expected: [(&str, &[u32]); 2] = [("hans", &[3]), ("luke", &[])];
    assert!(came.into_iter().eq(expected.map(|(name, chunks)| (name_of(name), held(chunks)))));
}

#[test]
fn news_are_told_in_batches() {
    let (mut world, [hans, luke, _]) = three();
    share(&mut world, hans, true, held(&[]));
    share(&mut world, luke, false, held(&[1]));
    settle(&mut world, &[hans]);
    news(&mut world, luke, &[Report::Gained(2), Report::Started(3), Report::Started(4), Report::Dropped(4)]);
    world.pass(Duration::ZERO);
    assert_eq!(told(&mut world, hans), so(&[], &[], &[(2, 1), (3, 1)]), "the first after a pause at once");
    news(&mut world, luke, &[Report::Gained(3)]);
    news(&mut world, luke, &[Report::Started(5), Report::Gained(77)]);
    world.pass(BATCH - TICK);
    assert_eq!(told(&mut world, hans), None);
    world.pass(TICK);
    assert_eq!(told(&mut world, hans), so(&[], &[], &[(5, 1)]));
}

#[test]
fn what_is_said_in_one_breath_counts_in_that_order() {
    let (mut world, [hans, luke, _]) = three();
    share(&mut world, hans, true, held(&[]));
    settle(&mut world, &[hans]);
    let (content, nothing) = (content(7), held(&[]));
    let words = [
        Request::Share(Share { content, watches: false, held: nothing.clone() }),
        Request::News(News { content, items: vec![Report::Gained(1)] }),
        Request::Leave { content },
        Request::News(News { content, items: vec![Report::Gained(2)] }),
        Request::Share(Share { content, watches: false, held: nothing }),
        Request::News(News { content, items: vec![Report::Gained(3)] }),
    ];
    let mut bytes = Vec::new();
    words.iter().for_each(|word| word.frame().encode_into(&mut bytes));
    world.feed(Input::Received { conn: luke, bytes: bytes.into() });
    world.pass(BATCH);
    assert_eq!(told(&mut world, hans), so(&[("luke", &[3])], &[], &[(3, 1)]));
}

#[test]
fn a_later_word_replaces_an_earlier() {
    let (mut world, [hans, luke, yoda]) = three();
    share(&mut world, hans, true, held(&[]));
    share(&mut world, luke, true, held(&[1, 2]));
    settle(&mut world, &[hans, luke]);
    share(&mut world, luke, false, held(&[2, 3]));
    world.pass(BATCH);
    assert_eq!(told(&mut world, hans), so(&[], &[], &[(1, 0), (3, 1)]));
    assert_eq!(told(&mut world, luke), None, "he watches no more");
    share(&mut world, yoda, true, held(&[]));
    let owners = told(&mut world, yoda).expect("an answer").came;
    assert!(owners.contains(&(name_of("luke"), held(&[2, 3]))), "what he has stays");
}

#[test]
fn t30_three_who_doubt_drop_a_claim_and_nobody_else_is_named() {
    let names = ["hans", "luke", "yoda", "leia", "r2d2"];
    let mut world = World::new(&names);
    let conns = names.map(|name| world.login(name));
    conns.iter().for_each(|conn| share(&mut world, *conn, true, held(&[])));
    news(&mut world, conns[0], &[Report::Gained(1)]);
    settle(&mut world, &conns);
    for (reporter, claimed) in [(1, true), (2, true), (2, true), (3, false)] {
        let doubts = ["hans", "nobody"].map(|name| Report::Doubted(name_of(name), 1));
        news(&mut world, conns[reporter], &doubts);
        world.pass(BATCH);
        assert_eq!(told(&mut world, conns[4]), if claimed { None } else { so(&[], &[], &[(1, 0)]) });
    }
}

#[test]
fn an_end_of_a_session_is_the_end_of_what_it_has() {
    for logs_out in [true, false] {
        let (mut world, [hans, luke, _]) = three();
        share(&mut world, hans, true, held(&[]));
        share(&mut world, luke, false, held(&[1]));
        settle(&mut world, &[hans]);
        match logs_out {
            true => world.ask(luke, Request::Logout { request: RequestId(1) }),
            false => world.feed(Input::Closed { conn: luke }),
        }
        world.pass(Duration::ZERO);
        assert_eq!(told(&mut world, hans), so(&[], &["luke"], &[(1, 0)]));
        let luke = world.login("luke");
        settle(&mut world, &[luke, hans]);
        news(&mut world, luke, &[Report::Gained(2)]);
        world.pass(BATCH);
        assert_eq!(told(&mut world, hans), None, "the new session has said nothing");
        world.ask(hans, Request::Logout { request: RequestId(1) });
        share(&mut world, luke, false, held(&[1]));
        world.pass(BATCH);
    }
}

#[test]
fn who_blocks_or_is_blocked_is_as_if_he_had_nothing() {
    for by_hans in [true, false] {
        let (mut world, [hans, luke, yoda]) = three();
        match by_hans {
            true => block(&mut world, hans, "luke", true),
            false => block(&mut world, luke, "hans", true),
        }
        settle(&mut world, &[hans, luke, yoda]);
        share(&mut world, luke, false, held(&[1, 2]));
        share(&mut world, yoda, false, held(&[1]));
        world.pass(BATCH);
        share(&mut world, hans, true, held(&[]));
        assert_eq!(told(&mut world, hans), so(&[("yoda", &[1])], &[], &[(1, 1)]));
        news(&mut world, luke, &[Report::Gained(3), Report::Started(4)]);
        world.pass(BATCH);
        assert_eq!(told(&mut world, hans), None);
        news(&mut world, yoda, &[Report::Gained(3)]);
        world.pass(BATCH);
        assert_eq!(told(&mut world, hans), so(&[], &[], &[(3, 1)]));
        leave(&mut world, luke);
        world.pass(BATCH);
        assert_eq!(told(&mut world, hans), None);
    }
}

#[test]
fn a_block_takes_away_what_is_seen_and_its_end_gives_it_back() {
    for by_hans in [true, false] {
        for other_watches in [true, false] {
            let (mut world, [hans, luke, yoda]) = three();
            share(&mut world, luke, other_watches, held(&[1, 2]));
            share(&mut world, yoda, false, held(&[1]));
            share(&mut world, hans, true, held(&[]));
            settle(&mut world, &[hans, luke]);
            let change = |world: &mut World, on: bool| match by_hans {
                true => block(world, hans, "luke", on),
                false => block(world, luke, "hans", on),
            };
            change(&mut world, true);
            world.pass(BATCH);
            assert_eq!(told(&mut world, hans), so(&[], &["luke"], &[(1, 1), (2, 0)]));
            let other = so(&[], &["hans"], &[]);
            assert_eq!(told(&mut world, luke), if other_watches { other } else { None });
            news(&mut world, luke, &[Report::Gained(3)]);
            world.pass(BATCH);
            assert_eq!(told(&mut world, hans), None);
            drop(world.take(luke));
            change(&mut world, false);
            world.pass(BATCH);
            assert_eq!(told(&mut world, hans), so(&[("luke", &[1, 2, 3])], &[], &[(1, 2), (2, 1), (3, 1)]));
            let other = so(&[("hans", &[])], &[], &[]);
            assert_eq!(told(&mut world, luke), if other_watches { other } else { None });
        }
    }
}

#[test]
fn a_wrong_number_of_chunks_is_no_word_but_is_answered() {
    let (mut world, [hans, luke, _]) = three();
    share(&mut world, luke, false, held(&[1]));
    world.pass(BATCH);
    for chunks in [0, CHUNKS - 1, CHUNKS + 1, Layout::CHUNKS_MAX] {
        share(&mut world, hans, true, Bitmap::all(chunks));
        assert_eq!(told(&mut world, hans), so(&[], &[], &[]));
    }
    share(&mut world, hans, false, Bitmap::all(CHUNKS + 1));
    news(&mut world, luke, &[Report::Gained(2)]);
    world.pass(BATCH);
    assert_eq!(told(&mut world, hans), None, "nothing of it counts");
}

#[test]
fn an_empty_file_has_no_chunks_and_owners() {
    let (mut world, [hans, luke, _]) = three();
    let content = Content { size: 0, ..content(7) };
    for (conn, watches) in [(luke, false), (hans, true)] {
        world.ask(conn, Request::Share(Share { content, watches, held: Bitmap::none(0) }));
    }
    let answer = told(&mut world, hans).expect("an answer");
    assert_eq!((answer.chunks, answer.came), (0, vec![(name_of("luke"), Bitmap::none(0))]));
}

#[test]
fn sizes_keep_contents_apart() {
    let (mut world, [hans, luke, _]) = three();
    share(&mut world, luke, false, held(&[1]));
    let other = Content { size: content(7).size - 1, ..content(7) };
    world.ask(hans, Request::Share(Share { content: other, watches: true, held: held(&[]) }));
    assert_eq!(told(&mut world, hans).map(|page| (page.content, page.came)), Some((other, vec![])));
}

#[test]
fn where_there_is_no_room_somebody_is_answered_and_not_counted() {
    let mut config = config()();
    config.swarms.members_max = 1;
    let (mut world, [hans, luke, yoda]) = three_with(config);
    share(&mut world, luke, false, held(&[1]));
    world.pass(BATCH);
    share(&mut world, hans, true, held(&[2]));
    assert_eq!(told(&mut world, hans), so(&[], &[], &[]));
    leave(&mut world, luke);
    share(&mut world, yoda, true, held(&[]));
    world.pass(BATCH);
    assert_eq!(told(&mut world, yoda), so(&[], &[], &[]));
}

#[test]
fn no_more_than_some_are_told_of_at_first() {
    let names: Vec<String> = (0..100).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(&names);
    let conns: Vec<ConnId> = names.iter().map(|name| world.login(name)).collect();
    let owners_of = |world: &mut World, content: Content, chunks: u32| -> BTreeSet<Name> {
        for (place, conn) in conns.iter().enumerate() {
            let held = Bitmap::all(chunks);
            world.ask(*conn, Request::Share(Share { content, watches: place == 0, held }));
        }
        settle(world, &conns);
        let held = Bitmap::none(chunks);
        world.ask(conns[0], Request::Share(Share { content, watches: true, held }));
        let owners = told(world, conns[0]).expect("an answer").came;
        settle(world, &conns);
        owners.into_iter().map(|(name, _)| name).collect()
    };
    let first = owners_of(&mut world, content(7), CHUNKS);
    assert_eq!(first.len(), 64);
    assert_ne!(owners_of(&mut world, content(7), CHUNKS), first, "they are chosen by chance");
}

/// One user cannot make the server work with what is nobody's activity: it is paid for as commands are.
#[test]
fn words_about_files_are_no_activity_and_are_charged() {
    let (mut world, [hans, ..]) = three();
    for _ in 0..13 {
        world.pass(10 * SECOND);
        if !world.is_closed(hans) {
            share(&mut world, hans, false, held(&[1]));
            news(&mut world, hans, &[Report::Gained(2)]);
            leave(&mut world, hans);
        }
    }
    assert!(world.is_closed(hans), "nobody is there");
    let mut config = config()();
    config.limits.commands_burst = 3;
    config.limits.commands_per_second = 1;
    let (mut world, [hans, luke, _]) = three_with(config);
    share(&mut world, luke, false, held(&[1]));
    world.pass(BATCH);
    let answers = (0..10).filter(|_| {
        share(&mut world, hans, true, held(&[]));
        told(&mut world, hans).is_some()
    });
    assert!(answers.count() <= 4);
}
