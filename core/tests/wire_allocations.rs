//! A text on its way through a server costs no allocation of its own.

use bytes::Bytes;
use starling_core::id::{MsgId, RequestId, Seq};
use starling_core::name::Name;
use starling_core::text::Text;
use starling_core::wire::{Frame, Phase, Reader, Request};
use stats_alloc::{Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: StatsAlloc<System> = StatsAlloc::system();

const FRAMES: usize = 50;
const ID: MsgId = MsgId { instance: 1, counter: 1 };

/// One read of a socket: many texts of 1 KiB.
fn one_read() -> Bytes {
    let to = Name::parse(b"luke").expect("a name");
    let text = Text::parse(Bytes::from(vec![b'x'; 1024])).expect("a text");
    let mut bytes = Vec::new();
    for _ in 0..FRAMES {
        let message = Request::Message { request: RequestId(1), id: ID, to, text: text.clone() };
        message.frame().encode_into(&mut bytes);
    }
    bytes.into()
}

/// Every text of `read`, decoded, made into mail and written to an out-buffer.
fn relay(read: Bytes, out: &mut Vec<u8>) -> usize {
    let from = Name::parse(b"hans").expect("a name");
    let mut reader = Reader::new();
    reader.feed(read);
    let mut relayed = 0;
    while let Some(raw) = reader.next(Phase::Online).expect("no fault") {
        let Ok(Request::Message { id, text, .. }) = Request::decode(raw) else { panic!("a message") };
        Frame::mail(Seq::START.next(), id, from, &text).encode_into(out);
        relayed += 1;
    }
    relayed
}

#[test]
fn relaying_allocates_once_a_read_and_never_a_frame() {
    let mut out = Vec::with_capacity(2 * FRAMES * 1024);
    // The harness has threads of its own: what they allocate is not in every round.
    let fewest = (0..20).map(|_| {
        out.clear();
        let read = one_read();
        let region = Region::new(&ALLOCATOR);
        assert_eq!(relay(read, &mut out), FRAMES);
        let change = region.change();
        change.allocations + change.reallocations
    });
    let fewest = fewest.min().expect("some rounds");
    assert!(fewest <= 1, "one count of owners for all slices of a read, but there were {fewest} allocations");
}
