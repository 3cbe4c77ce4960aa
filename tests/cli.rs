//! The two programs as an operator and a person meet them: arguments, files, exit statuses, signals.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use starling_tests::program::{Program, Programs, start_server};
use tempfile::TempDir;

const USERS: &str = include_str!("../credentials.txt");

fn programs() -> Programs {
    Programs { server: env!("CARGO_BIN_EXE_server").into(), client: env!("CARGO_BIN_EXE_client").into() }
}

/// A working directory with the sample users.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place::with(USERS.as_bytes())
    }

    fn with(credentials: &[u8]) -> Place {
        let place = Place(tempfile::tempdir().expect("a folder can be made"));
        fs::write(place.path().join("credentials.txt"), credentials).expect("a file can be written");
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A server on a port that the system chooses.
    fn server(&self, arguments: &[&str]) -> (Program, String) {
        let arguments = [arguments, &["--bind", "127.0.0.1"]].concat();
        let (server, addr) = start_server(&programs(), &arguments, self.path());
        (server, addr.port().to_string())
    }

    /// A client of the server at `port`; `device` is the folder it runs in.
    fn client(&self, device: &str, port: &str, lines: &str) -> Program {
        let folder = self.path().join(device);
        let mut client = Program::start(&programs().client, &["localhost", port], &folder);
        client.write(lines.as_bytes());
        client
    }

    /// A client that is given all its input at once: what it prints, and how it ends.
    fn pipe(&self, device: &str, port: &str, input: &str) -> (String, i32) {
        let mut client = self.client(device, port, input);
        client.end_input();
        client.ends()
    }
}

/// How a program ends that does not start: nothing on standard output, one line on standard error.
fn refusal(program: &Path, arguments: &[&str], folder: &Path) -> (i32, String) {
    let _ = fs::remove_file(folder.join("stderr.txt"));
    let mut program = Program::start(program, arguments, folder);
    program.end_input();
    let (stdout, status) = program.ends();
    let words = program.words();
    assert_eq!(stdout, "", "{arguments:?}");
    assert_eq!(words.lines().count(), 1, "{arguments:?}: {words}");
    (status, words)
}

// --- The server ---

#[test]
fn server_refuses_wrong_arguments() {
    let place = Place::new();
    for arguments in [
        "",
        "0",
        "0 60",
        "0 60 120 7",
        "x 60 120",
        "65536 60 120",
        "-1 60 120",
        "0 0 120",
        "0 60 0",
        "0 1.5 120",
        "0 60 -5",
        "0 60 120 --bind nowhere",
        "0 60 120 --nonsense",
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let (status, _) = refusal(&programs().server, &arguments, place.path());
        assert_eq!(status, 2, "{arguments:?}");
    }
    assert!(!place.path().join("starling-data").exists());
}

#[test]
fn server_explains_itself() {
    let place = Place::new();
    let (help, status) = Program::start(&programs().server, &["--help"], place.path()).ends();
    assert_eq!(status, 0);
    for word in ["<port> <block_duration> <timeout>", "--data-dir", "--bind"] {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[test]
fn server_names_the_broken_line_of_the_credentials() {
    let broken: [(&[u8], &str); 9] = [
        (b"hans falcon\nyoda\n", "line 2"),
        (b"hans falcon\n\n# why\n yoda wise\n", "line 4"),
        (b"hans falcon\nhans again\n", "line 2"),
        (b"ha/ns falcon\n", "line 1"),
        (b"hans falcon\nyoda \n", "line 2"),
        (b"hans falcon\r\nyoda \xff\r\n", "line 2"),
        (b"hans falcon\nyoda $argon2id$nonsense\n", "line 2"),
        (b"hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh falcon\n", "line 1"),
        (b"hans\tfalcon\n", "line 1"),
    ];
    for (credentials, line) in broken {
        let place = Place::with(credentials);
        let (status, words) = refusal(&programs().server, &["0", "60", "120"], place.path());
        assert_eq!(status, 2, "{words}");
        assert!(words.contains(line), "{line} in {words}");
        for secret in ["falcon", "nonsense", "again"] {
            assert!(!words.contains(secret), "{words}");
        }
    }
    for nobody in [&b""[..], b"\n\n# nobody\n", b"\xef\xbb\xbf"] {
        let place = Place::with(nobody);
        assert_eq!(refusal(&programs().server, &["0", "60", "120"], place.path()).0, 2);
    }
    let place = Place::new();
    fs::remove_file(place.path().join("credentials.txt")).expect("it is there");
    assert_eq!(refusal(&programs().server, &["0", "60", "120"], place.path()).0, 2);
}

#[test]
fn server_takes_credentials_of_any_editor() {
    let place = Place::with(b"\xef\xbb\xbfhans falcon\r\n\r\n# a comment\r\nyoda  two  words \r\nluke p");
    let (_server, port) = place.server(&["0", "60", "120"]);
    for (user, password) in [("hans", "falcon"), ("yoda", " two  words "), ("luke", "p")] {
        let (lines, status) = place.pipe(user, &port, &format!("{user}\n{password}\n"));
        assert_eq!((lines, status), (format!("Welcome, {user}.\nYou are logged out.\n"), 0));
    }
}

#[test]
fn server_says_where_it_listens_and_nothing_else() {
    let place = Place::new();
    let (mut server, port) = place.server(&["0", "60", "120"]);
    assert_ne!(port, "0");
    assert_eq!(place.pipe("hans", &port, "hans\nfalcon\nmessage yoda secret words\n").1, 0);
    assert_eq!(place.pipe("yoda", &port, "yoda\nweird\n").1, 4);
    server.signal(Signal::TERM);
    assert_eq!(server.ends(), (String::new(), 0));
    let words = server.words();
    for secret in ["falcon", "weird", "wise", "secret words"] {
        assert!(!words.contains(secret), "{words}");
    }
}

#[test]
fn server_finds_its_port_in_use() {
    let place = Place::new();
    let other = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = other.local_addr().expect("it is bound").port().to_string();
    let arguments = [&port, "60", "120", "--bind", "127.0.0.1"];
    let (status, words) = refusal(&programs().server, &arguments, place.path());
    assert_eq!(status, 2);
    assert!(words.contains(&port), "{words}");
}

#[test]
fn server_finds_its_data_in_use() {
    let place = Place::new();
    let (_server, port) = place.server(&["0", "60", "120"]);
    let words_before = fs::read_to_string(place.path().join("stderr.txt")).expect("a log");
    let mut second = Program::start(&programs().server, &["0", "60", "120"], place.path());
    assert_eq!(second.ends(), (String::new(), 2));
    assert_eq!(
        second.words().len() - words_before.len(),
        second.words().lines().last().map_or(0, str::len) + 1
    );
    let elsewhere = place.server(&["0", "60", "120", "--data-dir", "elsewhere"]);
    assert!(place.path().join("elsewhere").is_dir());
    for port in [port, elsewhere.1] {
        assert_eq!(place.pipe("hans", &port, "hans\nfalcon\n").1, 0);
    }
}

#[test]
fn server_tells_everybody_and_ends_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let (mut server, port) = place.server(&["0", "60", "120"]);
        let mut clients =
            [place.client("hans", &port, "hans\nfalcon\n"), place.client("yoda", &port, "yoda\nwise\n")];
        assert_eq!(clients.each_ref().map(Program::line), ["Welcome, hans.", "Welcome, yoda."]);
        server.signal(signal);
        for client in &mut clients {
            let (lines, status) = client.ends();
            assert!(lines.ends_with("The server is shutting down.\n"), "{lines}");
            assert_eq!(status, 3);
        }
        assert_eq!(server.ends(), (String::new(), 0));
    }
}

#[test]
fn server_keeps_what_it_promised_when_it_is_killed() {
    let place = Place::new();
    let (mut server, port) = place.server(&["0", "600", "600"]);
    assert_eq!(place.pipe("yoda", &port, "yoda\nwise\nblock hans\n").1, 0);
    let queued = "Welcome, hans.\nluke is offline. Your message will be delivered at the next login.\n";
    let (lines, _) = place.pipe("hans", &port, "hans\nfalcon\nmessage luke remember\n");
    assert_eq!(lines, format!("{queued}You are logged out.\n"));
    let (lines, _) = place.pipe("leia", &port, "leia\n1\n2\n3\n");
    assert!(lines.ends_with("This account is locked for 600 seconds.\n"), "{lines}");
    server.signal(Signal::KILL);
    assert_eq!(server.ends().1, -1);

    let (_server, port) = place.server(&["0", "600", "600"]);
    let (lines, _) = place.pipe("luke", &port, "luke\nlightsaber\nwhoelse\n");
    assert_eq!(lines, "Welcome, luke.\nhans: remember\nNo other user is online.\nYou are logged out.\n");
    let (lines, _) = place.pipe("luke", &port, "luke\nlightsaber\nwhoelse\n");
    assert_eq!(lines, "Welcome, luke.\nNo other user is online.\nYou are logged out.\n");
    let (lines, _) = place.pipe("hans", &port, "hans\nfalcon\nmessage yoda hi\n");
    assert_eq!(lines, "Welcome, hans.\nError. Not delivered: yoda has blocked you.\nYou are logged out.\n");
    let (lines, status) = place.pipe("leia", &port, "leia\nblasterpistol\n");
    assert!(lines.starts_with("This account is locked after repeated login failures."), "{lines}");
    assert_eq!(status, 4);
}

#[test]
fn server_does_not_mind_strangers() {
    let place = Place::new();
    let (_server, port) = place.server(&["0", "60", "120"]);
    let strange: [&[u8]; 4] = [b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", &[0xff; 70_000], &[0; 9]];
    for bytes in strange {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("the server listens");
        // It may hang up before it has read everything; what counts is that it does.
        let _ = stream.write_all(bytes);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert_eq!(place.pipe("hans", &port, "hans\nfalcon\n").1, 0);
}

#[test]
fn server_welcomes_one_of_two_who_come_at_once() {
    let place = Place::new();
    let (_server, port) = place.server(&["0", "60", "120"]);
    let devices = ["one", "two"].map(|device| place.client(device, &port, "yoda\nwise\n"));
    let mut said = devices.each_ref().map(Program::line);
    said.sort();
    assert_eq!(said, ["Welcome, yoda.", "yoda is already logged in."]);
}

// --- The client ---

#[test]
fn client_refuses_wrong_arguments() {
    let place = Place::new();
    for arguments in [
        "",
        "localhost",
        "localhost 0",
        "localhost 65536",
        "localhost x",
        "localhost 1 2",
        "localhost 1 --nonsense",
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let (status, _) = refusal(&programs().client, &arguments, &place.path().join("hans"));
        assert_eq!(status, 2, "{arguments:?}");
    }
    for folder in ["/", "home"] {
        let home = place.path().join("hans/home");
        fs::create_dir_all(&home).expect("a folder can be made");
        let arguments = ["localhost", "1", "--dir", folder];
        assert_eq!(refusal(&programs().client, &arguments, &place.path().join("hans")).0, 2, "{folder}");
    }
}

#[test]
fn client_explains_itself() {
    let place = Place::new();
    let (help, status) = Program::start(&programs().client, &["--help"], place.path()).ends();
    assert_eq!(status, 0);
    for word in ["<host> <port>", "--dir", "--plain"] {
        assert!(help.to_lowercase().contains(word), "{word} in {help}");
    }
}

#[test]
fn client_finds_no_server() {
    let place = Place::new();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = nobody.local_addr().expect("it is bound").port().to_string();
    drop(nobody);
    let (status, words) = refusal(&programs().client, &["127.0.0.1", &port], &place.path().join("hans"));
    assert_eq!(status, 3);
    assert!(words.contains(&port), "{words}");
}

#[test]
fn client_reads_a_pipe() {
    let place = Place::new();
    let (_server, port) = place.server(&["0", "60", "120"]);
    let expected = "Welcome, hans.\nNo other user is online.\nYou are logged out.\n".to_owned();
    for input in [
        "hans\nfalcon\nwhoelse\n",
        "hans\nfalcon\nwhoelse",
        "hans\r\nfalcon\r\nwhoelse\r\nlogout\r\nwhoelse\r\n",
    ] {
        assert_eq!(place.pipe("hans", &port, input), (expected.clone(), 0), "{input:?}");
    }
    assert_eq!(place.pipe("hans", &port, ""), (String::new(), 4));
    assert!(place.path().join("hans/shared").is_dir());
}

#[test]
fn client_answers_a_long_paste_whole() {
    let place = Place::new();
    let (_server, port) = place.server(&["0", "60", "120"]);
    let many = 3_000;
    let paste = "message hans x\n".repeat(many);
    let (lines, status) = place.pipe("hans", &port, &format!("hans\nfalcon\n{paste}"));
    assert_eq!(status, 0);
    assert_eq!(lines.matches("Error. Cannot message yourself.\n").count(), many);
    assert!(lines.ends_with("\nYou are logged out.\n"));
}

#[test]
fn client_logs_out_at_a_signal() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let place = Place::new();
        let (_server, port) = place.server(&["0", "60", "120"]);
        let mut client = place.client("hans", &port, "hans\nfalcon\n");
        assert_eq!(client.line(), "Welcome, hans.");
        client.signal(signal);
        assert_eq!(client.ends(), ("You are logged out.\n".to_owned(), 0));
    }
}

#[test]
fn client_keeps_a_cursor_for_each_user_and_device() {
    let place = Place::new();
    let (_server, port) = place.server(&["0", "60", "120"]);
    let input = "hans\nfalcon\nmessage luke one\nmessage yoda two\n";
    assert_eq!(place.pipe("hans", &port, input).1, 0);
    for (user, password, line) in [("luke", "lightsaber", "hans: one"), ("yoda", "wise", "hans: two")] {
        for lines in [format!("{line}\n"), String::new()] {
            let said = place.pipe("shared device", &port, &format!("{user}\n{password}\nwhoelse\n")).0;
            let expected =
                format!("Welcome, {user}.\n{lines}No other user is online.\nYou are logged out.\n");
            assert_eq!(said, expected);
        }
    }
    assert!(PathBuf::from(place.path()).join("shared device/state").is_dir());
}
