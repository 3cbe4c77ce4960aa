//! The server under load: started here in a folder of its own, or running already.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use starling_tests::line::Secrecy;
use tempfile::TempDir;

use super::args::Target;
use super::error::Error;
use super::people::{self, Setup};

/// How long a server may take to become ready.
const READY_MAX: Duration = Duration::from_secs(20);

/// A server that can be talked to.
#[derive(Debug)]
pub(crate) struct Host {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Its process.
    pub(crate) pid: u32,
    /// Kept for their ends: the process first, then its folder.
    _own: Option<Own>,
}

impl Host {
    /// The server that `target` names, set up like this if it is started here.
    ///
    /// # Errors
    /// If it cannot be started, or does not become ready.
    pub(crate) fn find(target: &Target, setup: Setup, secrecy: Secrecy) -> Result<Host, Error> {
        match (target.connect, target.pid) {
            (Some(addr), Some(pid)) => Ok(Host { addr, pid, _own: None }),
            (Some(_), None) => Err(Error::NoPid),
            (None, _) if secrecy == Secrecy::Plain => {
                Host::start(&std::env::current_exe()?, &["serve"], setup)
            }
            (None, _) => Host::start(&program(target.server.as_deref())?, &[], setup),
        }
    }

    fn start(program: &Path, first: &[&str], setup: Setup) -> Result<Host, Error> {
        let folder = TempDir::new()?;
        let password = if setup.hashed { hashed(program, first)? } else { people::PASSWORD.to_owned() };
        people::write_folder(folder.path(), setup, &password)?;
        let child = command(program, setup.descriptors)
            .args(first)
            .args(["0", "60", "86400", "--bind", "127.0.0.1"])
            .current_dir(folder.path())
            .env("STARLING_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut own = Own { child, _folder: folder };
        let pid = own.child.id();
        let said = own.child.stdout.take().map(first_line).unwrap_or_default();
        let port = port(&said).ok_or(Error::NotReady(said))?;
        Ok(Host { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), pid, _own: Some(own) })
    }
}

/// A process that ends with its value, whatever happens.
#[derive(Debug)]
struct Own {
    child: Child,
    _folder: TempDir,
}

impl Drop for Own {
    fn drop(&mut self) {
        // It is this process's own child and not yet waited for, so its id is still its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `program`, with so many descriptors at most.
fn command(program: &Path, descriptors: Option<u32>) -> Command {
    let Some(count) = descriptors else { return Command::new(program) };
    // The shell becomes the program, so the process is the same.
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {count}; exec \"$0\" \"$@\"")).arg(program);
    command
}

/// The server to start.
///
/// # Errors
/// If there is none.
pub(crate) fn program(named: Option<&Path>) -> Result<PathBuf, Error> {
    let path = match named {
        Some(path) => path.canonicalize().unwrap_or_else(|_| path.to_path_buf()),
        None => std::env::current_exe()?.with_file_name("server"),
    };
    if path.is_file() { Ok(path) } else { Err(Error::NoServer(path)) }
}

/// Everybody's password as the program itself hashes it: once, for all.
fn hashed(program: &Path, first: &[&str]) -> Result<String, Error> {
    let folder = TempDir::new()?;
    people::write_folder(folder.path(), Setup::of(1), people::PASSWORD)?;
    let status = Command::new(program)
        .args(first)
        .args(["passwd", "--hash-all"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    let file = std::fs::read_to_string(folder.path().join("credentials.txt"))?;
    let hash = file.trim_end().split_once(' ').map(|(_, hash)| hash.to_owned());
    hash.filter(|hash| status.success() && hash.starts_with('$')).ok_or(Error::NotReady(file))
}

/// The first line, or nothing if it does not come in time.
fn first_line(stdout: ChildStdout) -> String {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        if BufReader::new(stdout).read_line(&mut line).is_ok() {
            let _ = tell.send(line);
        }
    });
    told.recv_timeout(READY_MAX).unwrap_or_default()
}

/// The port in `listening on 127.0.0.1:4000`.
pub(crate) fn port(said: &str) -> Option<u16> {
    said.trim_end().strip_prefix("listening on ")?.rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn a_ready_server_says_where() {
        assert_eq!(port("listening on 0.0.0.0:4000\n"), Some(4_000));
        assert_eq!(port("listening on [::]:65535\n"), Some(65_535));
        for said in ["", "Cannot read", "listening on 127.0.0.1", "listening on 127.0.0.1:x"] {
            assert_eq!(port(said), None, "{said}");
        }
    }
}
