//! Changing one user.

use std::fs;
use std::io::{Read, Write};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use starling_tests::program::Program;

use crate::place::{Place, USERS, WISE, holds, programs};

#[test]
fn passwd_sets_the_password_of_one_user() {
    let place = Place::new(&format!("# team\nhans falcon\nyoda {WISE}\n"));
    place.done("passwd hans", "may the  force \nignored\n");
    let after = place.read();
    let lines: Vec<&str> = after.lines().collect();
    assert_eq!((lines[0], lines[2]), ("# team", format!("yoda {WISE}").as_str()));
    assert!(lines[1].starts_with("hans $argon2id$v=19$m=19456,t=2,p=1$"), "{}", lines[1]);
    let serving = place.server(&[], &[]);
    serving.welcomes("hans", "may the  force ");
    serving.welcomes("yoda", "wise");
    serving.rejects("hans", "falcon");
}

#[test]
fn passwd_mends_a_line_with_a_broken_hash() {
    let place = Place::new("hans $argon2id$nonsense\n");
    place.refused("0 60 120", "");
    place.done("passwd hans", "falcon\n");
    place.server(&[], &[]).welcomes("hans", "falcon");
}

#[test]
fn passwd_changes_nothing_when_it_refuses() {
    let place = Place::new(USERS);
    let too_long = "x".repeat(1_025);
    for (command, input) in [
        ("passwd bob", "secret\n"),
        ("passwd hans", ""),
        ("passwd hans", "\n"),
        ("passwd hans", too_long.as_str()),
        ("passwd h@ns", "secret\n"),
        ("passwd", "secret\n"),
        ("passwd hans --hash-all", "secret\n"),
        ("user add hans", "secret\n"),
        ("user add yo/da", "secret\n"),
        ("user add bob", "\n"),
        ("user remove bob", ""),
    ] {
        let words = place.refused(command, input);
        assert!(!words.contains("secret"), "{words}");
    }
    assert_eq!(place.read(), USERS);
}

#[test]
fn users_are_added_listed_and_removed() {
    let place = Place::empty();
    fs::create_dir_all(place.path()).expect("a folder can be made");
    place.done("user add hans", "falcon\n");
    assert_eq!(place.mode(), 0o600);
    place.done("user add yoda", "wise\n");
    assert_eq!(place.done("user list", ""), "hans\nyoda\n");
    let serving = place.server(&["--require-hashed"], &[]);
    serving.welcomes("hans", "falcon");
    serving.welcomes("yoda", "wise");
    serving.ends();
    place.done("user remove hans", "");
    assert_eq!(place.done("user list", ""), "yoda\n");
    assert!(place.refused("user remove yoda", "").contains("needs a user"));
    let serving = place.server(&[], &[]);
    serving.rejects("hans", "falcon");
    serving.welcomes("yoda", "wise");
}

#[test]
fn commands_at_once_lose_nothing() {
    let place = Place::new("hans falcon\n");
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut commands = names.map(|name| {
        let mut command = Program::start(&programs().server, &["user", "add", name], &place.path());
        command.write(b"secret\n");
        command.end_input();
        command
    });
    for command in &mut commands {
        assert_eq!(command.ends(), (String::new(), 0), "{}", command.words());
    }
    let listed = place.done("user list", "");
    let mut listed: Vec<&str> = listed.lines().collect();
    listed.sort_unstable();
    assert_eq!(listed, ["a", "b", "c", "d", "e", "f", "hans"]);
}

#[test]
fn a_password_is_typed_twice_and_not_shown() {
    for (again, status) in [("typed secret", 0), ("typed wrong", 2)] {
        let place = Place::new("hans falcon\n");
        let pair = native_pty_system().openpty(PtySize::default()).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_server"));
        command.args(["passwd", "hans"]);
        command.cwd(place.path());
        let mut child = pair.slave.spawn_command(command).expect("a server");
        let mut screen = pair.master.try_clone_reader().expect("a screen");
        let mut keyboard = pair.master.take_writer().expect("a keyboard");
        let mut shown = Vec::new();
        for (prompt, typed) in [("New password for hans: ", "typed secret"), ("The same again: ", again)] {
            while !holds(&shown, prompt) {
                let mut bytes = [0; 64];
                let read = screen.read(&mut bytes).expect("a terminal");
                assert_ne!(read, 0, "{}", String::from_utf8_lossy(&shown));
                shown.extend_from_slice(&bytes[..read]);
            }
            keyboard.write_all(format!("{typed}\r").as_bytes()).expect("a terminal");
        }
        assert_eq!(child.wait().expect("it ends").exit_code(), status);
        drop((pair.slave, keyboard));
        // The other end of a terminal that nobody has any more cannot be read: that is its end.
        let _ = screen.read_to_end(&mut shown);
        assert!(!holds(&shown, "typed"), "{}", String::from_utf8_lossy(&shown));
        assert_eq!(place.read() == "hans falcon\n", status == 2);
    }
}
