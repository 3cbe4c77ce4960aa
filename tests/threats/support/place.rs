//! The real programs, in a folder of their own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use starling_tests::program::{Program, Programs};
use tempfile::TempDir;

/// The sample users.
pub(crate) const USERS: &str = include_str!("../../../credentials.txt");

pub(crate) fn programs() -> Programs {
    Programs { server: env!("CARGO_BIN_EXE_server").into(), client: env!("CARGO_BIN_EXE_client").into() }
}

/// A folder for a server, and one for each device of a person.
pub(crate) struct Place(TempDir);

/// What came of a client that was given all its input at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    /// What it printed.
    pub(crate) printed: String,
    /// How it ended.
    pub(crate) status: i32,
    /// What it said on standard error.
    pub(crate) words: String,
}

/// A server that runs.
pub(crate) struct Serving {
    pub(crate) program: Program,
    pub(crate) addr: SocketAddr,
}

impl Place {
    /// With the sample users, and the limits that a server has by default.
    pub(crate) fn new() -> Place {
        Place::with(USERS, "")
    }

    /// With those users, and those lines in the table of limits.
    pub(crate) fn with(credentials: &str, limits: &str) -> Place {
        let place = Place(tempfile::tempdir().expect("a folder can be made"));
        fs::create_dir(place.server()).expect("a folder can be made");
        fs::write(place.server().join("credentials.txt"), credentials).expect("a file can be written");
        fs::write(place.server().join("server.toml"), format!("[limits]\n{limits}\n"))
            .expect("a file can be written");
        place
    }

    /// The server's folder.
    pub(crate) fn server(&self) -> PathBuf {
        self.0.path().join("server")
    }

    /// Where the server keeps its key.
    pub(crate) fn key(&self) -> PathBuf {
        self.server().join("starling-data/server.key")
    }

    /// The folder of a device.
    pub(crate) fn device(&self, device: &str) -> PathBuf {
        self.0.path().join("devices").join(device)
    }

    /// Where a device keeps what it knows of servers.
    pub(crate) fn known(&self, device: &str) -> PathBuf {
        self.device(device).join("data/starling/known_servers")
    }

    pub(crate) fn serve(&self) -> Serving {
        self.serve_at(0, &[])
    }

    /// A server at `port`; 0 lets the system choose.
    pub(crate) fn serve_at(&self, port: u16, options: &[&str]) -> Serving {
        let port = port.to_string();
        let arguments = [&[port.as_str(), "600", "600", "--bind", "127.0.0.1"], options].concat();
        Serving::of(Program::start(&programs().server, &arguments, &self.server()))
    }

    /// A server that may have so many descriptors.
    pub(crate) fn serve_with_descriptors(&self, count: u32) -> Serving {
        let line = format!("ulimit -n {count}; exec \"$0\" 0 600 600 --bind 127.0.0.1");
        let program = programs().server;
        let arguments = ["-c", &line, program.to_str().expect("a path of text")];
        Serving::of(Program::start(Path::new("sh"), &arguments, &self.server()))
    }

    /// A client on `device` that is given `input` and then its end.
    pub(crate) fn visit(&self, device: &str, to: (&str, u16), options: &[&str], input: &str) -> Visit {
        let _ = fs::remove_file(self.device(device).join("stderr.txt"));
        let mut client = self.client(device, to, options);
        client.write(input.as_bytes());
        client.end_input();
        let (printed, status) = client.ends();
        Visit { printed, status, words: client.words() }
    }

    /// A client on `device`.
    pub(crate) fn client(&self, device: &str, (host, port): (&str, u16), options: &[&str]) -> Program {
        let port = port.to_string();
        let arguments = [&[host, port.as_str()], options].concat();
        Program::start(&programs().client, &arguments, &self.device(device))
    }

    /// Somebody who is logged in, on a device of his name.
    pub(crate) fn login(&self, name: &str, password: &str, port: u16) -> Program {
        let mut client = self.client(name, ("127.0.0.1", port), &[]);
        client.write(format!("{name}\n{password}\n").as_bytes());
        assert_eq!(client.line(), format!("Welcome, {name}."));
        client
    }

    /// Where the files of a device are that others may have, which is made.
    pub(crate) fn shared(&self, device: &str) -> PathBuf {
        let shared = self.device(device).join("shared");
        fs::create_dir_all(&shared).expect("a folder can be made");
        shared
    }

    /// Makes a device forget a server.
    pub(crate) fn forget(&self, device: &str, place: &str) -> Visit {
        let _ = fs::remove_file(self.device(device).join("stderr.txt"));
        let mut client = Program::start(&programs().client, &["forget-server", place], &self.device(device));
        let (printed, status) = client.ends();
        Visit { printed, status, words: client.words() }
    }

    /// A command of the program `server`, run in its folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Visit {
        let _ = fs::remove_file(self.server().join("stderr.txt"));
        let mut command = Program::start(&programs().server, arguments, &self.server());
        command.end_input();
        let (printed, status) = command.ends();
        Visit { printed, status, words: command.words() }
    }
}

impl Visit {
    /// Somebody came in as `user` and went out again.
    pub(crate) fn is_welcome(&self, user: &str) -> bool {
        self.status == 0 && self.printed == format!("Welcome, {user}.\nYou are logged out.\n")
    }
}

impl Serving {
    fn of(program: Program) -> Serving {
        let line = program.line();
        let addr = line.strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
        let addr = addr.unwrap_or_else(|| panic!("not an address: {line}"));
        Serving { program, addr }
    }

    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    /// The fingerprint that it has shown.
    pub(crate) fn key(&self) -> String {
        let words = self.program.words();
        let key = words.rsplit_once("The key of this server is ").map(|(_, rest)| rest);
        key.and_then(|rest| rest.lines().next()).expect("it says which key it has").to_owned()
    }

    /// Stops it.
    pub(crate) fn ends(mut self) {
        self.program.signal(Signal::TERM);
        assert_eq!(self.program.ends(), (String::new(), 0), "{}", self.program.words());
    }
}

/// Has a person ask until a file is offered by these owners.
pub(crate) fn until_offered(client: &mut Program, file: &str, owners: &str) {
    let end = format!(" {file}, owners: {owners}");
    loop {
        client.write(b"files\n");
        if client.line().ends_with(&end) {
            return;
        }
    }
}
