//! Names of files that lead elsewhere, mean something else, or should not be offered.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path};
use std::time::Duration;

use starling_core::filename::FileName;
use starling_core::swarm::ContentId;
use starling_runtime::share::Found;
use starling_runtime::share::folder::{Folder, Refused};

use crate::support::offers::{Offers, content, file_name, is_link};

const SOON: Duration = Duration::from_millis(1);

/// Ways out of a folder, and what stands there.
fn traversals() -> BTreeSet<String> {
    let ways = [
        "../",
        "../../",
        "..\\",
        "..\\..\\",
        "/",
        "//",
        "\\",
        "\\\\server\\share\\",
        "//server/share/",
        "./",
        ".\\",
        "C:",
        "C:\\",
        "C:/",
        "c:..\\",
        "a/../",
        "a/../../",
        "a\\..\\",
        "~/",
        "file:///",
        "\0/",
        "..\0",
        "a:",
        "\\\\?\\C:\\",
        "\\\\.\\",
    ];
    let targets = [
        "secret",
        "etc/passwd",
        "report.pdf",
        ".ssh/authorized_keys",
        "Windows\\system.ini",
        "a:b",
        "nul",
        "..",
        "",
        "x/",
        "🦀",
        "..;",
        "%2e%2e/x",
    ];
    ways.iter().flat_map(|way| targets.iter().map(move |target| format!("{way}{target}"))).collect()
}

/// T25: no name leads out of the folder: to offer, to download or to resume takes a name of one component.
#[test]
fn t25_no_name_leads_out_of_the_folder() {
    let names = traversals();
    assert!(names.len() >= 300, "{} names", names.len());
    let offers = Offers::new();
    offers.put("honest", b"honest");
    for name in &names {
        assert_eq!(FileName::parse(name.as_bytes()), None, "{name:?}");
        // Where this system takes it for a name, it is not offered all the same.
        let is_one = Path::new(name).components().eq([Component::Normal(name.as_ref())]);
        if is_one && !name.contains(['/', '\0']) {
            offers.put(name, b"odd");
        }
    }
    let watched = offers.index(SOON);
    watched.until_offered("honest", b"honest");
    assert_eq!(watched.names(), ["honest"]);
    offers.outside_is_untouched();
}

/// T25: names that only look like a way out are names, and stay inside.
#[test]
fn t25_what_looks_like_a_way_out_stays_inside() {
    let offers = Offers::new();
    let long = "x".repeat(255);
    let names = [
        "a..b",
        "~",
        "%2e%2e%2fsecret",
        "..%2f..%2fsecret".trim_start_matches('.'),
        "$HOME",
        "-rf",
        "𝟎․․",
        &long,
    ];
    for name in names {
        let wanted = content(10_000, 1);
        offers.download(name, &wanted).expect("it is written");
        assert_eq!(fs::read(offers.path(name)).expect("it is there"), wanted);
        assert!(offers.download(name, &wanted).is_err(), "nothing is written over");
    }
    assert_eq!(fs::read_dir(offers.folder.path()).expect("a folder").count(), names.len());
    offers.outside_is_untouched();
}

/// T25: a link that stands where a download is written is not followed, whatever it points at.
#[test]
fn t25_no_link_is_written_through() {
    let wanted = content(10_000, 1);
    let id = ContentId(*blake3::hash(&wanted).as_bytes());
    for target in ["secret", "nowhere", "offered"] {
        let offers = Offers::new();
        let target = offers.secret().with_file_name(target);
        for end in ["part", "note"] {
            symlink(&target, offers.path(&format!(".report.pdf.{id:.8}.{end}"))).expect("a link");
        }
        offers.download("report.pdf", &wanted).expect("it is written");
        assert_eq!(fs::read(offers.path("report.pdf")).expect("it is there"), wanted);
        assert!(!is_link(&offers.path("report.pdf")));
        symlink(&target, offers.path("taken")).expect("a link");
        assert_eq!(offers.download("taken", &wanted).unwrap_err().to_string(), "the name is taken");
        assert!(is_link(&offers.path("taken")));
        offers.outside_is_untouched();
    }
}

/// T26: what Windows takes for a device, or writes under another name, is a name nowhere.
#[test]
fn t26_names_that_windows_does_not_know_are_none_anywhere() {
    let devices = [
        "CON", "con", "Con", "PRN", "prn", "AUX", "aux", "NUL", "nul", "COM1", "COM2", "com3", "COM9",
        "LPT1", "lpt2", "LPT9", "COM¹", "COM²", "com³", "LPT¹", "LPT²", "lpt³", "CONIN$", "conout$",
    ];
    let with_ends = devices.iter().flat_map(|device| [device.to_string(), format!("{device}.txt")]);
    let others = [
        "AUX .txt",
        "NUL.tar.gz",
        "con.",
        "a.",
        "a..",
        "a ",
        "a. ",
        "a .",
        "report.pdf::$DATA",
        "a:b",
        "a*",
        "a?",
        "a\"",
        "a<b",
        "a>b",
        "a|b",
    ];
    let names: Vec<String> = with_ends.chain(others.map(str::to_owned)).collect();
    assert!(names.len() >= 60, "{} names", names.len());
    let offers = Offers::new();
    offers.put("honest", b"honest");
    for name in &names {
        assert_eq!(FileName::parse(name.as_bytes()), None, "{name:?}");
        offers.put(name, b"odd");
    }
    let watched = offers.index(SOON);
    watched.until_offered("honest", b"honest");
    assert_eq!(watched.names(), ["honest"]);
}

/// T28: what lies in the folder by accident is not offered, and the answer is that for a file that is not there.
#[test]
fn t28_keys_and_passwords_are_not_offered() {
    let hidden = [
        ".bashrc",
        ".ssh",
        ".env",
        ".git-credentials",
        ".netrc",
        ".pgpass",
        ".report.pdf.01ababab.part",
        ".a",
        "..a",
        ".report.pdf.01ababab.note",
    ];
    let private = [
        "credentials.txt",
        "Credentials.txt",
        "CREDENTIALS.TXT",
        "credentials.txt.new",
        "credentials.txt~",
        "credentials.txt.bak",
        "known_servers",
        "known_servers.lock",
        "known_servers.new",
        "known_peers",
        "known_peers.new",
        "server.key",
        "server.key.new",
        "SERVER.KEY",
        "yoda.key",
        "yoda.key.new",
        "id.key",
        "a.KEY",
        "yoda.letters",
        "starling.db",
        "starling.db-wal",
        "starling.db-shm",
        "server.toml",
        "a.pem",
        "cert.PEM",
        "report.pdf.part",
        "a.part",
        "a.PART",
        "movie.mkv.part",
        "x.Part",
    ];
    assert!(hidden.len() + private.len() >= 40);
    let offers = Offers::new();
    hidden.iter().chain(&private).for_each(|name| offers.put(name, b"private"));
    offers.put("honest", b"honest");
    let watched = offers.index(SOON);
    watched.until_offered("honest", b"honest");
    assert_eq!(watched.names(), ["honest"]);
    assert!(hidden.iter().all(|name| FileName::parse(name.as_bytes()).is_none()));
    let nothing = watched.index.find(&file_name("not there"));
    assert_eq!(nothing, Found::Nothing);
    for name in private {
        assert_eq!(watched.index.find(&file_name(name)), nothing, "{name}");
        assert!(offers.folder.open_offered(&file_name(name)).expect("no error").is_none(), "{name}");
    }
    assert!(watched.index.manifest(&ContentId(*blake3::hash(b"private").as_bytes())).is_none());
}

/// T28: a folder that is too much is refused, under whatever name.
#[test]
fn t28_the_root_and_the_home_folder_are_not_offered() {
    let home = std::env::home_dir().expect("a home");
    let place = tempfile::tempdir().expect("a folder");
    let link = place.path().join("link");
    symlink(&home, &link).expect("a link");
    for path in [Path::new("/"), Path::new("/.."), Path::new("//."), &home, &home.join("."), &link] {
        let refused = Folder::open(path);
        assert!(matches!(refused, Err(Refused::TooMuch(_))), "{path:?} gave {refused:?}");
    }
}
