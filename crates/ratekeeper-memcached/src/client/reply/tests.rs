use proptest::prelude::*;

use super::*;

fn value(data: &[u8], cas: u64) -> Reply {
    Reply::Value { data: SmallVec::from_slice(data), cas }
}

/// Everything that `input` says, wherever it is cut.
fn replies(input: &[u8], cut: usize) -> Result<Vec<Reply>, Garbled> {
    let (mut decoder, mut buffer, mut all) = (Decoder::default(), BytesMut::new(), Vec::new());
    for part in input.chunks(cut.max(1)) {
        buffer.extend_from_slice(part);
        while let Some(reply) = decoder.next(&mut buffer)? {
            all.push(reply);
        }
    }
    assert!(buffer.is_empty(), "{buffer:?}");
    Ok(all)
}

#[test]
fn every_reply_is_read_wherever_it_is_cut() {
    let input = b"HD\r\nHD \r\nVA 3 c77 t-1\r\na\r\n\r\nVA 0\r\n\r\nEN\r\nNF \r\nEX\r\nNS \r\nSTORED\r\nMN\r\n\
        SERVER_ERROR out of memory storing object\r\nVERSION 1.6.18\r\nSTAT pid 1\r\nSTAT version 1.6 x\r\nEND\r\n\
        CLIENT_ERROR cannot increment or decrement non-numeric value\r\nEND\r\n";
    let expected = vec![
        Reply::Done,
        Reply::Done,
        value(b"a\r\n", 77),
        value(b"", 0),
        Reply::Missing,
        Reply::Missing,
        Reply::Conflict,
        Reply::Conflict,
        Reply::Done,
        Reply::Done,
        Reply::Refused("out of memory storing object".to_owned()),
        Reply::Version("1.6.18".to_owned()),
        Reply::Stats(vec![
            ("pid".to_owned(), "1".to_owned()),
            ("version".to_owned(), "1.6 x".to_owned()),
        ]),
        Reply::NotANumber,
        Reply::Stats(Vec::new()),
    ];
    for cut in 1..input.len() + 1 {
        assert_eq!(replies(input, cut).as_ref(), Ok(&expected));
    }
}

#[test]
fn what_is_no_reply_is_an_error_that_shows_it() {
    let long = [b'x'; LONGEST_LINE + 1];
    let many = "STAT a b\r\n".repeat(MOST_STATS + 1);
    let cases: [&[u8]; 10] = [
        b"ERROR\r\n",
        b"CLIENT_ERROR bad command line format\r\n",
        b"hello\n",
        b"\r\n",
        b"VA\r\n",
        b"VA -1\r\n",
        b"VA 1048577\r\n",
        b"VA 1 cx\r\na\r\n",
        b"VA 1\r\nabc\r\n",
        &long,
    ];
    for case in cases.into_iter().chain([many.as_bytes()]) {
        assert!(replies(case, 7).is_err(), "{}", case.escape_ascii());
    }
    assert!(replies(b"ERROR\r\n", 1).unwrap_err().to_string().contains("1.6.10"));
    assert!(replies(b"\x1b[2J\r\n", 1).unwrap_err().to_string().contains(r"\x1b[2J"));
}

proptest! {
    #[test]
    fn no_bytes_panic(input: Vec<u8>, cut in 1_usize..9) {
        let (mut decoder, mut buffer) = (Decoder::default(), BytesMut::new());
        'all: for part in input.chunks(cut) {
            buffer.extend_from_slice(part);
            loop {
                match decoder.next(&mut buffer) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
        }
    }
}
