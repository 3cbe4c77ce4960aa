use super::*;
use crate::limits::UNDER_WAY_MAX;
use crate::wire::{Presence, PresenceList, Refusal};

/// Types `line` and lets the server answer with `outcome`: what is shown then.
fn reply(line: &str, outcome: Outcome) -> Vec<String> {
    let mut rig = Rig::online();
    rig.types(line);
    rig.did();
    rig.answers(1, outcome);
    rig.told()
}

#[test]
fn every_outcome_reads_as_it_should() {
    let refused = Outcome::Refused;
    let silence = [("message luke hi", Outcome::Accepted), ("broadcast hi", Outcome::Accepted)];
    for (line, outcome) in silence {
        assert_eq!(reply(line, outcome), [""; 0], "{line}");
    }
    for (line, outcome, shown) in [
        (
            "message luke hi",
            Outcome::Queued,
            "luke is offline. Your message will be delivered at the next login.",
        ),
        ("message bob hi", refused(Refusal::UnknownUser), "Error. Unknown user: bob"),
        ("message yoda hi", refused(Refusal::Yourself), "Error. Cannot message yourself."),
        ("message luke hi", refused(Refusal::BlockedBy), "Error. Not delivered: luke has blocked you."),
        (
            "message luke hi",
            refused(Refusal::MailboxFull),
            "Error. Not delivered: the mailbox of luke is full.",
        ),
        (
            "message luke hi",
            refused(Refusal::CannotStore),
            "Error. Not delivered: the server cannot store messages now.",
        ),
        ("broadcast hi", Outcome::Partly, "Your message could not be delivered to some recipients."),
        ("broadcast hi", Outcome::NobodyOnline, "No other user is online."),
        ("block hans", Outcome::Accepted, "hans is blocked."),
        ("block bob", refused(Refusal::UnknownUser), "Error. Unknown user: bob"),
        ("block yoda", refused(Refusal::Yourself), "Error. Cannot block yourself."),
        ("block hans", refused(Refusal::AlreadyBlocked), "Error. hans is already blocked."),
        (
            "block hans",
            refused(Refusal::CannotStore),
            "Error. Not stored: the server cannot store anything now.",
        ),
        ("unblock hans", Outcome::Accepted, "hans is unblocked."),
        ("unblock bob", refused(Refusal::UnknownUser), "Error. Unknown user: bob"),
        ("unblock yoda", refused(Refusal::Yourself), "Error. Cannot unblock yourself."),
        ("unblock hans", refused(Refusal::NotBlocked), "Error. hans was not blocked."),
    ] {
        assert_eq!(reply(line, outcome), [shown], "{line}");
    }
}

#[test]
fn an_answer_that_does_not_fit_is_the_end() {
    let lost = ["Connection to the server lost.", "exit 3"];
    assert_eq!(reply("whoelse", Outcome::Accepted), lost);
    assert_eq!(reply("message luke hi", Outcome::Partly), lost);
    assert_eq!(reply("message luke hi", Outcome::LoggedOut), lost);
    assert_eq!(reply("broadcast hi", Outcome::Refused(Refusal::BlockedBy)), lost);
    let mut rig = Rig::online();
    rig.answers(1, Outcome::Accepted);
    assert_eq!(rig.told(), lost, "nothing was asked");
    let mut rig = Rig::online();
    rig.types("block luke");
    rig.did();
    rig.hears(names(1, true, &["hans"]));
    assert_eq!(rig.told(), lost, "no names were asked for");
    let mut rig = Rig::online();
    rig.types("block luke");
    rig.did();
    rig.answers(1, Outcome::Accepted);
    rig.answers(1, Outcome::Accepted);
    assert_eq!(rig.told(), ["luke is blocked.", lost[0], lost[1]], "answered twice");
}

#[test]
fn requests_and_messages_are_numbered_from_one() {
    let mut rig = Rig::online();
    for line in ["message luke a", "whoelse", "message luke b", "whoelsesince 99"] {
        rig.types(line);
    }
    let sent: Vec<Request> = rig.did().iter().filter_map(sent_request).collect();
    let Request::Message { id: MsgId { instance, counter: 1 }, .. } = sent[0] else { panic!("{sent:?}") };
    let (to, second) = (name("luke"), MsgId { instance, counter: 2 });
    assert_eq!(
        sent,
        [
            Request::Message {
                request: RequestId(1),
                id: MsgId { instance, counter: 1 },
                to,
                text: text("a")
            },
            Request::Who { request: RequestId(2) },
            Request::Message { request: RequestId(3), id: second, to, text: text("b") },
            Request::Since { request: RequestId(4), seconds: 99 },
        ]
    );
}

fn sent_request(action: &Action) -> Option<Request> {
    match action {
        Action::Send(frame) => request(frame),
        _ => None,
    }
}

#[test]
fn two_runs_have_two_instances() {
    let instance = |seed: u64| {
        let mut rig = Rig::new();
        rig.client = Client::new(Seed::from(seed), rig.at);
        rig.feed(Input::Opened);
        rig.hears(greeting());
        rig.types("yoda");
        rig.feed(Input::Recalled(Memory::default()));
        rig.types("wise");
        rig.hears(ServerFrame::Welcome { name: name("yoda") });
        rig.did();
        rig.types("message luke hi");
        match rig.did().iter().find_map(sent_request) {
            Some(Request::Message { id, .. }) => id.instance,
            other => panic!("{other:?}"),
        }
    };
    assert_ne!(instance(1), instance(2));
}

#[test]
fn a_later_answer_waits_for_the_earlier_ones() {
    let mut rig = Rig::online();
    for line in ["block hans", "nonsense", "whoelse", "unblock luke", "message b%b hi"] {
        rig.types(line);
    }
    assert_eq!(rig.told(), ["> BLOCK", "> WHO", "> UNBLOCK", "> ACTIVE"]);
    rig.answers(3, Outcome::Accepted);
    rig.hears(names(2, true, &["luke", "hans"]));
    assert_eq!(rig.told(), [""; 0], "the first answer is not there yet");
    rig.hears(ServerFrame::Cast { from: name("hans"), text: text("hi") });
    assert_eq!(rig.told(), ["hans: hi"], "what is no answer does not wait");
    rig.answers(1, Outcome::Accepted);
    assert_eq!(
        rig.told(),
        [
            "hans is blocked.",
            "Error. Invalid command: nonsense",
            "hans",
            "luke",
            "luke is unblocked.",
            "Error. Unknown user: b%b",
        ]
    );
}

#[test]
fn names_come_in_pages_and_are_sorted_by_bytes() {
    let mut rig = Rig::online();
    rig.types("whoelse");
    rig.did();
    rig.hears(names(1, false, &["luke", "Zam"]));
    rig.hears(names(1, false, &[]));
    assert_eq!(rig.told(), [""; 0]);
    rig.hears(names(1, true, &["hans", "_"]));
    assert_eq!(rig.told(), ["Zam", "_", "hans", "luke"]);
}

#[test]
fn empty_lists_have_their_words() {
    for (line, words) in
        [("whoelse", "No other user is online."), ("whoelsesince 5", "No other user was online.")]
    {
        let mut rig = Rig::online();
        rig.types(line);
        rig.did();
        rig.hears(names(1, true, &[]));
        assert_eq!(rig.told(), [words]);
    }
}

#[test]
fn what_the_client_answers_itself() {
    let long = alloc::format!("message luke {}", "x".repeat(16_385));
    let endless = "x".repeat(TYPED_MAX);
    for (line, told) in [
        ("", &[][..]),
        ("   ", &[]),
        ("whatsthetime", &["Error. Invalid command: whatsthetime"]),
        ("message yoda", &["Error. Usage: message <user> <text>"]),
        ("logout now", &["Error. Usage: logout"]),
        (&long, &["> ACTIVE", "Error. Message too long (limit 16384 bytes)."]),
        (&endless, &["Error. Line too long (limit 65536 bytes)."]),
        ("message böb hi", &["> ACTIVE", "Error. Unknown user: böb"]),
        ("block \u{202e}", &["> ACTIVE", "Error. Unknown user: \\u{202e}"]),
        ("unblock a/b", &["> ACTIVE", "Error. Unknown user: a/b"]),
    ] {
        let mut rig = Rig::online();
        rig.types(line);
        assert_eq!(rig.told(), told, "{line:.40}");
        assert!(rig.client.wants_line());
    }
    let mut rig = Rig::online();
    rig.feed(Input::Typed(Bytes::from_static(b"whoelse \xff")));
    assert_eq!(rig.told(), ["Error. Not valid UTF-8."]);
}

#[test]
fn sixty_four_commands_are_under_way() {
    let mut rig = Rig::online();
    rig.types("message luke hi");
    for n in 1..UNDER_WAY_MAX {
        assert!(rig.client.wants_line(), "{n} are under way");
        rig.types(if n % 2 == 0 { "nonsense" } else { "broadcast hi" });
    }
    assert!(!rig.client.wants_line(), "answers that wait count too");
    rig.did();
    rig.answers(1, Outcome::Accepted);
    assert!(rig.client.wants_line());
    assert_eq!(rig.did(), [Action::Ask(Prompt::Command)]);
}

#[test]
fn each_wanted_line_is_asked_for_once() {
    let mut rig = Rig::online();
    rig.types("whoelse");
    assert_eq!(rig.did().iter().map(words).collect::<Vec<_>>(), ["> WHO", "ask Command"]);
    rig.hears(names(1, true, &["hans"]));
    assert_eq!(rig.did().iter().map(words).collect::<Vec<_>>(), ["hans"]);
}

#[test]
fn presence_reads_in_order() {
    let mut rig = Rig::online();
    let came = Presence { name: name("luke"), online: true };
    let changes = Vec::from([came, Presence { online: false, ..came }]);
    rig.hears(ServerFrame::Presence(PresenceList { version: 2, changes }));
    assert_eq!(rig.told(), ["luke logged in", "luke logged out"]);
}
