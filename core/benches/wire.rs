//! How fast texts go in and out.

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use starling_core::id::{MsgId, RequestId, Seq};
use starling_core::name::Name;
use starling_core::text::Text;
use starling_core::wire::{Frame, Kind, Phase, RawFrame, Reader, Request, ServerFrame};
use std::hint::black_box;

const ID: MsgId = MsgId { instance: 1, counter: 1 };

fn name(name: &str) -> Name {
    Name::parse(name.as_bytes()).expect("a name")
}

fn text(bytes: usize) -> Text {
    Text::parse(Bytes::from(vec![b'x'; bytes])).expect("a text")
}

/// `frames` messages of `bytes` each.
fn stream(frames: usize, bytes: usize) -> Bytes {
    let message = Request::Message { request: RequestId(1), id: ID, to: name("luke"), text: text(bytes) };
    let mut stream = Vec::new();
    for _ in 0..frames {
        message.frame().encode_into(&mut stream);
    }
    stream.into()
}

fn decode_all(reader: &mut Reader) {
    while let Some(raw) = reader.next(Phase::Online).expect("no fault") {
        black_box(Request::decode(raw).expect("a message"));
    }
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for bytes in [100, 1024] {
        let whole = stream(60, bytes);
        group.throughput(Throughput::Bytes(whole.len() as u64));
        group.bench_function(format!("60 texts of {bytes} bytes"), |b| {
            let mut reader = Reader::new();
            b.iter(|| {
                reader.feed(whole.clone());
                decode_all(&mut reader);
            });
        });
    }
    let long = stream(640, 1024);
    group.throughput(Throughput::Bytes(long.len() as u64));
    group.bench_function("640 texts of 1024 bytes, cut every 64 KiB", |b| {
        let mut reader = Reader::new();
        b.iter(|| {
            for at in (0..long.len()).step_by(64 * 1024) {
                reader.feed(long.slice(at..long.len().min(at + 64 * 1024)));
                decode_all(&mut reader);
            }
        });
    });
    group.finish();
}

/// The longest frames with the most in them: lists of names of one letter (T56).
fn decode_worst(c: &mut Criterion) {
    let max = Kind::NAMES.body_max(Phase::FromServer).expect("a server sends it");
    let mut names = vec![0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    names.extend([1, b'x'].repeat((max - names.len()) / 2));
    let mut presence = vec![0; 8];
    presence.extend([1, 1, b'x'].repeat((max - presence.len()) / 3));
    let mut group = c.benchmark_group("decode the worst");
    for (kind, body) in [(Kind::NAMES, names), (Kind::PRESENCE, presence)] {
        let raw = RawFrame { kind, body: body.into() };
        group.throughput(Throughput::Bytes(raw.body.len() as u64));
        group.bench_function(kind.name().expect("it has one"), |b| {
            b.iter(|| ServerFrame::decode(black_box(raw.clone())).expect("a list"));
        });
    }
    group.finish();
}

fn encode(c: &mut Criterion) {
    let (from, text) = (name("hans"), text(100));
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(1));
    group.bench_function("the head of a mail", |b| {
        b.iter(|| Frame::mail(black_box(Seq::START), black_box(ID), black_box(from), black_box(&text)));
    });
    group.bench_function("a mail of 100 bytes into an out-buffer", |b| {
        let mut out = Vec::with_capacity(1024);
        b.iter(|| {
            out.clear();
            Frame::mail(black_box(Seq::START), ID, from, black_box(&text)).encode_into(&mut out);
            black_box(&out);
        });
    });
    group.finish();
}

criterion_group!(benches, decode, decode_worst, encode);
criterion_main!(benches);
