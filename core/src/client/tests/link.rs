use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_ping_is_answered_at_once() {
    for mut rig in [Rig::greeted(), Rig::knocking(Memory::default()), Rig::online()] {
        rig.hears(ServerFrame::Ping { nonce: 77 });
        let [Action::Send(frame)] = &rig.did()[..] else { panic!("one frame") };
        assert_eq!(request(frame), Some(Request::Pong { nonce: 77 }));
    }
}

#[test]
fn an_idle_client_pings_every_25_seconds() {
    let mut rig = Rig::online();
    rig.waits(Duration::from_secs(25) - Duration::from_micros(1));
    assert_eq!(rig.told(), [""; 0]);
    for _ in 0..10 {
        rig.waits(Duration::from_micros(1));
        assert_eq!(rig.told(), ["> PING"]);
        rig.hears(ServerFrame::Pong { nonce: 1 });
        rig.waits(Duration::from_secs(25) - Duration::from_micros(1));
        assert_eq!(rig.told(), [""; 0]);
    }
}

#[test]
fn what_is_sent_anyway_spares_a_ping() {
    let mut rig = Rig::online();
    for request in 1..20 {
        rig.waits(10 * SECOND);
        rig.types("broadcast hi");
        rig.answers(request, Outcome::Accepted);
        assert_eq!(rig.told(), ["> BROADCAST"]);
    }
}

#[test]
fn a_client_that_says_what_needs_no_answer_asks_for_a_sign() {
    let mut rig = Rig::online();
    for _ in 0..24 {
        rig.waits(SECOND);
        rig.types("block a/b");
    }
    rig.did();
    rig.waits(SECOND);
    assert_eq!(rig.told(), ["> PING"]);
    rig.types("block a/b");
    rig.waits(4 * SECOND);
    rig.hears(ServerFrame::Pong { nonce: 1 });
    rig.did();
    rig.waits(20 * SECOND);
    assert_eq!(rig.told(), [""; 0]);
}

#[test]
fn a_silent_server_is_lost_after_30_seconds() {
    let mut rig = Rig::online();
    rig.waits(30 * SECOND - Duration::from_micros(1));
    assert_eq!(rig.told(), ["> PING"]);
    rig.waits(Duration::from_micros(1));
    assert_eq!(rig.told(), ["Connection to the server lost.", "exit 3"]);
    assert_eq!(rig.client.deadline(), None);
}

#[test]
fn half_a_frame_is_a_sign_of_life() {
    let mut rig = Rig::online();
    let bytes = encoded(&[mail(1, 1, "slow")]);
    rig.waits(29 * SECOND);
    rig.feed(Input::Received(bytes.slice(..7)));
    rig.waits(29 * SECOND);
    rig.did();
    rig.feed(Input::Received(bytes.slice(7..)));
    assert_eq!(rig.told(), ["hans: slow", "> ACK 3:1"]);
}

#[test]
fn an_early_chime_does_nothing() {
    for mut rig in [Rig::new(), Rig::greeted(), Rig::online()] {
        rig.feed(Input::Chime);
        assert_eq!(rig.did(), []);
    }
}
