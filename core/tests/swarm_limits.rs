//! What the server tells nobody, or not all of, or not at once.

#[expect(unreachable_pub, dead_code, reason = "shared with other tests and the benches")]
mod common;
#[path = "common/swarm.rs"]
mod swarm;

use std::collections::BTreeSet;

use common::World;
use starling_core::id::ConnId;
use starling_core::name::Name;
use starling_core::swarm::{Bitmap, Content, Layout};
use starling_core::wire::{Report, Request, Share};
use swarm::{
    BATCH, CHUNKS, SECOND, block, config, content, held, leave, news, settle, share, so, three, three_with,
    told,
};

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
fn where_there_is_no_room_somebody_is_answered_and_not_counted() {
    let mut config = config();
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
    let mut config = config();
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

/// Of the largest files, too: who comes is not cut off for what he is told.
#[test]
fn a_first_answer_fits_what_a_connection_may_leave_unread() {
    let names: Vec<String> = (0..30).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(&names);
    let conns: Vec<ConnId> = names.iter().map(|name| world.login(name)).collect();
    let content = Content { size: 1 << 40, ..content(7) };
    for (place, conn) in conns.iter().enumerate() {
        let (watches, held) = (place == 0, Bitmap::all(Layout::CHUNKS_MAX));
        world.ask(*conn, Request::Share(Share { content, watches, held }));
    }
    settle(&mut world, &conns);
    world.ask(
        conns[0],
        Request::Share(Share { content, watches: true, held: Bitmap::none(Layout::CHUNKS_MAX) }),
    );
    let mut bytes = Vec::new();
    world.take(conns[0]).iter().for_each(|page| page.frame().encode_into(&mut bytes));
    let most = config().limits.unread_hard_bytes as usize;
    assert!((most / 2..most).contains(&bytes.len()), "{}", bytes.len());
}
