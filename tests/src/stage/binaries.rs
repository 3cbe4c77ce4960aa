//! The real programs, in plain mode.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::process::Signal;
use starling_core::filename::FileName;
use tempfile::TempDir;

use super::folder::leave;
use super::{Seen, Stage};
use crate::program::{PATIENCE, Program, Programs, Said, start_server};
use crate::transcript::{Change, Deed, Fate, Setup, Who};

/// In real time, what is due comes so much later at most, on a machine that has other things to do.
const SLOWNESS: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Binaries {
    programs: Programs,
    setup: Setup,
    folder: TempDir,
    server: Option<Program>,
    port: String,
    clients: BTreeMap<Who, Program>,
    pace: Pace,
}

/// What time means.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// Nothing: it is waited for lines only.
    None,
    /// Moments come when they say, counted from here once the first has come.
    Real(Option<Instant>),
}

impl Binaries {
    /// A stage whose time does not count.
    ///
    /// # Panics
    /// If the server does not start.
    #[must_use]
    pub fn open(programs: &Programs, setup: &Setup) -> Binaries {
        let mut stage = Binaries {
            programs: programs.clone(),
            setup: setup.clone(),
            folder: tempfile::tempdir().expect("a folder can be made"),
            server: None,
            port: String::new(),
            clients: BTreeMap::new(),
            pace: Pace::None,
        };
        stage.write_files();
        stage.start();
        stage
    }

    /// A stage where moments take as long as they say.
    ///
    /// # Panics
    /// If the server does not start.
    #[must_use]
    pub fn open_in_real_time(programs: &Programs, setup: &Setup) -> Binaries {
        Binaries { pace: Pace::Real(None), ..Binaries::open(programs, setup) }
    }

    fn server_folder(&self) -> PathBuf {
        self.folder.path().join("server")
    }

    fn write_files(&self) {
        let users = self.setup.users.iter().map(|(name, password)| format!("{name} {password}\n"));
        let limits = self.setup.limits.iter().map(|(key, value)| format!("{key} = {value}\n"));
        let folder = self.server_folder();
        fs::create_dir_all(&folder).expect("a folder can be made");
        fs::write(folder.join("credentials.txt"), users.collect::<String>()).expect("a file can be written");
        let limits = format!("[limits]\n{}", limits.collect::<String>());
        fs::write(folder.join("server.toml"), limits).expect("a file can be written");
    }

    /// Where somebody is at home, and his client runs.
    fn home(&self, who: &Who) -> PathBuf {
        self.folder.path().join("people").join(who.as_str())
    }

    /// His folder, made if it is missing.
    fn shared(&self, who: &Who) -> PathBuf {
        let shared = self.home(who).join("shared");
        fs::create_dir_all(&shared).expect("a folder can be made");
        shared
    }

    fn start(&mut self) {
        if let Some(mut server) = self.server.take() {
            assert_eq!(server.ends(), (String::new(), 0), "a server that is told to stop ends well");
        }
        let numbers = [self.setup.block_duration_s, self.setup.timeout_s].map(|number| number.to_string());
        let arguments = ["0", &numbers[0], &numbers[1], "--bind", "127.0.0.1"];
        let (server, addr) = start_server(&self.programs, &arguments, &self.server_folder());
        self.port = addr.port().to_string();
        self.server = Some(server);
    }

    fn client(&mut self, who: &Who) -> &mut Program {
        self.clients.get_mut(who).expect("he has a client")
    }
}

impl Stage for Binaries {
    fn does(&mut self, who: &Who, deed: &Deed) {
        match deed {
            Deed::Connects => {
                let folder = self.home(who);
                let arguments = ["127.0.0.1", &self.port];
                let client = Program::start(&self.programs.client, &arguments, &folder);
                self.clients.insert(who.clone(), client);
            }
            Deed::Types(line) => self.client(who).write(&[line, &b"\n"[..]].concat()),
            Deed::EndsInput => self.client(who).end_input(),
            Deed::Interrupts => self.client(who).signal(Signal::INT),
            Deed::IsKilled => drop(self.clients.remove(who)),
            Deed::StandsStill => self.client(who).signal(Signal::STOP),
            Deed::GoesOn => self.client(who).signal(Signal::CONT),
            Deed::IsCut => panic!("no program lets its line be cut"),
            Deed::LogsIn => unreachable!("taken apart before"),
        }
    }

    fn next(&mut self, who: &Who) -> Seen {
        let (patience, origin) = match self.pace {
            Pace::None => (PATIENCE, None),
            Pace::Real(origin) => (self.setup.patience + SLOWNESS, origin),
        };
        let client = self.client(who);
        match client.next(patience) {
            Said::Line(text, at) => {
                let at = origin.map(|origin| at.saturating_duration_since(origin));
                Seen::Line { text, at }
            }
            Said::End(tail) if tail.is_empty() => {
                let status = client.status();
                self.clients.remove(who);
                Seen::End(status)
            }
            Said::End(tail) => Seen::Line { text: format!("{tail} (without a newline)"), at: None },
            Said::Nothing => Seen::Nothing,
        }
    }

    fn moment(&mut self, moment: Duration) {
        let Pace::Real(origin) = &mut self.pace else { panic!("time does not count here") };
        let now = Instant::now();
        let origin = *origin.get_or_insert_with(|| now.checked_sub(moment).unwrap_or(now));
        let until = origin + moment;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            thread::park_timeout(left);
        }
    }

    fn server(&mut self, fate: Fate) {
        match fate {
            Fate::Killed => self.server = None,
            Fate::Stopped => self.server.as_ref().expect("a server runs").signal(Signal::TERM),
            Fate::Started => self.start(),
            Fate::DiskFull | Fate::DiskHasRoom => panic!("only the simulator has a disk of its own"),
        }
    }

    fn changes(&mut self, who: &Who, change: &Change) {
        assert!(!self.clients.contains_key(who), "a program notices a change in its own time");
        let shared = self.shared(who);
        match change {
            Change::Puts(name, bytes) => {
                fs::write(shared.join(name.as_str()), bytes).expect("a file can be written");
            }
            Change::Removes(name) => {
                fs::remove_file(shared.join(name.as_str())).expect("a file can be removed");
            }
            Change::Leaves(name, bytes, chunks) => leave(&shared, name, bytes, *chunks),
            Change::Indexes(..) | Change::Fills(_) | Change::Lies => {
                panic!("no program lets that be decided")
            }
        }
    }

    fn file(&mut self, who: &Who, name: &FileName) -> Option<Bytes> {
        fs::read(self.shared(who).join(name.as_str())).ok().map(Bytes::from)
    }
}
