//! Private sessions: what is said in them, and every kind of end.

use super::pair::{HANS, LUKE, Pair, key, vouch};
use super::*;
use crate::direct::{Pass, Role};
use crate::wire::{Farewell, Refusal};

const NOTHING: [&str; 0] = [];
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn both_talk_in_a_session_that_one_has_started() {
    let mut pair = Pair::talking();
    for (line, shown) in [
        ("private luke hey  dude ", "hans(private): hey  dude "),
        ("private luke \u{7}", "hans(private): \\u{7}"),
    ] {
        pair.types(HANS, line);
        pair.deliver();
        assert_eq!((pair.told(HANS), pair.told(LUKE)), (Vec::new(), Vec::from([shown.into()])));
    }
    pair.types(LUKE, "private hans hello");
    pair.deliver();
    assert_eq!((pair.told(HANS), pair.told(LUKE)), (Vec::from(["luke(private): hello".into()]), Vec::new()));
}

#[test]
fn a_text_is_answered_once_it_is_shown_there() {
    let mut pair = Pair::talking();
    for line in ["private luke one", "private luke two", "nonsense", "private luke three"] {
        pair.types(HANS, line);
    }
    assert_eq!(pair.told(HANS), NOTHING, "an answer waits for those before it");
    pair.deliver();
    assert_eq!(pair.told(LUKE), ["hans(private): one", "hans(private): two", "hans(private): three"]);
    assert_eq!(pair.told(HANS), ["Error. Invalid command: nonsense"]);
}

#[test]
fn nobody_is_talked_with_before_or_after() {
    let mut pair = Pair::new();
    let none = "Error. No private session with luke.";
    for _ in 0..2 {
        pair.types(HANS, "stopprivate luke");
        assert_eq!(pair.told(HANS), [none]);
        pair.types(HANS, "private luke hi");
        assert_eq!(pair.told(HANS), ["> KNOW"], "whether there is a luke only the server knows");
        pair.answers(HANS, Outcome::Accepted);
        assert_eq!(pair.told(HANS), [none]);
        for (refusal, line) in [
            (Refusal::UnknownUser, "Error. Unknown user: luke"),
            (Refusal::Yourself, "Error. Cannot message yourself."),
        ] {
            pair.types(HANS, "private luke hi");
            pair.answers(HANS, Outcome::Refused(refusal));
            assert_eq!(pair.told(HANS), ["> KNOW", line]);
        }
        pair.start(HANS);
        pair.types(HANS, "stopprivate luke");
        pair.deliver();
        pair.told(HANS);
    }
    pair.types(HANS, "stopprivate ../luke");
    assert_eq!(pair.told(HANS), ["Error. No private session with ../luke."]);
}

#[test]
fn either_side_stops_and_what_was_said_before_is_shown() {
    for (who, other, named) in [(HANS, LUKE, ["luke", "hans"]), (LUKE, HANS, ["hans", "luke"])] {
        let mut pair = Pair::talking();
        pair.types(who, &alloc::format!("private {} last", named[0]));
        pair.types(who, &alloc::format!("stopprivate {}", named[0]));
        assert!(!pair.rigs[who].client.wants_line(), "the next line waits");
        pair.deliver();
        assert_eq!(pair.told(who), [alloc::format!("Private session with {} closed.", named[0])]);
        let (last, closed) = (
            alloc::format!("{}(private): last", named[1]),
            alloc::format!("{} closed the private session.", named[1]),
        );
        assert_eq!(pair.told(other), [last, closed]);
        assert_eq!(pair.open(), []);
    }
}

#[test]
fn who_stop_at_once_have_their_own_confirmation_each() {
    let mut pair = Pair::talking();
    for line in ["private luke from hans", "stopprivate luke"] {
        pair.types(HANS, line);
    }
    for line in ["private hans from luke", "stopprivate hans"] {
        pair.types(LUKE, line);
    }
    pair.deliver();
    assert_eq!(pair.told(HANS), ["luke(private): from luke", "Private session with luke closed."]);
    assert_eq!(pair.told(LUKE), ["hans(private): from hans", "Private session with hans closed."]);
}

#[test]
fn a_text_that_crosses_the_end_is_refused_and_not_shown() {
    let mut pair = Pair::talking();
    pair.types(HANS, "private luke too late");
    pair.types(HANS, "private luke as well");
    pair.types(LUKE, "stopprivate hans");
    pair.deliver();
    assert_eq!(pair.told(LUKE), ["Private session with hans closed."]);
    let none = "Error. No private session with luke.";
    assert_eq!(pair.told(HANS), ["luke closed the private session.", none, none]);
}

#[test]
fn who_does_not_answer_a_goodbye_is_not_waited_for() {
    let mut pair = Pair::talking();
    pair.types(HANS, "stopprivate luke");
    pair.rigs[HANS].waits(SECOND);
    assert_eq!(pair.rigs[HANS].told(), ["1 closed", "Private session with luke closed."]);
}

#[test]
fn a_logout_is_told_after_what_was_said() {
    let mut pair = Pair::talking();
    pair.types(HANS, "private luke bye");
    pair.types(HANS, "logout");
    assert_eq!(pair.told(HANS), NOTHING, "luke is to read it first");
    pair.deliver();
    assert_eq!(pair.told(LUKE), ["hans(private): bye", "Private session with hans ended: hans logged out."]);
    assert_eq!(pair.told(HANS), ["> LOGOUT"]);
    pair.answers(HANS, Outcome::LoggedOut);
    assert_eq!(pair.told(HANS), ["You are logged out.", "exit 0"]);
}

#[test]
fn who_is_blocked_is_not_told_of_a_logout() {
    for (lines, ended) in [
        (&["block luke"][..], "hans closed the private session."),
        (&["block luke", "unblock luke"], "Private session with hans ended: hans logged out."),
    ] {
        let mut pair = Pair::talking();
        for line in lines {
            pair.types(HANS, line);
            pair.answers(HANS, Outcome::Accepted);
        }
        pair.types(HANS, "private luke still here");
        pair.deliver();
        assert_eq!(pair.told(LUKE), ["hans(private): still here"], "a block ends no session");
        pair.types(HANS, "logout");
        pair.deliver();
        assert_eq!(pair.told(LUKE), [ended]);
    }
}

#[test]
fn no_session_begins_after_a_logout() {
    let mut pair = Pair::talking();
    pair.types(HANS, "logout");
    let (pass, request) = (Pass([9; Pass::BYTES]), RequestId(0));
    pair.hears(HANS, vouch("yoda", key(9), pass, Role::Called, request));
    pair.deliver();
    assert_eq!(pair.told(HANS), ["> LOGOUT"], "nobody else is waited for");

    let mut pair = Pair::new();
    pair.types(LUKE, "startprivate hans");
    pair.introduce(LUKE);
    pair.types(HANS, "logout");
    pair.connect(LUKE);
    pair.deliver();
    assert_eq!((pair.told(HANS), pair.open()), (Vec::from(["> LOGOUT".into()]), Vec::new()));
}

#[test]
fn who_is_logged_out_or_loses_the_server_ends_his_sessions() {
    for (farewell, ended) in [
        (Farewell::Idle { seconds: 120 }, "Private session with hans ended: hans logged out."),
        (Farewell::ShuttingDown, "Private session with hans ended: hans logged out."),
    ] {
        let mut pair = Pair::talking();
        pair.hears(HANS, ServerFrame::Farewell(farewell));
        pair.deliver();
        assert_eq!(pair.told(LUKE), [ended]);
    }
    let mut pair = Pair::talking();
    pair.feed(HANS, Input::Closed);
    assert_eq!(pair.told(HANS), ["Connection to the server lost.", "exit 3"]);
    let id = pair.open()[0];
    pair.cut(id);
    assert_eq!(pair.told(LUKE), ["Private session with hans ended: connection lost."]);
}

#[test]
fn a_connection_that_breaks_is_told_once() {
    let mut pair = Pair::talking();
    let id = pair.open()[0];
    pair.cut(id);
    assert_eq!(pair.told(HANS), ["Private session with luke ended: connection lost."]);
    assert_eq!(pair.told(LUKE), ["Private session with hans ended: connection lost."]);

    let mut pair = Pair::talking();
    let id = pair.open()[0];
    for line in ["private luke one", "private luke two"] {
        pair.types(HANS, line);
    }
    pair.cut(id);
    let gone = "Error. luke can no longer be reached. The private session is closed.";
    assert_eq!(pair.told(HANS), [gone, "Error. No private session with luke."]);
    assert_eq!(pair.told(LUKE), ["Private session with hans ended: connection lost."]);
    pair.types(HANS, "private luke three");
    pair.answers(HANS, Outcome::Accepted);
    assert_eq!(pair.told(HANS), ["> KNOW", "Error. No private session with luke."]);
}

#[test]
fn an_idle_session_is_kept_alive_and_a_silent_one_is_lost() {
    let mut pair = Pair::talking();
    for _ in 0..60 {
        pair.waits(2 * SECOND);
    }
    assert_eq!((pair.told(HANS), pair.open().len()), (Vec::new(), 1));
    // From here on luke is gone and nothing says so.
    let mut hans = pair.rigs.into_iter().next().expect("hans");
    for _ in 0..3 {
        hans.hears(ServerFrame::Pong { nonce: 0 });
        hans.waits(15 * SECOND);
    }
    let told = hans.told();
    assert!(told.contains(&"Private session with luke ended: connection lost.".into()), "{told:?}");
}
