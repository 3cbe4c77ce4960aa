//! The thread: order, answers, refusals.

use std::sync::mpsc::{Receiver, channel};

use starling_core::server::Input;
use starling_core::store::StoreOutcome;

use super::*;
use crate::store::{Answer, ORDERS_MAX, Order, Writer};

fn spawn(home: &mut Home) -> (Writer, Receiver<Answer>) {
    let (answers, heard) = channel();
    let store = home.store.take().unwrap();
    let writer = Writer::spawn(store, move |answer| drop(answers.send(answer))).unwrap();
    (writer, heard)
}

fn all(home: &Home) -> PageOrder {
    page(home.user("luke"), Seq::START, Seq::from_bits(u64::MAX), usize::MAX)
}

#[test]
fn a_page_shows_every_batch_that_was_ordered_before_it() {
    let mut home = Home::new();
    let (writer, heard) = spawn(&mut home);
    for count in 1..=20 {
        let letter = home.letter(count);
        let batch = home.batch(vec![letter]);
        let key = batch.key;
        writer.order(Order::Store { batch, at: AT }).unwrap();
        writer.order(Order::Load(all(&home))).unwrap();
        assert_eq!(heard.recv().unwrap(), Answer::Stored { key, outcome: StoreOutcome::Committed });
        let Answer::Loaded { letters: Some(letters), .. } = heard.recv().unwrap() else { panic!("a page") };
        assert_eq!(letters.len() as u64, count);
    }
}

#[test]
fn what_was_ordered_before_the_end_is_done_before_it() {
    let mut home = Home::new();
    let (writer, heard) = spawn(&mut home);
    for count in 1..=50 {
        let letter = home.letter(count);
        let batch = home.batch(vec![letter]);
        writer.order(Order::Store { batch, at: AT }).unwrap();
    }
    drop(writer);
    assert_eq!(heard.iter().count(), 50);
    home.reopen();
    assert_eq!(home.mailbox().len(), 50);
}

#[test]
fn answers_are_facts_for_the_machine() {
    let mut home = Home::new();
    let (writer, heard) = spawn(&mut home);
    let key = BatchKey { epoch: Epoch(9), number: 1 };
    writer.order(Order::Store { batch: Batch { key, writes: vec![] }, at: AT }).unwrap();
    writer.order(Order::Load(all(&home))).unwrap();
    writer.order(Order::Assign(names(&["hans"]))).unwrap();
    let mut facts = heard.iter().map(|answer| answer.into_input().unwrap());
    let (hans, luke) = (home.user("hans"), home.user("luke"));
    assert_eq!(facts.next(), Some(Input::Stored { key, outcome: StoreOutcome::Failed }));
    assert_eq!(facts.next(), Some(Input::Loaded { user: luke, ticket: Ticket(1), letters: Some(vec![]) }));
    assert_eq!(facts.next(), Some(Input::Users { users: vec![(hans, names(&["hans"])[0])] }));
    let broken = Answer::Broken("fsync".to_owned());
    assert_eq!(broken.clone().into_input(), Err(broken));
}

#[test]
fn too_many_orders_are_refused_at_once() {
    let mut home = Home::new();
    let store = home.store.take().unwrap();
    let (open_gate, gate) = channel::<()>();
    // The thread is held in its first answer, until the gate opens.
    let writer = Writer::spawn(store, move |_| gate.recv().unwrap_or_default()).unwrap();
    let refusal = (0..ORDERS_MAX + 2).find_map(|_| writer.order(Order::Load(all(&home))).err());
    let luke = home.user("luke");
    assert_eq!(refusal, Some(Answer::Loaded { user: luke, ticket: Ticket(1), letters: None }));
    drop(open_gate);
}

#[test]
fn broken_is_the_last_answer() {
    let mut home = Home::new();
    home.store().note(StoreError::Broken("fsync".to_owned()));
    let (writer, heard) = spawn(&mut home);
    writer.order(Order::Load(all(&home))).unwrap();
    assert_eq!(heard.iter().collect::<Vec<_>>(), [Answer::Broken("fsync".to_owned())]);
    let batch = home.batch(vec![]);
    let key = batch.key;
    let refused = writer.order(Order::Store { batch, at: AT });
    assert_eq!(refused, Err(Answer::Stored { key, outcome: StoreOutcome::Failed }));
}

#[test]
fn a_panic_of_the_thread_is_told_as_broken() {
    let mut home = Home::new();
    let (writer, heard) = spawn(&mut home);
    let luke = home.user("luke");
    let batch = home.batch(vec![Write::Block { by: luke, whom: UserId(99), on: true }]);
    writer.order(Order::Store { batch, at: AT }).unwrap();
    assert!(matches!(heard.recv().unwrap(), Answer::Broken(_)));
    home.reopen();
}
