//! What was written is read, in whatever pieces it comes.

use proptest::collection::vec;
use proptest::prelude::*;
use ratekeeper_resp::{Limits, write_request};

use super::received;

fn arguments() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..40), 1..8)
}

/// Bytes that are nearly requests.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        arguments().prop_map(|arguments| {
            let mut out = Vec::new();
            write_request(&mut out, &arguments);
            out
        }),
        "[ -~]{0,20}\r?\n".prop_map(String::into_bytes),
        "[*$][0-9-]{0,3}\r?\n?".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..6),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read(requests in vec(arguments(), 0..6), ends in vec(0_usize..500, 0..10)) {
        let mut bytes = Vec::new();
        for arguments in &requests {
            write_request(&mut bytes, arguments);
        }
        prop_assert_eq!(received(&bytes, &ends, Limits::default()), (requests, Vec::new(), None));
    }

    #[test]
    fn the_pieces_make_no_difference(bytes in nearly(), ends in vec(0_usize..300, 0..20), tight in any::<bool>()) {
        let limits = match tight {
            true => Limits { arguments: 3, argument_bytes: 20, request_bytes: 60 },
            false => Limits::default(),
        };
        let (requests, rest, error) = received(&bytes, &[], limits);
        let (others, other_rest, other_error) = received(&bytes, &ends, limits);
        prop_assert_eq!((&requests, &rest, error), (&others, &other_rest, other_error));
        let each: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!((requests, rest, error), received(&bytes, &each, limits));
    }
}

#[test]
fn empty_requests_are_passed_over() {
    let (requests, rest, error) =
        received(b"*0\r\n*-1\r\n\r\n\n  \r\n*1\r\n$0\r\n\r\n", &[], Limits::default());
    assert_eq!((rest.len(), error), (0, None));
    assert_eq!(requests, [vec![], vec![], vec![], vec![], vec![], vec![Vec::<u8>::new()]]);
}
