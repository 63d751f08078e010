//! Logs on disk.

use std::fs;

use ratekeeper_accesslog::{Format, LogReader, ReadError};

use super::{gzip, log, read};

#[test]
fn a_file_is_read_to_its_end_with_progress() {
    let folder = tempfile::tempdir().unwrap();
    let text = log(4000);
    for (name, bytes) in [
        ("plain.gz", text.clone().into_bytes()),
        ("packed.log", gzip(text.as_bytes())),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, &bytes).unwrap();
        let length = u64::try_from(bytes.len()).unwrap();
        let mut reader = LogReader::open(&path).unwrap();
        assert_eq!(reader.total_bytes(), Some(length));
        let mut seen = 0;
        let mut paths = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            paths.push(line.parse(Format::Auto).unwrap().path.unwrap().into_owned());
            assert_eq!(line.number, u64::try_from(paths.len()).unwrap());
            assert!(reader.bytes_read() >= seen);
            seen = reader.bytes_read();
        }
        assert_eq!(seen, length);
        assert_eq!(paths, (0..4000).map(|n| format!("/{n}")).collect::<Vec<_>>());
    }
}

#[test]
fn carriage_returns_and_a_missing_last_end_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let text = log(100);
    for variant in [
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        format!("\u{feff}{text}"),
    ] {
        fs::write(&path, variant).unwrap();
        assert_eq!(read(LogReader::open(&path).unwrap()).0, text);
    }
}

#[test]
fn binary_garbage_gives_an_error_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("garbage");
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let bytes: Vec<u8> = (0..2_000_000).map(|_| next()).collect();
    fs::write(&path, &bytes).unwrap();
    let mut reader = LogReader::open(&path).unwrap();
    let mut lines = 0;
    while let Some(line) = reader.next_line().unwrap() {
        lines += 1;
        assert!(line.parse(Format::Auto).is_err());
    }
    let ends = bytes.split(|&byte| byte == b'\n').count();
    assert_eq!(lines, if bytes.ends_with(b"\n") { ends - 1 } else { ends });
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none"), folder.path().to_path_buf()] {
        let error = LogReader::open(&path).unwrap_err();
        assert!(matches!(error, ReadError::Open { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{path:?}")), "{error}");
    }
}
