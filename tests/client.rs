//! The client in plain mode: pipes on one side, a server that does as it is told on the other.

mod fake_server;

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use fake_server::{FakeServer, name, place, text};
use rustix::process::{Pid, Signal, kill_process};
use starling_core::id::Seq;
use starling_core::wire::{Farewell, LoginRefusal, Outcome, Refusal, Request, ServerFrame};
use tempfile::TempDir;

/// A client that runs.
struct Run {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Run {
    fn start(home: &Path, args: &[&str]) -> Run {
        let mut child = Command::new(env!("CARGO_BIN_EXE_client"))
            .args(args)
            .current_dir(home)
            .env("HOME", home.join("home"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_DATA_HOME", home.join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a client");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Run { child, stdin, stdout }
    }

    /// A client of `server` that is given `lines`; its input stays open.
    fn of(server: &FakeServer, home: &TempDir, lines: &str) -> Run {
        let [option, key] = server.trust();
        let mut run = Run::start(home.path(), &["localhost", &server.port(), &option, &key]);
        run.types(lines);
        run
    }

    fn types(&mut self, lines: &str) {
        self.stdin.as_mut().expect("an input").write_all(lines.as_bytes()).expect("a client that reads");
    }

    fn ends_input(&mut self) {
        self.stdin = None;
    }

    /// The next line of its output.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().expect("an output").read_line(&mut line).expect("a line");
        line
    }

    fn kill(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a client that runs");
    }

    /// Waits for the end: the exit status, the rest of the output and the words on stderr.
    fn ends(mut self) -> (Option<i32>, String, String) {
        drop(self.stdin.take());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if let Some(output) = &mut self.stdout {
            output.read_to_string(&mut stdout).expect("output");
        }
        self.child.stderr.take().expect("stderr").read_to_string(&mut stderr).expect("words");
        (self.child.wait().expect("an end").code(), stdout, stderr)
    }
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_script_is_answered_line_by_line() {
    let (server, home) = (FakeServer::start(), home());
    let script = "yoda\nwise\nmessage bob hi\r\nwhatsthetime\n\nblock luke";
    let mut run = Run::of(&server, &home, script);
    run.ends_input();
    let (mut guest, seen) = server.welcome();
    assert_eq!(seen, Seq::START);
    let Request::Message { request, to, text: said, .. } = guest.request() else { panic!("a message") };
    assert_eq!((to, said), (name("bob"), text("hi")));
    guest.answers(request, Outcome::Refused(Refusal::UnknownUser));
    let Request::Block { request, whom } = guest.request() else { panic!("a block") };
    assert_eq!(whom, name("luke"));
    guest.calls("still here?");
    guest.answers(request, Outcome::Accepted);
    guest.lets_go();
    let (status, stdout, stderr) = run.ends();
    let expected = "Welcome, yoda.\nError. Unknown user: bob\nError. Invalid command: whatsthetime\n\
                    hans: still here?\nluke is blocked.\nYou are logged out.\n";
    assert_eq!((status, stdout.as_str(), stderr.as_str()), (Some(0), expected, ""));
    assert!(home.path().join("shared").is_dir());
}

#[test]
fn the_end_of_the_input_before_the_welcome() {
    let (server, home) = (FakeServer::start(), home());
    for script in ["", "yoda\n", "yoda", "\n\n"] {
        let mut run = Run::of(&server, &home, script);
        run.ends_input();
        let _guest = server.greet();
        assert_eq!(run.ends(), (Some(4), String::new(), String::new()), "{script:?}");
    }
    let mut run = Run::of(&server, &home, "yoda\nwise");
    run.ends_input();
    let mut guest = server.greet();
    guest.login();
    guest.says(&ServerFrame::LoginRefused(LoginRefusal::AlreadyOnline));
    assert_eq!(run.ends(), (Some(4), "yoda is already logged in.\n".into(), String::new()));
}

#[test]
fn a_letter_is_shown_once_on_a_device() {
    let (server, home) = (FakeServer::start(), home());
    for (known, shown) in [(0, "Welcome, yoda.\nhans: one\nhans: two\n"), (2, "Welcome, yoda.\n")] {
        let mut run = Run::of(&server, &home, "yoda\nwise\n");
        let (mut guest, seen) = server.welcome();
        assert_eq!(seen, if known == 0 { Seq::START } else { place(known) });
        for (n, words) in [(1, "one"), (2, "two")] {
            guest.delivers(n, words);
            assert_eq!(guest.request(), Request::Ack { seq: place(n) });
        }
        run.ends_input();
        guest.lets_go();
        assert_eq!(run.ends(), (Some(0), format!("{shown}You are logged out.\n"), String::new()));
    }
}

#[test]
fn a_letter_that_nobody_could_see_is_not_acknowledged() {
    let (server, home) = (FakeServer::start(), home());
    let mut run = Run::of(&server, &home, "yoda\nwise\n");
    let (mut guest, _) = server.welcome();
    assert_eq!(run.line(), "Welcome, yoda.\n");
    run.stdout = None;
    guest.delivers(1, "one");
    guest.lets_go();
    assert_eq!(run.ends(), (Some(0), String::new(), String::new()));

    let mut run = Run::of(&server, &home, "yoda\nwise\n");
    let (mut guest, seen) = server.welcome();
    assert_eq!(seen, Seq::START);
    guest.delivers(1, "one");
    assert_eq!(guest.request(), Request::Ack { seq: place(1) });
    assert_eq!((run.line(), run.line()), ("Welcome, yoda.\n".into(), "hans: one\n".into()));
}

#[test]
fn signals_act_as_logout() {
    let (server, home) = (FakeServer::start(), home());
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut run = Run::of(&server, &home, "yoda\nwise\n");
        let (mut guest, _) = server.welcome();
        assert_eq!(run.line(), "Welcome, yoda.\n");
        run.kill(signal);
        guest.lets_go();
        assert_eq!(run.ends(), (Some(0), "You are logged out.\n".into(), String::new()));
    }
}

#[test]
fn a_second_signal_does_not_wait_for_the_server() {
    let (server, home) = (FakeServer::start(), home());
    let mut run = Run::of(&server, &home, "yoda\nwise\n");
    let (mut guest, _) = server.welcome();
    assert_eq!(run.line(), "Welcome, yoda.\n");
    run.kill(Signal::TERM);
    assert!(matches!(guest.request(), Request::Logout { .. }));
    run.kill(Signal::TERM);
    assert_eq!(run.child.wait().expect("an end").code(), Some(3));
}

#[test]
fn the_ways_in_which_a_server_ends_it() {
    let (server, home) = (FakeServer::start(), home());
    for (farewell, line, status) in [
        (Some(Farewell::ShuttingDown), "The server is shutting down.\n", 3),
        (Some(Farewell::Idle { seconds: 1 }), "You have been logged out after 1 second of inactivity.\n", 5),
        (None, "Connection to the server lost.\n", 3),
    ] {
        let mut run = Run::of(&server, &home, "yoda\nwise\n");
        let (mut guest, _) = server.welcome();
        if let Some(farewell) = farewell {
            guest.says(&ServerFrame::Farewell(farewell));
        }
        drop(guest);
        // The input stays open: nobody waits for a line that a person may never type.
        assert_eq!((run.line(), run.line()), ("Welcome, yoda.\n".into(), line.into()));
        assert_eq!(run.child.wait().expect("an end").code(), Some(status));
    }
}

#[test]
fn a_line_may_be_too_long() {
    let (server, home) = (FakeServer::start(), home());
    let mut run = Run::of(&server, &home, "yoda\nwise\n");
    let (mut guest, _) = server.welcome();
    run.types(&"x".repeat(1_000_000));
    run.types("\n");
    run.types(&format!("{}\r\n", " ".repeat(65_536)));
    run.types(&format!("{}\n", " ".repeat(65_537)));
    run.ends_input();
    guest.lets_go();
    let long = "Error. Line too long (limit 65536 bytes).\n";
    let expected = format!("Welcome, yoda.\n{long}{long}You are logged out.\n");
    assert_eq!(run.ends(), (Some(0), expected, String::new()));
}

#[test]
fn without_a_place_to_remember_it_goes_on() {
    let (server, home) = (FakeServer::start(), home());
    std::fs::write(home.path().join("state"), "in the way").expect("a file");
    let mut run = Run::of(&server, &home, "yoda\nwise\n");
    let (mut guest, _) = server.welcome();
    guest.delivers(1, "one");
    assert_eq!(guest.request(), Request::Ack { seq: place(1) });
    run.ends_input();
    guest.lets_go();
    let (status, stdout, stderr) = run.ends();
    assert_eq!((status, stdout.as_str()), (Some(0), "Welcome, yoda.\nhans: one\nYou are logged out.\n"));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn wrong_usage_is_told_in_one_line() {
    let place = home();
    std::fs::create_dir(place.path().join("home")).expect("a home");
    for args in [
        &[][..],
        &["localhost"],
        &["localhost", "port"],
        &["localhost", "1", "2"],
        &["localhost", "4000", "--dir", "/"],
        &["localhost", "4000", "--dir", "home"],
    ] {
        let (status, stdout, stderr) = Run::start(place.path(), args).ends();
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{args:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn without_a_server_there_is_one_line() {
    let (server, home) = (FakeServer::start(), home());
    let port = server.port();
    drop(server);
    for host in ["localhost", "127.0.0.1", "::1", "[::1]"] {
        let (status, stdout, stderr) = Run::start(home.path(), &[host, &port]).ends();
        assert_eq!((status, stdout.as_str()), (Some(3), ""), "{host}");
        assert!(stderr.starts_with("Cannot connect to ") && stderr.lines().count() == 1, "{stderr}");
    }
}
