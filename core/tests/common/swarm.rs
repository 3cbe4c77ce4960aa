//! Clients that say what they have of a content, and what the server tells them of it.

use std::time::Duration;

use starling_core::id::{ConnId, RequestId};
use starling_core::server::Config;
use starling_core::store::StoreOutcome;
use starling_core::swarm::{Bitmap, Content, ContentId};
use starling_core::wire::{News, Report, Request, ServerFrame, Share, SwarmPage};

use crate::common::{World, name_of};

pub(crate) const TICK: Duration = Duration::from_millis(2);
pub(crate) const BATCH: Duration = Duration::from_millis(100);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const CHUNK: u64 = 65_536;
pub(crate) const CHUNKS: u32 = 20;

pub(crate) fn content(byte: u8) -> Content {
    Content { id: ContentId([byte; ContentId::BYTES]), size: u64::from(CHUNKS) * CHUNK }
}

pub(crate) fn config() -> Config {
    Config::new(Duration::from_secs(60), Duration::from_secs(120))
}

/// hans, luke and yoda, all online, with nothing unread.
pub(crate) fn three() -> (World, [ConnId; 3]) {
    three_with(config())
}

pub(crate) fn three_with(config: Config) -> (World, [ConnId; 3]) {
    let mut world = World::with(config, &["hans", "luke", "yoda"]);
    let conns = ["hans", "luke", "yoda"].map(|name| world.login(name));
    settle(&mut world, &conns);
    (world, conns)
}

pub(crate) fn settle(world: &mut World, conns: &[ConnId]) {
    world.pass(SECOND);
    conns.iter().for_each(|conn| drop(world.take(*conn)));
}

pub(crate) fn held(chunks: &[u32]) -> Bitmap {
    let mut bitmap = Bitmap::none(CHUNKS);
    chunks.iter().for_each(|chunk| _ = bitmap.insert(*chunk));
    bitmap
}

pub(crate) fn share(world: &mut World, conn: ConnId, watches: bool, held: Bitmap) {
    world.ask(conn, Request::Share(Share { content: content(7), watches, held }));
}

pub(crate) fn news(world: &mut World, conn: ConnId, items: &[Report]) {
    world.ask(conn, Request::News(News { content: content(7), items: items.to_vec() }));
}

pub(crate) fn leave(world: &mut World, conn: ConnId) {
    world.ask(conn, Request::Leave { content: content(7) });
}

/// What somebody has been told of the content, in whole.
pub(crate) fn told(world: &mut World, conn: ConnId) -> Option<SwarmPage> {
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
pub(crate) fn so(came: &[(&str, &[u32])], left: &[&str], copies: &[(u32, u32)]) -> Option<SwarmPage> {
    Some(SwarmPage {
        content: content(7),
        last: true,
        chunks: CHUNKS,
        came: came.iter().map(|(name, chunks)| (name_of(name), held(chunks))).collect(),
        left: left.iter().map(|name| name_of(name)).collect(),
        copies: copies.to_vec(),
    })
}

pub(crate) fn block(world: &mut World, conn: ConnId, whom: &str, on: bool) {
    let (request, whom) = (RequestId(99), name_of(whom));
    world.ask(conn, if on { Request::Block { request, whom } } else { Request::Unblock { request, whom } });
    world.pass(TICK);
    world.store(StoreOutcome::Committed);
    assert!(world.take(conn).iter().any(|frame| matches!(frame, ServerFrame::Done { .. })));
}
