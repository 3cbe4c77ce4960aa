//! Whose key it is, and who decides it: before a name or a password leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::authority::Authority;
use crate::support::place::{Place, Visit};
use crate::support::tap::{Tap, holds};

const HERE: &str = "127.0.0.1";
const HANS: &str = "hans\nfalcon\n";
/// How often somebody in between tries.
const ATTEMPTS: usize = 100;

/// What a client says of a server that it has never met.
fn first_visit(place: &str, key: &str) -> String {
    format!(
        "The key of {place} is {key}. It is trusted from now on; compare it with the one that the server shows.\n"
    )
}

/// What it says of one whose key is not the one it knows.
fn changed(place: &str, known: &str, now: &str) -> String {
    format!(
        "The key of {place} is not the known one. Known: {known}. Now: {now}. Somebody may be listening in between. \
         Only if the server was set up anew: client forget-server {place}\n"
    )
}

fn is_refused(visit: &Visit, words: &str) {
    assert_eq!((visit.status, visit.printed.as_str()), (6, ""), "{visit:?}");
    assert_eq!(visit.words, words);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn t41_the_first_visit_says_whom_it_trusts_and_the_second_is_silent() {
    let place = Place::new();
    let server = place.serve();
    let (port, key) = (server.port(), server.key());
    let visit = || place.visit("device", (HERE, port), &[], HANS);
    let first = visit();
    assert!(first.is_welcome("hans"), "{first:?}");
    assert_eq!(first.words, first_visit(&format!("{HERE}:{port}"), &key));
    let second = visit();
    assert!(second.is_welcome("hans"), "{second:?}");
    assert_eq!(second.words, "");
    assert_eq!(mode(&place.known("device")), 0o600);
    assert_eq!(mode(&place.key()), 0o600);
    let shown = place.command(&["fingerprint"]);
    assert_eq!((shown.status, shown.printed), (0, format!("{key}\n")));
}

#[test]
fn t42_a_server_with_another_key_is_refused_until_the_old_one_is_forgotten() {
    let place = Place::new();
    let server = place.serve();
    let (port, old) = (server.port(), server.key());
    let named = format!("{HERE}:{port}");
    assert!(place.visit("device", (HERE, port), &[], HANS).is_welcome("hans"));
    server.ends();
    fs::remove_dir_all(place.server().join("starling-data")).expect("it is there");
    let _ = fs::remove_file(place.server().join("stderr.txt"));
    let server = place.serve_at(port, &[]);
    let new = server.key();
    assert_ne!(old, new);
    for _ in 0..2 {
        is_refused(&place.visit("device", (HERE, port), &[], HANS), &changed(&named, &old, &new));
    }
    let forgotten = place.forget("device", &named);
    assert_eq!((forgotten.status, forgotten.printed), (0, format!("The key of {named} is forgotten.\n")));
    let visit = place.visit("device", (HERE, port), &[], HANS);
    assert!(visit.is_welcome("hans"), "{visit:?}");
    assert_eq!(visit.words, first_visit(&named, &new));
    assert_eq!(place.forget("device", "127.0.0.1:9").status, 2);
    // A restart is nothing new.
    server.ends();
    let _server = place.serve_at(port, &[]);
    assert_eq!(place.visit("device", (HERE, port), &[], HANS).words, "");
}

#[test]
fn t42_somebody_in_between_hears_no_name_and_no_password() {
    let place = Place::new();
    let server = place.serve();
    let tap = Tap::before(server.addr);
    let (port, known) = (tap.addr.port(), server.key());
    assert!(place.visit("device", (HERE, port), &[], HANS).is_welcome("hans"));
    let imposter = tap.plays_the_server();
    let words = changed(&format!("{HERE}:{port}"), &known, &imposter);
    for _ in 0..ATTEMPTS {
        is_refused(&place.visit("device", (HERE, port), &[], HANS), &words);
    }
    let overheard = tap.overheard();
    assert_eq!(overheard.len(), ATTEMPTS);
    assert!(overheard.iter().all(Vec::is_empty), "{overheard:?}");
    // He would have heard it.
    assert_eq!(place.visit("device", (HERE, port), &["--fingerprint", &imposter], HANS).status, 3);
    let overheard = tap.overheard();
    assert!(holds(&overheard[0], "hans") && holds(&overheard[0], "falcon"), "{overheard:?}");
}

#[test]
fn t41_a_demanded_key_is_the_only_one() {
    let place = Place::new();
    let server = place.serve();
    let tap = Tap::before(server.addr);
    let (port, key) = (tap.addr.port(), server.key());
    let visit = |key: &str| place.visit("device", (HERE, port), &["--fingerprint", key], HANS);
    let right = visit(&key);
    assert!(right.is_welcome("hans"), "{right:?}");
    assert_eq!(right.words, "");
    let imposter = tap.plays_the_server();
    let words = format!(
        "The key of {HERE}:{port} is not the demanded one. Demanded: {key}. Found: {imposter}. Ask the server's operator.\n"
    );
    for _ in 0..10 {
        is_refused(&visit(&key), &words);
    }
    assert!(tap.overheard().iter().all(Vec::is_empty));
    assert!(!place.known("device").exists(), "what was demanded is not noted");
    assert_eq!(visit("SHA256:short").status, 2);
}

#[test]
fn t41_who_is_strict_trusts_nobody_new() {
    let place = Place::new();
    let server = place.serve();
    let (port, key) = (server.port(), server.key());
    let strict = || place.visit("device", (HERE, port), &["--strict"], HANS);
    let words = format!(
        "The key of {HERE}:{port} is not known: {key}. Ask the server's operator whether it is right, then give \
         --fingerprint {key}\n"
    );
    is_refused(&strict(), &words);
    assert!(!place.known("device").exists());
    assert!(place.visit("device", (HERE, port), &[], HANS).is_welcome("hans"));
    let known = strict();
    assert!(known.is_welcome("hans"), "{known:?}");
    assert_eq!(known.words, "");
}

#[test]
fn t42_another_port_or_another_name_is_another_server() {
    let place = Place::new();
    let server = place.serve();
    let (port, key) = (server.port(), server.key());
    let tap = Tap::before(server.addr);
    for (host, port) in [(HERE, port), ("localhost", port), (HERE, tap.addr.port())] {
        let visit = place.visit("device", (host, port), &[], HANS);
        assert!(visit.is_welcome("hans"), "{visit:?}");
        assert_eq!(visit.words, first_visit(&format!("{host}:{port}"), &key));
    }
    let pins = fs::read_to_string(place.known("device")).expect("it is there");
    assert_eq!(pins.lines().count(), 3, "{pins}");
    // What is known of one says nothing of the others: a pin is of one place alone.
    assert_eq!(place.forget("device", &format!("localhost:{port}")).status, 0);
    assert_eq!(place.visit("device", (HERE, port), &["--strict"], HANS).status, 0);
    assert_eq!(place.visit("device", ("localhost", port), &["--strict"], HANS).status, 6);
}

#[test]
fn t42_a_damaged_pin_is_no_pin_and_no_leave_to_trust() {
    let place = Place::new();
    let server = place.serve();
    let port = server.port();
    assert!(place.visit("device", (HERE, port), &[], HANS).is_welcome("hans"));
    let path = place.known("device");
    let good = fs::read_to_string(&path).expect("it is there");
    for damaged in
        [good.replace("SHA256:", "SHA256"), good[..good.len() / 2].to_owned(), good.replace("spki", "x")]
    {
        fs::write(&path, &damaged).expect("it can be written");
        let visit = place.visit("device", (HERE, port), &[], HANS);
        is_refused(
            &visit,
            &format!("Cannot use {}: line 1 is damaged. Mend or remove it.\n", path.display()),
        );
        assert_eq!(fs::read_to_string(&path).expect("it is there"), damaged);
    }
}

#[test]
fn t42_clients_that_come_at_once_note_a_key_once() {
    let place = Place::new();
    let server = place.serve();
    let port = server.port();
    let devices: Vec<_> = ["hans falcon", "yoda wise", "luke lightsaber", "r2d2 socute"]
        .into_iter()
        .map(|user| {
            let mut client = place.client("device", (HERE, port), &[]);
            client.write(user.replace(' ', "\n").as_bytes());
            client.end_input();
            client
        })
        .collect();
    for mut device in devices {
        assert_eq!(device.ends().1, 0);
    }
    let pins = fs::read_to_string(place.known("device")).expect("it is there");
    assert_eq!(pins.lines().count(), 1, "{pins}");
    assert_eq!(mode(&place.known("device")), 0o600);
}

#[test]
fn t41_a_server_that_cannot_use_its_key_does_not_make_another() {
    let place = Place::new();
    place.serve().ends();
    let good = fs::read(place.key()).expect("it is there");
    fs::write(place.key(), &good[..good.len() / 2]).expect("it can be written");
    let arguments = ["0", "600", "600", "--bind", HERE];
    for _ in 0..2 {
        let refused = place.command(&arguments);
        assert_eq!((refused.status, refused.printed.as_str()), (2, ""), "{refused:?}");
        assert_eq!(refused.words.lines().count(), 1, "{refused:?}");
    }
    fs::remove_file(place.key()).expect("it is there");
    fs::create_dir(place.key()).expect("it can be made");
    let refused = place.command(&arguments);
    assert_eq!((refused.status, refused.words.lines().count()), (2, 1), "{refused:?}");
}

#[test]
fn t41_an_authority_vouches_for_a_name() {
    let place = Place::new();
    let ours = Authority::new(&place.server().join("ours"));
    let other = Authority::new(&place.server().join("other"));
    let options = ours.vouches_for(&["localhost"]);
    let server = place.serve_at(0, &options.each_ref().map(String::as_str));
    let tap = Tap::before(server.addr);
    let port = tap.addr.port();
    let visit = |host, ca: &str| place.visit("device", (host, port), &["--ca", ca], HANS);
    let right = visit("localhost", &ours.file("ca.pem"));
    assert!(right.is_welcome("hans"), "{right:?}");
    assert_eq!(right.words, "");
    let refusals = [
        visit(HERE, &ours.file("ca.pem")),
        visit("localhost", &other.file("ca.pem")),
        visit("localhost", &ours.file("nothing.pem")),
        visit("localhost", &ours.file("key.pem")),
    ];
    for refused in refusals {
        assert_eq!((refused.status, refused.printed.as_str()), (6, ""), "{refused:?}");
        assert_eq!(refused.words.lines().count(), 1, "{refused:?}");
    }
    let imposter = tap.plays_the_server();
    assert_eq!(visit("localhost", &ours.file("ca.pem")).status, 6);
    assert!(tap.overheard().iter().all(Vec::is_empty), "{imposter} heard something");
    assert!(!place.known("device").exists());
    // By its key it is known as any other.
    let pinned = place.visit("device", (HERE, server.port()), &[], HANS);
    assert!(pinned.is_welcome("hans") && pinned.words.contains(&server.key()), "{pinned:?}");
}

#[test]
fn t41_a_certificate_that_is_not_of_the_key_is_refused() {
    let place = Place::new();
    let (ours, other) =
        (Authority::new(&place.server().join("ours")), Authority::new(&place.server().join("other")));
    let [cert, certificate, ..] = ours.vouches_for(&["localhost"]);
    let [.., key, of_another] = other.vouches_for(&["localhost"]);
    let refused = place.command(&["0", "600", "600", "--bind", HERE, &cert, &certificate, &key, &of_another]);
    assert_eq!((refused.status, refused.printed.as_str()), (2, ""), "{refused:?}");
    assert_eq!(refused.words.lines().count(), 1, "{refused:?}");
}
