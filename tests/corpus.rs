//! Replays what the fuzzer has found: every file of `fuzz/corpus/`, through the functions that the fuzzer calls.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use starling_sim::fuzzing::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    paths.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned)).collect()
}

#[test]
fn every_function_is_a_target_with_a_corpus() {
    let functions: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names_in(&fuzz().join("fuzz_targets")), functions);
    assert_eq!(names_in(&fuzz().join("corpus")), functions);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest can be read");
    for name in functions {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name} is a binary");
    }
}

#[test]
fn the_corpus_finds_nothing_any_more() {
    for (name, function) in TARGETS {
        let folder = fuzz().join("corpus").join(name);
        let files = fs::read_dir(&folder).expect("a corpus can be read");
        let mut replayed = 0;
        for file in files {
            let path = file.expect("an entry can be read").path();
            let input = fs::read(&path).expect("an input can be read");
            assert!(catch_unwind(|| function(&input)).is_ok(), "{} finds something", path.display());
            replayed += 1;
        }
        assert!(replayed > 0, "{name} has a corpus");
    }
}
