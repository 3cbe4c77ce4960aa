use super::*;
use crate::limits::UNDER_WAY_MAX;
use crate::wire::{Farewell, PeerFault};

#[test]
fn a_logout_is_asked_for_and_confirmed() {
    for typed in ["logout", "  logout  "] {
        let mut rig = Rig::online();
        rig.types(typed);
        assert_eq!(rig.told(), ["> LOGOUT"]);
        assert!(!rig.client.wants_line());
        rig.answers(1, Outcome::LoggedOut);
        assert_eq!(rig.told(), ["You are logged out.", "exit 0"]);
        rig.feed(Input::Closed);
        rig.feed(Input::Interrupted);
        rig.feed(Input::Chime);
        rig.hears(mail(1, 1, "late"));
        assert_eq!(rig.did(), []);
    }
}

#[test]
fn logout_and_the_end_of_the_input_wait_for_all_answers() {
    for end in [Input::Typed(Bytes::from_static(b"logout")), Input::EndOfInput] {
        let mut rig = Rig::online();
        rig.types("block hans");
        rig.types("whoelse");
        rig.did();
        rig.feed(end);
        assert_eq!(rig.told(), [""; 0]);
        rig.hears(names(2, true, &[]));
        assert_eq!(rig.told(), [""; 0]);
        rig.answers(1, Outcome::Accepted);
        assert_eq!(rig.told(), ["hans is blocked.", "No other user is online.", "> LOGOUT"]);
        rig.hears(mail(1, 1, "wait"));
        assert_eq!(rig.told(), ["hans: wait", "> ACK 3:1"]);
        rig.answers(3, Outcome::LoggedOut);
        assert_eq!(rig.told(), ["You are logged out.", "exit 0"]);
    }
}

#[test]
fn an_interrupt_asks_at_once() {
    let mut rig = Rig::online();
    rig.types("message luke hi");
    rig.did();
    rig.feed(Input::Interrupted);
    assert_eq!(rig.told(), ["> LOGOUT"]);
    rig.feed(Input::Interrupted);
    assert_eq!(rig.told(), [""; 0]);
    rig.answers(1, Outcome::Queued);
    rig.answers(2, Outcome::LoggedOut);
    assert_eq!(
        rig.told(),
        [
            "luke is offline. Your message will be delivered at the next login.",
            "You are logged out.",
            "exit 0",
        ]
    );
}

#[test]
fn an_interrupt_hurries_a_logout_that_waits() {
    let mut rig = Rig::online();
    rig.types("message luke hi");
    rig.feed(Input::EndOfInput);
    rig.did();
    rig.feed(Input::Interrupted);
    assert_eq!(rig.told(), ["> LOGOUT"]);
    rig.answers(2, Outcome::LoggedOut);
    assert_eq!(rig.told(), ["You are logged out.", "exit 0"], "an answer that never came is not waited for");
}

#[test]
fn a_logout_never_is_one_request_too_many() {
    let mut rig = Rig::online();
    (0..UNDER_WAY_MAX).for_each(|_| rig.types("broadcast hi"));
    rig.did();
    rig.feed(Input::Interrupted);
    assert_eq!(rig.told(), [""; 0]);
    rig.answers(1, Outcome::Accepted);
    assert_eq!(rig.told(), ["> LOGOUT"]);
}

#[test]
fn farewells_are_the_last_line() {
    let idle = "You have been logged out after 120 seconds of inactivity.";
    let second = "You have been logged out after 1 second of inactivity.";
    for (farewell, line, exit) in [
        (Farewell::ShuttingDown, "The server is shutting down.", "exit 3"),
        (Farewell::Idle { seconds: 120 }, idle, "exit 5"),
        (Farewell::Idle { seconds: 1 }, second, "exit 5"),
        (Farewell::TooManyCommands, "You have been disconnected: too many commands.", "exit 3"),
    ] {
        let mut rig = Rig::online();
        rig.types("whoelse");
        rig.did();
        rig.hears(ServerFrame::Farewell(farewell));
        rig.feed(Input::Closed);
        assert_eq!(rig.told(), [line, exit]);
    }
}

#[test]
fn a_lost_server_is_told_in_every_state() {
    let lost = ["Connection to the server lost.", "exit 3"];
    let endings = [
        Input::Closed,
        Input::Received(Bytes::from_static(b"\xff\xff\xff\xff")),
        Input::Received(encoded(&[ServerFrame::Fault(PeerFault::TooMany)])),
    ];
    for ending in endings {
        let mut online = Rig::online();
        let mut draining = Rig::online();
        draining.types("whoelse");
        draining.feed(Input::EndOfInput);
        let mut leaving = Rig::online();
        leaving.types("logout");
        for mut rig in [online_again(&mut online), draining, leaving] {
            rig.did();
            rig.feed(ending.clone());
            assert_eq!(rig.told(), lost);
            assert!(!rig.client.wants_line());
        }
    }
}

fn online_again(rig: &mut Rig) -> Rig {
    Rig { client: rig.client.clone(), at: rig.at, done: rig.did() }
}
