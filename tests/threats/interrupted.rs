//! A client that is killed while it downloads, and a disk that is full: with the real programs.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::process::Signal;
use starling_tests::program::Program;

use crate::support::place::{Place, Serving, programs, until_offered};
use crate::support::{dice, noise, pick, tenth_of};

const HERE: &str = "127.0.0.1";
const FILE: &str = "film.bin";
const MIB: usize = 1 << 20;
/// Bytes of a chunk of a file that is no larger than 64 MiB.
const CHUNK_BYTES: usize = 64 << 10;

/// A server, and luke, who offers a file.
struct Evening {
    place: Place,
    server: Serving,
    luke: Program,
    film: Vec<u8>,
}

impl Evening {
    fn new(size: usize) -> Evening {
        let place = Place::new();
        let server = place.serve();
        let film = noise(&mut dice(10), size);
        fs::write(place.shared("luke").join(FILE), &film).expect("a file");
        let mut luke = place.login("luke", "lightsaber", server.port());
        until_offered(&mut luke, FILE, "luke");
        Evening { place, server, luke, film }
    }

    /// hans comes, and says what he wants.
    fn hans_fetches(&self) -> Program {
        let mut hans = self.place.login("hans", "falcon", self.server.port());
        hans.write(format!("p2pDownload {FILE}\n").as_bytes());
        hans
    }

    fn of_hans(&self) -> PathBuf {
        self.place.shared("hans").join(FILE)
    }

    /// The file of hans is not there, or it is the right one.
    fn is_whole(&self) -> bool {
        let found = fs::read(self.of_hans());
        assert!(
            found.as_ref().is_ok_and(|found| *found == self.film) || found.is_err(),
            "what is there is wrong"
        );
        found.is_ok()
    }
}

/// What a line says of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It is being fetched; so many chunks are here.
    Held(usize),
    /// All are here.
    Downloaded,
    /// The disk is full.
    Full,
    /// It is not being fetched.
    Nothing,
}

/// What is said next about downloads.
fn hears(client: &Program) -> Said {
    loop {
        let line = client.line();
        let about = line.strip_prefix(&format!("Resuming {FILE}: "));
        let about = about.or_else(|| line.strip_prefix(&format!("{FILE}: ")));
        if let Some(held) = about.and_then(|about| about.split(' ').next()?.parse().ok()) {
            return Said::Held(held);
        }
        match line.split(' ').next() {
            Some("Downloading") => return Said::Held(0),
            Some("Downloaded") => return Said::Downloaded,
            Some("No") => return Said::Nothing,
            Some("Error.") => {
                assert_eq!(line, format!("Error. Cannot write {FILE}: the disk is full"));
                return Said::Full;
            }
            // Others come and go.
            _ => {}
        }
    }
}

/// Bytes that a process has written to files.
fn written(process: u32) -> usize {
    let io = fs::read_to_string(format!("/proc/{process}/io")).expect("it runs");
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|bytes| bytes.parse().ok()).expect("the system counts it")
}

/// P10: a client is killed at any moment of a download, again and again. What has the name of the file is the file; of
/// what it has said to be here, nothing is fetched again.
#[test]
fn p10_no_kill_costs_a_chunk_that_was_verified() {
    let evening = Evening::new(16 * MIB);
    let mut dice = dice(10);
    let (mut held, mut kills, mut resumed, mut whole) = (0, 0, 0, 0);
    while kills < tenth_of(500) {
        let mut hans = evening.hans_fetches();
        let Said::Held(begun) = hears(&hans) else { panic!("a download begins") };
        assert!(begun >= held, "{held} chunks were here, and now {begun}");
        resumed += u32::from(begun > 0);
        let missing = evening.film.len() - begun * CHUNK_BYTES;
        let enough = pick(&mut dice, 5 * MIB).min(missing);
        while written(hans.id()) < enough {
            thread::yield_now();
        }
        // Some are killed before anybody has asked, some while the file gets its name, some after that.
        held = begun;
        match pick(&mut dice, 4) {
            0 => {}
            1 if enough == missing => while hears(&hans) != Said::Downloaded {},
            _ => {
                hans.write(b"downloads\n");
                if let Said::Held(now) = hears(&hans) {
                    held = now;
                }
            }
        }
        // Dropping it kills it.
        drop(hans);
        kills += 1;
        if evening.is_whole() {
            fs::remove_file(evening.of_hans()).expect("it is there");
            (held, whole) = (0, whole + 1);
        }
    }
    let hans = evening.hans_fetches();
    while hears(&hans) != Said::Downloaded {}
    assert!(evening.is_whole(), "in the end it is there");
    assert!(resumed > kills / 4 && whole > 0, "{resumed} resumed and {whole} whole of {kills}");
    eprintln!("{kills} kills: {resumed} of a download that was resumed, {whole} after the file was whole");
}

/// P10: whoever resumes writes no more than what was missing.
#[test]
fn p10_only_what_is_missing_is_fetched() {
    let evening = Evening::new(32 * MIB);
    let hans = {
        let mut hans = evening.hans_fetches();
        while !matches!(hears(&hans), Said::Held(8..)) {
            hans.write(b"downloads\n");
        }
        evening.luke.signal(Signal::STOP);
        drop(hans);
        evening.luke.signal(Signal::CONT);
        evening.hans_fetches()
    };
    let Said::Held(begun) = hears(&hans) else { panic!("a download begins") };
    assert!(begun >= 8, "{begun}");
    assert_eq!(hears(&hans), Said::Downloaded);
    let (written, missing) = (written(hans.id()), evening.film.len() - begun * CHUNK_BYTES);
    assert!((missing..missing + MIB).contains(&written), "{written} bytes for {missing}");
    assert!(evening.is_whole());
}

/// hans on a disk of 64 MiB of his own, and where that is to be seen from outside.
fn hans_on_a_small_disk(evening: &Evening) -> (Program, PathBuf) {
    let shared = evening.place.shared("hans");
    let line = "mount -t tmpfs -o size=64m small shared && exec \"$0\" \"$@\"";
    let client = programs().client;
    let client = client.to_str().expect("a path of text");
    let port = evening.server.port().to_string();
    let arguments = ["-rm", "sh", "-c", line, client, HERE, &port];
    let mut hans = Program::start(Path::new("unshare"), &arguments, &evening.place.device("hans"));
    hans.write(b"hans\nfalcon\n");
    assert_eq!(hans.line(), "Welcome, hans.");
    let seen =
        PathBuf::from(format!("/proc/{}/root", hans.id())).join(shared.strip_prefix("/").expect("absolute"));
    (hans, seen)
}

/// Takes all room that is left.
fn fill(path: &Path) {
    let mut file = File::create(path).expect("a file");
    while file.write_all(&[1; 4096]).is_ok() {}
}

/// T51: a file that does not fit is refused before a byte of it is fetched; a disk that is full on the way ends the
/// download in words; talking goes on, and when there is room only what is missing is fetched.
#[test]
fn t51_a_full_disk_costs_nothing_that_was_fetched() {
    let mut evening = Evening::new(40 * MIB);
    let large = noise(&mut dice(51), 100 * MIB);
    fs::write(evening.place.shared("luke").join("large.bin"), &large).expect("a file");
    let (mut hans, disk) = hans_on_a_small_disk(&evening);
    loop {
        hans.write(b"p2pDownload large.bin\n");
        match hans.line() {
            line if line == "Error. Cannot write large.bin: the disk is full" => break,
            line => assert_eq!(line, "Error. Nobody online offers large.bin."),
        }
    }
    assert_eq!(fs::read_dir(&disk).expect("a folder").count(), 0, "nothing stays behind");

    hans.write(format!("p2pDownload {FILE}\n").as_bytes());
    while !matches!(hears(&hans), Said::Held(1..)) {
        hans.write(b"downloads\n");
    }
    evening.luke.signal(Signal::STOP);
    fill(&disk.join(".ballast"));
    evening.luke.signal(Signal::CONT);
    assert_eq!(hears(&hans), Said::Full);
    hans.write(b"downloads\nmessage luke are you there?\n");
    assert_eq!(hears(&hans), Said::Nothing);
    while evening.luke.line() != "hans: are you there?" {}
    evening.luke.write(b"message hans I am\n");
    while hans.line() != "luke: I am" {}

    fs::remove_file(disk.join(".ballast")).expect("it is there");
    let before = written(hans.id());
    hans.write(format!("p2pDownload {FILE}\n").as_bytes());
    let Said::Held(begun) = hears(&hans) else { panic!("it begins") };
    assert!(begun > 0, "what was verified is still here");
    assert_eq!(hears(&hans), Said::Downloaded);
    let (written, missing) = (written(hans.id()) - before, evening.film.len() - begun * CHUNK_BYTES);
    assert!((missing..missing + MIB).contains(&written), "{written} bytes for {missing}");
    assert!(fs::read(disk.join(FILE)).expect("it is there") == evening.film);
}
