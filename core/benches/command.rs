//! What reading a typed line costs.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use starling_core::{command, escape};

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("command/parse");
    let lines = [
        ("message of 100 bytes", format!("message yoda {}", "x".repeat(100))),
        ("message of 16 KiB", format!("message yoda {}", "x".repeat(16 * 1024))),
        ("message in Russian", format!("message yoda {}", "привет ".repeat(10))),
        ("last row of the table", String::from("logout")),
        ("number of 1,000 digits", format!("whoelsesince {}", "7".repeat(1_000))),
        ("no command", String::from("whatsthetime")),
        ("spaces only, 64 KiB", " ".repeat(64 * 1024)),
    ];
    for (what, line) in lines {
        let line = Bytes::from(line);
        group.throughput(Throughput::Bytes(u64::try_from(line.len()).unwrap_or(u64::MAX)));
        group.bench_with_input(BenchmarkId::from_parameter(what), &line, |b, line| {
            b.iter(|| command::parse(black_box(line)));
        });
    }
    group.finish();
}

fn escape(c: &mut Criterion) {
    let mut group = c.benchmark_group("escape/text");
    let texts = [
        ("ASCII, 100 bytes", "x".repeat(100)),
        ("Russian, 130 bytes", "привет ".repeat(10)),
        ("escape sequences, 16 KiB", "\x1b[2J".repeat(4 * 1024)),
        ("unfinished flags, 16 KiB", "🏴\u{e0067}\u{e0062}\u{e0061}".repeat(1024)),
    ];
    for (what, text) in texts {
        group.throughput(Throughput::Bytes(u64::try_from(text.len()).unwrap_or(u64::MAX)));
        group.bench_with_input(BenchmarkId::from_parameter(what), &text, |b, text| {
            let mut out = String::with_capacity(text.len() * 4);
            b.iter(|| {
                use std::fmt::Write as _;
                out.clear();
                write!(out, "{}", escape::text(black_box(text)))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, parse, escape);
criterion_main!(benches);
