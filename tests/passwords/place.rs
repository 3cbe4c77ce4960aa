//! The working directory of a server, and what is done in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use starling_tests::program::{PATIENCE, Program, Programs};
use tempfile::TempDir;

/// The sample users.
pub(crate) const USERS: &str = include_str!("../../credentials.txt");
/// A hash of `wise`, as cheap as can be.
pub(crate) const WISE: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdCBvZiBhIHNhbXBsZQ$4SNyYvLYy3xsYL8lYvZfFdozT2AEAY1hdR3lZwl9288";
/// A hash of `falcon`, as cheap as can be.
pub(crate) const FALCON: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdCBvZiBhIHNhbXBsZQ$HdnJZs1L3zJ1U+Ldyo9TDcItIOvR8sketIrYOaiO2kU";

pub(crate) fn programs() -> Programs {
    Programs { server: env!("CARGO_BIN_EXE_server").into(), client: env!("CARGO_BIN_EXE_client").into() }
}

/// The working directory of a server.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new(credentials: &str) -> Place {
        let place = Place::empty();
        place.write(credentials);
        place
    }

    pub(crate) fn empty() -> Place {
        Place(tempfile::tempdir().expect("a folder can be made"))
    }

    /// The server's folder; clients have others.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("server")
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("credentials.txt")
    }

    pub(crate) fn write(&self, credentials: &str) {
        fs::create_dir_all(self.path()).expect("a folder can be made");
        fs::write(self.file(), credentials).expect("a file can be written");
    }

    pub(crate) fn read(&self) -> String {
        fs::read_to_string(self.file()).expect("a file can be read")
    }

    pub(crate) fn mode(&self) -> u32 {
        self.file().metadata().expect("it is there").permissions().mode() & 0o7777
    }

    /// A command of the server that is given `input`: what it prints, how it ends, and what it complains of.
    pub(crate) fn command(&self, arguments: &str, input: &str) -> (String, i32, String) {
        let _ = fs::remove_file(self.path().join("stderr.txt"));
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut command = Program::start(&programs().server, &arguments, &self.path());
        command.write(input.as_bytes());
        command.end_input();
        let (printed, status) = command.ends();
        (printed, status, command.words())
    }

    /// A command that does what it should.
    pub(crate) fn done(&self, arguments: &str, input: &str) -> String {
        let (printed, status, words) = self.command(arguments, input);
        assert_eq!((status, words.as_str()), (0, ""), "{arguments}");
        printed
    }

    /// A command that refuses, with one line.
    pub(crate) fn refused(&self, arguments: &str, input: &str) -> String {
        let (printed, status, words) = self.command(arguments, input);
        assert_eq!((status, printed.as_str()), (2, ""), "{arguments}: {words}");
        assert_eq!(words.lines().count(), 1, "{arguments}: {words}");
        words
    }

    pub(crate) fn server(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Serving<'_> {
        let arguments = [&["0", "600", "600", "--bind", "127.0.0.1"], arguments].concat();
        let server = Program::start_with(&programs().server, &arguments, variables, &self.path());
        let line = server.line();
        let port = line.strip_prefix("listening on 127.0.0.1:").expect("it says where it listens");
        Serving { place: self, port: port.to_owned(), server }
    }

    /// Every file of the server's folder, however deep: path and content.
    pub(crate) fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(&self.path(), &mut found);
        found
    }
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let content = fs::read(&path).expect("a file can be read");
            found.push((path, content));
        }
    }
}

/// Whether a secret stands somewhere in it.
pub(crate) fn holds(content: &[u8], secret: &str) -> bool {
    content.windows(secret.len()).any(|part| part == secret.as_bytes())
}

/// A server that runs.
pub(crate) struct Serving<'a> {
    place: &'a Place,
    port: String,
    pub(crate) server: Program,
}

impl Serving<'_> {
    /// Somebody tries to log in, and logs out: the first thing he is told.
    pub(crate) fn login(&self, user: &str, password: &str) -> String {
        let folder = self.place.0.path().join("people").join(user);
        let mut client = Program::start(&programs().client, &["localhost", &self.port], &folder);
        client.write(format!("{user}\n{password}\n").as_bytes());
        client.end_input();
        client.ends().0.lines().next().unwrap_or_default().to_owned()
    }

    pub(crate) fn welcomes(&self, user: &str, password: &str) {
        assert_eq!(self.login(user, password), format!("Welcome, {user}."));
    }

    pub(crate) fn rejects(&self, user: &str, password: &str) {
        assert_eq!(self.login(user, password), "Invalid user name or password. Please try again.");
    }

    /// Waits until its log has something to say.
    pub(crate) fn says(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.server.words().contains(words) {
            assert!(Instant::now() < deadline, "{words:?} is not in: {}", self.server.words());
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    pub(crate) fn ends(mut self) {
        self.server.signal(Signal::TERM);
        assert_eq!(self.server.ends(), (String::new(), 0));
    }
}

/// The sample users and their passwords.
pub(crate) fn secrets() -> impl Iterator<Item = (&'static str, &'static str)> {
    USERS.lines().filter_map(|line| line.split_once(' '))
}
