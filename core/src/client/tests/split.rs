use proptest::prelude::*;

use super::*;
use crate::wire::{Farewell, Presence, PresenceList, Refusal};

/// What a server may say to a client that asked for all of `COMMANDS`.
fn speech() -> Vec<ServerFrame> {
    let change = Presence { name: name("vader"), online: true };
    Vec::from([
        mail(1, 1, "one"),
        names(2, false, &["luke"]),
        ServerFrame::Ping { nonce: 3 },
        ServerFrame::Done { request: RequestId(1), outcome: Outcome::Queued },
        mail(2, 2, "two"),
        ServerFrame::Cast { from: name("luke"), text: text("hello, all") },
        names(2, true, &["hans"]),
        ServerFrame::Presence(PresenceList { version: 9, changes: Vec::from([change]) }),
        ServerFrame::Done { request: RequestId(4), outcome: Outcome::Accepted },
        mail(2, 2, "two"),
        ServerFrame::Done { request: RequestId(3), outcome: Outcome::Refused(Refusal::NotBlocked) },
        ServerFrame::Farewell(Farewell::Idle { seconds: 9 }),
    ])
}

const COMMANDS: [&str; 5] = ["message luke hi", "whoelse", "unblock hans", "block hans", "nonsense"];

/// What is shown in the end, and how far the mail was acknowledged, when the bytes come cut at `cuts`.
fn shown(cuts: &[usize]) -> (Vec<String>, Option<String>) {
    let mut rig = Rig::online();
    COMMANDS.iter().for_each(|line| rig.types(line));
    let bytes = encoded(&speech());
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % bytes.len()).collect();
    cuts.sort_unstable();
    cuts.push(bytes.len());
    let mut from = 0;
    for upto in cuts {
        rig.feed(Input::Received(bytes.slice(from..upto)));
        from = upto;
    }
    let (sent, shown): (Vec<_>, Vec<_>) = rig.told().into_iter().partition(|word| word.starts_with("> "));
    (shown, sent.into_iter().rfind(|word| word.starts_with("> ACK")))
}

#[test]
fn every_single_cut_shows_the_same() {
    let whole = shown(&[]);
    assert_eq!(whole.1.as_deref(), Some("> ACK 3:2"));
    assert_eq!(
        whole.0,
        [
            "hans: one",
            "luke is offline. Your message will be delivered at the next login.",
            "hans: two",
            "luke: hello, all",
            "hans",
            "luke",
            "vader logged in",
            "Error. hans was not blocked.",
            "hans is blocked.",
            "Error. Invalid command: nonsense",
            "You have been logged out after 9 seconds of inactivity.",
            "exit 5",
        ]
    );
    for at in 0..encoded(&speech()).len() {
        assert_eq!(shown(&[at]), whole, "cut at {at}");
    }
}

proptest! {
    #[test]
    fn any_cuts_show_the_same(cuts in proptest::collection::vec(any::<usize>(), 0..60)) {
        prop_assert_eq!(shown(&cuts), shown(&[]));
    }

    /// Whatever a server sends, the client neither panics nor goes on after its exit.
    #[test]
    fn no_bytes_break_the_machine(pieces in proptest::collection::vec(any::<Vec<u8>>(), 1..20)) {
        let mut rig = Rig::online();
        COMMANDS.iter().for_each(|line| rig.types(line));
        for piece in pieces {
            rig.feed(Input::Received(Bytes::from(piece)));
        }
        rig.feed(Input::Closed);
        let exits = rig.did().iter().filter(|action| matches!(action, Action::Exit(_))).count();
        prop_assert_eq!(exits, 1);
    }
}
