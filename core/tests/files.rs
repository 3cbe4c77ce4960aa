//! Whom the server asks for files, and what it makes of the answers.

#[expect(unreachable_pub, dead_code, reason = "shared with other tests and the benches")]
mod common;

use std::time::Duration;

use common::{World, name_of};
use starling_core::filename::FileName;
use starling_core::id::{ConnId, RequestId};
use starling_core::pattern::Pattern;
use starling_core::server::{Config, Input};
use starling_core::store::StoreOutcome;
use starling_core::swarm::ContentId;
use starling_core::wire::{Finding, Found, Offer, Offers, Request, ServerFrame};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(2);
const WINDOW: Duration = Duration::from_secs(2);
const MICROSECOND: Duration = Duration::from_micros(1);

/// hans, luke and yoda, all online, with nothing unread.
fn three() -> (World, [ConnId; 3]) {
    three_with(usize::MAX)
}

/// The same, where so many files are kept for a connection at most.
fn three_with(findings_max: usize) -> (World, [ConnId; 3]) {
    let mut config = Config::new(Duration::from_secs(60), Duration::from_secs(120));
    config.limits.findings_max = findings_max.min(config.limits.findings_max);
    let mut world = World::with(config, &["hans", "luke", "yoda"]);
    let conns = ["hans", "luke", "yoda"].map(|name| world.login(name));
    settle(&mut world, &conns);
    (world, conns)
}

fn settle(world: &mut World, conns: &[ConnId]) {
    world.pass(SECOND);
    conns.iter().for_each(|conn| drop(world.take(*conn)));
}

fn pattern() -> Pattern {
    Pattern::parse(b"*.pdf").expect("a pattern")
}

fn files(world: &mut World, conn: ConnId, request: u32) {
    world.ask(conn, Request::Files { request: RequestId(request), pattern: pattern() });
}

fn more(world: &mut World, conn: ConnId, request: u32) {
    world.ask(conn, Request::More { request: RequestId(request) });
}

/// The only thing that somebody has been sent: a question.
fn question(world: &mut World, conn: ConnId) -> u32 {
    match &world.take(conn)[..] {
        [ServerFrame::Ask { question, pattern: asked }] if *asked == pattern() => *question,
        other => panic!("not one question: {other:?}"),
    }
}

fn offer(name: &str) -> Offer {
    let name = FileName::parse(name.as_bytes()).expect("a name");
    Offer { name, content: ContentId([7; ContentId::BYTES]), size: 5 }
}

fn offers(world: &mut World, conn: ConnId, question: u32, last: bool, names: &[&str]) {
    let offers = names.iter().map(|name| offer(name)).collect();
    world.ask(conn, Request::Offers(Offers { question, last, indexing: false, offers }));
}

fn of(owner: &str, name: &str) -> Finding {
    Finding { offer: offer(name), owner: name_of(owner) }
}

fn found(request: u32, findings: &[Finding]) -> ServerFrame {
    still(request, 0, findings)
}

/// The same, where so many do not know yet.
fn still(request: u32, indexing: u32, findings: &[Finding]) -> ServerFrame {
    let (request, findings) = (RequestId(request), findings.to_vec());
    ServerFrame::Found(Found { request, last: true, indexing, findings })
}

/// So many files with different names, in order.
fn many(count: usize) -> Vec<Offer> {
    (0..count).map(|number| offer(&format!("{number:05}"))).collect()
}

/// The pages that somebody was sent: how many files each has, and whether it is the last.
fn pages(world: &mut World, conn: ConnId) -> Vec<(usize, bool)> {
    let page = |frame| match frame {
        ServerFrame::Found(page) => (page.findings.len(), page.last),
        other => panic!("no page: {other:?}"),
    };
    world.take(conn).into_iter().map(page).collect()
}

fn block(world: &mut World, conn: ConnId, whom: &str) {
    world.ask(conn, Request::Block { request: RequestId(99), whom: name_of(whom) });
    world.pass(TICK);
    world.store(StoreOutcome::Committed);
}

#[test]
fn everybody_who_is_online_is_asked_and_the_asker_too() {
    let (mut world, [hans, luke, yoda]) = three();
    files(&mut world, hans, 7);
    let asked = question(&mut world, hans);
    assert_eq!([question(&mut world, luke), question(&mut world, yoda)], [asked; 2]);
    offers(&mut world, yoda, asked, true, &["b.pdf", "a.pdf"]);
    offers(&mut world, luke, asked, true, &["b.pdf"]);
    assert_eq!(world.take(hans), [], "he has not answered himself");
    offers(&mut world, hans, asked, true, &["c.pdf"]);
    let findings = [of("yoda", "a.pdf"), of("luke", "b.pdf"), of("yoda", "b.pdf"), of("hans", "c.pdf")];
    assert_eq!(world.take(hans), [found(7, &findings)]);
    assert_eq!([world.take(luke), world.take(yoda)], [[], []]);
}

#[test]
fn who_is_alone_and_offers_nothing_is_told_so() {
    let mut world = World::new(&["hans"]);
    let hans = world.login("hans");
    settle(&mut world, &[hans]);
    files(&mut world, hans, 7);
    let asked = question(&mut world, hans);
    offers(&mut world, hans, asked, true, &[]);
    assert_eq!(world.take(hans), [found(7, &[])]);
}

#[test]
fn an_answer_comes_in_pages() {
    let (mut world, [hans, luke, yoda]) = three();
    files(&mut world, hans, 7);
    let asked = question(&mut world, hans);
    for (conn, last) in [(luke, false), (luke, true), (yoda, true), (hans, true)] {
        assert_eq!(pages(&mut world, hans), []);
        offers(&mut world, conn, asked, last, if last { &["a.pdf"] } else { &["z.pdf", "a.pdf"] });
    }
    let findings = [of("hans", "a.pdf"), of("luke", "a.pdf"), of("yoda", "a.pdf"), of("luke", "z.pdf")];
    assert_eq!(world.take(hans), [found(7, &findings)], "and each is listed once");
}

#[test]
fn a_block_hides_in_both_directions() {
    for blocked_by_hans in [true, false] {
        let (mut world, [hans, luke, yoda]) = three();
        match blocked_by_hans {
            true => block(&mut world, hans, "luke"),
            false => block(&mut world, luke, "hans"),
        }
        settle(&mut world, &[hans, luke, yoda]);
        for (asker, other) in [(hans, luke), (luke, hans)] {
            files(&mut world, asker, 7);
            let asked = question(&mut world, asker);
            assert_eq!(world.take(other), [], "not asked");
            assert_eq!(question(&mut world, yoda), asked);
            offers(&mut world, other, asked, true, &["secret.pdf"]);
            offers(&mut world, yoda, asked, true, &[]);
            offers(&mut world, asker, asked, true, &[]);
            assert_eq!(world.take(asker), [found(7, &[])]);
        }
    }
}

#[test]
fn who_does_not_answer_is_waited_for_two_seconds_exactly() {
    let (mut world, [hans, luke, yoda]) = three();
    files(&mut world, hans, 7);
    let asked = question(&mut world, hans);
    offers(&mut world, luke, asked, false, &["half.pdf"]);
    offers(&mut world, yoda, asked, true, &["whole.pdf"]);
    world.pass(WINDOW - MICROSECOND);
    assert_eq!(world.take(hans), []);
    world.pass(MICROSECOND);
    assert_eq!(world.take(hans), [found(7, &[of("luke", "half.pdf"), of("yoda", "whole.pdf")])]);
    offers(&mut world, hans, asked, true, &["late.pdf"]);
    offers(&mut world, luke, asked, true, &["late.pdf"]);
    world.pass(WINDOW);
    assert_eq!(world.take(hans), [], "what comes late is nothing");
}

#[test]
fn each_question_has_its_own_two_seconds() {
    let (mut world, [hans, luke, yoda]) = three();
    files(&mut world, hans, 1);
    world.pass(SECOND);
    files(&mut world, luke, 2);
    settle_questions(&mut world, &[hans, luke, yoda]);
    world.pass(SECOND);
    assert_eq!([world.take(hans), world.take(luke)], [vec![found(1, &[])], vec![]]);
    world.pass(SECOND);
    assert_eq!([world.take(hans), world.take(luke)], [vec![], vec![found(2, &[])]]);
}

fn settle_questions(world: &mut World, conns: &[ConnId]) {
    conns.iter().for_each(|conn| drop(world.take(*conn)));
}

/// Nobody answers for another, twice, or what was not asked.
#[test]
fn what_nobody_asked_for_is_nothing() {
    let (mut world, [hans, luke, yoda]) = three();
    offers(&mut world, luke, 1, true, &["early.pdf"]);
    files(&mut world, hans, 7);
    let asked = question(&mut world, hans);
    settle_questions(&mut world, &[luke, yoda]);
    offers(&mut world, luke, asked + 1, true, &["other.pdf"]);
    offers(&mut world, luke, asked, true, &["good.pdf"]);
    offers(&mut world, luke, asked, true, &["again.pdf"]);
    offers(&mut world, yoda, asked, true, &[]);
    offers(&mut world, hans, asked, true, &[]);
    assert_eq!(world.take(hans), [found(7, &[of("luke", "good.pdf")])]);
}

/// Somebody who came after the question is not waited for, and is not heard.
#[test]
fn who_comes_after_the_question_is_not_part_of_it() {
    let mut world = World::new(&["hans", "luke"]);
    let hans = world.login("hans");
    files(&mut world, hans, 7);
    let asked = question(&mut world, hans);
    let luke = world.login("luke");
    offers(&mut world, luke, asked, true, &["a.pdf"]);
    offers(&mut world, hans, asked, true, &[]);
    assert!(world.take(hans).contains(&found(7, &[])));
}

#[test]
fn an_owner_who_leaves_is_taken_out() {
    for has_answered in [true, false] {
        let (mut world, [hans, luke, yoda]) = three();
        files(&mut world, hans, 7);
        let asked = question(&mut world, hans);
        offers(&mut world, hans, asked, true, &["a.pdf"]);
        offers(&mut world, luke, asked, has_answered, &["gone.pdf"]);
        if !has_answered {
            offers(&mut world, yoda, asked, true, &["b.pdf"]);
        }
        world.feed(Input::Closed { conn: luke });
        if has_answered {
            assert_eq!(world.take(hans), [], "yoda is still missing");
            offers(&mut world, yoda, asked, true, &["b.pdf"]);
        }
        let told = world.take(hans);
        assert!(told.contains(&found(7, &[of("hans", "a.pdf"), of("yoda", "b.pdf")])), "{told:?}");
    }
}

#[test]
fn an_asker_who_leaves_is_not_answered() {
    let (mut world, [hans, luke, yoda]) = three();
    files(&mut world, hans, 7);
    let asked = question(&mut world, luke);
    world.ask(hans, Request::Logout { request: RequestId(8) });
    assert!(world.is_closed(hans));
    offers(&mut world, luke, asked, true, &["a.pdf"]);
    offers(&mut world, yoda, asked, true, &["a.pdf"]);
    let hans = world.login("hans");
    world.pass(WINDOW);
    more(&mut world, hans, 7);
    assert!(!world.take(hans).iter().any(|frame| matches!(frame, ServerFrame::Found(_))));
}

#[test]
fn a_long_answer_is_handed_out_page_by_page() {
    let (mut world, [hans, luke, yoda]) = three();
    let count = 2 * Found::PAGE_MAX + 1;
    files(&mut world, hans, 7);
    let asked = question(&mut world, hans);
    Offers::pages(asked, false, many(count)).for_each(|page| world.ask(luke, Request::Offers(page)));
    offers(&mut world, hans, asked, true, &[]);
    offers(&mut world, yoda, asked, true, &[]);
    let mut names = Vec::new();
    for expected in [(Found::PAGE_MAX, false), (Found::PAGE_MAX, false), (1, true)] {
        let [ServerFrame::Found(page)] = &world.take(hans)[..] else { panic!("not one page") };
        assert_eq!((page.findings.len(), page.last), expected);
        names.extend(page.findings.iter().map(|finding| finding.offer.name.as_str().to_owned()));
        world.pass(WINDOW);
        assert_eq!(world.take(hans), [], "the next page waits until it is asked for");
        more(&mut world, hans, 7);
    }
    assert!(names.is_sorted() && names.len() == count);
    assert_eq!(world.take(hans), [], "nothing follows the last");
}

/// Two answers of one client are handed out apart from each other.
#[test]
fn two_answers_have_their_own_pages() {
    let (mut world, [hans, luke, yoda]) = three();
    for request in [1, 2] {
        files(&mut world, hans, request);
        let asked = question(&mut world, hans);
        settle_questions(&mut world, &[luke, yoda]);
        let count = Found::PAGE_MAX + request as usize;
        Offers::pages(asked, false, many(count)).for_each(|page| world.ask(luke, Request::Offers(page)));
        offers(&mut world, hans, asked, true, &[]);
        offers(&mut world, yoda, asked, true, &[]);
        assert_eq!(pages(&mut world, hans), [(Found::PAGE_MAX, false)]);
    }
    more(&mut world, hans, 2);
    more(&mut world, hans, 1);
    assert_eq!(pages(&mut world, hans), [(2, true), (1, true)]);
}

#[test]
fn a_page_that_is_not_there_is_not_sent() {
    let (mut world, [hans, luke, yoda]) = three();
    more(&mut world, hans, 7);
    files(&mut world, hans, 7);
    let asked = question(&mut world, hans);
    settle_questions(&mut world, &[luke, yoda]);
    more(&mut world, hans, 7);
    more(&mut world, luke, 7);
    for conn in [hans, luke, yoda] {
        offers(&mut world, conn, asked, true, &[]);
    }
    assert_eq!(world.take(hans), [found(7, &[])]);
    more(&mut world, hans, 7);
    assert_eq!([world.take(hans), world.take(luke)], [[], []]);
    assert!(![hans, luke].map(|conn| world.is_closed(conn)).contains(&true));
}

#[test]
fn so_many_files_are_kept_for_a_connection() {
    let most = Found::PAGE_MAX + 10;
    let (mut world, [hans, luke, yoda]) = three_with(most);
    let ask_both = |world: &mut World, request: u32| {
        files(world, hans, request);
        let asked = question(world, hans);
        settle_questions(world, &[luke, yoda]);
        Offers::pages(asked, false, many(most + 1)).for_each(|page| world.ask(luke, Request::Offers(page)));
        [yoda, hans].iter().for_each(|conn| offers(world, *conn, asked, true, &["one.pdf"]));
        pages(world, hans)
    };
    assert_eq!(ask_both(&mut world, 1), [(Found::PAGE_MAX, false)]);
    assert_eq!(ask_both(&mut world, 2), [(Found::PAGE_MAX, true)], "10 are still kept");
    more(&mut world, hans, 1);
    assert_eq!(pages(&mut world, hans), [(10, true)]);
    assert_eq!(ask_both(&mut world, 3), [(Found::PAGE_MAX, false)], "nothing is kept any more");
    assert_eq!(ask_both(&mut world, 3), [(Found::PAGE_MAX, true)], "a number that is used again");
    world.feed(Input::Closed { conn: hans });
}

#[test]
fn offers_are_no_activity_and_files_are() {
    for (asks, closed) in [(true, false), (false, true)] {
        let (mut world, [hans, ..]) = three();
        for step in 0..13 {
            world.pass(10 * SECOND);
            if !world.is_closed(hans) {
                match asks {
                    true => files(&mut world, hans, step),
                    false => offers(&mut world, hans, step, true, &[]),
                }
            }
            if !world.is_closed(hans) && !asks {
                more(&mut world, hans, step);
            }
        }
        assert_eq!(world.is_closed(hans), closed);
    }
}
