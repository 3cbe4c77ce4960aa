//! The rules of the house that are easy to break unseen, as a readable program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use starling_core::command::help;

/// No file has more lines: it would have to be read in one piece.
const LINES_MAX: usize = 500;

// --- Who may know whom ---

/// Which packages of ours a package may be built on.
const BUILT_ON: [(&str, &[&str]); 5] = [
    ("core", &[]),
    ("runtime", &["starling-core"]),
    ("sim", &["starling-core"]),
    ("fuzz", &["starling-core", "starling-sim"]),
    ("tests", &["starling-core", "starling-runtime", "starling-sim"]),
];

/// The words of the core: everybody in it may use them, and they use only each other.
const WORDS: [&str; 13] = [
    "device", "direct", "escape", "filename", "id", "limits", "name", "pattern", "seed", "store", "swarm",
    "text", "time",
];
/// Parts of the core that know nothing but the words and themselves.
const PARTS: [&str; 2] = ["command", "wire"];
/// Organs: each is a file that knows nothing but the words.
const ORGANS: [&str; 4] = ["alarms.rs", "auth/", "bucket.rs", "people/"];

#[test]
fn packages_are_built_on_those_they_may_know() {
    for (folder, allowed) in BUILT_ON {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        let table =
            manifest.split("\n[").find(|table| table.starts_with("dependencies]")).unwrap_or_default();
        let ours = table.lines().filter(|line| line.starts_with("starling-"));
        for name in ours.filter_map(|line| line.split([' ', '=', '.']).next()) {
            assert!(allowed.contains(&name), "{folder} must not be built on {name}");
        }
        for (path, text) in sources(&format!("{folder}/")) {
            for word in ["core", "runtime", "sim", "tests"].map(|package| format!("starling_{package}")) {
                let name = word.replace('_', "-");
                let may = allowed.contains(&name.as_str()) || name == format!("starling-{folder}");
                assert!(may || !text.contains(&format!("{word}::")), "{path} must not name {word}");
            }
        }
    }
}

#[test]
fn inside_the_core_parts_and_organs_know_only_the_words() {
    for (path, text) in sources("core/src/") {
        let place = path.trim_start_matches("core/src/");
        let own = place.split(['/', '.']).next().unwrap_or_default();
        let is_organ = ORGANS.iter().any(|organ| place.starts_with(organ));
        let is_part = PARTS.contains(&own);
        if !is_organ && !is_part && !WORDS.contains(&own) {
            continue;
        }
        for known in modules_named(&text) {
            let may = WORDS.contains(&known) || is_part && known == own;
            assert!(may, "{path} must not know {known}");
        }
        if is_organ {
            let others = text.matches("super::").count() - text.matches("use super::*;").count();
            assert_eq!(others, 0, "{path} must not know its neighbours");
        }
    }
}

#[test]
fn machines_do_not_know_each_other() {
    for (machine, other) in [("server", "client"), ("client", "server")] {
        for (path, text) in sources(&format!("core/src/{machine}/")) {
            assert!(!modules_named(&text).contains(other), "{path} must not know the {other}");
        }
    }
}

/// The modules of its own crate that a source names.
fn modules_named(text: &str) -> BTreeSet<&str> {
    assert!(!text.contains("crate::{"), "one module a line, so that it can be read here");
    let names = text.split("crate::").skip(1);
    names
        .filter_map(|rest| rest.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next())
        .collect()
}

#[test]
fn the_core_stands_on_nothing_that_reads_clocks_or_draws_dice() {
    let arguments =
        ["tree", "-p", "starling-core", "-e", "normal", "--prefix", "none", "-f", "{p} [{f}]", "--frozen"];
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo can be run");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(tree.lines().count() > 3, "{tree}");
    for line in tree.lines() {
        let features: Vec<&str> = line.split(['[', ',', ']']).skip(1).collect();
        assert!(!features.iter().any(|feature| ["std", "os_rng", "thread_rng"].contains(feature)), "{line}");
        assert!(!line.starts_with("getrandom ") && !features.contains(&"getrandom"), "{line}");
    }
    assert!(read(&root().join("core/src/lib.rs")).contains("\n#![no_std]\n"));
}

// --- What must not stay behind ---

#[test]
fn nothing_is_left_over() {
    // In halves, so that this file need not be left out.
    let halves = [
        ["to", "do!"],
        ["unimple", "mented!"],
        ["db", "g!"],
        ["#[ig", "nore"],
        ["FIX", "ME"],
        ["TO", "DO"],
        ["XX", "X"],
    ];
    let leftovers = halves.map(|halves| halves.concat());
    for path in files().into_iter().filter(|path| path.ends_with(".rs")) {
        let text = read(&root().join(&path));
        for leftover in &leftovers {
            assert!(!text.contains(leftover), "{path} has a {leftover}");
        }
    }
}

#[test]
fn no_test_and_no_machine_sleeps() {
    for folder in ["core/", "sim/", "tests/"] {
        for (path, text) in sources(folder) {
            let sleeps = text.contains("::sleep(") || text.contains(" sleep(");
            assert!(!sleeps, "{path} sleeps");
        }
    }
}

#[test]
fn no_file_speaks_of_the_machine_it_was_written_on() {
    let files = files().into_iter().filter(|path| !path.ends_with("tidy.rs"));
    for path in files {
        let text = fs::read(root().join(&path)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for place in ["/work/", "/root/", "/home/"] {
            assert!(!text.contains(place), "{path} names {place}");
        }
    }
}

#[test]
fn no_source_is_too_long_to_be_read() {
    for (path, text) in everything() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{path} has {lines} lines");
    }
}

// --- What is written must be so ---

#[test]
fn the_readme_shows_the_table_of_commands() {
    let readme = read(&root().join("README.md"));
    let table = help::markdown_table();
    assert!(readme.contains(&table), "README.md must contain:\n{table}");
}

#[test]
fn the_architecture_names_what_there_is() {
    let page = read(&root().join("ARCHITECTURE.md"));
    let named: BTreeSet<&str> =
        page.split('`').skip(1).step_by(2).flat_map(|code| code.split(['/', '.', ' '])).collect();
    let mut unnamed = Vec::new();
    for folder in ["core/src", "runtime/src", "sim/src"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            let module = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            if module != "lib" && !named.contains(module) {
                unnamed.push(format!("{folder}/{module}"));
            }
        }
    }
    assert!(unnamed.is_empty(), "ARCHITECTURE.md says nothing of {unnamed:?}");
}

#[test]
fn the_architecture_names_nothing_that_is_not() {
    let files = files();
    for page in ["ARCHITECTURE.md", "README.md"] {
        let text = read(&root().join(page));
        let codes = text.split('`').skip(1).step_by(2).filter(|code| is_path(code));
        for code in codes {
            let exists = files.iter().any(|path| format!("/{path}").contains(&format!("/{code}")));
            assert!(exists || is_made(code), "{page} names {code}");
        }
    }
}

/// It looks like a path in the repository.
fn is_path(code: &str) -> bool {
    let endings = [".rs", ".md", ".toml", ".conv", ".txt", "/"];
    let plain = |char: char| char.is_ascii_alphanumeric() || "_-./".contains(char);
    endings.iter().any(|ending| code.ends_with(ending)) && code.chars().all(plain)
}

/// It is made by a program, or written by its user.
fn is_made(code: &str) -> bool {
    ["server.toml", "shared/", "starling-data/"].contains(&code)
}

#[test]
fn the_command_to_test_is_the_one_that_the_readme_prints() {
    let readme = read(&root().join("README.md"));
    let command = readme.lines().find(|line| line.starts_with("cargo test")).expect("a command stands alone");
    assert!(read(&root().join(".ci/run")).contains(command), ".ci/run calls `{command}`");
}

// --- The files ---

// --- What was promised ---

/// The threats that are answered; each has a test that bears its number. T59 is proven by `.ci/run`.
const ANSWERED: [&[u8]; 5] = [
    &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24],
    &[36, 37, 38],
    &[40, 41, 42, 43, 44, 45, 46, 47, 48],
    &[53, 54, 56, 57],
    &[60],
];

#[test]
fn every_threat_that_is_answered_has_its_proof() {
    let all: String = everything().into_iter().map(|(_, text)| text).collect();
    for number in ANSWERED.concat() {
        assert!(all.contains(&format!("fn t{number:02}_")), "no test proves that T{number} is answered");
    }
    assert!(read(&root().join(".ci/run")).contains("T59"));
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the package lies in the workspace").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every source below a folder, but not this one: path and text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let paths = files().into_iter().filter(|path| path.starts_with(folder) && path.ends_with(".rs"));
    let paths = paths.filter(|path| path != "tests/tidy.rs");
    paths.map(|path| (path.clone(), read(&root().join(path)))).collect()
}

fn everything() -> Vec<(String, String)> {
    sources("")
}

/// Every file of the repository, as a path from its root. What programs make is not among them.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort();
    let root = root();
    let inside =
        |path: PathBuf| path.strip_prefix(&root).expect("it lies inside").to_string_lossy().into_owned();
    found.into_iter().map(inside).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_ours = !["target", ".git", "artifacts", "corpus", "starling-data", "shared", "Cargo.lock"]
            .contains(&name.as_str());
        if is_ours && path.is_dir() {
            collect(&path, found);
        } else if is_ours {
            found.push(path);
        }
    }
}
