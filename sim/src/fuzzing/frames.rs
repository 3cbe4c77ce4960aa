//! Streams of frames: cut anywhere they mean the same, and what was read is written the same way.

use std::fmt::Debug;

use bytes::Bytes;
use starling_core::wire::{
    Frame, Hello, PeerFault, PeerFrame, Phase, RawFrame, Reader, Request, ServerFrame,
};

/// A stream from somebody who is not logged in.
pub fn frame_before_login(data: &[u8]) {
    stream(data, Phase::BeforeLogin, Hello::decode, Hello::frame);
}

/// A stream from a user.
pub fn frame_online(data: &[u8]) {
    stream(data, Phase::Online, Request::decode, Request::frame);
}

/// A stream from a server.
pub fn frame_from_server(data: &[u8]) {
    stream(data, Phase::FromServer, ServerFrame::decode, ServerFrame::frame);
}

/// A stream from another client.
pub fn frame_from_peer(data: &[u8]) {
    stream(data, Phase::FromPeer, PeerFrame::decode, PeerFrame::frame);
}

/// The first byte says how the rest, which is the stream, is cut.
fn stream<T: PartialEq + Debug>(
    data: &[u8],
    phase: Phase,
    decode: fn(RawFrame) -> Result<T, PeerFault>,
    frame: fn(&T) -> Frame,
) {
    let Some((cut, stream)) = data.split_first() else { return };
    let whole = read([Bytes::copy_from_slice(stream)], phase, decode);
    let pieces = stream.chunks(usize::from(*cut).max(1)).map(Bytes::copy_from_slice);
    assert_eq!(whole, read(pieces, phase, decode), "a stream means the same however it is cut");
    let mut at = 0;
    for meaning in whole.iter().flatten() {
        let mut written = Vec::new();
        frame(meaning).encode_into(&mut written);
        assert_eq!(
            stream[at..].get(..written.len()),
            Some(&written[..]),
            "{meaning:?} is written as it was read"
        );
        at += written.len();
    }
}

/// What a stream means, up to the first fault.
fn read<T>(
    pieces: impl IntoIterator<Item = Bytes>,
    phase: Phase,
    decode: fn(RawFrame) -> Result<T, PeerFault>,
) -> Vec<Result<T, PeerFault>> {
    let mut reader = Reader::new();
    let mut meanings = Vec::new();
    for piece in pieces {
        reader.feed(piece);
        while let Some(meaning) = reader.next(phase).and_then(|raw| raw.map(decode).transpose()).transpose() {
            let is_fault = meaning.is_err();
            meanings.push(meaning);
            if is_fault {
                return meanings;
            }
        }
    }
    meanings
}
