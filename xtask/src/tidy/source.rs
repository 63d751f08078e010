//! A Rust file taken apart into code, comments and literals, as far as the rules need it.

/// One file as two texts of the same length and lines: what belongs to the other kinds is blank.
#[derive(Debug)]
pub(super) struct Source {
    /// Code, with the quotes of literals but not what stands between them.
    pub(super) code: String,
    /// Comments, also those that document.
    pub(super) comments: String,
}

impl Source {
    /// Takes a file apart. Never fails: what is not Rust gives some texts of the same length.
    pub(super) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut code = Vec::with_capacity(bytes.len());
        let mut comments = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let (length, kind) = match rest {
                [b'/', b'/', ..] => (to_line_end(rest), Kind::Comment),
                [b'/', b'*', ..] => (block_comment(rest), Kind::Comment),
                [b'"', ..] => (string(rest), Kind::Literal),
                [b'\'', ..] => character(rest).map_or((1, Kind::Code), |length| (length, Kind::Literal)),
                [b'r', ..] if !continues_word(bytes, at) => {
                    raw_string(rest).map_or((1, Kind::Code), |length| (length, Kind::Literal))
                }
                _ => (1, Kind::Code),
            };
            let part = &rest[..length];
            code.extend(part.iter().enumerate().map(|(index, byte)| match kind {
                Kind::Code => *byte,
                Kind::Literal if index == 0 || index + 1 == length => *byte,
                Kind::Literal | Kind::Comment => blank(*byte),
            }));
            comments.extend(part.iter().map(|byte| match kind {
                Kind::Comment => *byte,
                Kind::Code | Kind::Literal => blank(*byte),
            }));
            at += length;
        }
        Self { code: into_text(code), comments: into_text(comments) }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Literal,
    Comment,
}

fn blank(byte: u8) -> u8 {
    if byte == b'\n' { byte } else { b' ' }
}

fn into_text(bytes: Vec<u8>) -> String {
    // Parts begin and end at ASCII bytes, so that no character is ever cut.
    String::from_utf8(bytes).unwrap_or_default()
}

fn to_line_end(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a character literal; none for a lifetime or a label.
fn character(rest: &[u8]) -> Option<usize> {
    match rest {
        [_, b'\\', _, after @ ..] => after.iter().position(|byte| *byte == b'\'').map(|length| length + 4),
        [_, first, ..] => {
            let width = match first {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                _ => 4,
            };
            (rest.get(1 + width) == Some(&b'\'')).then_some(2 + width)
        }
        _ => None,
    }
}

/// The length of a raw string; none for a raw name, or a word that begins with an r.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let body = 2 + hashes;
    let found = rest[body..].windows(end.len()).position(|window| window == end);
    Some(found.map_or(rest.len(), |length| body + length + end.len()))
}

/// Whether the byte at `at` is not the first of its word; the prefixes of raw strings aside.
fn continues_word(bytes: &[u8], at: usize) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    match bytes[..at] {
        [.., before, b'b' | b'c'] => is_word(before),
        [b'b' | b'c'] => false,
        [.., before] => is_word(before),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str, comments: &str) {
        let source = Source::new(text);
        assert_eq!(source.code.trim_end(), code);
        assert_eq!(source.comments.trim(), comments);
        assert_eq!((source.code.len(), source.comments.len()), (text.len(), text.len()));
    }

    #[test]
    fn comments_leave_the_code() {
        check("a // b \"c\"\nd", "a         \nd", "// b \"c\"");
        check("a /* b /* c */ d */ e", "a                   e", "/* b /* c */ d */");
        check("/* never closed", "", "/* never closed");
    }

    #[test]
    fn literals_leave_both() {
        check(r#"f("// x", b"\"y")"#, r#"f("    ", b"   ")"#, "");
        check(r##"f(r#"a "b" // c"#)"##, r##"f(r             #)"##, "");
        check(r#"br"x\" + r#mod"#, r#"br   " + r#mod"#, "");
        check("\"never closed", "\"           d", "");
    }

    #[test]
    fn characters_are_not_lifetimes() {
        check(r#"('"', '\'', 'é', '\u{1F}') // x"#, "(' ', '  ', '  ', '      ')", "// x");
        check("&'a str // 'b", "&'a str", "// 'b");
        check("'outer: loop {} '{' }", "'outer: loop {} ' ' }", "");
    }

    #[test]
    fn anything_is_accepted() {
        for text in [
            "'",
            "'\\",
            "r",
            "r#",
            "/",
            "\\",
            "\"\\",
            "r#\"",
            "'é",
            "/*/",
            "'\u{10FFFF}'",
        ] {
            assert_eq!(Source::new(text).code.len(), text.len(), "{text}");
        }
    }
}
