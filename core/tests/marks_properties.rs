//! The marks against a list that is searched from end to end.

use proptest::prelude::*;
use starling_core::id::MsgId;
use starling_core::people::marks::{INSTANCES_MAX, Marks};

/// All marks in the order in which they were noted.
#[derive(Default)]
struct Model(Vec<(u8, MsgId)>);

impl Model {
    fn is_new(&self, sender: u8, id: MsgId) -> bool {
        !self.0.iter().any(|(s, m)| *s == sender && m.instance == id.instance && m.counter >= id.counter)
    }

    fn note(&mut self, sender: u8, id: MsgId) {
        if !self.is_new(sender, id) {
            return;
        }
        self.0.retain(|(s, m)| *s != sender || m.instance != id.instance);
        self.0.push((sender, id));
        if self.0.iter().filter(|(s, _)| *s == sender).count() > INSTANCES_MAX {
            let oldest = self.0.iter().position(|(s, _)| *s == sender).expect("counted above");
            self.0.remove(oldest);
        }
    }

    fn sorted_by_sender(&self) -> Vec<(u8, MsgId)> {
        let mut marks = self.0.clone();
        marks.sort_by_key(|(sender, _)| *sender);
        marks
    }
}

fn message() -> impl Strategy<Value = (u8, MsgId)> {
    (0..3_u8, 0..7_u64, 0..12_u64)
        .prop_map(|(sender, instance, counter)| (sender, MsgId { instance, counter }))
}

proptest! {
    #[test]
    fn marks_answer_as_the_list_does(messages in prop::collection::vec(message(), 0..200)) {
        let (mut marks, mut model) = (Marks::new(), Model::default());
        for (sender, id) in messages {
            prop_assert_eq!(marks.is_new(sender, id), model.is_new(sender, id));
            marks.note(sender, id);
            model.note(sender, id);
            prop_assert!(!marks.is_new(sender, id));
            prop_assert_eq!(marks.iter().collect::<Vec<_>>(), model.sorted_by_sender());
        }
    }

    #[test]
    fn marks_survive_being_listed(messages in prop::collection::vec(message(), 0..100)) {
        let marks: Marks<u8> = messages.into_iter().collect();
        prop_assert_eq!(marks.iter().collect::<Marks<u8>>(), marks);
    }
}
