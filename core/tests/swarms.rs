//! What the server knows of who has what, and whom it tells.

#[expect(unreachable_pub, dead_code, reason = "shared with other tests and the benches")]
mod common;
#[expect(dead_code, reason = "shared with another test")]
#[path = "common/swarm.rs"]
mod swarm;

use std::time::Duration;

use common::{World, name_of};
use starling_core::id::RequestId;
use starling_core::server::Input;
use starling_core::swarm::{Bitmap, Content};
use starling_core::wire::{News, Report, Request, Share};
use swarm::{BATCH, TICK, content, held, leave, news, settle, share, so, three, told};

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
