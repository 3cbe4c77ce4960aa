//! What two clients say and give to each other is known to nobody else, least of all to the server.
//!
//! TLS hides everything from whoever records a line, so a recording alone proves little. What the server reads is
//! looked at where nothing is encrypted: in the memory of its process and on its disk, and, byte by byte, in a
//! simulated world. A recording adds how much passes by it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use starling_core::filename::FileName;
use starling_core::server::Config;
use starling_sim::world::script::Script;
use starling_tests::program::Program;

use crate::support::pieces::Pieces;
use crate::support::place::{Place, until_offered};
use crate::support::tap::{Tap, holds};
use crate::support::{dice, noise};

const FILE: &str = "film.bin";
const FILE_BYTES: usize = 4 << 20;
/// What is said in a private session, and there alone.
const PRIVATE: &str = "meet me where the two rivers part, 7c1f9e24";
/// What is said to somebody who is not there, so that the server keeps it.
const KEPT: &str = "anybody may know that I was here, 5b0d83aa";

fn types(client: &mut Program, line: &str) {
    client.write(format!("{line}\n").as_bytes());
}

/// hans and luke talk, and hans fetches the file; he also leaves word for yoda, who is away.
fn evening(hans: &mut Program, luke: &mut Program) {
    types(hans, "startprivate luke");
    assert_eq!(hans.line(), "Private session with luke started.");
    assert_eq!(luke.line(), "hans started a private session with you.");
    types(hans, &format!("private luke {PRIVATE}"));
    assert_eq!(luke.line(), format!("hans(private): {PRIVATE}"));
    types(luke, &format!("private hans {PRIVATE}"));
    assert_eq!(hans.line(), format!("luke(private): {PRIVATE}"));
    types(hans, &format!("message yoda {KEPT}"));
    assert_eq!(hans.line(), "yoda is offline. Your message will be delivered at the next login.");
    types(hans, &format!("p2pDownload {FILE}"));
    for begin in ["Downloading", "Downloaded"] {
        let line = hans.line();
        assert!(line.starts_with(&format!("{begin} {FILE}: {FILE_BYTES} bytes in ")), "{line}");
    }
}

/// P19, T39: the text of a private session and the bytes of a file are neither on the line to the server nor in its
/// memory, its data or its log; and of the file nothing passes by it in any form.
#[test]
fn p19_the_server_sees_neither_private_text_nor_file() {
    let place = Place::new();
    let server = place.serve();
    let tap = Tap::before(server.addr);
    let file = noise(&mut dice(19), FILE_BYTES);
    let pieces = Pieces::of(&file);
    fs::write(place.shared("luke").join(FILE), &file).expect("a file");
    let mut luke = place.login("luke", "lightsaber", tap.addr.port());
    until_offered(&mut luke, FILE, "luke");
    let mut hans = place.login("hans", "falcon", tap.addr.port());
    assert_eq!(luke.line(), "hans logged in");
    evening(&mut hans, &mut luke);
    let got = fs::read(place.shared("hans").join(FILE)).expect("it is there");
    assert!(got == file, "hans has something else");
    assert!(pieces.stand_in(&got[17..]), "what is there would be found");

    let memory = memory_of(server.program.id());
    assert!(holds(&memory, "yoda"), "it is the memory of the server");
    assert!(!holds(&memory, PRIVATE) && !pieces.stand_in(&memory), "in the memory of the server");
    hans.end_input();
    luke.end_input();
    assert_eq!((hans.ends().1, luke.ends().1), (0, 0));
    let words = server.program.words();
    assert!(!holds(words.as_bytes(), PRIVATE) && !pieces.stand_in(words.as_bytes()), "{words}");
    server.ends();
    let kept = everything_in(&place.server());
    assert!(holds(&kept, KEPT), "what it was told to keep would be found");
    assert!(!holds(&kept, PRIVATE) && !pieces.stand_in(&kept), "in the data of the server");

    let passed = tap.passed_on();
    assert_eq!(passed.len(), 2);
    let lines: Vec<&Vec<u8>> = passed.iter().flat_map(|one| [&one.by_client, &one.by_server]).collect();
    for bytes in &lines {
        assert!(!holds(bytes, PRIVATE) && !pieces.stand_in(bytes), "on the line");
    }
    let volume: usize = lines.iter().map(|bytes| bytes.len()).sum();
    assert!((1_000..FILE_BYTES / 32).contains(&volume), "{volume} bytes passed by the server");
}

/// What a process has written to its memory.
fn memory_of(process: u32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("it runs");
    let memory = File::open(format!("/proc/{process}/mem")).expect("it is a child of ours");
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split_once(' ').and_then(|(range, _)| range.split_once('-')).expect("a range");
        let [from, to] = [from, to].map(|end| u64::from_str_radix(end, 16).expect("an address"));
        let start = all.len();
        all.resize(start + usize::try_from(to - from).expect("it fits"), 0);
        // What is gone meanwhile, or can only be read by the system, holds nothing.
        if memory.read_exact_at(&mut all[start..], from).is_err() {
            all.truncate(start);
        }
    }
    all
}

/// All that is in a folder.
fn everything_in(folder: &Path) -> Vec<u8> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { everything_in(&path) } else { fs::read(&path).expect("a file") })
        .collect()
}

/// P19, T39: what the server is told, as it reads it, while two talk and three fetch from one another: no text of a
/// private session, and no piece of a file.
#[test]
fn p19_no_frame_to_the_server_holds_private_text_or_a_piece_of_a_file() {
    let users = [("hans", "falcon"), ("luke", "lightsaber"), ("leia", "alderaan"), ("yoda", "wise")];
    let config = Config::new(Duration::from_secs(60), Duration::from_secs(600));
    let mut script = Script::new(config, users);
    script.record_server();
    let file = Bytes::from(noise(&mut dice(19), FILE_BYTES));
    let name = FileName::parse(FILE.as_bytes()).expect("a good name");
    script.folder("luke").put(name.clone(), file.clone());
    for (user, password) in &users[..3] {
        script.start(user);
        script.type_line(user, user);
        script.type_line(user, password);
        script.until_quiet();
    }
    for line in ["startprivate luke", &format!("private luke {PRIVATE}"), &format!("message yoda {KEPT}")] {
        script.type_line("hans", line);
        script.until_quiet();
    }
    for fetcher in ["hans", "leia"] {
        script.type_line(fetcher, format!("p2pDownload {FILE}"));
    }
    script.until_quiet();
    assert!(script.take_lines("luke").contains(&format!("hans(private): {PRIVATE}")));
    for fetcher in ["hans", "leia"] {
        assert_eq!(script.folder(fetcher).read(&name), Some(&file), "{fetcher}");
    }
    assert_eq!(script.violation(), None);
    let heard = script.server_heard();
    let id = blake3::hash(&file);
    assert!(heard.windows(32).any(|part| part == id.as_bytes()), "they told of the file");
    assert!(holds(heard, KEPT), "what it is told would be found");
    assert!(!holds(heard, PRIVATE));
    assert!(!Pieces::of(&file).stand_in(heard));
    assert!(heard.len() < FILE_BYTES / 32, "{} bytes", heard.len());
}
