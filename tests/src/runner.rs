//! One test a transcript.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::check::check;
use crate::stage::Stage;
use crate::transcript::{Setup, Transcript};

/// The main function of a test that holds the conversations that `suits` picks on stages that `open` makes.
pub fn run<S: Stage>(
    suits: impl Fn(&Transcript) -> bool,
    open: impl Fn(&Setup) -> S + Clone + Send + 'static,
) -> ExitCode {
    run_with(&Arguments::from_args(), suits, open)
}

/// As [`run`], with other arguments than those of the process.
pub fn run_with<S: Stage>(
    arguments: &Arguments,
    suits: impl Fn(&Transcript) -> bool,
    open: impl Fn(&Setup) -> S + Clone + Send + 'static,
) -> ExitCode {
    let trials = conversations().into_iter().filter_map(|path| {
        let name = name_of(&path);
        let open = open.clone();
        match Transcript::read(&path) {
            Ok(transcript) => {
                suits(&transcript).then(|| Trial::test(name, move || check(&path, open).map_err(Into::into)))
            }
            Err(error) => Some(Trial::test(name, move || Err(error.into()))),
        }
    });
    libtest_mimic::run(arguments, trials.collect()).exit_code()
}

/// Every transcript, sorted.
///
/// # Panics
/// If the folder of the conversations cannot be read.
#[must_use]
pub fn conversations() -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&folder(), &mut found);
    found.sort();
    assert!(!found.is_empty(), "there are conversations");
    found
}

/// What a test is called: the path in the folder, without its ending.
#[must_use]
pub fn name_of(path: &Path) -> String {
    let path = path.strip_prefix(folder()).unwrap_or(path).with_extension("");
    path.to_string_lossy().into_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conversations")
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "conv") {
            found.push(path);
        }
    }
}
