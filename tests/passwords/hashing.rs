//! Hashing what is there.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::place::{Place, USERS, holds, secrets};

#[test]
fn t46_after_hash_all_nobody_finds_a_password_and_everybody_logs_in() {
    let place = Place::new(USERS);
    assert_eq!(place.done("passwd --hash-all", ""), "Hashed 6 of 6 passwords.\n");
    let hashed = place.read();
    for ((name, _), line) in secrets().zip(hashed.lines()) {
        assert!(line.starts_with(&format!("{name} $argon2id$v=19$m=19456,t=2,p=1$")), "{line}");
    }
    let serving = place.server(&["--require-hashed"], &[]);
    for (name, password) in secrets() {
        serving.welcomes(name, password);
    }
    serving.rejects("hans", "wise");
    let hash = hashed.lines().next().and_then(|line| line.split_once(' ')).expect("hans is there").1;
    serving.rejects("hans", hash);
    serving.ends();
    let left = place.everything();
    assert!(left.len() >= 3, "the credentials, the log and the data");
    for (path, content) in left {
        for (_, password) in secrets() {
            assert!(!holds(&content, password), "{password} is in {}", path.display());
        }
    }
}

#[test]
fn t46_a_change_keeps_everything_else() {
    let before = "\u{feff}# team\r\nhans falcon\r\n\r\n#yoda old\r\nyoda  two  words \r\nluke p";
    for mode in [0o600, 0o640, 0o604] {
        let place = Place::new(before);
        fs::set_permissions(place.file(), Permissions::from_mode(mode)).expect("it is ours");
        place.done("passwd --hash-all", "");
        let after = place.read();
        let mut expected = before.split_inclusive('\n').zip(after.split_inclusive('\n'));
        for (old, new) in expected.by_ref() {
            match old.trim_start_matches('\u{feff}').split_once(' ') {
                Some((name, _)) if !old.contains('#') => {
                    let end = if old.ends_with('\n') { "\r\n" } else { "" };
                    assert!(new.starts_with(&format!("{name} $argon2id$")) && new.ends_with(end), "{new:?}");
                }
                _ => assert_eq!(new, old),
            }
        }
        assert_eq!(after.lines().count(), 6);
        assert_eq!(place.mode(), mode);
        assert_eq!(place.done("passwd --hash-all", ""), "Hashed 0 of 3 passwords.\n");
        assert_eq!(place.read(), after, "what is hashed stays as it is");
        let mut names =
            fs::read_dir(place.path()).expect("a folder").map(|entry| entry.expect("one").file_name());
        assert!(names.all(|name| ["credentials.txt", "stderr.txt"].contains(&name.to_str().expect("UTF-8"))));
    }
}

#[test]
fn a_command_refuses_a_broken_file_and_leaves_it() {
    for (broken, line) in [("hans falcon\nyoda\n", "line 2"), ("hans falcon\nhans falcon\n", "line 2")] {
        let place = Place::new(broken);
        for command in ["passwd --hash-all", "passwd hans", "user add luke", "user remove hans", "user list"]
        {
            let words = place.refused(command, "new\n");
            assert!(words.contains(line) && !words.contains("falcon"), "{words}");
        }
        assert_eq!(place.read(), broken);
    }
    let nothing = Place::empty();
    fs::create_dir_all(nothing.path()).expect("a folder can be made");
    for command in ["passwd --hash-all", "passwd hans", "user remove hans", "user list"] {
        nothing.refused(command, "new\n");
    }
}
