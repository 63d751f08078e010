//! Compressed logs, whole and damaged.

use std::io::{Read, Write};

use flate2::{Compression, GzBuilder};
use ratekeeper_accesslog::{GzipFault, LineContent, LogReader, ReadError};

use super::{gzip, log, read_bytes};

fn fault(error: Option<ReadError>) -> Option<GzipFault> {
    error.map(|error| match error {
        ReadError::Gzip { fault, .. } => fault,
        other => panic!("{other}"),
    })
}

#[test]
fn one_member_and_many() {
    let text = log(5000);
    let (text, none) = (text.as_str(), None::<GzipFault>);
    let (have, error) = read_bytes(gzip(text.as_bytes()));
    assert_eq!((have.as_str(), fault(error)), (text, none));

    // Members may be cut anywhere, also inside a line, and may be empty.
    let mut members = gzip(b"");
    for part in text.as_bytes().chunks(10_007) {
        members.extend(gzip(part));
    }
    members.extend(gzip(b""));
    members.extend([0; 512]);
    let (have, error) = read_bytes(members);
    assert_eq!((have.as_str(), fault(error)), (text, none));
    assert_eq!(fault(read_bytes(gzip(b"")).1), none);
}

#[test]
fn every_optional_part_of_a_header_is_skipped() {
    let builder = GzBuilder::new().filename("a.log").comment("c").extra(vec![7; 300]).mtime(1);
    let mut encoder = builder.write(Vec::new(), Compression::fast());
    encoder.write_all(b"one\ntwo").unwrap();
    let mut bytes = encoder.finish().unwrap();
    assert_eq!(read_bytes(bytes.clone()).0, "one\ntwo\n");
    // A header checksum: flag it and insert its two bytes before the data.
    let data = 10 + 2 + 300 + 6 + 2;
    bytes[3] |= 2;
    bytes.splice(data..data, [0, 0]);
    let (have, error) = read_bytes(bytes);
    assert_eq!((have.as_str(), fault(error)), ("one\ntwo\n", None));
}

#[test]
fn what_precedes_a_cut_is_delivered() {
    let text = log(3000);
    let whole = gzip(text.as_bytes());
    for keep in [
        2,
        5,
        9,
        10,
        11,
        100,
        whole.len() / 2,
        whole.len() - 9,
        whole.len() - 8,
        whole.len() - 1,
    ] {
        let (have, error) = read_bytes(whole[..keep].to_vec());
        assert_eq!(fault(error), Some(GzipFault::Truncated), "{keep}");
        assert!(text.starts_with(have.trim_end_matches('\n')), "{keep}");
        let all_data = keep >= whole.len() - 8;
        assert!(
            if all_data {
                have == text
            } else {
                keep < 500 || have.len() > 10_000
            },
            "{keep}: {}",
            have.len()
        );
    }
}

#[test]
fn what_precedes_damage_is_delivered() {
    let (first, second) = (log(2000), log(10));
    let good = gzip(first.as_bytes());
    let start = good.len();
    for (at, byte, expected) in [
        (0, 0, GzipFault::Trailing),
        (1, 0, GzipFault::Trailing),
        (2, 7, GzipFault::Header),
    ] {
        let mut bytes = [good.clone(), gzip(second.as_bytes())].concat();
        bytes[start + at] = byte;
        let (have, error) = read_bytes(bytes);
        // A zero before the member is padding; what follows is then no member.
        assert_eq!((have == first, fault(error)), (true, Some(expected)), "{at}");
    }
    for junk in [
        &b"x"[..],
        b"junk",
        b"\n",
        b"\0\0x",
        b"\x1fx",
        b"<!-- a page -->",
        &[0xff; 100_000],
    ] {
        let (have, error) = read_bytes([good.as_slice(), junk].concat());
        let text = error.as_ref().map(ToString::to_string);
        assert_eq!((have == first, fault(error)), (true, Some(GzipFault::Trailing)), "{junk:.20?}");
        assert_eq!(text.unwrap(), "after line 2000: other data follows the gzip data");
    }
    let (have, error) = read_bytes([good.as_slice(), b"\x1f"].concat());
    assert_eq!((have == first, fault(error)), (true, Some(GzipFault::Truncated)));

    let mut checksum = good.clone();
    checksum[start - 8] ^= 1;
    let (have, error) = read_bytes(checksum);
    assert_eq!((have == first, fault(error)), (true, Some(GzipFault::Checksum)));

    // A stored block, then a block of the reserved type: every byte of the first comes out.
    let plain = vec![b'x'; 60_000];
    let mut corrupt = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0];
    let length = u16::try_from(plain.len()).unwrap();
    corrupt.extend(length.to_le_bytes());
    corrupt.extend((!length).to_le_bytes());
    corrupt.extend(&plain);
    corrupt.extend([0b111; 100]);
    let (have, error) = read_bytes(corrupt);
    assert_eq!((have.len(), fault(error)), (plain.len() + 1, Some(GzipFault::Corrupt)));
}

#[test]
fn a_bomb_takes_time_not_memory() {
    let mut bomb = flate2::read::GzEncoder::new(std::io::repeat(b'x').take(300_000_000), Compression::best());
    let mut bytes = Vec::new();
    bomb.read_to_end(&mut bytes).unwrap();
    assert!(bytes.len() < 400_000);
    let mut reader = LogReader::new(std::io::Cursor::new(bytes)).unwrap();
    let line = reader.next_line().unwrap().unwrap();
    assert!(matches!(line.content, LineContent::TooLong { bytes: 300_000_000, .. }));
    assert!(reader.next_line().unwrap().is_none());
}
