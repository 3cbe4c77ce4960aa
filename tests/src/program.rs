//! The real programs, run as children with pipes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// What a program has not said or done after so long it never will.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The program `server`.
    pub server: PathBuf,
    /// The program `client`.
    pub client: PathBuf,
}

/// A line on standard output, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A line, without its newline, and when it was read.
    Line(String, Instant),
    /// Standard output was closed; what stood after the last newline.
    End(String),
    /// Nothing came in time.
    Nothing,
}

/// A program that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<Said>,
    words: PathBuf,
}

impl Program {
    /// Runs `path` in `folder`, which is made, and in which it keeps everything.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn start<A: AsRef<OsStr>>(path: &Path, arguments: &[A], folder: &Path) -> Program {
        Program::start_with(path, arguments, &[], folder)
    }

    /// As [`Program::start`], with further variables in its environment.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn start_with<A: AsRef<OsStr>>(
        path: &Path,
        arguments: &[A],
        variables: &[(&str, &str)],
        folder: &Path,
    ) -> Program {
        fs::create_dir_all(folder).expect("a folder can be made");
        let words = folder.join("stderr.txt");
        let stderr = File::options().create(true).append(true).open(&words).expect("a file can be made");
        let mut child = Command::new(path)
            .args(arguments)
            .current_dir(folder)
            .env("HOME", folder.join("home"))
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("XDG_DATA_HOME", folder.join("data"))
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("a program can be run");
        let (say, said) = channel();
        let stdout = child.stdout.take().expect("it is a pipe");
        thread::spawn(move || listen(stdout, &say));
        let stdin = child.stdin.take();
        Program { child, stdin, said, words }
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input. A program that has ended does not care.
    pub fn write(&mut self, bytes: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(bytes).and_then(|()| stdin.flush());
        }
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has ended.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// What it says next, if it does so within `patience`.
    pub fn next(&self, patience: Duration) -> Said {
        match self.said.recv_timeout(patience) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => Said::Nothing,
            Err(RecvTimeoutError::Disconnected) => Said::End(String::new()),
        }
    }

    /// The next line.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn line(&self) -> String {
        match self.next(PATIENCE) {
            Said::Line(line, _) => line,
            other => panic!("a line was expected, not {other:?}; on stderr: {}", self.words()),
        }
    }

    /// Waits for its end: all that it still says, and its exit status (-1 if a signal ended it).
    ///
    /// # Panics
    /// If it does not end.
    pub fn ends(&mut self) -> (String, i32) {
        let mut rest = String::new();
        loop {
            match self.next(PATIENCE) {
                Said::Line(line, _) => rest.extend([&line[..], "\n"]),
                Said::End(tail) => return (rest + &tail, self.status()),
                Said::Nothing => panic!("the program does not end; on stderr: {}", self.words()),
            }
        }
    }

    /// Its exit status, once it has closed its standard output.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn status(&mut self) -> i32 {
        self.child.wait().expect("a child can be waited for").code().unwrap_or(-1)
    }

    /// Everything that it and its forerunners in this folder have written to standard error.
    #[must_use]
    pub fn words(&self) -> String {
        fs::read_to_string(&self.words).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stdout: impl Read, say: &Sender<Said>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = stdout.read_until(b'\n', &mut line);
        let whole = line.pop_if(|byte| *byte == b'\n').is_some();
        let line = String::from_utf8(line).unwrap_or_else(|error| format!("no UTF-8: {error}"));
        let said = if whole { Said::Line(line, Instant::now()) } else { Said::End(line) };
        // Whoever does not listen any more has ended the program.
        if say.send(said).is_err() || !whole || read.is_err() {
            return;
        }
    }
}

/// Starts a server in `folder` and waits until it listens.
///
/// # Panics
/// If its first line does not say where it listens.
#[must_use]
pub fn start_server(programs: &Programs, arguments: &[&str], folder: &Path) -> (Program, SocketAddr) {
    let server = Program::start(&programs.server, arguments, folder);
    let line = server.line();
    let addr = line.strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
    let addr = addr.unwrap_or_else(|| panic!("not an address: {line}"));
    (server, addr)
}
