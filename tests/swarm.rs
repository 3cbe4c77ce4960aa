//! A file from one to many with the real programs, of which one dies on the way.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use starling_tests::program::{Program, Programs, start_server};
use tempfile::TempDir;

const FILE: &str = "film.bin";
const SIZE_BYTES: usize = 64 << 20;
const SEEDER: &str = "hans";
const LEECHERS: [&str; 4] = ["luke", "yoda", "leia", "lando"];

/// A server, and who has what.
struct Swarm {
    place: TempDir,
    _server: Program,
    at: SocketAddr,
}

impl Swarm {
    fn new() -> Swarm {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("server");
        fs::create_dir(&folder).expect("it is ours");
        let all = LEECHERS.iter().chain([&SEEDER]);
        let credentials: String = all.map(|name| format!("{name} secret\n")).collect();
        fs::write(folder.join("credentials.txt"), credentials).expect("it is ours");
        let (server, at) = start_server(&programs(), &["0", "60", "3600", "--bind", "127.0.0.1"], &folder);
        Swarm { place, _server: server, at }
    }

    fn file_of(&self, name: &str) -> PathBuf {
        self.place.path().join(name).join("shared").join(FILE)
    }

    /// Somebody who is logged in.
    fn login(&self, name: &str) -> Client {
        let arguments = [self.at.ip().to_string(), self.at.port().to_string()];
        let mut program = Program::start(&programs().client, &arguments, &self.place.path().join(name));
        program.write(format!("{name}\nsecret\n").as_bytes());
        let mut client = Client(program);
        client.hears(|line| line.starts_with("Welcome"));
        client
    }

    /// Somebody who has begun to fetch the file, and how he said it.
    fn fetches(&self, name: &str) -> (Client, String) {
        let mut client = self.login(name);
        client.types(&format!("p2pDownload {FILE}"));
        let line = client.hears(|line| line.contains(FILE));
        (client, line)
    }
}

struct Client(Program);

impl Client {
    fn types(&mut self, line: &str) {
        self.0.write(format!("{line}\n").as_bytes());
    }

    /// The next line that is such a one.
    fn hears(&mut self, is_it: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.0.line();
            if is_it(&line) {
                return line;
            }
        }
    }

    /// Waits until others can fetch the file.
    fn offers(&mut self) {
        loop {
            self.types("files");
            if self.hears(|line| line.contains(FILE) || line.ends_with("such a file.")).contains(FILE) {
                return;
            }
        }
    }

    /// How many chunks of how many there are.
    fn progress(&mut self) -> (u32, u32) {
        self.types("downloads");
        let line = self.hears(|line| line.contains(FILE));
        let numbers = line.strip_prefix(&format!("{FILE}: ")).expect("it is under way");
        let mut numbers = numbers.split(' ').filter_map(|word| word.parse().ok());
        numbers.next().zip(numbers.next()).unwrap_or_else(|| panic!("no progress: {line}"))
    }
}

fn programs() -> Programs {
    Programs { server: env!("CARGO_BIN_EXE_server").into(), client: env!("CARGO_BIN_EXE_client").into() }
}

fn write_film(path: &Path) -> Vec<u8> {
    let mut film = vec![0; SIZE_BYTES];
    blake3::Hasher::new().update(b"film").finalize_xof().fill(&mut film);
    fs::create_dir_all(path.parent().expect("a folder")).expect("it is ours");
    fs::write(path, &film).expect("it is ours");
    film
}

#[test]
fn all_end_with_the_file_though_one_is_killed_and_comes_back() {
    let swarm = Swarm::new();
    let film = write_film(&swarm.file_of(SEEDER));
    let mut seeder = swarm.login(SEEDER);
    seeder.offers();
    let mut leechers: Vec<Client> = LEECHERS[1..].iter().map(|name| swarm.fetches(name).0).collect();

    let (mut victim, begin) = swarm.fetches(LEECHERS[0]);
    assert!(begin.starts_with("Downloading "), "{begin}");
    let chunks = loop {
        let (held, chunks) = victim.progress();
        if held > chunks / 4 {
            break chunks;
        }
    };
    // Dropping it kills it.
    drop(victim);
    assert!(!swarm.file_of(LEECHERS[0]).exists(), "it was killed on the way");
    let (victim, begin) = swarm.fetches(LEECHERS[0]);
    let ending = format!(" of {chunks} chunks are already here.");
    assert!(begin.starts_with(&format!("Resuming {FILE}: ")) && begin.ends_with(&ending), "{begin}");

    leechers.insert(0, victim);
    for (name, leecher) in LEECHERS.iter().zip(&mut leechers) {
        let end = leecher.hears(|line| line.contains(FILE));
        assert!(end.starts_with(&format!("Downloaded {FILE}: {SIZE_BYTES} bytes in ")), "{name}: {end}");
        assert!(fs::read(swarm.file_of(name)).expect("it is there") == film, "{name} has something else");
    }
}
