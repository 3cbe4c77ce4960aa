//! A stream that comes in pieces, and the frames in it.

use bytes::Bytes;
use starling_core::wire::{
    Frame, HEAD_BYTES, Hello, Kind, PeerFault, PeerFrame, Phase, RawFrame, Reader, Request, ServerFrame,
};

/// What came out of a stream: the frames, and the fault at its end if there was one.
#[derive(Debug, PartialEq)]
pub(crate) struct Heard {
    /// In order.
    pub(crate) frames: Vec<RawFrame>,
    /// What ended them.
    pub(crate) fault: Option<PeerFault>,
}

/// Reads a stream that comes in `pieces`; a piece that is marked is followed by the next before it is read.
///
/// # Panics
/// If the reader holds more than it may, or contradicts itself.
pub(crate) fn hear<'a>(phase: Phase, pieces: impl IntoIterator<Item = (&'a [u8], bool)>) -> Heard {
    let mut reader = Reader::new();
    let mut heard = Heard { frames: Vec::new(), fault: None };
    let mut fed = 0;
    for (piece, more_first) in pieces {
        reader.feed(Bytes::copy_from_slice(piece));
        fed += piece.len();
        assert!(reader.buffered() <= fed);
        if !more_first {
            drain(&mut reader, phase, &mut heard);
        }
    }
    drain(&mut reader, phase, &mut heard);
    heard
}

/// The bytes of a frame as they travel.
pub(crate) fn encoded(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode_into(&mut bytes);
    assert_eq!(bytes.len(), frame.len());
    bytes
}

/// Decodes a frame of `phase` and encodes it again.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn again(phase: Phase, raw: RawFrame) -> Result<Frame, PeerFault> {
    match phase {
        Phase::BeforeLogin => Hello::decode(raw).map(|hello| hello.frame()),
        Phase::Online => Request::decode(raw).map(|request| request.frame()),
        Phase::FromServer => ServerFrame::decode(raw).map(|frame| frame.frame()),
        Phase::FromPeer => PeerFrame::decode(raw).map(|frame| frame.frame()),
    }
}

fn drain(reader: &mut Reader, phase: Phase, heard: &mut Heard) {
    loop {
        let (held, waiting) = (reader.buffered(), reader.waiting_frames(usize::MAX, |_| true));
        match reader.next(phase) {
            Ok(Some(raw)) => {
                assert_eq!(reader.buffered(), held - HEAD_BYTES - raw.body.len());
                assert_eq!(reader.waiting_frames(usize::MAX, |_| true), waiting - 1);
                heard.frames.push(raw);
            }
            Ok(None) => {
                assert_eq!((reader.buffered(), waiting), (held, 0));
                assert!(held < frame_max(phase), "no more than a frame without its end is kept");
                break;
            }
            Err(fault) => {
                assert_eq!(reader.buffered(), 0);
                assert_eq!(*heard.fault.get_or_insert(fault), fault, "a fault stays");
                break;
            }
        }
    }
}

fn frame_max(phase: Phase) -> usize {
    HEAD_BYTES + Kind::all().filter_map(|kind| kind.body_max(phase).ok()).max().expect("some kind")
}
