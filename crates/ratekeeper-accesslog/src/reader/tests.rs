use super::*;
use crate::{Format, LineError};

/// A log that is made as it is read: `long` times `a`, then `tail`. Never more than a chunk of it exists.
struct Made {
    long: u64,
    tail: &'static [u8],
}

impl Read for Made {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.long == 0 {
            return self.tail.read(out);
        }
        let count = usize::try_from(self.long).unwrap_or(usize::MAX).min(out.len());
        out[..count].fill(b'a');
        self.long -= wide(count);
        Ok(count)
    }
}

/// One byte a read, with interruptions; fails at the end if `fails`.
struct Slow {
    input: &'static [u8],
    interrupt: bool,
    fails: bool,
}

impl Read for Slow {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.input.is_empty() && self.fails {
            return Err(io::Error::other("unplugged"));
        }
        let room = out.len().min(1);
        self.input.read(&mut out[..room])
    }
}

fn contents(reader: &mut LogReader) -> Vec<(u64, String)> {
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        lines.push(match line.content {
            LineContent::Bytes(bytes) => (line.number, String::from_utf8_lossy(bytes).into_owned()),
            LineContent::TooLong { bytes, limit } => (line.number, format!("<{bytes} > {limit}>")),
        });
    }
    lines
}

fn lines(input: &'static [u8]) -> Vec<String> {
    contents(&mut LogReader::new(input).unwrap()).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn line_ends_of_every_kind() {
    let none: [&str; 0] = [];
    assert_eq!(lines(b""), none);
    assert_eq!(lines(b"\n"), [""]);
    assert_eq!(lines(b"a"), ["a"]);
    assert_eq!(lines(b"a\n\nb\r\n\r\nc\r"), ["a", "", "b", "", "c"]);
    assert_eq!(lines(b"a\r\r\nb\rc\n"), ["a\r", "b\rc"]);
    assert_eq!(lines(b"\xef\xbb\xbfa\n\xef\xbb\xbfb"), ["a", "\u{feff}b"]);
    assert_eq!(lines(b"\0\0\n\xff\xfea\0\n\0"), ["\0\0", "\u{fffd}\u{fffd}a\0", "\0"]);
}

#[test]
fn a_hundred_megabytes_in_one_line_need_no_memory() {
    let mut reader = LogReader::new(Made { long: 100_000_000, tail: b"b\nnext\n" }).unwrap();
    let line = reader.next_line().unwrap().unwrap();
    let (bytes, limit) = (100_000_001, wide(MAX_LINE_BYTES));
    assert_eq!(line, Line { number: 1, content: LineContent::TooLong { bytes, limit } });
    assert_eq!(line.parse(Format::Auto), Err(LineError::TooLong { bytes, limit }));
    assert_eq!(contents(&mut reader), [(2, "next".to_owned())]);
    assert!(reader.buffer.capacity() <= MAX_LINE_BYTES + BUFFER_BYTES, "{}", reader.buffer.capacity());
    assert_eq!((reader.bytes_read(), reader.total_bytes()), (100_000_007, None));
}

#[test]
fn the_limit_is_exact_wherever_the_buffer_ends() {
    for extra in 0..3_u64 {
        for limit in [
            1,
            5,
            BUFFER_BYTES - 1,
            BUFFER_BYTES,
            BUFFER_BYTES + 1,
            3 * BUFFER_BYTES,
        ] {
            for tail in [&b"\nz"[..], b"", b"\r\n"] {
                let long = wide(limit) + extra - 1;
                let mut reader = LogReader::new(Made { long, tail }).unwrap().with_max_line(limit);
                let bytes = long + wide(tail.iter().filter(|&&byte| byte == b'\r').count());
                let line = reader.next_line().unwrap();
                if long == 0 && tail.is_empty() {
                    assert_eq!(line, None);
                } else if bytes > wide(limit) {
                    let content = LineContent::TooLong { bytes, limit: wide(limit) };
                    assert_eq!(line, Some(Line { number: 1, content }), "{limit} {extra} {tail:?}");
                } else {
                    let Some(Line { number: 1, content: LineContent::Bytes(have) }) = line else {
                        panic!("{line:?}");
                    };
                    assert_eq!(wide(have.len()), long, "{limit} {extra} {tail:?}");
                }
                let rest = if tail == b"\nz" {
                    vec![(2, "z".to_owned())]
                } else {
                    Vec::new()
                };
                assert_eq!(contents(&mut reader), rest, "{limit} {extra} {tail:?}");
            }
        }
    }
}

#[test]
fn slow_and_interrupted_input_is_read_whole() {
    let input = b"one\r\ntwo\n\nfour";
    let mut reader = LogReader::new(Slow { input, interrupt: false, fails: false }).unwrap();
    let texts: Vec<_> = contents(&mut reader).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["one", "two", "", "four"]);
    assert_eq!(reader.bytes_read(), 14);
}

#[test]
fn an_error_comes_once_and_after_everything_before_it() {
    let mut reader = LogReader::new(Slow { input: b"one\ntw", interrupt: false, fails: true }).unwrap();
    for expected in [&b"one"[..], b"tw"] {
        assert_eq!(reader.next_line().unwrap().unwrap().content, LineContent::Bytes(expected));
    }
    let error = reader.next_line().unwrap_err();
    assert_eq!(error.to_string(), "after line 2: cannot read further: unplugged");
    assert_eq!(reader.next_line().unwrap(), None);

    let mut reader = LogReader::new(Slow { input: b"overlong", interrupt: false, fails: true })
        .unwrap()
        .with_max_line(3);
    assert_eq!(reader.next_line().unwrap().unwrap().content, LineContent::TooLong { bytes: 8, limit: 3 });
    assert!(matches!(reader.next_line(), Err(ReadError::Read { line: 1, .. })));
    assert!(LogReader::new(Slow { input: b"", interrupt: false, fails: true }).is_err());
}
