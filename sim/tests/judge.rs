//! The checkers themselves: each sees what it is there to see.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{DownloadLine, Line, Progress};
use starling_core::id::{Epoch, RequestId, ServerId, UserId};
use starling_core::server::Config;
use starling_core::store::{Snapshot, UserRecord, Write};
use starling_core::text::Text;
use starling_core::time::Time;
use starling_core::wire::{Outcome, Presence, PresenceList, Request, ServerFrame};
use starling_sim::checker::Judge;
use starling_sim::checker::book::Book;
use starling_sim::checker::fact::{Command, Fact, Target};
use starling_sim::folder::Folder;
use starling_sim::people::People;
use starling_sim::stock::Stock;
use starling_sim::tape::{Lane, Tape};

const HANS: u32 = 0;
const YODA: u32 = 1;

/// A judge who has seen hans and yoda log in, each on the link of his number.
fn judge() -> Judge {
    let people = Arc::new(People::named([("hans", "falcon"), ("yoda", "wise")]));
    let config = Config::new(Duration::from_secs(60), Duration::from_secs(120));
    let user = |(id, name): (u32, &starling_core::name::Name)| UserRecord::new(UserId(id), *name);
    let users = (0..).zip(people.names()).map(user).collect();
    let snapshot = Snapshot { server: ServerId(1), epoch: Epoch(1), users, failures: Vec::new() };
    let mut judge = Judge::new(Book::new(Arc::clone(&people), config, Duration::ZERO), true);
    judge.see(Time::ZERO, &Fact::Began { snapshot: &snapshot, rebooted: false });
    for link in [HANS, YODA] {
        let user = u16::try_from(link).expect("few links");
        judge.see(Time::ZERO, &Fact::Started { link, user: Some(user), device: 0 });
        judge.see(Time::ZERO, &Fact::Opened { link, from: IpAddr::from([10, 0, 0, 1]) });
        told(&mut judge, link, &ServerFrame::Welcome { name: people.name(user) });
    }
    assert_eq!(judge.violation, None);
    judge
}

fn told(judge: &mut Judge, link: u32, frame: &ServerFrame) {
    judge.see(Time::ZERO, &Fact::Told { link, frame });
}

fn text(words: &'static str) -> Text {
    Text::parse(Bytes::from_static(words.as_bytes())).expect("a text")
}

/// The checker that has found something.
fn found(judge: &Judge) -> Option<&'static str> {
    judge.violation.as_ref().map(|violation| violation.checker)
}

fn shown(judge: &mut Judge, link: u32, line: &Line, tag: Option<u32>) {
    judge.see(Time::ZERO, &Fact::Shown { link, line, tag, killed: false });
}

#[test]
fn nothing_is_sent_on_a_closed_connection() {
    let mut judge = judge();
    judge.see(Time::ZERO, &Fact::Gone { link: HANS });
    told(&mut judge, HANS, &ServerFrame::Pong { nonce: 1 });
    assert_eq!(found(&judge), Some("session"));
}

#[test]
fn a_user_has_one_session() {
    let mut judge = judge();
    judge.see(Time::ZERO, &Fact::Opened { link: 2, from: IpAddr::from([10, 0, 0, 1]) });
    told(&mut judge, 2, &ServerFrame::Welcome { name: judge_name(0) });
    assert_eq!(found(&judge), Some("session"));
}

fn judge_name(user: u16) -> starling_core::name::Name {
    People::named([("hans", ""), ("yoda", "")]).name(user)
}

#[test]
fn a_slow_reader_is_cut() {
    let mut judge = judge();
    judge.see(Time::ZERO, &Fact::Unread { link: HANS, bytes: 300 * 1024 });
    judge.see(Time::ZERO, &Fact::Stepped { chime: false });
    assert_eq!(found(&judge), Some("bound"));
}

#[test]
fn what_is_shown_was_sent() {
    let mut judge = judge();
    judge.say(1, 1, None, b"m1");
    shown(&mut judge, HANS, &Line::Said(judge_name(1), text("m1")), Some(1));
    assert_eq!(found(&judge), Some("stream"));
}

#[test]
fn a_broadcast_reaches_everybody() {
    let mut judge = judge();
    judge.say(1, 0, None, b"m1");
    let request = Request::Broadcast { request: RequestId(1), text: text("m1") };
    judge.see(Time::ZERO, &Fact::Typed { link: HANS, command: &Command::Broadcast(1) });
    judge.see(Time::ZERO, &Fact::Asked { link: HANS, request: &request });
    told(&mut judge, HANS, &ServerFrame::Done { request: RequestId(1), outcome: Outcome::Accepted });
    assert_eq!(found(&judge), Some("cast"));
}

#[test]
fn an_answer_is_the_one_that_was_asked_for() {
    let mut judge = judge();
    judge.see(Time::ZERO, &Fact::Typed { link: HANS, command: &Command::Block(Target::User(1), true) });
    shown(&mut judge, HANS, &Line::Unblocked(judge_name(1)), None);
    assert_eq!(found(&judge), Some("reply"));
}

#[test]
fn the_server_hears_what_was_typed() {
    let mut judge = judge();
    judge.see(Time::ZERO, &Fact::Typed { link: HANS, command: &Command::Who });
    judge.see(
        Time::ZERO,
        &Fact::Asked { link: HANS, request: &Request::Since { request: RequestId(1), seconds: 9 } },
    );
    assert_eq!(found(&judge), Some("reply"));
}

#[test]
fn a_message_is_safe_before_it_is_acknowledged() {
    let mut judge = judge();
    judge.say(1, 0, Some(1), b"m1");
    let id = starling_core::id::MsgId { instance: 1, counter: 1 };
    let request = Request::Message { request: RequestId(1), id, to: judge_name(1), text: text("m1") };
    judge.see(Time::ZERO, &Fact::Typed { link: HANS, command: &Command::Message(Target::User(1), 1) });
    judge.see(Time::ZERO, &Fact::Asked { link: HANS, request: &request });
    told(&mut judge, HANS, &ServerFrame::Done { request: RequestId(1), outcome: Outcome::Accepted });
    assert_eq!(found(&judge), Some("letter"));
}

#[test]
fn a_person_is_told_of_each_change_once() {
    let mut judge = judge();
    let came = Presence { name: judge_name(1), online: true };
    told(&mut judge, HANS, &ServerFrame::Presence(PresenceList { version: 2, changes: vec![came] }));
    assert_eq!(judge.violation, None);
    told(&mut judge, HANS, &ServerFrame::Presence(PresenceList { version: 2, changes: vec![came] }));
    assert_eq!(found(&judge), Some("presence"));
}

#[test]
fn a_person_is_told_in_time() {
    let mut judge = judge();
    judge.book.now = Time::from_secs(1);
    judge.see(Time::from_secs(1), &Fact::Stepped { chime: true });
    assert_eq!(found(&judge), Some("presence"));
}

#[test]
fn silence_is_noticed_at_its_moment() {
    let mut judge = judge();
    let came = Presence { name: judge_name(1), online: true };
    told(&mut judge, HANS, &ServerFrame::Presence(PresenceList { version: 2, changes: vec![came] }));
    judge.book.now = Time::from_secs(30);
    judge.see(Time::from_secs(30), &Fact::Stepped { chime: false });
    assert_eq!(found(&judge), None, "an input of the same moment may come first");
    judge.see(Time::from_secs(30), &Fact::Stepped { chime: true });
    assert_eq!(found(&judge), Some("session"));
}

/// A judge in whose world there are files, and hans has one of them.
fn judge_of_files() -> (Judge, Folder) {
    let mut judge = judge();
    let tape = Tape::of_lanes(vec![vec![255, 0, 0, 0, 0, 0, 0, 0, 2]]);
    let stock = Stock::drawn(&mut tape.reader(Lane::Options)).expect("there are files");
    let folder = stock.folder(0);
    judge.stock = Some(stock);
    for (link, name) in [HANS, YODA].into_iter().zip(judge.book.people.names().to_vec()) {
        shown(&mut judge, link, &Line::Welcome(name), None);
    }
    judge.see(Time::ZERO, &Fact::Folder { user: 0, device: 0, folder: &folder });
    assert_eq!(judge.violation, None);
    (judge, folder)
}

#[test]
fn a_file_stays_what_it_was() {
    let (mut judge, mut folder) = judge_of_files();
    folder.put(Stock::name(1), Bytes::from_static(b"something else"));
    judge.see(Time::ZERO, &Fact::Folder { user: 0, device: 0, folder: &folder });
    assert_eq!(found(&judge), Some("file"));

    let (mut judge, mut folder) = judge_of_files();
    folder.remove(&Stock::name(1));
    judge.see(Time::ZERO, &Fact::Folder { user: 0, device: 0, folder: &folder });
    assert_eq!(found(&judge), Some("file"));
}

#[test]
fn a_download_ends_that_has_begun() {
    let (mut judge, _) = judge_of_files();
    let line = DownloadLine::Stopped(Stock::name(1), Progress { held: 0, chunks: 1 });
    shown(&mut judge, YODA, &Line::Download(line), None);
    assert_eq!(found(&judge), Some("file"));
}

#[test]
fn nothing_goes_to_whom_one_blocks() {
    let (mut judge, _) = judge_of_files();
    judge.see(Time::ZERO, &Fact::Piece { link: HANS, with: 1 });
    assert_eq!(judge.violation, None);
    let command = Command::Block(Target::User(1), true);
    let yoda = judge.book.people.name(1);
    judge.see(Time::ZERO, &Fact::Typed { link: HANS, command: &command });
    judge.see(
        Time::ZERO,
        &Fact::Asked { link: HANS, request: &Request::Block { request: RequestId(1), whom: yoda } },
    );
    let write = Write::Block { by: UserId(0), whom: UserId(1), on: true };
    judge.see(Time::ZERO, &Fact::Kept { write: &write });
    told(&mut judge, HANS, &ServerFrame::Done { request: RequestId(1), outcome: Outcome::Accepted });
    shown(&mut judge, HANS, &Line::Blocked(yoda), None);
    judge.see(Time::ZERO, &Fact::Piece { link: HANS, with: 1 });
    assert_eq!(found(&judge), Some("file"));
}

#[test]
fn downloads_under_way_are_listed_and_no_others() {
    let (mut judge, _) = judge_of_files();
    judge.see(Time::ZERO, &Fact::Typed { link: YODA, command: &Command::Fetch(1, None) });
    let begun = DownloadLine::Downloading { name: Stock::name(1), size: 1, chunks: 1, owners: 1 };
    shown(&mut judge, YODA, &Line::Download(begun), None);
    assert_eq!(judge.violation, None);
    judge.see(Time::ZERO, &Fact::Typed { link: YODA, command: &Command::Downloads });
    shown(&mut judge, YODA, &Line::Download(DownloadLine::None), None);
    assert_eq!(found(&judge), Some("reply"));
}
