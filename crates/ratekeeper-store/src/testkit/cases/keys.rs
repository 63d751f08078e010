//! Keys are opaque bytes: equal ones are one counter, different ones are never the same.

use ratekeeper_core::{Algorithm, Ask, Limit, MAX_KEY, Micros, Op};

use super::units::key;
use crate::testkit::Subject;
use crate::testkit::random::limit_of;
use crate::{Batch, Check};

/// Takes a different cost from each counter, and looks whether each has just that: on the store's own clock, since
/// keys matter to every store.
fn all_distinct(subject: &Subject, keys: &[Vec<u8>]) {
    let limit = limit_of(Algorithm::TokenBucket, 1_000_000, Micros::new(1 << 45));
    let ask = |op, bytes: &[u8], cost, limit: &Limit| {
        subject.ask(None, bytes, limit, &Ask::new(op, cost)).unwrap().remaining
    };
    for bytes in keys {
        ask(Op::Reset, bytes, 0, &limit);
    }
    for (cost, bytes) in (1..).zip(keys) {
        ask(Op::Take, bytes, cost, &limit);
    }
    for (cost, bytes) in (1..).zip(keys) {
        let remaining = ask(Op::Peek, bytes, 0, &limit);
        assert_eq!(remaining, 1_000_000 - cost, "somebody shares a counter with {}", bytes.escape_ascii());
    }
    for bytes in keys {
        ask(Op::Reset, bytes, 0, &limit);
    }
}

pub(crate) fn keys_of_every_length_are_distinct(subject: &Subject) {
    // Each is a prefix of all that follow.
    let longest: Vec<u8> = subject.key(&"k".repeat(MAX_KEY))[..MAX_KEY].to_vec();
    let keys: Vec<_> = (1..=MAX_KEY).map(|length| longest[..length].to_vec()).collect();
    all_distinct(subject, &keys);
}

pub(crate) fn every_byte_is_kept(subject: &Subject) {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    let own = subject.key("byte");
    for byte in 0..=u8::MAX {
        keys.push([own.as_slice(), &[byte]].concat());
        keys.push([own.as_slice(), &[byte, b'x']].concat());
        keys.push([own.as_slice(), &[b'x', byte, byte]].concat());
    }
    keys.sort();
    keys.dedup();
    all_distinct(subject, &keys);
}

const HOSTILE: &[&[u8]] = &[
    b"",
    b"\0",
    b"\0\0",
    b"\\0",
    b"\\x00",
    b"%00",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\nset x 0 0 1\r\n1\r\n",
    b"\r\nflush_all\r\n",
    b"*1\r\n$8\r\nFLUSHALL\r\n",
    b" ",
    b"  ",
    b"\t",
    b"+",
    b"%20",
    b"{",
    b"}",
    b"{}",
    b"{a}",
    b"{b}",
    b"{a}{b}",
    b"}{",
    b"a:b",
    b"a::b",
    b":a:b",
    b"a_b\0c",
    b"a\0b_c",
    b"a_b_c",
    b"a/b",
    b"a%2Fb",
    b"../a",
    b"A",
    b"a",
    b"a ",
    b" a",
    b"a\0",
    b"*",
    b"?",
    b"[a]",
    b"'",
    b"''",
    b"' OR 1=1 --",
    b"\"",
    b"`",
    b"$1",
    b"${x}",
    b"\\",
    b"\\\\",
    b";",
    b"=",
    b"==",
    b"YQ==",
    b"61",
    b"\xff",
    b"\xff\xff",
    b"\xc3\x28",
    "é".as_bytes(),
    "e\u{301}".as_bytes(),
    "ß".as_bytes(),
    b"ss",
    "\u{feff}".as_bytes(),
    "\u{0}\u{7f}".as_bytes(),
];

pub(crate) fn hostile_keys_do_not_collide(subject: &Subject) {
    let own = subject.key("hostile");
    let mut keys: Vec<Vec<u8>> =
        HOSTILE.iter().map(|part| [own.as_slice(), b"\x1f", part].concat()).collect();
    keys.extend(HOSTILE.iter().skip(1).map(|part| [part, own.as_slice()].concat()));
    all_distinct(subject, &keys);
}

/// As a key of rule and subject is built: what belongs to which part must make a difference.
pub(crate) fn units_over_hostile_keys_are_atomic(subject: &Subject) {
    let limit = limit_of(Algorithm::FixedWindow, 1_000_000, Micros::new(1 << 50));
    let own = subject.key("hostile unit");
    let keys: Vec<Vec<u8>> = HOSTILE.iter().map(|part| [own.as_slice(), part].concat()).collect();
    for _ in 0..2 {
        let mut batch = Batch::new();
        batch.push(Op::Take, keys.iter().map(|bytes| Check::new(key(bytes), &limit, 10)));
        subject.apply(&mut batch).unwrap();
        assert!(batch.units()[0].passes);
    }
    for bytes in &keys {
        let left = subject.ask(None, bytes, &limit, &Ask::new(Op::Peek, 0)).unwrap().remaining;
        assert_eq!(left, 1_000_000 - 20, "{}", bytes.escape_ascii());
    }
}
