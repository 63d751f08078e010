//! Texts of a log: absent markers, escapes, bytes that are not UTF-8.

use std::borrow::Cow;

/// The text of a field, escapes undone, or `None` for `-`, `""` and nothing.
pub(crate) fn field(raw: &[u8]) -> Option<Cow<'_, str>> {
    match raw {
        b"" | b"-" | b"\"\"" => None,
        _ => Some(decode(raw)),
    }
}

/// Undoes the escapes that Apache and nginx write (`\"`, `\\`, `\xHH`, `\n` …). Bytes that are not UTF-8 appear as `\xhh`,
/// as these servers write them: replaced by one character they would make two clients one. Any other backslash stays.
pub(crate) fn decode(raw: &[u8]) -> Cow<'_, str> {
    decode_with(raw, "\\x")
}

/// [`decode`] for paths, where bytes that are not UTF-8 appear as `%hh`: a client may as well have sent them so.
pub(crate) fn decode_path(raw: &[u8]) -> Cow<'_, str> {
    decode_with(raw, "%")
}

fn decode_with<'a>(raw: &'a [u8], mark: &str) -> Cow<'a, str> {
    let Some(first) = memchr::memchr(b'\\', raw) else {
        return legible(raw, mark);
    };
    let (plain, mut rest) = raw.split_at(first);
    let mut bytes = Vec::with_capacity(raw.len());
    bytes.extend_from_slice(plain);
    while let Some((&byte, after)) = rest.split_first() {
        let (decoded, left) = match (byte, after) {
            (b'\\', [b'x', high, low, left @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, left),
                _ => (byte, after),
            },
            (b'\\', [letter, left @ ..]) => match simple(*letter) {
                Some(decoded) => (decoded, left),
                None => (byte, after),
            },
            _ => (byte, after),
        };
        bytes.push(decoded);
        rest = left;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(escaped(error.as_bytes(), mark)),
    }
}

/// The text of `raw`, with `mark` and two hexadecimal digits for each byte that is not UTF-8.
fn legible<'a>(raw: &'a [u8], mark: &str) -> Cow<'a, str> {
    match std::str::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(escaped(raw, mark)),
    }
}

fn escaped(raw: &[u8], mark: &str) -> String {
    let mut text = String::with_capacity(raw.len() * 2);
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("{mark}{byte:02x}"));
        }
    }
    text
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const fn simple(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' => letter,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'v' => 11,
        b'f' => 12,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_everything_else_stays() {
        let cases: [(&[u8], &str); 9] = [
            (b"plain", "plain"),
            (br#"a \"b\" \\c"#, r#"a "b" \c"#),
            (br"\xD0\xBF\x22", "п\""),
            (br"\xFF \xd0", r"\xff \xd0"),
            (br"\xZZ \q \", r"\xZZ \q \"),
            (br"\x4", r"\x4"),
            (br"tab\tend", "tab\tend"),
            (b"raw \xff byte", r"raw \xff byte"),
            ("grün".as_bytes(), "grün"),
        ];
        for (raw, text) in cases {
            assert_eq!(decode(raw), text);
        }
        assert!(matches!(decode(b"plain"), Cow::Borrowed(_)));
        assert_eq!((field(b"-"), field(b""), field(b"\"\"")), (None, None, None));
    }
}
