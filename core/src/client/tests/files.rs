use super::*;
use crate::filename::FileName;
use crate::pattern::Pattern;
use crate::swarm::ContentId;
use crate::wire::{Finding, Found, Offer, Offers};

const LOST: [&str; 2] = ["Connection to the server lost.", "exit 3"];

fn offer(given: &str, content: u8, size: u64) -> Offer {
    let name = FileName::parse(given.as_bytes()).expect("a name");
    Offer { name, content: ContentId([content; ContentId::BYTES]), size }
}

fn finding(owner: &str, given: &str, content: u8, size: u64) -> Finding {
    Finding { offer: offer(given, content, size), owner: name(owner) }
}

fn found(request: u32, last: bool, findings: &[Finding]) -> ServerFrame {
    ServerFrame::Found(Found { request: RequestId(request), last, indexing: 0, findings: findings.to_vec() })
}

/// What is shown when the server answers `files` with these.
fn listed(findings: &[Finding]) -> Vec<String> {
    let mut rig = Rig::online();
    rig.types("files");
    rig.did();
    rig.hears(found(1, true, findings));
    rig.told()
}

fn sent(rig: &mut Rig) -> Vec<Request> {
    let frames = rig.did().into_iter().filter_map(|action| match action {
        Action::Send(frame) => request(&frame),
        _ => None,
    });
    frames.collect()
}

#[test]
fn one_line_for_each_content_by_name_then_id() {
    assert_eq!(
        listed(&[
            finding("yoda", "b.pdf", 1, 20),
            finding("luke", "a.pdf", 0xcd, 7),
            finding("yoda", "a.pdf", 0xab, 3),
            finding("luke", "b.pdf", 1, 20),
            finding("Zam", "b.pdf", 1, 20),
        ]),
        [
            "abababababababab 3 bytes a.pdf, owners: yoda",
            "cdcdcdcdcdcdcdcd 7 bytes a.pdf, owners: luke",
            "0101010101010101 20 bytes b.pdf, owners: Zam, luke, yoda",
        ]
    );
}

#[test]
fn one_byte_is_singular_and_none_is_not() {
    assert_eq!(listed(&[finding("luke", "a", 1, 1)]), ["0101010101010101 1 byte a, owners: luke"]);
    assert_eq!(listed(&[finding("luke", "a", 1, 0)]), ["0101010101010101 0 bytes a, owners: luke"]);
}

#[test]
fn an_owner_is_named_once() {
    let twice = finding("luke", "a", 1, 2);
    assert_eq!(listed(&[twice.clone(), twice]), ["0101010101010101 2 bytes a, owners: luke"]);
}

#[test]
fn nothing_has_its_words() {
    assert_eq!(listed(&[]), ["Nobody online offers such a file."]);
}

#[test]
fn deceiving_names_are_made_harmless() {
    let line = listed(&[finding("luke", "gpj.\u{202e}exe", 1, 2)]);
    assert_eq!(line, ["0101010101010101 2 bytes gpj.\\u{202e}exe, owners: luke"]);
}

#[test]
fn a_pattern_goes_to_the_server_as_it_was_typed() {
    for (line, wanted) in
        [("files", "*"), ("files  ", "*"), ("files *.pdf", "*.pdf"), ("files  my file? ", "my file?")]
    {
        let mut rig = Rig::online();
        rig.types(line);
        let pattern = Pattern::parse(wanted.as_bytes()).expect("a pattern");
        assert_eq!(sent(&mut rig), [Request::Files { request: RequestId(1), pattern }], "{line:?}");
    }
}

#[test]
fn no_name_is_longer_than_a_name() {
    let mut rig = Rig::online();
    rig.types(&alloc::format!("files {}", "x".repeat(Pattern::MAX)));
    assert_eq!(rig.told(), ["> FILES"]);
    rig.types(&alloc::format!("files {}", "x".repeat(Pattern::MAX + 1)));
    assert_eq!(rig.told(), ["> ACTIVE"]);
    rig.hears(found(1, true, &[]));
    assert_eq!(rig.told(), ["Nobody online offers such a file."; 2]);
}

#[test]
fn each_page_is_asked_for_when_the_one_before_was_read() {
    let mut rig = Rig::online();
    rig.types("files");
    rig.did();
    rig.hears(found(1, false, &[finding("luke", "b", 1, 2)]));
    assert_eq!(sent(&mut rig), [Request::More { request: RequestId(1) }]);
    rig.hears(found(1, false, &[]));
    assert_eq!(sent(&mut rig), [Request::More { request: RequestId(1) }]);
    rig.hears(found(1, true, &[finding("hans", "b", 1, 2), finding("luke", "a", 1, 2)]));
    assert_eq!(
        rig.told(),
        ["0101010101010101 2 bytes a, owners: luke", "0101010101010101 2 bytes b, owners: hans, luke",]
    );
}

#[test]
fn a_page_that_nobody_asked_for_is_the_end() {
    let mut rig = Rig::online();
    rig.hears(found(1, true, &[]));
    assert_eq!(rig.told(), LOST, "nothing was asked");
    let mut rig = Rig::online();
    rig.types("whoelse");
    rig.did();
    rig.hears(found(1, true, &[]));
    assert_eq!(rig.told(), LOST, "no files were asked for");
    let mut rig = Rig::online();
    rig.types("files");
    rig.did();
    rig.hears(found(2, true, &[]));
    assert_eq!(rig.told(), LOST, "another request");
    let mut rig = Rig::online();
    rig.types("files");
    rig.did();
    rig.hears(found(1, true, &[]));
    rig.hears(found(1, true, &[]));
    assert_eq!(rig.told(), ["Nobody online offers such a file.", LOST[0], LOST[1]], "answered twice");
    let mut rig = Rig::online();
    rig.types("files");
    rig.did();
    rig.answers(1, Outcome::Accepted);
    assert_eq!(rig.told(), LOST, "files do not end so");
}

#[test]
fn files_wait_for_the_answers_before_them() {
    let mut rig = Rig::online();
    for line in ["block hans", "files", "unblock luke"] {
        rig.types(line);
    }
    rig.did();
    rig.answers(3, Outcome::Accepted);
    rig.hears(found(2, true, &[finding("luke", "a", 1, 2)]));
    assert_eq!(rig.told(), [""; 0]);
    rig.answers(1, Outcome::Accepted);
    assert_eq!(
        rig.told(),
        ["hans is blocked.", "0101010101010101 2 bytes a, owners: luke", "luke is unblocked."]
    );
}

#[test]
fn a_question_is_looked_up_and_answered_in_pages() {
    let mut rig = Rig::online();
    let pattern = Pattern::parse(b"*.pdf").expect("a pattern");
    rig.hears(ServerFrame::Ask { question: 7, pattern: pattern.clone() });
    assert_eq!(rig.did(), [Action::Look { question: 7, pattern }]);
    rig.feed(Input::Looked { question: 7, offers: Vec::new(), indexing: false });
    assert_eq!(
        sent(&mut rig),
        [Request::Offers(Offers { question: 7, last: true, indexing: false, offers: Vec::new() })]
    );
    let offers: Vec<Offer> = (0..=Found::PAGE_MAX).map(|n| offer(&alloc::format!("{n:05}"), 1, 2)).collect();
    rig.feed(Input::Looked { question: 8, offers: offers.clone(), indexing: false });
    let (first, second) = offers.split_at(Found::PAGE_MAX);
    let page = |last, offers: &[Offer]| {
        Request::Offers(Offers { question: 8, last, indexing: false, offers: offers.to_vec() })
    };
    assert_eq!(sent(&mut rig), [page(false, first), page(true, second)]);
}

/// A lookup may end after the person is gone.
#[test]
fn a_late_lookup_is_nothing() {
    let mut rig = Rig::online();
    rig.hears(ServerFrame::Ask { question: 7, pattern: Pattern::any() });
    rig.types("logout");
    rig.did();
    rig.answers(1, Outcome::LoggedOut);
    rig.did();
    rig.feed(Input::Looked { question: 7, offers: Vec::new(), indexing: false });
    assert_eq!(rig.did(), []);
}
