//! The client on a terminal: a pseudo-terminal runs it, and vt100 shows what a person would see.

#[expect(dead_code, reason = "each binary uses a part of it")]
mod fake_server;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use fake_server::{FakeServer, Guest, IN_VAIN, name, text};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use starling_core::wire::{Farewell, LoginRefusal, NamesPage, Outcome, Request, ServerFrame};
use tempfile::TempDir;

/// A person at a terminal.
struct Seat {
    master: Box<dyn MasterPty + Send>,
    /// Kept, so that the terminal outlives the client.
    _slave: Box<dyn SlavePty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    /// All that the client wrote.
    raw: Vec<u8>,
    screen: vt100::Parser,
    /// How the terminal was set before.
    before: String,
    _home: TempDir,
}

impl Seat {
    fn new(server: &FakeServer, columns: u16) -> Seat {
        Seat::at(home(), server, columns, &[])
    }

    /// A person whose home is there already, and who gives the client further arguments.
    fn at(home: TempDir, server: &FakeServer, columns: u16, arguments: &[&str]) -> Seat {
        let size = PtySize { rows: 12, cols: columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_client"));
        command.args(["127.0.0.1", &server.port()]);
        command.args(server.trust());
        command.args(arguments);
        command.cwd(home.path());
        command.env("HOME", home.path().join("home"));
        command.env("XDG_STATE_HOME", home.path().join("state"));
        command.env("XDG_DATA_HOME", home.path().join("data"));
        let before = settings(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("a client");
        let keyboard = pair.master.take_writer().expect("a keyboard");
        let output = watch(pair.master.try_clone_reader().expect("a screen"));
        let screen = vt100::Parser::new(whole(12), whole(columns), 0);
        let (master, _slave) = (pair.master, pair.slave);
        Seat { master, _slave, child, keyboard, output, raw: Vec::new(), screen, before, _home: home }
    }

    /// A person who has given yoda as his name.
    fn at_password(server: &FakeServer) -> (Seat, Guest) {
        let mut seat = Seat::new(server, 80);
        let guest = server.greet();
        seat.sees(&["Username:"]);
        seat.types("yoda\r");
        seat.sees(&["Username: yoda", "Password:"]);
        (seat, guest)
    }

    /// A person who is logged in as yoda.
    fn online(server: &FakeServer, columns: u16) -> (Seat, Guest) {
        let mut seat = Seat::new(server, columns);
        let mut guest = server.greet();
        seat.sees(&["Username:"]);
        seat.types("yoda\rwise\r");
        guest.welcomed();
        seat.sees(&["Username: yoda", "Password:", "Welcome, yoda.", ">"]);
        (seat, guest)
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal");
        self.keyboard.flush().expect("a terminal");
    }

    /// Waits until the screen shows these rows and nothing else.
    fn sees(&mut self, rows: &[&str]) {
        self.waits(|seat| seat.rows() == rows, &format!("{rows:#?}"));
    }

    /// Waits until the cursor stands there.
    fn points_at(&mut self, row: u16, column: u16) {
        let there = |seat: &Seat| seat.screen.screen().cursor_position() == (row, column);
        self.waits(there, &format!("the cursor at {row}, {column}"));
    }

    fn waits(&mut self, come: impl Fn(&Seat) -> bool, what: &str) {
        while !come(self) {
            let Ok(bytes) = self.output.recv_timeout(IN_VAIN) else {
                panic!("waited for {what}, saw {:#?}", self.rows());
            };
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
    }

    /// The rows of the screen, without what is empty at their ends.
    fn rows(&self) -> Vec<String> {
        let contents = self.screen.screen().contents();
        contents.trim_end().lines().map(|row| row.trim_end().to_owned()).collect()
    }

    /// The terminal as others see it who have it open.
    fn tty(&self) -> File {
        let path = self.master.tty_name().expect("a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        rustix::fs::open(path, flags, Mode::empty()).expect("a terminal").into()
    }

    /// Stops the client. A shell has the terminal then, says something on it, and lets the client go on.
    fn stops_for_a_while(&self, said: &str) {
        let pid = self.child.process_id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        let pid = pid.expect("a client that runs");
        kill_process(pid, Signal::STOP).expect("a client that runs");
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).expect("a child").expect("a change");
        assert!(status.stopped(), "{status:?}");
        let mut tty = self.tty();
        let mut shells = tcgetattr(&tty).expect("settings");
        shells.local_modes |= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(&tty, OptionalActions::Now, &shells).expect("a terminal");
        tty.write_all(said.as_bytes()).expect("a terminal");
        kill_process(pid, Signal::CONT).expect("a client that is stopped");
    }

    /// Waits until the terminal echoes what is typed, or does not.
    fn echoes(&self, wanted: bool) {
        let (tty, begin) = (self.tty(), Instant::now());
        while tcgetattr(&tty).expect("settings").local_modes.contains(LocalModes::ECHO) != wanted {
            assert!(begin.elapsed() < IN_VAIN, "waited for an echo: {wanted}");
            thread::yield_now();
        }
    }

    /// None of these was ever on the screen.
    fn never_saw(&self, passwords: &[&str]) {
        for password in passwords {
            let mut pieces = self.raw.windows(password.len());
            assert!(!pieces.any(|piece| piece == password.as_bytes()), "a password was shown");
        }
    }

    /// Waits for the end: the exit status, with the terminal set as it was.
    fn leaves(&mut self) -> u32 {
        let status = self.child.wait().expect("an end").exit_code();
        assert_eq!(settings(&*self.master), self.before, "the terminal is given back");
        status
    }
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn whole(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("not zero")
}

fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("settings"))
}

fn watch(mut reader: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut room = [0; 4096];
        while let Ok(read @ 1..) = reader.read(&mut room) {
            if sender.send(room[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[test]
fn a_person_logs_in_talks_and_logs_out() {
    let server = FakeServer::start();
    let (mut seat, mut guest) = Seat::at_password(&server);
    assert_ne!(settings(&*seat.master), seat.before, "keys are not echoed by the terminal");
    seat.types("weird\r");
    assert_eq!(&guest.login().1, b"weird");
    guest.says(&ServerFrame::LoginRefused(LoginRefusal::TryAgain));
    let refused = "Invalid user name or password. Please try again.";
    seat.sees(&["Username: yoda", "Password:", refused, "Password:"]);
    seat.types("wise\r");
    assert_eq!(&guest.login().1, b"wise");
    guest.says(&ServerFrame::Welcome { name: name("yoda") });
    let mut rows = vec!["Username: yoda", "Password:", refused, "Password:", "Welcome, yoda.", ">"];
    seat.sees(&rows);
    seat.points_at(5, 2);
    seat.never_saw(&["weird", "wise"]);
    seat.types("whoelse\r");
    let Request::Who { request } = guest.request() else { panic!("a question") };
    let names = vec![name("luke"), name("hans")];
    guest.says(&ServerFrame::Names(NamesPage { request, last: true, version: 1, names }));
    rows.splice(5.., ["> whoelse", "hans", "luke", ">"]);
    seat.sees(&rows);
    seat.types("logout\r");
    guest.lets_go();
    rows.splice(8.., ["> logout", "You are logged out."]);
    seat.sees(&rows);
    assert_eq!(seat.leaves(), 0);
}

#[test]
fn an_incoming_line_leaves_a_half_typed_one_alone() {
    let server = FakeServer::start();
    let (mut seat, mut guest) = Seat::online(&server, 80);
    let start = ["Username: yoda", "Password:", "Welcome, yoda."];
    seat.types("message luke hel!\x1b[D");
    seat.sees(&[&start[..], &["> message luke hel!"]].concat());
    guest.calls("Hey  Dude");
    seat.sees(&[&start[..], &["hans: Hey  Dude", "> message luke hel!"]].concat());
    seat.points_at(4, 18);
    (1..=3).for_each(|n| guest.delivers(n, &format!("letter {n}")));
    let letters = ["hans: Hey  Dude", "hans: letter 1", "hans: letter 2", "hans: letter 3"];
    seat.sees(&[&start[..], &letters, &["> message luke hel!"]].concat());
    seat.types("lo");
    seat.sees(&[&start[..], &letters, &["> message luke hello!"]].concat());
    seat.types("\r");
    let sent = loop {
        match guest.request() {
            Request::Ack { .. } => {}
            request => break request,
        }
    };
    let Request::Message { to, text: said, .. } = sent else { panic!("no message but {sent:?}") };
    assert_eq!((to, said), (name("luke"), text("hello!")));
    seat.sees(&[&start[..], &letters, &["> message luke hello!", ">"]].concat());
}

#[test]
fn a_line_longer_than_the_row_scrolls_in_it() {
    let server = FakeServer::start();
    let (mut seat, mut guest) = Seat::online(&server, 20);
    let start = ["Username: yoda", "Password:", "Welcome, yoda."];
    seat.types("broadcast 0123456789");
    seat.sees(&[&start[..], &["> adcast 0123456789"]].concat());
    guest.calls("a line that needs two rows");
    let shown = ["hans: a line that ne", "    eds two rows"];
    seat.sees(&[&start[..], &shown, &["> adcast 0123456789"]].concat());
    seat.types("\x01");
    seat.sees(&[&start[..], &shown, &["> broadcast 0123456"]].concat());
    seat.points_at(5, 2);
    seat.types("\r");
    assert!(matches!(guest.request(), Request::Broadcast { text: said, .. } if said == text("0123456789")));
}

#[test]
fn a_server_that_goes_away_leaves_the_terminal_in_order() {
    let server = FakeServer::start();
    let (mut seat, guest) = Seat::online(&server, 80);
    seat.types("message luke hel");
    let start = ["Username: yoda", "Password:", "Welcome, yoda."];
    seat.sees(&[&start[..], &["> message luke hel"]].concat());
    drop(guest);
    seat.sees(&[&start[..], &["Connection to the server lost.", "> message luke hel"]].concat());
    assert_eq!(seat.leaves(), 3);
    // Whatever comes next stands on a row of its own.
    seat.points_at(5, 0);

    let (mut seat, mut guest) = Seat::online(&server, 80);
    guest.says(&ServerFrame::Farewell(Farewell::Idle { seconds: 9 }));
    seat.sees(&[&start[..], &["You have been logged out after 9 seconds of inactivity."]].concat());
    assert_eq!(seat.leaves(), 5);
}

#[test]
fn control_c_and_control_d_log_out() {
    let server = FakeServer::start();
    for keys in ["half a line\x03", "\x04"] {
        let (mut seat, mut guest) = Seat::online(&server, 80);
        seat.types(keys);
        guest.lets_go();
        assert_eq!(seat.leaves(), 0);
    }
    let mut seat = Seat::new(&server, 80);
    let _guest = server.greet();
    seat.sees(&["Username:"]);
    seat.types("yo\x03");
    assert_eq!(seat.leaves(), 4);
}

#[test]
fn commands_are_completed_and_come_back() {
    let server = FakeServer::start();
    let (mut seat, mut guest) = Seat::online(&server, 80);
    seat.types("br\thello\r");
    let Request::Broadcast { request, text: said } = guest.request() else { panic!("a broadcast") };
    assert_eq!(said, text("hello"));
    guest.answers(request, Outcome::NobodyOnline);
    let start = ["Username: yoda", "Password:", "Welcome, yoda."];
    seat.sees(&[&start[..], &["> broadcast hello", "No other user is online.", ">"]].concat());
    seat.types("\x1b[A");
    seat.sees(
        &[&start[..], &["> broadcast hello", "No other user is online.", "> broadcast hello"]].concat(),
    );
    seat.types("\x1b[200~ and\nwhoelse\nmore\x1b[201~");
    assert!(matches!(guest.request(), Request::Broadcast { text: said, .. } if said == text("hello and")));
    assert!(matches!(guest.request(), Request::Who { .. }));
}

#[test]
fn a_hint_begins_at_the_left_edge_only_once() {
    let (server, home) = (FakeServer::start(), home());
    // Where the folder for this server should be is a file: nothing can be noted, and that is said.
    let notes = home.path().join("state/starling");
    fs::create_dir_all(&notes).and_then(|()| fs::write(notes.join("0000000000000007"), "")).expect("a file");
    let mut seat = Seat::at(home, &server, 40, &[]);
    let mut guest = server.greet();
    seat.sees(&["Username:"]);
    seat.types("yoda\rwise\r");
    guest.welcomed();
    let hint = [
        "Cannot keep note of what was shown (Not",
        "    a directory (os error 20)): messages",
        "     may be shown again.",
    ];
    seat.sees(&[&["Username: yoda"], &hint[..], &["Password:", "Welcome, yoda.", ">"]].concat());
}

#[test]
fn after_a_stop_the_client_has_the_terminal_again() {
    let server = FakeServer::start();
    let (mut seat, mut guest) = Seat::at_password(&server);
    let own = settings(&*seat.master);
    seat.stops_for_a_while("\r\n$ fg\r\n");
    let mut rows = vec!["Username: yoda", "Password:", "$ fg", "Password:"];
    seat.sees(&rows);
    assert_eq!(settings(&*seat.master), own, "keys are not echoed by the terminal");
    let told = "\x1b[?2004h";
    let times = seat.raw.windows(told.len()).filter(|piece| *piece == told.as_bytes()).count();
    assert_eq!(times, 2, "a paste is told from typing, as before");
    seat.types("wise\r");
    guest.welcomed();
    rows.extend(["Welcome, yoda.", ">"]);
    seat.sees(&rows);
    seat.never_saw(&["wise"]);
    seat.types("\x04");
    guest.lets_go();
    assert_eq!(seat.leaves(), 0);
}

#[test]
fn also_a_plain_client_lets_no_password_be_seen() {
    let server = FakeServer::start();
    let plain = || Seat::at(home(), &server, 80, &["--plain"]);
    let mut seat = plain();
    let mut guest = server.greet();
    seat.echoes(true);
    seat.types("yoda\r");
    seat.echoes(false);
    seat.types("weird\r");
    assert_eq!(&guest.login().1, b"weird");
    guest.says(&ServerFrame::LoginRefused(LoginRefusal::TryAgain));
    let refused = "Invalid user name or password. Please try again.";
    seat.sees(&["yoda", refused]);
    seat.stops_for_a_while("$ fg\r\n");
    seat.echoes(false);
    seat.types("wise\r");
    guest.welcomed();
    seat.sees(&["yoda", refused, "$ fg", "Welcome, yoda."]);
    seat.echoes(true);
    seat.types("logout\r");
    guest.lets_go();
    seat.sees(&["yoda", refused, "$ fg", "Welcome, yoda.", "logout", "You are logged out."]);
    seat.never_saw(&["weird", "wise"]);
    assert_eq!(seat.leaves(), 0);

    let mut seat = plain();
    let _guest = server.greet();
    seat.types("yoda\r");
    seat.echoes(false);
    seat.types("\x03");
    assert_eq!(seat.leaves(), 4);
}
