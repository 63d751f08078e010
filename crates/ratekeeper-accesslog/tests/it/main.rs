//! Whole files, as `replay` reads them: plain, gzip, damaged.

// The helpers are test code too, which clippy sees in test functions only.
#![allow(clippy::unwrap_used, clippy::panic)]

mod files;
mod gzip;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ratekeeper_accesslog::{LineContent, LogReader, ReadError};

/// `count` lines of a combined log, one a second.
fn log(count: usize) -> String {
    (0..count)
        .map(|n| {
            let (minute, second) = (n / 60 % 60, n % 60);
            let time = format!("17/May/2015:10:{minute:02}:{second:02} +0000");
            format!("192.0.2.{} - - [{time}] \"GET /{n}?q HTTP/1.1\" 200 {n} \"-\" \"agent {n}\"\n", n % 250)
        })
        .collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// All lines up to the end or an error, each with its line end, and the error.
fn read(mut reader: LogReader) -> (String, Option<ReadError>) {
    let mut text = String::new();
    loop {
        match reader.next_line() {
            Ok(Some(line)) => match line.content {
                LineContent::Bytes(bytes) => {
                    text += &String::from_utf8_lossy(bytes);
                    text.push('\n');
                }
                LineContent::TooLong { .. } => panic!("line {} is too long", line.number),
            },
            Ok(None) => return (text, None),
            Err(error) => {
                assert!(matches!(reader.next_line(), Ok(None)));
                return (text, Some(error));
            }
        }
    }
}

fn read_bytes(bytes: Vec<u8>) -> (String, Option<ReadError>) {
    read(LogReader::new(std::io::Cursor::new(bytes)).unwrap())
}
