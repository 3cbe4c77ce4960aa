use super::*;
use crate::device::{DeviceKey, DeviceProof};
use crate::wire::{Farewell, LoginRefusal, PeerFault, Refusal};

#[test]
fn a_login_from_the_first_byte_to_the_welcome() {
    let mut rig = Rig::new();
    rig.feed(Input::Opened);
    assert!(!rig.client.wants_line(), "before the greeting nobody is asked");
    rig.hears(greeting());
    assert_eq!(rig.did().iter().map(words).collect::<Vec<_>>(), ["> HELLO", "ask Name"]);
    rig.types("yoda");
    assert_eq!(rig.did(), [Action::Recall { server: ServerId(7), user: name("yoda") }]);
    rig.feed(Input::Recalled(Memory::default()));
    assert_eq!(rig.did(), [Action::Ask(Prompt::Password)]);
    rig.types("wise");
    let [Action::Send(frame)] = &rig.did()[..] else { panic!("a login and nothing else") };
    let Some(Hello::Login { name: typed, password, seen, device }) = hello(frame) else { panic!("a login") };
    assert_eq!((typed.as_bytes(), password.reveal(), seen), (&b"yoda"[..], &b"wise"[..], Seq::START));
    assert_eq!(device, None);
    assert!(!rig.client.wants_line(), "the end of the input must not overtake the answer");
    rig.hears(ServerFrame::Welcome { name: name("yoda") });
    assert_eq!(
        rig.did(),
        [Action::Show { line: Line::Welcome(name("yoda")), note: None }, Action::Ask(Prompt::Command),]
    );
}

#[test]
fn empty_lines_are_asked_again() {
    let mut rig = Rig::greeted();
    for line in ["", "\r"] {
        rig.types(line);
        assert_eq!(rig.did(), [Action::Ask(Prompt::Name)]);
    }
    rig.types("yoda\r");
    rig.feed(Input::Recalled(Memory::default()));
    rig.did();
    for line in ["", "\r"] {
        rig.types(line);
        assert_eq!(rig.did(), [Action::Ask(Prompt::Password)]);
    }
    rig.types(" wise \r");
    let [Action::Send(frame)] = &rig.did()[..] else { panic!("a login and nothing else") };
    let Some(Hello::Login { name: typed, password, .. }) = hello(frame) else { panic!("a login") };
    assert_eq!((typed.as_bytes(), password.reveal()), (&b"yoda"[..], &b" wise "[..]));
}

#[test]
fn an_impossible_name_is_tried_like_any_other() {
    let mut rig = Rig::greeted();
    rig.types("jar jar");
    assert_eq!(rig.did(), [Action::Ask(Prompt::Password)], "there is nothing to recall");
    rig.types("meesa");
    rig.did();
    rig.hears(ServerFrame::LoginRefused(LoginRefusal::TryAgain));
    assert_eq!(rig.told(), ["Invalid user name or password. Please try again."]);
    rig.types("again");
    rig.hears(ServerFrame::LoginRefused(LoginRefusal::LockedNow { seconds: 1 }));
    let locked = "Invalid user name or password. This account is locked for 1 second.";
    assert_eq!(rig.told(), ["> LOGIN", locked, "exit 4"]);
}

#[test]
fn after_a_wrong_password_the_same_name_tries_again() {
    let proof = DeviceProof { key: DeviceKey([1; 32]), signature: [2; 64] };
    let memory = Memory { seen: place(4), device: Some(proof), ..Memory::default() };
    let mut rig = Rig::knocking(memory);
    rig.hears(ServerFrame::LoginRefused(LoginRefusal::TryAgain));
    let again = Line::LoginRefused(Some(name("yoda")), LoginRefusal::TryAgain);
    assert_eq!(rig.did(), [Action::Show { line: again, note: None }, Action::Ask(Prompt::Password)]);
    rig.types("wiser");
    let [Action::Send(frame)] = &rig.did()[..] else { panic!("a login and nothing else") };
    let Some(Hello::Login { name: typed, seen, device, .. }) = hello(frame) else { panic!("a login") };
    assert_eq!((typed.as_bytes(), seen, device), (&b"yoda"[..], place(4), Some(proof)));
}

#[test]
fn what_is_too_long_is_cut_and_stays_wrong() {
    let mut rig = Rig::greeted();
    rig.types(&"x".repeat(TYPED_MAX));
    rig.types(&"y".repeat(TYPED_MAX));
    let sent = rig.did();
    let Some(Action::Send(frame)) = sent.last() else { panic!("a login") };
    let Some(Hello::Login { name: typed, password, .. }) = hello(frame) else { panic!("a login") };
    assert_eq!((typed.as_bytes().len(), password.reveal().len()), (1024, 1025));
}

#[test]
fn refusals_that_end_the_client() {
    let locked = "This account is locked after repeated login failures. Try again in 42 seconds.";
    let now = "Invalid user name or password. This account is locked for 60 seconds.";
    for (refusal, line, exit) in [
        (LoginRefusal::LockedNow { seconds: 60 }, now, "exit 4"),
        (LoginRefusal::Locked { seconds: 42 }, locked, "exit 4"),
        (LoginRefusal::AlreadyOnline, "yoda is already logged in.", "exit 4"),
        (LoginRefusal::Busy, "The server is busy. Try again later.", "exit 3"),
    ] {
        let mut rig = Rig::knocking(Memory::default());
        rig.hears(ServerFrame::LoginRefused(refusal));
        assert_eq!(rig.told(), [line, exit]);
        rig.feed(Input::Closed);
        assert_eq!(rig.did(), [], "after the exit there is silence");
        assert_eq!(rig.client.deadline(), None);
    }
}

#[test]
fn the_server_may_be_busy_before_anybody_is_named() {
    let mut rig = Rig::greeted();
    rig.hears(ServerFrame::LoginRefused(LoginRefusal::Busy));
    assert_eq!(rig.told(), ["The server is busy. Try again later.", "exit 3"]);
}

#[test]
fn the_end_of_the_input_before_the_welcome_says_nothing() {
    for input in [Input::EndOfInput, Input::Interrupted] {
        let mut rig = Rig::greeted();
        rig.feed(input.clone());
        assert_eq!(rig.told(), ["exit 4"]);
        let mut rig = Rig::greeted();
        rig.types("yoda");
        rig.feed(Input::Recalled(Memory::default()));
        rig.did();
        rig.feed(input);
        assert_eq!(rig.told(), ["exit 4"]);
    }
    let mut rig = Rig::knocking(Memory::default());
    rig.feed(Input::Interrupted);
    assert_eq!(rig.told(), ["exit 4"]);
}

#[test]
fn a_login_takes_a_minute_at_most() {
    let mut rig = Rig::greeted();
    for _ in 0..59 {
        rig.waits(Duration::from_secs(1));
        rig.hears(ServerFrame::Pong { nonce: 0 });
    }
    rig.did();
    rig.waits(Duration::from_secs(1));
    assert_eq!(rig.told(), ["Connection to the server lost.", "exit 3"]);

    let mut hanging = Rig::new();
    assert_eq!(hanging.client.deadline(), Some(Time::from_secs(1060)));
    hanging.waits(Duration::from_secs(60));
    assert_eq!(hanging.told(), ["Connection to the server lost.", "exit 3"]);
}

#[test]
fn what_no_server_may_say_before_the_welcome() {
    let from_another = ServerFrame::Welcome { name: name("luke") };
    let refused = ServerFrame::Done { request: RequestId(1), outcome: Outcome::Refused(Refusal::Yourself) };
    for frame in [greeting(), mail(1, 1, "hi"), names(1, true, &[]), from_another, refused] {
        let mut rig = Rig::knocking(Memory::default());
        rig.hears(frame);
        assert_eq!(rig.told(), ["Connection to the server lost.", "exit 3"]);
    }
    let mut unasked = Rig::greeted();
    unasked.hears(ServerFrame::Welcome { name: name("yoda") });
    assert_eq!(unasked.told(), ["Connection to the server lost.", "exit 3"]);
}

#[test]
fn a_server_that_goes_before_the_welcome_is_lost() {
    for input in [Input::Closed, Input::Received(Bytes::from_static(b"HTTP/1.1 400 Bad Request\r\n"))] {
        let mut rig = Rig::greeted();
        rig.feed(input);
        assert_eq!(rig.told(), ["Connection to the server lost.", "exit 3"]);
    }
    let mut rig = Rig::greeted();
    rig.hears(ServerFrame::Fault(PeerFault::Version));
    assert_eq!(rig.told(), ["Connection to the server lost.", "exit 3"]);
    let mut rig = Rig::greeted();
    rig.hears(ServerFrame::Farewell(Farewell::ShuttingDown));
    assert_eq!(rig.told(), ["The server is shutting down.", "exit 3"]);
}
