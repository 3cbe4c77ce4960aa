//! What a server makes of its credentials, at its start and while it runs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::place::{FALCON, Place, USERS, WISE, holds};

#[test]
fn a_hash_that_is_none_stops_the_start_and_is_told_by_its_line() {
    for hash in [
        "$argon2id$",
        "$argon2id$hunter2",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdCBvZiBhIHNhbXBsZQ",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdCBvZiBhIHNhbXBsZQ$hunter2!",
        "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdCBvZiBhIHNhbXBsZQ$hunter2hunter2hunter2h",
    ] {
        let place = Place::new(&format!("# team\nhans falcon\nyoda {hash}\n"));
        let words = place.refused("0 60 120", "");
        assert!(words.contains("line 3") && words.contains("server passwd yoda"), "{words}");
        assert!(!words.contains("hunter2") && !words.contains("falcon"), "{words}");
        assert!(!place.path().join("starling-data").exists());
    }
}

#[test]
fn plain_and_hashed_passwords_stand_side_by_side() {
    let place = Place::new(&format!("yoda {WISE}\nhans falcon\n"));
    let serving = place.server(&[], &[]);
    serving.welcomes("yoda", "wise");
    serving.welcomes("hans", "falcon");
    serving.rejects("yoda", "falcon");
    serving.rejects("hans", "wise");
    serving.rejects("yoda", WISE);
    serving.rejects("bob", "wise");
}

#[test]
fn the_operator_is_warned_of_what_a_thief_finds_easy() {
    let place = Place::new(USERS);
    fs::set_permissions(place.file(), Permissions::from_mode(0o644)).expect("it is ours");
    let serving = place.server(&[], &[]);
    serving.says("chmod 600 credentials.txt");
    let words = serving.server.words();
    assert_eq!(words.matches("server passwd --hash-all").count(), 1, "{words}");
    serving.ends();

    let place = Place::new(&format!("hans {FALCON}\n"));
    fs::set_permissions(place.file(), Permissions::from_mode(0o600)).expect("it is ours");
    let serving = place.server(&[], &[]);
    serving.welcomes("hans", "falcon");
    assert!(!serving.server.words().contains("WARN"), "{}", serving.server.words());
}

#[test]
fn a_strict_server_takes_no_plain_password() {
    let place = Place::new(&format!("hans {FALCON}\nyoda wise\n"));
    let words = place.refused("0 60 120 --require-hashed", "");
    assert!(words.contains("1 password is plain text") && words.contains("--hash-all"), "{words}");
    place.done("passwd --hash-all", "");
    let serving = place.server(&["--require-hashed"], &[]);
    serving.welcomes("yoda", "wise");
    place.write("hans falcon\n");
    serving.server.signal(Signal::HUP);
    serving.says("The old credentials stay.");
    serving.welcomes("yoda", "wise");
}

// --- While it runs ---

#[test]
fn a_running_server_takes_over_a_changed_file() {
    let place = Place::new("hans falcon\nyoda wise\nluke lightsaber\n");
    let serving = place.server(&[], &[]);
    serving.welcomes("luke", "lightsaber");
    place.write(&format!("hans {FALCON}\nyoda wise\nleia blasterpistol\n"));
    serving.server.signal(Signal::HUP);
    serving.says("in use users=3 added=1 removed=1 changed=1");
    serving.welcomes("hans", "falcon");
    serving.welcomes("yoda", "wise");
    serving.welcomes("leia", "blasterpistol");
    serving.rejects("luke", "lightsaber");

    for (broken, why) in [
        ("hans new\nyoda\n".to_owned(), "line 2"),
        (format!("hans new\nluke lightsaber\nyoda {WISE}!\n"), "line 3"),
        ("# nobody\n".to_owned(), "no users"),
    ] {
        place.write(&broken);
        serving.server.signal(Signal::HUP);
        serving.says(why);
        serving.welcomes("hans", "falcon");
        serving.rejects("yoda", "falcon");
        serving.welcomes("yoda", "wise");
    }
    fs::remove_file(place.file()).expect("it is there");
    serving.server.signal(Signal::HUP);
    serving.says("Cannot read");
    serving.welcomes("hans", "falcon");

    place.write("hans new\n");
    serving.server.signal(Signal::HUP);
    serving.says("in use users=1 added=0 removed=2 changed=1");
    serving.welcomes("hans", "new");
    serving.ends();
}

// --- Where passwords must not be ---

#[test]
fn t48_no_password_is_in_a_log_or_a_command_line() {
    let (right, wrong, new) = ("canary-right", "canary-wrong", "canary-new");
    let place = Place::new(&format!("hans {right}\nyoda {WISE}\n"));
    let serving = place.server(&[], &[("STARLING_LOG", "trace")]);
    serving.welcomes("hans", right);
    serving.rejects("hans", wrong);
    place.write(&format!("hans {right}\nyoda {WISE}\nluke {new}\n"));
    serving.server.signal(Signal::HUP);
    serving.says("added=1");
    serving.welcomes("luke", new);
    let process = PathBuf::from(format!("/proc/{}", serving.server.id()));
    let about = ["cmdline", "environ"].map(|file| fs::read(process.join(file)).expect("it runs"));
    let limits = fs::read_to_string(process.join("limits")).expect("it runs");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "what it was is not left behind: {core}");
    let words = serving.server.words();
    serving.ends();
    let (_, _, complaints) = place.command("passwd nobody", new);
    for text in about.iter().map(Vec::as_slice).chain([words.as_bytes(), complaints.as_bytes()]) {
        for secret in ["canary", "argon2id"] {
            assert!(!holds(text, secret), "{}", String::from_utf8_lossy(text));
        }
    }
}

#[test]
fn t47_a_thief_of_the_data_finds_no_password_and_the_key_is_in_a_file_of_its_own() {
    let canaries: Vec<(String, String)> =
        (0..20).map(|n| (format!("user{n}"), format!("canary-{n:02}-{}", "quartz".repeat(2)))).collect();
    let lines = canaries.iter().map(|(name, password)| format!("{name} {password}\n"));
    let place = Place::new(&lines.collect::<String>());
    let serving = place.server(&[], &[("STARLING_LOG", "trace")]);
    for (name, password) in &canaries {
        serving.welcomes(name, password);
        serving.rejects(name, &format!("{password}?"));
    }
    serving.ends();
    let credentials = place.file();
    for (path, content) in place.everything().into_iter().filter(|(path, _)| *path != credentials) {
        for (_, password) in &canaries {
            assert!(!holds(&content, password), "{password} is in {}", path.display());
        }
        let mode = path.metadata().expect("it is there").permissions().mode() & 0o777;
        let is_data = path.components().any(|part| part.as_os_str() == "starling-data");
        assert!(!is_data || mode & 0o077 == 0, "{} can be read by others", path.display());
        let is_key = path.file_name().is_some_and(|name| name == "server.key");
        assert_eq!(holds(&content, "PRIVATE KEY"), is_key, "{}", path.display());
    }
}
