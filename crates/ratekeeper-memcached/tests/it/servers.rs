//! What the tests ask a server beside the store.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use testservers::Memcached;

/// A number of `stats`.
pub(crate) fn stat(node: &Memcached, name: &str) -> u64 {
    let mut stream = TcpStream::connect(node.address()).unwrap();
    stream.write_all(b"stats\r\n").unwrap();
    let lines = BufReader::new(stream).lines().map(Result::unwrap).take_while(|line| line != "END");
    let line = lines.into_iter().find(|line| line.split(' ').nth(1) == Some(name));
    line.unwrap().split(' ').nth(2).unwrap().parse().unwrap()
}

/// Writes an item.
pub(crate) fn put(node: &Memcached, name: &str, value: &[u8]) {
    let mut stream = TcpStream::connect(node.address()).unwrap();
    write!(stream, "set {name} 0 0 {}\r\n", value.len()).unwrap();
    stream.write_all(&[value, b"\r\n"].concat()).unwrap();
    let answer = BufReader::new(stream).lines().next().unwrap().unwrap();
    assert_eq!(answer, "STORED");
}
