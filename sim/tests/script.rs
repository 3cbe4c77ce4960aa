//! A world driven by hand: what transcripts are run through.

use std::time::Duration;

use bytes::Bytes;
use starling_core::filename::FileName;
use starling_core::server::Config;
use starling_sim::world::script::Script;

const USERS: [(&str, &str); 3] = [("hans", "falcon"), ("luke", "lightsaber"), ("yoda", "wise")];

fn server(block_duration: u64, timeout: u64) -> Script {
    Script::new(Config::new(Duration::from_secs(block_duration), Duration::from_secs(timeout)), USERS)
}

fn login(script: &mut Script, name: &str) {
    let (_, password) = USERS.iter().find(|(user, _)| *user == name).expect("a user");
    script.start(name);
    script.type_line(name, name);
    script.type_line(name, password);
    script.until_quiet();
    assert_eq!(script.take_lines(name)[0], format!("Welcome, {name}."));
}

#[test]
fn a_message_goes_from_keyboard_to_screen() {
    let mut script = server(60, 120);
    login(&mut script, "hans");
    login(&mut script, "yoda");
    script.type_line("hans", "message yoda Hey  Dude");
    script.until_quiet();
    assert_eq!(script.take_lines("yoda"), ["hans: Hey  Dude"]);
    assert_eq!(script.take_lines("hans"), ["yoda logged in"]);
    script.type_line("hans", "logout");
    script.until_quiet();
    assert_eq!(
        (script.take_lines("hans"), script.exit("hans")),
        (vec!["You are logged out.".into()], Some(0))
    );
    assert_eq!(script.violation(), None);
}

#[test]
fn mail_waits_over_a_restart_of_the_server() {
    let mut script = server(60, 120);
    login(&mut script, "hans");
    script.type_line("hans", "message luke Let's rock");
    script.until_quiet();
    assert_eq!(
        script.take_lines("hans"),
        ["luke is offline. Your message will be delivered at the next login."],
    );
    script.kill_server();
    script.restart_server();
    script.until_quiet();
    assert_eq!(
        (script.take_lines("hans"), script.exit("hans")),
        (vec!["Connection to the server lost.".into()], Some(3))
    );
    script.start("luke");
    script.type_line("luke", "luke");
    script.type_line("luke", "lightsaber");
    script.until_quiet();
    assert_eq!(script.take_lines("luke"), ["Welcome, luke.", "hans: Let's rock"]);
    assert_eq!(script.violation(), None);
}

#[test]
fn a_lock_and_a_time_out_keep_their_moments() {
    let mut script = server(60, 120);
    script.start("yoda");
    ["yoda", "weird", "weird", "weird"].iter().for_each(|line| script.type_line("yoda", line));
    script.until_quiet();
    assert_eq!(
        script.take_lines("yoda").last().map(String::as_str),
        Some("Invalid user name or password. This account is locked for 60 seconds."),
    );
    assert_eq!(script.exit("yoda"), Some(4));
    let locked = script.now();
    script.advance_to(locked + Duration::from_secs(30));
    script.start("yoda");
    ["yoda", "wise"].iter().for_each(|line| script.type_line("yoda", line));
    script.until_quiet();
    assert_eq!(
        script.take_lines("yoda"),
        ["This account is locked after repeated login failures. Try again in 30 seconds."],
    );
    script.advance_to(locked + Duration::from_secs(60));
    login(&mut script, "yoda");
    let active = script.now();
    script.advance_to(active + Duration::from_secs(119));
    assert_eq!(script.take_lines("yoda"), Vec::<String>::new());
    script.advance(Duration::from_secs(1));
    script.until_quiet();
    assert_eq!(script.take_lines("yoda"), ["You have been logged out after 120 seconds of inactivity."]);
    assert_eq!(script.exit("yoda"), Some(5));
    assert_eq!(script.violation(), None);
}

#[test]
fn a_dead_session_makes_way() {
    let mut script = server(60, 120);
    login(&mut script, "hans");
    login(&mut script, "yoda");
    script.cut_off("yoda");
    script.start("elsewhere");
    script.type_line("elsewhere", "yoda");
    script.type_line("elsewhere", "wise");
    script.advance(Duration::from_secs(4));
    assert_eq!(script.take_lines("elsewhere"), ["Welcome, yoda."]);
    assert_eq!(script.take_lines("hans"), ["yoda logged in", "yoda logged out", "yoda logged in"]);
    script.stop_server();
    assert_eq!(script.take_lines("hans"), ["The server is shutting down."]);
    assert_eq!((script.exit("hans"), script.violation()), (Some(3), None));
}

#[test]
fn who_lies_is_asked_for_one_chunk_at_most() {
    let mut script = server(60, 120);
    let name = FileName::parse(b"report.pdf").expect("a good name");
    let bytes = Bytes::from(vec![7; 1024 * 1024]);
    for owner in ["luke", "yoda"] {
        login(&mut script, owner);
        script.folder(owner).put(name.clone(), bytes.clone());
    }
    script.folder("luke").set_false();
    login(&mut script, "hans");
    script.type_line("hans", "p2pDownload report.pdf");
    script.until_quiet();
    let told = script.take_lines("hans");
    assert_eq!(
        told.last().map(String::as_str),
        Some("Downloaded report.pdf: 1048576 bytes in 16 chunks from yoda.")
    );
    assert_eq!(script.folder("hans").read(&name), Some(&bytes));
    assert_eq!(script.folder("luke").lies(), 1);
    assert_eq!(script.violation(), None);
}
