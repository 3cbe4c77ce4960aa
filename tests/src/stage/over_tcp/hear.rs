//! All that can be read from a line now.

use crate::line::{Came, Line};

/// What came of it.
pub(super) struct Heard {
    pub(super) bytes: Vec<u8>,
    /// Something came, though perhaps nothing that was said.
    pub(super) happened: bool,
    /// The other side has not closed.
    pub(super) stays: bool,
}

/// Writes what can be written, and reads what can be read.
pub(super) fn hear(line: &mut Line) -> Heard {
    // A broken connection is noticed when it is read.
    let _ = line.flush();
    let mut room = [0; 64 * 1024];
    let mut heard = Heard { bytes: Vec::new(), happened: false, stays: true };
    loop {
        let came = line.read(&mut room);
        heard.happened |= !matches!(came, Ok(Came::Some(0)));
        match came {
            Ok(Came::Some(0)) => return heard,
            Ok(Came::Some(count) | Came::Full(count)) => heard.bytes.extend_from_slice(&room[..count]),
            Ok(Came::End) | Err(_) => {
                heard.stays = false;
                return heard;
            }
        }
    }
}
