//! From the wish for a private session to its beginning, or to none.

use super::pair::{BOTH, HANS, LUKE, Pair, person};
use super::*;
use crate::wire::Refusal;

const NOTHING: [&str; 0] = [];
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn refusals_of_a_start_have_their_words() {
    for (refusal, line) in [
        (Refusal::UnknownUser, "Error. Unknown user: luke"),
        (Refusal::Yourself, "Error. Cannot start a private session with yourself."),
        (Refusal::BlockedBy, "Error. luke has blocked you."),
        (Refusal::BlockedByYou, "Error. You have blocked luke."),
        (Refusal::Offline, "Error. luke is offline."),
        (Refusal::Unreachable, "Error. Could not reach luke directly."),
    ] {
        let mut pair = Pair::new();
        pair.types(HANS, "startprivate luke");
        assert!(!pair.rigs[HANS].client.wants_line(), "the next line waits");
        pair.answers(HANS, Outcome::Refused(refusal));
        assert_eq!(pair.told(HANS), ["> CALL", line]);
        assert!(pair.rigs[HANS].client.wants_line());
    }
    let mut pair = Pair::talking();
    for who in BOTH {
        pair.types(who, ["startprivate luke", "startprivate hans"][who]);
        let active = ["luke", "hans"]
            .map(|other| alloc::format!("Error. A private session with {other} is already active."));
        assert_eq!(pair.told(who), [active[who].clone()]);
    }
}

#[test]
fn two_who_start_at_once_have_one_session() {
    let mut pair = Pair::new();
    pair.types(HANS, "startprivate luke");
    pair.types(LUKE, "startprivate hans");
    pair.introduce(HANS);
    pair.answers(LUKE, Outcome::Accepted);
    pair.connect(LUKE);
    pair.connect(HANS);
    pair.deliver();
    assert_eq!(pair.told(HANS), ["> CALL", "Private session with luke started."]);
    assert_eq!(pair.told(LUKE), ["> CALL", "Private session with hans started."]);
    assert_eq!(pair.open().len(), 1);
    pair.types(LUKE, "private hans hi");
    pair.deliver();
    assert_eq!(pair.told(HANS), ["luke(private): hi"]);
}

#[test]
fn any_order_of_two_connections_gives_one_session() {
    for (first, second, between) in [
        (HANS, LUKE, false),
        (LUKE, HANS, false),
        (HANS, LUKE, true),
        (LUKE, HANS, true),
        (HANS, HANS, false),
    ] {
        let mut pair = Pair::new();
        pair.types(HANS, "startprivate luke");
        pair.introduce(HANS);
        pair.connect(first);
        if between {
            pair.deliver();
        }
        pair.connect(second);
        pair.deliver();
        assert_eq!(pair.told(HANS), ["> CALL", "Private session with luke started."]);
        assert_eq!(pair.told(LUKE), ["hans started a private session with you."]);
        assert_eq!(pair.open().len(), 1);
    }
}

#[test]
fn a_connection_that_breaks_before_the_session_is_replaced() {
    let mut pair = Pair::new();
    pair.types(HANS, "startprivate luke");
    pair.introduce(HANS);
    let first = pair.connect(HANS);
    pair.cut(first);
    pair.connect(LUKE);
    pair.deliver();
    assert_eq!(pair.told(HANS), ["> CALL", "Private session with luke started."]);
}

#[test]
fn who_is_not_met_in_ten_seconds_is_not_reached() {
    let mut pair = Pair::new();
    pair.types(HANS, "startprivate luke");
    pair.introduce(HANS);
    pair.waits(10 * SECOND - Duration::from_micros(1));
    assert_eq!(pair.told(HANS), ["> CALL"]);
    pair.waits(Duration::from_micros(1));
    assert_eq!(pair.told(HANS), ["Error. Could not reach luke directly."]);
    assert_eq!(pair.told(LUKE), NOTHING);
    pair.connect(LUKE);
    pair.deliver();
    assert_eq!(pair.open(), [], "it is too late");
}

#[test]
fn what_has_not_opened_before_a_block_does_not_open() {
    let blocked = Outcome::Refused(Refusal::BlockedBy);
    let mut pair = Pair::new();
    pair.types(HANS, "startprivate luke");
    pair.introduce(HANS);
    pair.types(LUKE, "block hans");
    pair.answers(LUKE, Outcome::Accepted);
    pair.answers(HANS, blocked);
    pair.connect(HANS);
    pair.deliver();
    assert_eq!(pair.told(HANS), ["> CALL", "Error. luke has blocked you."]);
    assert_eq!(pair.told(LUKE), ["> BLOCK", "hans is blocked."]);

    let mut pair = Pair::talking();
    pair.answers(HANS, blocked);
    assert_eq!(pair.told(HANS), NOTHING, "it was open already");
    pair.types(HANS, "private luke hi");
    pair.deliver();
    assert_eq!(pair.told(LUKE), ["hans(private): hi"]);
}

#[test]
fn who_asks_again_from_the_other_side_is_introduced_again() {
    let mut pair = Pair::talking();
    pair.types(HANS, "stopprivate luke");
    pair.deliver();
    pair.told(LUKE);
    pair.types(LUKE, "startprivate hans");
    pair.answers(LUKE, Outcome::Accepted);
    assert_eq!(pair.told(LUKE), ["> CALL", "> CALL"], "it was no crossing");
    pair.introduce(LUKE);
    pair.connect(LUKE);
    pair.deliver();
    assert_eq!(pair.told(LUKE), ["Private session with hans started."]);
    assert_eq!(
        pair.told(HANS),
        ["Private session with luke closed.", "luke started a private session with you."]
    );
}

#[test]
fn a_new_session_replaces_one_that_the_other_side_has_lost() {
    let mut pair = Pair::talking();
    // luke's client begins anew; hans has not noticed that his old connection is dead.
    pair.rigs[LUKE] = person("luke", pair.keys[LUKE], Vec::new());
    pair.types(LUKE, "startprivate hans");
    pair.introduce(LUKE);
    pair.connect(LUKE);
    pair.deliver();
    assert_eq!(
        pair.told(HANS),
        ["Private session with luke ended: connection lost.", "luke started a private session with you."]
    );
    assert_eq!(pair.told(LUKE), ["> CALL", "Private session with hans started."]);
}
