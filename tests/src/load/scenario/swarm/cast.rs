//! The processes of a swarm: a server, a seeder and leechers, each in a folder of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use starling_tests::program::{PATIENCE, Program, Said};

use super::FILE;
use super::member::{Member, Sample};
use crate::load::args::Swarm;
use crate::load::error::Error;
use crate::load::host;
use crate::load::people::{self, Setup};

const SERVER: usize = 0;
/// The number of the seeder among the processes; leechers follow.
pub(super) const SEEDER: usize = 1;
pub(super) const LEECHERS: usize = 2;

/// See the module.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) server: Member,
    pub(super) seeder: Member,
    pub(super) leechers: Vec<Member>,
}

/// What everybody has spent.
#[derive(Debug)]
pub(super) struct Spent {
    pub(super) server: Sample,
    pub(super) seeder: Sample,
    pub(super) leechers: Vec<Sample>,
}

impl Cast {
    /// Starts everybody and lets all clients log in.
    ///
    /// # Errors
    /// If there are no such programs, or one is not ready in time.
    pub(super) fn start(
        args: &Swarm,
        server: Option<&Path>,
        place: &Path,
        until: Instant,
    ) -> Result<Cast, Error> {
        let client = client(args)?;
        let (server, port) = start_server(args, &host::program(server)?, place)?;
        let person = |number: usize| {
            let mut line = vec![client.clone().into(), args.server_address.to_string().into(), port.clone()];
            line.extend(["--dir".into(), shared(place, number).into()]);
            line.extend(args.picker.iter().flat_map(|picker| ["--picker".into(), picker.into()]));
            let mut member = start(args.words(number), line, &folder(place, number));
            member.types(&people::name(number - SEEDER));
            member.types(people::PASSWORD);
            member
        };
        let seeder = person(SEEDER);
        let leechers = (LEECHERS..LEECHERS + args.leechers as usize).map(person).collect();
        let cast = Cast { server, seeder, leechers };
        for member in cast.leechers.iter().chain([&cast.seeder]) {
            hear(member, until, |line| line.starts_with("Welcome"))?;
        }
        Ok(cast)
    }

    /// Waits until the server knows the seeder's file.
    ///
    /// # Errors
    /// If the time is over before that.
    pub(super) fn wait_for_offer(&mut self, until: Instant) -> Result<(), Error> {
        loop {
            self.seeder.types("files");
            let is_answer = |line: &str| line.ends_with("such a file.") || line.contains(FILE);
            if hear(&self.seeder, until, is_answer)?.contains(FILE) {
                return Ok(());
            }
        }
    }

    /// What everybody spends from now on counts.
    pub(super) fn begins(&mut self) {
        self.server.begins();
        self.seeder.begins();
        self.leechers.iter_mut().for_each(Member::begins);
    }

    /// What everybody has spent by now.
    pub(super) fn spent(&self) -> Spent {
        let leechers = self.leechers.iter().map(Member::sample).collect();
        Spent { server: self.server.sample(), seeder: self.seeder.sample(), leechers }
    }
}

/// Waits for a line.
fn hear(member: &Member, until: Instant, is_it: impl Fn(&str) -> bool) -> Result<String, Error> {
    loop {
        match member.next(until.saturating_duration_since(Instant::now())) {
            Said::Line(line, _) if is_it(&line) => return Ok(line),
            Said::Line(..) => {}
            Said::End(_) => return Err(Error::Trouble(format!("a client ended: {}", member.words()))),
            Said::Nothing => return Err(Error::TooLate("the file was offered")),
        }
    }
}

fn start_server(args: &Swarm, program: &Path, place: &Path) -> Result<(Member, OsString), Error> {
    let folder = folder(place, SERVER);
    people::write_folder(&folder, Setup::of(1 + args.leechers), people::PASSWORD)?;
    let mut line: Vec<OsString> = vec![program.into()];
    line.extend(["0", "60", "86400", "--bind"].map(OsString::from));
    line.push(args.server_address.to_string().into());
    let server = start(args.words(SERVER), line, &folder);
    let said = match server.next(PATIENCE) {
        Said::Line(line, _) => line,
        _ => server.words(),
    };
    match host::port(&said) {
        Some(port) => Ok((server, port.to_string().into())),
        None => Err(Error::NotReady(said)),
    }
}

/// Starts a program by the words that stand before it.
fn start(words: Vec<String>, line: Vec<OsString>, folder: &Path) -> Member {
    let all: Vec<OsString> = words.into_iter().map(OsString::from).chain(line).collect();
    let variables = [("STARLING_LOG", "warn")];
    Member::new(Program::start_with(Path::new(&all[0]), &all[1..], &variables, folder))
}

fn client(args: &Swarm) -> Result<PathBuf, Error> {
    let path = match &args.client {
        Some(path) => path.canonicalize().unwrap_or_else(|_| path.clone()),
        None => std::env::current_exe()?.with_file_name("client"),
    };
    if path.is_file() { Ok(path) } else { Err(Error::NoClient(path)) }
}

/// The folder of the process with this number.
fn folder(place: &Path, number: usize) -> PathBuf {
    place.join(number.to_string())
}

/// What the process with this number shares.
pub(super) fn shared(place: &Path, number: usize) -> PathBuf {
    folder(place, number).join("shared")
}
