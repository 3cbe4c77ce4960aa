//! The mailbox against a model so simple that it cannot be wrong: a list of all letters ever put in,
//! each with what is known about it.

use bytes::Bytes;
use proptest::prelude::*;
use starling_core::id::{Epoch, MsgId, Seq, UserId};
use starling_core::name::Name;
use starling_core::people::mailbox::{Mailbox, Next, Quota};
use starling_core::text::Text;

const QUOTA: Quota = Quota { letters_max: 40, bytes_max: 4_000, sender_part: 4 };
const WINDOW: usize = 300;

#[derive(Clone, Debug)]
enum Op {
    Put {
        from: u32,
        bytes: usize,
    },
    Pump,
    /// Acknowledge the n-th of the letters that were sent.
    Ack(usize),
    /// Write the n-th letter that is not written.
    Write(usize),
    Stored(bool),
    Disconnect,
    Login(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1..4_u32, 1..200_usize).prop_map(|(from, bytes)| Op::Put { from, bytes }),
        6 => Just(Op::Pump),
        4 => any::<usize>().prop_map(Op::Ack),
        4 => any::<usize>().prop_map(Op::Write),
        4 => prop::bool::weighted(0.8).prop_map(Op::Stored),
        1 => Just(Op::Disconnect),
        1 => any::<usize>().prop_map(Op::Login),
    ]
}

#[derive(Clone, Debug, PartialEq)]
enum Kept {
    No,
    Writing,
    Yes,
    Refused,
}

#[derive(Clone, Debug)]
struct Letter {
    seq: Seq,
    from: UserId,
    bytes: usize,
    kept: Kept,
    sent: bool,
    told: bool,
}

/// Every letter that is neither acknowledged nor lost, in order.
#[derive(Default)]
struct Model {
    letters: Vec<Letter>,
    online: bool,
}

impl Model {
    fn room(&self, from: UserId, bytes: usize) -> bool {
        let own = || self.letters.iter().filter(|letter| letter.from == from);
        let sum: usize = self.letters.iter().map(|letter| letter.bytes).sum();
        let own_sum: usize = own().map(|letter| letter.bytes).sum();
        self.letters.len() < 40 && sum + bytes <= 4_000 && own().count() < 10 && own_sum + bytes <= 1_000
    }

    /// Removes letters; the sequence numbers of those whose senders had heard nothing yet.
    fn remove(&mut self, gone: impl Fn(&Letter) -> bool) -> Vec<Seq> {
        let told = self.letters.iter().filter(|letter| gone(letter) && !letter.told);
        let told = told.map(|letter| letter.seq).collect();
        self.letters.retain(|letter| !gone(letter));
        told
    }
}

fn text(bytes: usize) -> Text {
    Text::parse(Bytes::from(vec![b'x'; bytes])).unwrap()
}

fn run(ops: Vec<Op>) {
    let floor = Seq::before_first(Epoch(1));
    let mut mailbox: Mailbox<Seq> = Mailbox::recover(floor, &[]);
    let (mut model, mut next, mut counter) = (Model::default(), floor, 0);
    for op in ops {
        match op {
            Op::Put { from, bytes } => {
                let from = UserId(from);
                assert_eq!(mailbox.room(QUOTA, from, bytes).is_ok(), model.room(from, bytes));
                if model.room(from, bytes) {
                    next = next.next();
                    counter += 1;
                    let id = MsgId { instance: 1, counter };
                    let name = Name::parse(b"hans").unwrap();
                    assert_eq!(mailbox.put(from, name, id, text(bytes), next), next);
                    let letter = Letter { seq: next, from, bytes, kept: Kept::No, sent: false, told: false };
                    model.letters.push(letter);
                }
            }
            Op::Pump if model.online => pump(&mut mailbox, &mut model),
            Op::Pump => {}
            Op::Ack(nth) => {
                let sent: Vec<Seq> = model.letters.iter().filter(|l| l.sent).map(|l| l.seq).collect();
                if !sent.is_empty() {
                    acknowledge(&mut mailbox, &mut model, sent[nth % sent.len()]);
                }
            }
            Op::Write(nth) => {
                let open: Vec<usize> =
                    (0..model.letters.len()).filter(|at| model.letters[*at].kept == Kept::No).collect();
                if !open.is_empty() {
                    let letter = &mut model.letters[open[nth % open.len()]];
                    let (from, held) = mailbox.write(letter.seq).expect("a letter to be written");
                    assert_eq!((from, held.text.len()), (letter.from, letter.bytes));
                    letter.kept = Kept::Writing;
                }
            }
            Op::Stored(kept) => stored(&mut mailbox, &mut model, kept),
            Op::Disconnect if model.online => {
                model.online = false;
                model.letters.iter_mut().for_each(|letter| letter.sent = false);
                let expected = model.remove(|letter| letter.kept == Kept::Refused);
                let mut lost = Vec::new();
                mailbox.disconnected(|reply| lost.push(reply));
                assert_eq!(lost, expected);
            }
            Op::Disconnect => {}
            Op::Login(nth) => {
                if !model.online {
                    model.online = true;
                    if !model.letters.is_empty() && nth.is_multiple_of(2) {
                        let seen = model.letters[nth % model.letters.len()].seq;
                        acknowledge(&mut mailbox, &mut model, seen);
                    }
                }
            }
        }
        mailbox.check();
    }
}

fn acknowledge(mailbox: &mut Mailbox<Seq>, model: &mut Model, upto: Seq) {
    let known = |letter: &Letter| letter.seq <= upto && matches!(letter.kept, Kept::Writing | Kept::Yes);
    let tell_store = model.letters.iter().any(known);
    let expected = model.remove(|letter| letter.seq <= upto);
    let mut settled = Vec::new();
    assert_eq!(mailbox.acknowledge(upto, |reply| settled.push(reply)), tell_store);
    assert_eq!(settled, expected);
}

fn stored(mailbox: &mut Mailbox<Seq>, model: &mut Model, kept: bool) {
    let Some(at) = model.letters.iter().position(|letter| letter.kept == Kept::Writing) else { return };
    let letter = &mut model.letters[at];
    let seq = letter.seq;
    if kept {
        letter.kept = Kept::Yes;
        letter.told = true;
        assert_eq!(mailbox.written(seq), Some(seq));
    } else if letter.sent {
        letter.kept = Kept::Refused;
        assert_eq!(mailbox.refused(seq), None);
    } else {
        model.letters.remove(at);
        assert_eq!(mailbox.refused(seq), Some(seq));
    }
}

/// Sends what may be sent; what is stored is loaded as the store would give it, one letter at a time.
fn pump(mailbox: &mut Mailbox<Seq>, model: &mut Model) {
    loop {
        let under_way: usize = model.letters.iter().filter(|letter| letter.sent).map(|l| l.bytes).sum();
        let first = model.letters.iter().position(|letter| !letter.sent).filter(|_| under_way < WINDOW);
        match (mailbox.next(WINDOW), first) {
            (Next::Nothing, None) => return,
            (Next::Send(held), Some(at)) => {
                assert_eq!(held.seq, model.letters[at].seq);
                assert_ne!(model.letters[at].kept, Kept::Yes, "what is stored is not in memory");
                model.letters[at].sent = true;
                let seq = held.seq;
                assert!(mailbox.sent(seq));
            }
            (Next::Load(after, upto), Some(at)) => {
                let letter = &mut model.letters[at];
                assert_eq!(letter.kept, Kept::Yes);
                assert!(after < letter.seq && letter.seq <= upto);
                letter.sent = true;
                assert!(mailbox.sent(letter.seq));
            }
            (next, first) => panic!("{next:?} against {first:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_mailbox_does_what_a_list_would(ops in prop::collection::vec(op(), 1..200)) {
        run(ops);
    }
}
