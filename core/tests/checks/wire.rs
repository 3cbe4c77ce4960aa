//! What must hold for any bytes that a peer sends.
//!
//! Property tests, fuzz targets and the replay of their corpus call the same functions.

#[path = "stream.rs"]
pub(crate) mod stream;

use starling_core::wire::{HEAD_BYTES, Phase, RawFrame};
use stream::{again, encoded, hear};

/// What a server makes of any bytes from somebody who is not logged in.
pub(crate) fn before_login(input: &[u8]) {
    any_bytes(input, Phase::BeforeLogin);
}

/// What a server makes of any bytes from a user.
pub(crate) fn online(input: &[u8]) {
    any_bytes(input, Phase::Online);
}

/// What a client makes of any bytes from a server.
pub(crate) fn from_server(input: &[u8]) {
    any_bytes(input, Phase::FromServer);
}

/// What a client makes of any bytes from another client.
pub(crate) fn from_peer(input: &[u8]) {
    any_bytes(input, Phase::FromPeer);
}

/// The first bytes of `input` say how the rest is cut.
fn any_bytes(input: &[u8], phase: Phase) {
    let (cuts, stream) = input.split_at(input.len().min(8));
    let whole = hear(phase, [(stream, false)]);
    assert_eq!(hear(phase, pieces(stream, cuts)), whole, "any split gives the same frames");
    for raw in whole.frames {
        let bytes = [&head_of(&raw)[..], &raw.body].concat();
        if let Ok(frame) = again(phase, raw) {
            assert_eq!(encoded(&frame), bytes, "there is one encoding");
        }
    }
}

fn pieces<'a>(mut stream: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = (&'a [u8], bool)> {
    let mut cuts = cuts.iter().copied().cycle();
    std::iter::from_fn(move || {
        let cut = cuts.next()?;
        let (piece, rest) = stream.split_at(stream.len().min(1 + usize::from(cut >> 1)));
        stream = rest;
        (!piece.is_empty()).then_some((piece, cut & 1 == 1))
    })
}

fn head_of(raw: &RawFrame) -> [u8; HEAD_BYTES] {
    let len = u32::try_from(raw.body.len()).expect("a length of 24 bits");
    (u32::from(raw.kind.0) << 24 | len).to_be_bytes()
}
