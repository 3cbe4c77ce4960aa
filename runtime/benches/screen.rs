//! What it costs to show the longest texts that are hardest to draw (T23).

use std::hint::black_box;
use std::io;

use criterion::{Criterion, criterion_group, criterion_main};
use starling_core::limits::TEXT_MAX;
use starling_runtime::face::prompt::Screen;

/// What each is made of, again and again.
const PIECES: [(&str, &str); 8] = [
    ("marks", "\u{301}"),
    ("letters with marks", "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}"),
    ("joined pictures", "😀\u{200d}"),
    ("flags", "🇩"),
    ("syllables", "க\u{bcd}"),
    ("controls", "\u{1b}"),
    ("tabs", "\t"),
    ("one word", "x"),
];

fn show(c: &mut Criterion) {
    let mut group = c.benchmark_group("show 16 KiB of");
    for (name, piece) in PIECES {
        let text = piece.repeat(TEXT_MAX / piece.len());
        let mut screen = Screen::new(io::sink(), || 80);
        group.bench_function(format!("{name}, a line"), |b| {
            b.iter(|| screen.print(black_box(&text)).expect("a sink takes all"));
        });
        group.bench_function(format!("{name}, the row"), |b| {
            b.iter(|| screen.draw("> ", black_box(&text), black_box(&text)).expect("a sink takes all"));
        });
    }
    group.finish();
}

criterion_group!(benches, show);
criterion_main!(benches);
