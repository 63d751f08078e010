//! The one form of a path, so that no spelling of it makes a new key or slips past a pattern.

use smallvec::SmallVec;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A path in its one form: percent-escapes of plain characters resolved, `\`, `%2F` and `%5C` taken as separators,
/// `//` collapsed, `.` and `..` resolved, in lower case and Unicode's form C, without the slash at its end (which is
/// remembered).
///
/// What must stay escaped (`%`, `?`, `#`, spaces, control characters, bytes that are no UTF-8) is escaped in lower
/// case: the form is a fixed point. Paths up to 256 bytes need no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CanonicalPath {
    bytes: SmallVec<[u8; 256]>,
    directory: bool,
}

impl CanonicalPath {
    /// The one form of a path as it was sent.
    pub(crate) fn new(path: &str) -> Self {
        if !is_plain(path.as_bytes()) {
            return Self::resolved(path);
        }
        let directory = path.ends_with('/');
        let end = if path.len() > 1 {
            path.len() - usize::from(directory)
        } else {
            1
        };
        let mut bytes = SmallVec::from_slice(&path.as_bytes()[..end]);
        bytes.make_ascii_lowercase();
        Self { bytes, directory }
    }

    /// The same of any path, character by character.
    fn resolved(path: &str) -> Self {
        let mut out = Self { bytes: SmallVec::new(), directory: false };
        let end = path.bytes().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(path.len());
        let mut rest = &path.as_bytes()[..end];
        out.bytes.push(b'/');
        let mut start = 1;
        while !rest.is_empty() {
            let (piece, length) = next(rest);
            match piece {
                Piece::Separator => start = out.end_segment(start, true),
                Piece::Byte(byte) if is_kept_escaped(byte) => out.push_escaped(byte),
                Piece::Byte(byte) => out.bytes.push(byte.to_ascii_lowercase()),
                Piece::Raw(byte) => out.push_escaped(byte),
                Piece::Wide(character) => {
                    for lower in character.to_lowercase() {
                        out.bytes.extend_from_slice(lower.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
            }
            rest = &rest[length..];
        }
        out.end_segment(start, false);
        out.compose();
        if out.bytes.len() > 1 && out.bytes.last() == Some(&b'/') {
            out.bytes.pop();
            out.directory = true;
        }
        out.directory |= out.bytes.len() == 1;
        out
    }

    /// Its bytes: begins with a slash, does not end with one (but for the root).
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As text; what it holds is always UTF-8.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or("/")
    }

    /// Whether it ended with a slash; so does the root.
    pub(crate) fn is_directory(&self) -> bool {
        self.directory
    }

    /// Ends the segment that began at `start`; where the next begins.
    fn end_segment(&mut self, start: usize, separator: bool) -> usize {
        match &self.bytes[start..] {
            [] => return start,
            b"." => self.bytes.truncate(start),
            b".." => {
                self.bytes.truncate(start - 1);
                let parent = self.bytes.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash);
                self.bytes.truncate(parent);
                self.bytes.push(b'/');
            }
            _ if separator => self.bytes.push(b'/'),
            _ => {}
        }
        self.bytes.len()
    }

    /// Composes characters that were written in parts, such as `e` and an accent. Lower case may have taken some apart, so
    /// this comes last; no separator comes from it.
    fn compose(&mut self) {
        if self.bytes.is_ascii() {
            return;
        }
        let composed: String = match std::str::from_utf8(&self.bytes) {
            Ok(text) if is_nfc_quick(text.chars()) != IsNormalized::Yes => text.nfc().collect(),
            _ => return,
        };
        self.bytes = SmallVec::from_slice(composed.as_bytes());
    }

    fn push_escaped(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
        self.bytes.extend_from_slice(&[b'%', HEX[high], HEX[low]]);
    }
}

/// Whether a path is in its one form but for case and a slash at its end: as most are. A segment that begins with a dot is
/// looked at more closely.
fn is_plain(path: &[u8]) -> bool {
    let (mut special, mut before) = (0, 0);
    for byte in path {
        let class = CLASSES[usize::from(*byte)];
        // After a slash, a slash and a dot are special too.
        special |= class & (SPECIAL | before);
        before = if class == SLASH { SLASH | DOT } else { 0 };
    }
    special == 0 && path.first() == Some(&b'/')
}

const SLASH: u8 = 1;
const DOT: u8 = 2;
const SPECIAL: u8 = 4;

/// What each byte may mean; zero for most.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte: u8 = 0;
    loop {
        classes[byte as usize] = match byte {
            b'/' => SLASH,
            b'.' => DOT,
            b'\\' | 0x80.. => SPECIAL,
            _ if is_kept_escaped(byte) => SPECIAL,
            _ => 0,
        };
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

enum Piece {
    Separator,
    /// An ASCII character.
    Byte(u8),
    /// A byte that is part of no character.
    Raw(u8),
    /// Any other character.
    Wide(char),
}

const fn is_kept_escaped(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'%' | b'?' | b'#' | 0x7f)
}

/// The first character of a path, and how many bytes it takes.
fn next(rest: &[u8]) -> (Piece, usize) {
    let Some((byte, length)) = unescaped(rest) else {
        return (Piece::Separator, 1);
    };
    match byte {
        b'/' | b'\\' => (Piece::Separator, length),
        // A percent sign that escapes nothing stands for itself; an escaped one stays escaped. Both print as %25.
        0..=0x7f => (Piece::Byte(byte), length),
        _ => wide(rest, byte, length),
    }
}

/// The first byte, with its escape resolved, and how many bytes it takes.
fn unescaped(rest: &[u8]) -> Option<(u8, usize)> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match rest {
        [b'%', high, low, ..] => match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => Some((high << 4 | low, 3)),
            _ => Some((b'%', 1)),
        },
        [byte, ..] => Some((*byte, 1)),
        [] => None,
    }
}

/// A character of several bytes, each of which may be escaped.
fn wide(rest: &[u8], first: u8, length: usize) -> (Piece, usize) {
    let needed = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return (Piece::Raw(first), length),
    };
    let mut bytes = [first, 0, 0, 0];
    let mut taken = length;
    for slot in &mut bytes[1..needed] {
        let Some((byte, length)) = unescaped(&rest[taken..]) else {
            return (Piece::Raw(first), length);
        };
        *slot = byte;
        taken += length;
    }
    match std::str::from_utf8(&bytes[..needed]).ok().and_then(|text| text.chars().next()) {
        Some(character) => (Piece::Wide(character), taken),
        None => (Piece::Raw(first), length),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_paths_are_what_a_closer_look_makes_of_them(
            path in prop_oneof!["/?[a-zA-Z0-9/.~-]{0,12}", "/?[aZ/.%25?#\\\\ \u{e9}\u{7f}-]{0,12}"],
        ) {
            prop_assert_eq!(CanonicalPath::new(&path), CanonicalPath::resolved(&path));
        }
    }

    #[test]
    fn every_spelling_has_one_form() {
        let cases = [
            ("/api/v1/auth/login", "/api/v1/auth/login", false),
            ("//api//v1/auth/login/", "/api/v1/auth/login", true),
            ("/api%2Fv1%5cauth\\login", "/api/v1/auth/login", false),
            ("/api/./v1/x/../auth/%2e%2E/auth/login", "/api/v1/auth/login", false),
            ("/API/V1/Auth/LOGIN", "/api/v1/auth/login", false),
            ("/%61pi/v1/auth/login?x=/y", "/api/v1/auth/login", false),
            ("api/v1", "/api/v1", false),
            ("", "/", true),
            ("/..", "/", true),
            ("/../../a", "/a", false),
            ("/a/..", "/", true),
            ("/a/b/..", "/a", true),
            ("/a/.", "/a", true),
            ("/a/...", "/a/...", false),
            ("/%C3%89t%c3%a9", "/été", false),
            ("/Été", "/été", false),
            ("/E\u{301}t%65%CC%81", "/été", false),
            ("/\u{212b}\u{1e9b}\u{323}", "/å\u{1e9b}\u{323}", false),
            ("/\u{130}", "/i\u{307}", false),
            ("/%ff%C0%AF", "/%ff%c0%af", false),
            ("/a%252Fb", "/a%252fb", false),
            ("/100%", "/100%25", false),
            ("/a b%00%0A", "/a%20b%00%0a", false),
            ("*", "/*", false),
        ];
        for (path, form, directory) in cases {
            let found = CanonicalPath::new(path);
            assert_eq!((found.as_str(), found.is_directory()), (form, directory), "{path}");
        }
    }
}
