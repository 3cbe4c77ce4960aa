use bytes::Bytes;
use starling_core::auth::credentials;
use starling_core::id::Ticket;
use starling_core::name::AccountName;
use starling_core::wire::{LoginName, Password};

use super::hashed::{HashFault, Hashed, Hasher, STANDARD, hash};
use super::*;
use crate::net::ready::ReadyList;
use crate::server::inbox::Note;

/// `lightsaber`, as cheap as a hash can be.
const CHEAP: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$qqqqqqqqqqqqqqqqqqqq";

fn cheap(password: &str) -> String {
    hash(password.as_bytes(), &argon2::Params::new(8, 1, 1, None).unwrap()).unwrap()
}

fn passwords(file: &str) -> Passwords {
    Passwords::new(&credentials::parse(file.as_bytes()).unwrap(), [7; 32]).unwrap()
}

fn name(name: &str) -> LoginName {
    LoginName::cut(Bytes::copy_from_slice(name.as_bytes())).unwrap()
}

fn password(password: &str) -> Password {
    Password::cut(Bytes::copy_from_slice(password.as_bytes())).unwrap()
}

fn only_the_own_password_is_right(passwords: &Passwords) {
    let mut hasher = Hasher::default();
    let mut right = |who: &str, what: &str| passwords.is_right(&name(who), &password(what), &mut hasher);
    assert!(right("yoda", "wise"));
    assert!(right("hans", "falcon"));
    for (who, what) in [
        ("yoda", "falcon"),
        ("yoda", "wise "),
        ("yoda", "wis"),
        ("Yoda", "wise"),
        ("bob", "wise"),
        ("a b", "x"),
        ("yoda", &cheap("wise")),
    ] {
        assert!(!right(who, what), "{who} {what}");
    }
}

#[test]
fn plain_passwords_open() {
    let passwords = passwords("yoda wise\nhans falcon\n");
    only_the_own_password_is_right(&passwords);
    assert!(!passwords.are_slow());
}

#[test]
fn hashed_passwords_open() {
    let (yoda, hans) = (cheap("wise"), cheap("falcon"));
    for file in [
        format!("yoda {yoda}\nhans {hans}\n"),
        format!("yoda {yoda}\nhans falcon\n"),
        format!("hans {hans}\nyoda wise"),
    ] {
        let passwords = passwords(&file);
        only_the_own_password_is_right(&passwords);
        assert!(passwords.are_slow());
    }
}

#[test]
fn what_was_typed_is_no_hash_of_itself() {
    let hashed = cheap("wise");
    let passwords = passwords(&format!("yoda {hashed}\n"));
    let mut hasher = Hasher::default();
    assert!(!passwords.is_right(&name("yoda"), &password(&hashed), &mut hasher));
    assert!(passwords.is_right(&name("yoda"), &password("wise"), &mut hasher));
}

#[test]
fn t09_an_attempt_costs_the_same_whoever_it_is_for() {
    let work = |file: &str, who: &str, what: &str| {
        let mut hasher = Hasher::default();
        passwords(file).is_right(&name(who), &password(what), &mut hasher);
        hasher.work_blocks
    };
    let mixed = format!("yoda {}\nhans falcon\n", hash(b"wise", &STANDARD).unwrap());
    for (who, what) in
        [("yoda", "wise"), ("yoda", "x"), ("hans", "falcon"), ("hans", "x"), ("bob", "x"), ("a b", "x")]
    {
        assert_eq!(work(&mixed, who, what), 2 * 19_456, "{who} {what}");
        assert_eq!(work("yoda wise\nhans falcon\n", who, what), 0, "{who} {what}");
    }
    // Where the operator's hashes cost something else, so do attempts on names that nobody has.
    let others = format!(
        "yoda {}\nhans falcon\n",
        hash(b"wise", &argon2::Params::new(64, 3, 1, None).unwrap()).unwrap()
    );
    for who in ["yoda", "hans", "bob"] {
        assert_eq!(work(&others, who, "x"), 3 * 64, "{who}");
    }
}

#[test]
fn hashes_that_differ_in_cost_are_noticed() {
    let dear = hash(b"x", &argon2::Params::new(16, 1, 1, None).unwrap()).unwrap();
    let file = format!("a {}\nb {dear}\nc {dear}\n", cheap("x"));
    let uneven = passwords(&file);
    assert!(uneven.are_uneven());
    let mut hasher = Hasher::default();
    uneven.is_right(&name("nobody"), &password("x"), &mut hasher);
    assert_eq!(hasher.work_blocks, 16, "strangers look like most");
    assert!(!passwords(&format!("a {}\nb {}\nc x\n", cheap("x"), cheap("y"))).are_uneven());
}

#[test]
fn hashes_of_the_reference_implementation_are_read() {
    // From the tests of the reference implementation, `src/test.c`; the password is `password`.
    let known = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
    let mut hasher = Hasher::default();
    let hashed = Hashed::parse(known).unwrap();
    assert!(bool::from(hasher.fits(&hashed, b"password")));
    assert!(!bool::from(hasher.fits(&hashed, b"passwort")));
}

#[test]
fn a_hash_that_is_none_is_refused() {
    let fault = |text: &str| Hashed::parse(text).unwrap_err();
    assert!(Hashed::parse(CHEAP).is_ok());
    for text in [
        "$argon2id$",
        "$argon2id$nonsense",
        "$argon2id$v=19$m=8,t=1,p=1",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq",
        "$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq",
        "$argon2id$v=19$m=7,t=1,p=1$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq",
        "$argon2id$v=19$m=8,t=0,p=1$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq",
        "$argon2id$v=19$m=8,t=1,p=2$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq",
        "$argon2id$v=19$m=99999999999,t=1,p=1$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq",
        "$argon2id$v=19$m=8,t=1,p=1$c2$qqqqqqqqqqqqqqqqqqqq",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqq!",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq$",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq ",
        "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq",
    ] {
        assert_eq!(fault(text), HashFault::Malformed, "{text}");
    }
    for cost in ["m=262145,t=1,p=1", "m=8,t=17,p=1", "m=4294967295,t=4294967295,p=1"] {
        let text = format!("$argon2id$v=19${cost}$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq");
        assert_eq!(fault(&text), HashFault::TooCostly, "{cost}");
    }
    assert!(Hashed::parse("$argon2id$v=19$m=262144,t=16,p=4$c29tZXNhbHQ$qqqqqqqqqqqqqqqqqqqq").is_ok());
}

#[test]
fn a_damaged_hash_is_read_or_refused_and_never_a_panic() {
    for at in 0..CHEAP.len() {
        let _ = Hashed::parse(&CHEAP[..at]);
        for byte in (0..128_u8).map(char::from).chain(['ß', '\u{fffd}']) {
            let damaged = format!("{}{byte}{}", &CHEAP[..at], &CHEAP[at + 1..]);
            let _ = Hashed::parse(&damaged);
        }
    }
}

#[test]
fn a_broken_hash_is_told_by_its_line_and_not_shown() {
    let entries = credentials::parse(b"# x\nhans falcon\nyoda $argon2id$hunter2\n").unwrap();
    let told = Passwords::new(&entries, [7; 32]).unwrap_err().to_string();
    assert!(told.starts_with("line 3: ") && told.contains("`server passwd yoda`"), "{told}");
    assert!(!told.contains("hunter2") && !told.contains('\n'), "{told}");
}

#[test]
fn a_new_hash_has_a_salt_of_its_own_and_the_standard_cost() {
    let (one, other) = (hash(b"wise", &STANDARD).unwrap(), hash(b"wise", &STANDARD).unwrap());
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
    assert_ne!(one, other);
    assert!(one.len() <= credentials::HASH_BYTES_MAX);
}

#[test]
fn changes_are_counted() {
    let yoda = cheap("wise");
    let before = passwords(&format!("yoda {yoda}\nhans falcon\nluke lightsaber\n"));
    let same = passwords(&format!("luke lightsaber\n# x\nyoda {yoda}\nhans falcon\n"));
    assert_eq!(same.since(&before), Difference::default());
    let after = passwords(&format!("yoda {yoda}\nhans {}\nleia x\nvader y\n", cheap("falcon")));
    assert_eq!(after.since(&before), Difference { added: 2, removed: 1, changed: 1 });
}

#[test]
fn the_pool_answers_every_attempt_into_the_inbox() {
    let ready = Arc::new(ReadyList::default());
    let inbox = Arc::new(Inbox::new(ready));
    let verifier =
        Verifier::new(passwords(&format!("yoda {}\n", cheap("wise"))), Arc::clone(&inbox)).unwrap();
    let account = AccountName::of(b"yoda");
    for number in 0..64 {
        let what = if number % 2 == 0 { "wise" } else { "weird" };
        let (name, password) = (name("yoda"), password(what));
        assert_eq!(verifier.check(Attempt { account, ticket: Ticket(number), name, password }), None);
    }
    let mut answers = Vec::new();
    while answers.len() < 64 {
        match inbox.pop() {
            Some(Note::Verified { ticket, right, .. }) => answers.push((ticket.0, right)),
            Some(other) => panic!("{other:?}"),
            None => std::thread::yield_now(),
        }
    }
    answers.sort_unstable();
    assert!(
        answers
            .iter()
            .enumerate()
            .all(|(at, (number, right))| *number == at as u64 && *right == (at % 2 == 0))
    );
    drop(verifier);
    assert_eq!(Arc::strong_count(&inbox), 1, "its threads have ended");
}

#[test]
fn dropping_the_pool_forgets_what_waits() {
    let inbox = Arc::new(Inbox::new(Arc::default()));
    let dear = hash(b"wise", &argon2::Params::new(1_024, 1, 1, None).unwrap()).unwrap();
    let verifier = Verifier::new(passwords(&format!("yoda {dear}\n")), Arc::clone(&inbox)).unwrap();
    for number in 0..10_000 {
        let account = AccountName::of(b"yoda");
        let (name, password) = (name("yoda"), password("x"));
        verifier.check(Attempt { account, ticket: Ticket(number), name, password });
    }
    drop(verifier);
    assert_eq!(Arc::strong_count(&inbox), 1, "its threads have ended");
    let answered = std::iter::from_fn(|| inbox.pop()).count();
    assert!(answered < 10_000, "nobody waits for {answered} checks");
}

#[test]
fn t48_nothing_secret_is_in_debug_output() {
    let inbox = Arc::new(Inbox::new(Arc::default()));
    let hashed = cheap("canary");
    let passwords = passwords(&format!("yoda canary\nhans {hashed}\n"));
    let attempt = Attempt {
        account: AccountName::of(b"yoda"),
        ticket: Ticket(1),
        name: name("yoda"),
        password: password("canary"),
    };
    let hash = Hashed::parse(&hashed).unwrap();
    let entries = credentials::parse(format!("yoda canary\nhans {hashed}\n").as_bytes()).unwrap();
    let told = format!("{attempt:?} {passwords:?} {hash:?} {:?}", Note::Credentials(entries));
    let told = told + &format!("{:?}", Verifier::new(passwords, inbox).unwrap());
    assert!(!told.contains("canary") && !told.contains("argon2id"), "{told}");
}
