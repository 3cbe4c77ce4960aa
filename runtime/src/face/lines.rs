//! Lines out of a stream of bytes, without ever holding more than a line may have.

use std::io::{self, BufRead};

use bytes::Bytes;
use starling_core::client::TYPED_MAX;

/// The next line without its newline, cut to [`TYPED_MAX`] bytes; nothing at the end of the stream. A last
/// line needs no newline.
///
/// # Errors
/// Those of the stream.
pub(super) fn next_line(stream: &mut impl BufRead) -> io::Result<Option<Bytes>> {
    let mut line = Vec::new();
    let mut any = false;
    loop {
        let piece = match stream.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            filled => filled?,
        };
        if piece.is_empty() {
            return Ok(any.then(|| Bytes::from(line)));
        }
        any = true;
        let newline = piece.iter().position(|byte| *byte == b'\n');
        let text = &piece[..newline.unwrap_or(piece.len())];
        let room = TYPED_MAX - line.len();
        line.extend_from_slice(&text[..text.len().min(room)]);
        let used = text.len() + usize::from(newline.is_some());
        stream.consume(used);
        if newline.is_some() {
            return Ok(Some(Bytes::from(line)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(bytes: &[u8], buffer: usize) -> Vec<Bytes> {
        let mut stream = BufReader::with_capacity(buffer, bytes);
        std::iter::from_fn(|| next_line(&mut stream).unwrap()).collect()
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        for buffer in 1..12 {
            assert_eq!(lines(b"hans\n\nfalcon\r\nlast", buffer), [&b"hans"[..], b"", b"falcon\r", b"last"]);
            assert_eq!(lines(b"one\n", buffer), [&b"one"[..]]);
            assert_eq!(lines(b"", buffer), [&b""[..]; 0]);
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_its_rest_dropped() {
        let mut bytes = vec![b'x'; 3 * TYPED_MAX];
        bytes.extend_from_slice(b"\nnext\n");
        let lines = lines(&bytes, 1000);
        assert_eq!(lines.iter().map(Bytes::len).collect::<Vec<_>>(), [TYPED_MAX, 4]);
    }
}
