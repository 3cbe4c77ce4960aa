//! Guessing passwords, finding out who exists, racing for an account.

use std::time::Duration;

use starling_core::id::ConnId;
use starling_core::server::Config;
use starling_core::time::Time;
use starling_core::wire::{LoginRefusal, Request, ServerFrame};

use crate::support::house::{House, PASSWORD, encoded};
use crate::support::{dice, one_of, pick};

const BLOCK_DURATION: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Guesses of a day.
const GUESSES: u32 = 10_000;
/// Names that exist, as many that do not, and as many that cannot.
const NAMES: usize = 1_000;
/// Races of two or three logins. There are 10,000.
const RACES: usize = 10_000;

/// Never more than three passwords are looked at within the time that a lock lasts.
fn assert_at_most_three_a_lock(house: &House) {
    let looked_at: Vec<Time> = house.verified.iter().map(|(at, _)| *at).collect();
    for four in looked_at.windows(4) {
        assert!(four[3] - four[0] >= BLOCK_DURATION, "four within {:?}", four[3] - four[0]);
    }
}

/// A day of guessing, one connection after the other.
#[test]
fn t06_a_day_of_guessing_is_three_guesses_a_lock() {
    let mut house = House::new(&["hans"]);
    for guess in 0..GUESSES {
        let conn = house.greeted();
        house.knock(conn, b"hans", format!("guess{guess}").as_bytes());
        house.pass(DAY / GUESSES);
        assert!(matches!(house.take(conn)[..], [ServerFrame::LoginRefused(_)]));
        house.forget(conn);
    }
    assert_at_most_three_a_lock(&house);
    let most = 3 * DAY.as_secs() / BLOCK_DURATION.as_secs();
    assert!(u64::try_from(house.verified.len()).expect("it fits") <= most);
}

/// Many at once, each gone before its password was looked at: started attempts count.
#[test]
fn t06_who_leaves_before_the_answer_has_guessed_all_the_same() {
    let mut house = House::new(&["hans"]);
    house.verdicts = Some(Vec::new());
    for _ in 0..200 {
        let crowd: Vec<ConnId> = (0..20).map(|_| house.greeted()).collect();
        for conn in &crowd {
            house.knock(*conn, b"hans", b"guess");
        }
        crowd.into_iter().for_each(|conn| house.forget(conn));
        for _ in 0..25 {
            house.verdict();
            house.pass(Duration::from_millis(100));
        }
        house.pass(Duration::from_secs(5));
    }
    assert!(house.verified.len() > 20, "locks end");
    assert_at_most_three_a_lock(&house);
}

/// A locked account does not look at the right password either, and that is not to be told from a wrong one.
#[test]
fn t06_a_lock_looks_the_same_for_right_and_wrong() {
    let answers = [&b"guess"[..], PASSWORD.as_bytes()].map(|last| {
        let mut house = House::new(&["hans"]);
        (0..3).for_each(|_| drop(attempt(&mut house, b"hans", b"guess")));
        house.pass(Duration::from_secs(7));
        let looked_at = house.verified.len();
        let answer = attempt(&mut house, b"hans", last);
        assert_eq!(house.verified.len(), looked_at, "it is not looked at");
        answer
    });
    assert_eq!(answers[0], answers[1]);
}

/// One attempt on a connection of its own: all that comes back, and how it ends.
fn attempt(house: &mut House, name: &[u8], password: &[u8]) -> (Vec<u8>, bool) {
    let conn = house.greeted();
    house.knock(conn, name, password);
    house.pass(Duration::from_millis(10));
    let said = house.take_frames(conn).iter().flat_map(encoded).collect();
    let closed = house.is_closed(conn);
    house.forget(conn);
    (said, closed)
}

/// Names that exist, names that do not and names that cannot be: the same bytes, the same orders to the verifier
/// and to the store, in the same order.
#[test]
fn t08_unknown_names_look_like_known_ones() {
    let known: Vec<String> = (0..NAMES).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut house = House::new(&names);
    for (number, name) in names.iter().enumerate() {
        let unknown = format!("nobody{number}");
        let impossible = format!("no\u{1b}body {number}");
        let transcripts = [name, unknown.as_str(), impossible.as_str()].map(|name| {
            let (verified, writes) = (house.verified.len(), house.store.writes);
            let answers: Vec<_> = (0..4).map(|_| attempt(&mut house, name.as_bytes(), b"wrong")).collect();
            (answers, house.verified.len() - verified, house.store.writes - writes)
        });
        assert_eq!(transcripts[0], transcripts[1], "{name} and {unknown}");
        assert_eq!(transcripts[0], transcripts[2], "{name} and {impossible:?}");
    }
}

/// Two or three right passwords at once, answers of the verifier and of older sessions in any order: never
/// two sessions at a time, and one in the end.
#[test]
fn t18_a_race_for_an_account_has_one_winner() {
    let mut dice = dice(18);
    for race in 0..RACES {
        let mut house = House::with(Config::new(BLOCK_DURATION, DAY), &["hans", "luke"]);
        house.verdicts = Some(Vec::new());
        let mut runners: Vec<Runner> =
            (0..2 + pick(&mut dice, 2)).map(|_| Runner::new(house.greeted(), dice.below(2) == 0)).collect();
        for _ in 0..30 {
            match dice.below(4) {
                0 => {
                    let at = pick(&mut dice, runners.len());
                    runners[at].knock(&mut house);
                }
                1 => house.verdict(),
                2 => house.pass(*one_of(&mut dice, &[0, 1, 500, 3_000].map(Duration::from_millis))),
                _ => {}
            }
            runners.iter_mut().for_each(|runner| runner.look(&mut house));
            assert!(runners.iter().filter(|runner| runner.inside).count() <= 1, "race {race}");
        }
        runners.iter_mut().for_each(|runner| runner.knock(&mut house));
        for _ in 0..20 {
            house.verdict();
            house.pass(Duration::from_millis(500));
            runners.iter_mut().for_each(|runner| runner.look(&mut house));
            assert!(runners.iter().filter(|runner| runner.inside).count() <= 1, "race {race}");
        }
        house.server.check();
        assert_eq!(runners.iter().filter(|runner| runner.inside).count(), 1, "race {race}");
    }
}

/// Somebody with the right password.
struct Runner {
    conn: ConnId,
    /// He answers when the server asks whether he is there.
    answers: bool,
    knocked: bool,
    inside: bool,
}

impl Runner {
    fn new(conn: ConnId, answers: bool) -> Runner {
        Runner { conn, answers, knocked: false, inside: false }
    }

    fn knock(&mut self, house: &mut House) {
        if !std::mem::replace(&mut self.knocked, true) && !house.is_closed(self.conn) {
            house.knock(self.conn, b"hans", PASSWORD.as_bytes());
        }
    }

    fn look(&mut self, house: &mut House) {
        for frame in house.take(self.conn) {
            match frame {
                ServerFrame::Welcome { .. } => self.inside = true,
                ServerFrame::LoginRefused(refusal) => assert_eq!(refusal, LoginRefusal::AlreadyOnline),
                ServerFrame::Ping { nonce } if self.answers && !house.is_closed(self.conn) => {
                    house.ask(self.conn, &Request::Pong { nonce });
                }
                _ => {}
            }
        }
        self.inside &= !house.is_closed(self.conn);
    }
}
