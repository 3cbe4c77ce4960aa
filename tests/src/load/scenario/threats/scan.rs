//! T27: a folder in which things lie that are no files. How long it takes until it is known what is offered; no server
//! has a part in it.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use starling_runtime::share::{Change, Folder, Found, Index, Settings};
use starling_tests::traps::{self, FILES, TRAPS};

use super::shown;
use crate::load::args::Scan;
use crate::load::bed::Bed;
use crate::load::error::Error;
use crate::load::percentile::Sorted;
use crate::load::report::{Figures, figures};

pub(super) fn run(args: &Scan, bed: &Bed) -> Result<Figures, Error> {
    let place = tempfile::tempdir()?;
    let (offered, secret) = (place.path().join("offered"), place.path().join("secret"));
    fs::create_dir(&offered)?;
    fs::write(&secret, "a secret")?;
    traps::lay(&offered, &secret);
    let mut took = Vec::new();
    while took.len() < args.scans as usize && !bed.is_late() {
        took.push(scan(&offered, Duration::from_secs(args.seconds))?);
    }
    Ok(figures(json!({
        "files": FILES.len(),
        "traps": TRAPS.len(),
        "scans": took.len(),
        "until_offered": shown(&Sorted::of(took)),
    })))
}

/// How long it takes until all files are offered, nanoseconds.
fn scan(path: &Path, most: Duration) -> Result<u64, Error> {
    let folder = Folder::open(path).map_err(|refused| Error::Trouble(refused.to_string()))?;
    let (sender, offered) = channel();
    let sender = Mutex::new(sender);
    let tell = move |changes: Vec<Change>| {
        let count = changes.iter().filter(|change| matches!(change.found, Found::Offered(_))).count();
        // At the end nobody listens any more.
        let _ = sender.lock().map(|sender| sender.send(count));
    };
    let begun = Instant::now();
    let _index = Index::start(Arc::new(folder), &Settings::usual(None), tell)?;
    let mut missing = FILES.len();
    while missing > 0 {
        let count = offered.recv_timeout(most.saturating_sub(begun.elapsed()));
        let count = count.map_err(|_: RecvTimeoutError| Error::TooLate("the files were offered"))?;
        missing = missing.saturating_sub(count);
    }
    Ok(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX))
}
