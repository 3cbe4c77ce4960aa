//! Asking for a file by its name, and waiting for those who do not know their files yet.

#[expect(unreachable_pub, dead_code, reason = "shared with other tests and the benches")]
mod common;

use std::time::Duration;

use common::{World, name_of};
use starling_core::filename::FileName;
use starling_core::id::{ConnId, RequestId};
use starling_core::server::{Config, Input};
use starling_core::swarm::ContentId;
use starling_core::wire::{Farewell, Finding, Found, Offer, Offers, Request, ServerFrame};

const SECOND: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(2);

/// hans, luke and yoda, all online, with nothing unread.
fn three_with(config: Config) -> (World, [ConnId; 3]) {
    let mut world = World::with(config, &["hans", "luke", "yoda"]);
    let conns = ["hans", "luke", "yoda"].map(|name| world.login(name));
    world.pass(SECOND);
    conns.iter().for_each(|conn| drop(world.take(*conn)));
    (world, conns)
}

fn three() -> (World, [ConnId; 3]) {
    three_with(Config::new(Duration::from_secs(60), Duration::from_secs(120)))
}

fn file(name: &str) -> FileName {
    FileName::parse(name.as_bytes()).expect("a name")
}

fn seek(world: &mut World, conn: ConnId, request: u32, again: bool) {
    let request = RequestId(request);
    world.ask(conn, Request::Seek { request, again, name: file("[a] report.pdf") });
}

/// The only thing that somebody has been sent: a question for files of that name alone.
fn question(world: &mut World, conn: ConnId) -> u32 {
    match &world.take(conn)[..] {
        [ServerFrame::Ask { question, pattern }] => {
            assert_eq!(pattern.as_bytes(), b"[a] report.pdf");
            assert!(pattern.fits(&file("[a] report.pdf")) && !pattern.fits(&file("a report.pdf")));
            *question
        }
        other => panic!("not one question: {other:?}"),
    }
}

fn offer(size: u64) -> Offer {
    Offer { name: file("[a] report.pdf"), content: ContentId([7; ContentId::BYTES]), size }
}

fn answer(world: &mut World, conn: ConnId, question: u32, [last, indexing]: [bool; 2], sizes: &[u64]) {
    let offers = sizes.iter().copied().map(offer).collect();
    world.ask(conn, Request::Offers(Offers { question, last, indexing, offers }));
}

fn found(request: u32, indexing: u32, owners: &[&str]) -> ServerFrame {
    let findings = owners.iter().map(|owner| Finding { offer: offer(5), owner: name_of(owner) }).collect();
    ServerFrame::Found(Found { request: RequestId(request), last: true, indexing, findings })
}

#[test]
fn a_file_is_asked_for_by_its_name() {
    let (mut world, [hans, luke, yoda]) = three();
    seek(&mut world, hans, 7, false);
    let asked = question(&mut world, hans);
    assert_eq!([question(&mut world, luke), question(&mut world, yoda)], [asked; 2]);
    answer(&mut world, luke, asked, [true, false], &[5]);
    answer(&mut world, yoda, asked, [true, false], &[]);
    answer(&mut world, hans, asked, [true, false], &[]);
    assert_eq!(world.take(hans), [found(7, 0, &["luke"])]);
}

#[test]
fn who_does_not_know_his_files_yet_is_counted_once() {
    let (mut world, [hans, luke, yoda]) = three();
    seek(&mut world, hans, 7, false);
    let asked = question(&mut world, hans);
    answer(&mut world, luke, asked, [false, true], &[5]);
    answer(&mut world, luke, asked, [true, true], &[]);
    answer(&mut world, hans, asked, [true, false], &[]);
    answer(&mut world, yoda, asked, [false, true], &[]);
    world.pass(WINDOW);
    assert_eq!(world.take(hans), [found(7, 2, &["luke"])], "whether or not he has finished");
}

#[test]
fn who_leaves_is_not_waited_for() {
    let (mut world, [hans, luke, yoda]) = three();
    seek(&mut world, hans, 7, false);
    let asked = question(&mut world, hans);
    answer(&mut world, luke, asked, [true, true], &[]);
    answer(&mut world, yoda, asked, [false, true], &[]);
    world.feed(Input::Closed { conn: luke });
    answer(&mut world, hans, asked, [true, false], &[]);
    world.feed(Input::Closed { conn: yoda });
    assert!(world.take(hans).contains(&found(7, 0, &[])));
}

/// The last that is heard of somebody comes at once: what he asks for, and that he goes.
#[test]
fn who_asks_and_goes_at_once_is_not_answered() {
    let (mut world, [hans, luke, yoda]) = three();
    let request = RequestId(7);
    let asks = Request::Seek { request, again: false, name: file("[a] report.pdf") };
    let mut bytes = Vec::new();
    asks.frame().encode_into(&mut bytes);
    Request::Logout { request: RequestId(8) }.frame().encode_into(&mut bytes);
    world.feed(Input::Received { conn: hans, bytes: bytes.into() });
    assert!(world.is_closed(hans));
    let asked = question(&mut world, luke);
    answer(&mut world, luke, asked, [true, false], &[5]);
    answer(&mut world, yoda, asked, [true, false], &[]);
    world.pass(WINDOW);
}

/// The number stands on the last page alone.
#[test]
fn a_long_answer_says_at_its_end_how_many_do_not_know() {
    let (mut world, [hans, luke, yoda]) = three();
    seek(&mut world, hans, 7, false);
    let asked = question(&mut world, hans);
    let sizes: Vec<u64> = (0..=Found::PAGE_MAX as u64).collect();
    answer(&mut world, luke, asked, [false, true], &sizes[1..]);
    answer(&mut world, luke, asked, [true, true], &sizes[..1]);
    [hans, yoda].iter().for_each(|conn| answer(&mut world, *conn, asked, [true, false], &[]));
    world.ask(hans, Request::More { request: RequestId(7) });
    let page = |frame| match frame {
        ServerFrame::Found(page) => (page.findings.len(), page.last, page.indexing),
        other => panic!("no page: {other:?}"),
    };
    let pages: Vec<_> = world.take(hans).into_iter().map(page).collect();
    assert_eq!(pages, [(Found::PAGE_MAX, false, 0), (1, true, 1)]);
}

#[test]
fn asking_again_is_no_activity_and_asking_is() {
    for again in [true, false] {
        let (mut world, [hans, ..]) = three();
        for step in 0..13 {
            world.pass(10 * SECOND);
            if !world.is_closed(hans) {
                seek(&mut world, hans, step, again);
            }
        }
        assert_eq!(world.is_closed(hans), again);
    }
}

/// A question to everybody is paid for as one, whoever asks it, and floods are sent away.
#[test]
fn seeking_is_paid_for_as_a_question_to_everybody() {
    let mut config = Config::new(Duration::from_secs(60), Duration::from_secs(120));
    config.limits.broadcast_recipients_per_command = 1;
    config.limits.commands_burst = 8;
    config.limits.commands_per_second = 1;
    let (mut world, [hans, luke, _]) = three_with(config);
    let words: Vec<Request> = (0..150)
        .map(|request| Request::Seek { request: RequestId(request), again: true, name: file("a") })
        .collect();
    let mut bytes = Vec::new();
    words.iter().for_each(|word| word.frame().encode_into(&mut bytes));
    world.feed(Input::Received { conn: hans, bytes: bytes.into() });
    assert!(world.take(luke).len() <= 3, "each costs four commands");
    assert!(world.take(hans).contains(&ServerFrame::Farewell(Farewell::TooManyCommands)));
}
