use super::*;

fn welcomed(memory: Memory) -> Rig {
    let mut rig = Rig::knocking(memory);
    rig.hears(ServerFrame::Welcome { name: name("yoda") });
    rig.done.clear();
    rig
}

#[test]
fn letters_are_shown_and_noted_and_then_acknowledged_together() {
    let mut rig = Rig::online();
    rig.hears_all(&[mail(1, 1, "one"), mail(2, 2, "two")]);
    let did = rig.did();
    assert_eq!(did.iter().map(words).collect::<Vec<_>>(), ["hans: one", "hans: two", "> ACK 3:2"]);
    let Action::Show { note, .. } = &did[0] else { panic!("a line") };
    assert_eq!(*note, Some(Note { seq: place(1), from: name("hans"), id: id(1) }));
}

#[test]
fn a_letter_that_was_seen_is_acknowledged_but_not_shown() {
    let mut rig = welcomed(Memory { seen: place(2), ..Memory::default() });
    rig.hears_all(&[mail(1, 1, "old"), mail(2, 2, "old")]);
    assert_eq!(rig.told(), ["> ACK 3:2"]);
    rig.hears(mail(3, 3, "new"));
    assert_eq!(rig.told(), ["hans: new", "> ACK 3:3"]);
    rig.hears(mail(3, 3, "new"));
    assert_eq!(rig.told(), ["> ACK 3:3"]);
}

#[test]
fn a_message_sent_twice_is_known_by_its_identity() {
    let mut rig =
        welcomed(Memory { seen: place(1), marks: Vec::from([(name("hans"), id(4))]), ..Memory::default() });
    rig.hears(mail(2, 4, "again"));
    assert_eq!(rig.told(), ["> ACK 3:2"]);
    rig.hears_all(&[mail(3, 5, "next"), mail(4, 5, "next")]);
    assert_eq!(rig.told(), ["hans: next", "> ACK 3:4"]);
}

#[test]
fn a_cursor_from_a_later_life_of_the_server_is_dropped() {
    for (epoch, seen) in [(Epoch(3), place(9)), (Epoch(2), Seq::START)] {
        let mut rig = Rig::new();
        rig.feed(Input::Opened);
        rig.hears(greeting_of(epoch));
        rig.types("yoda");
        rig.feed(Input::Recalled(Memory { seen: place(9), ..Memory::default() }));
        rig.types("wise");
        let sent = rig.did();
        let Some(Hello::Login { seen: told, .. }) = sent.iter().rev().find_map(|action| match action {
            Action::Send(frame) => hello(frame),
            _ => None,
        }) else {
            panic!("a login");
        };
        assert_eq!(told, seen);
    }
}

#[test]
fn letters_before_a_last_frame_are_acknowledged_before_the_exit() {
    let mut rig = Rig::online();
    rig.hears_all(&[mail(1, 1, "bye"), ServerFrame::Farewell(crate::wire::Farewell::ShuttingDown)]);
    assert_eq!(rig.told(), ["hans: bye", "The server is shutting down.", "> ACK 3:1", "exit 3"]);
}

#[test]
fn what_others_wrote_is_escaped() {
    let mut rig = Rig::online();
    rig.hears(mail(1, 1, "\u{1b}[2J\thi"));
    assert_eq!(rig.told()[0], "hans: \\u{1b}[2J\thi");
}

#[cfg(feature = "planted")]
#[test]
fn the_planted_fault_shows_a_letter_again() {
    let mut rig = Rig::greeted();
    rig.client.plant(ClientFault::IgnoreCursor);
    rig.types("yoda");
    rig.feed(Input::Recalled(Memory {
        seen: place(2),
        marks: Vec::from([(name("hans"), id(2))]),
        ..Memory::default()
    }));
    rig.types("wise");
    rig.hears(ServerFrame::Welcome { name: name("yoda") });
    rig.did();
    rig.hears(mail(2, 2, "old"));
    assert_eq!(rig.told(), ["hans: old", "> ACK 3:2"]);
}
