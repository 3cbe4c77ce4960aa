//! Lines that cannot be written as they are: quotes, escapes, repetitions.

/// The bytes that pieces such as `"message yoda " "x"*16385` mean.
///
/// # Errors
/// Says what was expected.
pub(super) fn unquote(pieces: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = pieces.trim();
    while !rest.is_empty() {
        let inside = rest.strip_prefix('"').ok_or("a quote was expected")?;
        let (piece, after) = piece(inside)?;
        let (times, after) = repetition(after)?;
        bytes.extend(piece.repeat(times));
        rest = after.trim_start();
    }
    Ok(bytes)
}

/// The piece that begins after its opening quote, and what follows its closing one.
fn piece(mut rest: &str) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    loop {
        let char = rest.chars().next().ok_or("a quote is not closed")?;
        rest = &rest[char.len_utf8()..];
        match char {
            '"' => return Ok((bytes, rest)),
            '\\' => rest = escape(rest, &mut bytes)?,
            _ => bytes.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Reads what follows a backslash.
fn escape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, String> {
    let wrong = || format!("no such escape: \\{}", rest.chars().take(8).collect::<String>());
    let kind = rest.chars().next().ok_or_else(wrong)?;
    let rest = &rest[kind.len_utf8()..];
    match kind {
        't' => bytes.push(b'\t'),
        'r' => bytes.push(b'\r'),
        '"' | '\\' => bytes.extend(kind.encode_utf8(&mut [0; 4]).as_bytes()),
        'x' => {
            let digits = rest.get(..2).ok_or_else(wrong)?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
            return Ok(&rest[2..]);
        }
        'u' => {
            let (digits, after) =
                rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or_else(wrong)?;
            let char = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or_else(wrong)?;
            bytes.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(after);
        }
        _ => return Err(wrong()),
    }
    Ok(rest)
}

/// How often a piece stands there, and what follows.
fn repetition(rest: &str) -> Result<(usize, &str), String> {
    let Some(after) = rest.strip_prefix('*') else { return Ok((1, rest)) };
    let end = after.find(|char: char| !char.is_ascii_digit()).unwrap_or(after.len());
    let times = after[..end].parse().map_err(|_| "a number was expected after *")?;
    Ok((times, &after[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_and_repeated() {
        assert_eq!(unquote(r#""ab" "c"*3 "\t\r\"\\" "#).unwrap(), b"abccc\t\r\"\\");
        assert_eq!(unquote(r#""\xff\u{e9}ü""#).unwrap(), [&[0xff][..], "éü".as_bytes()].concat());
        assert_eq!(unquote(r#""""#).unwrap(), b"");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for wrong in ["x", r#""a"#, r#""\q""#, r#""\x9""#, r#""\u{110000}""#, r#""a"*x"#] {
            assert!(unquote(wrong).is_err(), "{wrong}");
        }
    }
}
