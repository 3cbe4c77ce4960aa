//! What it costs to find out what files are: one large file, and many small ones beside one of as many bytes; from
//! the start of an index to the moment at which all is offered. `cargo bench -p starling-runtime --bench indexing`
//!
//! The files are in the memory of the system, as after a copy. A file is hashed by one thread, so the large one shows
//! the speed of a thread; 10,000 files of 4 KiB should take no longer than twice the time of one of 40 MiB.

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use starling_runtime::share::{Change, Folder, Found, Index, Settings};
use tempfile::TempDir;

const MIB: usize = 1024 * 1024;

fn indexing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("indexing");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for (what, files, size) in
        [("one of 256 MiB", 1, 256 * MIB), ("one of 40 MiB", 1, 40 * MIB), ("10,000 of 4 KiB", 10_000, 4096)]
    {
        let place = filled(files, size);
        group.throughput(Throughput::Bytes((files * size) as u64));
        group.bench_function(what, |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| time_of(place.path(), files)).sum());
        });
    }
    group.finish();
}

fn filled(files: usize, size: usize) -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("offered");
    fs::create_dir(&folder).expect("a folder");
    for number in 0..files {
        let byte = u8::try_from(number % 251).expect("a byte");
        fs::write(folder.join(format!("file {number}")), vec![byte; size]).expect("a file");
    }
    place
}

/// Until everything is offered, with a cache that knows nothing yet.
fn time_of(place: &Path, files: usize) -> Duration {
    let state = place.join("state");
    let folder = Arc::new(Folder::open(&place.join("offered")).expect("a folder"));
    let (sender, offered) = channel();
    let sender = Mutex::new(sender);
    let begun = Instant::now();
    let tell = move |changes: Vec<Change>| {
        let count = changes.iter().filter(|change| matches!(change.found, Found::Offered(_))).count();
        // At the end nobody listens any more.
        let _ = sender.lock().map(|sender| sender.send(count));
    };
    let index = Index::start(folder, &Settings::usual(Some(state.clone())), tell).expect("an index");
    let mut missing = files;
    while missing > 0 {
        missing -= offered.recv().expect("it goes on");
    }
    let time = begun.elapsed();
    drop(index);
    fs::remove_dir_all(state).expect("it was there");
    time
}

criterion_group!(benches, indexing);
criterion_main!(benches);
