//! The network that is bad when it is told to be.

#![allow(clippy::disallowed_methods, reason = "bytes take real time in a real network")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ratekeeper_store::testkit::Proxy;

/// Longer than anything takes that is not held up.
const PATIENCE: Duration = Duration::from_secs(30);
/// As long as is waited for what must not come.
const MOMENT: Duration = Duration::from_millis(50);

/// A server that says what it is told, until the test ends.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends bytes and waits for their echo.
fn ask(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    hear(stream, bytes);
}

fn hear(mut stream: &TcpStream, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).unwrap();
    assert!(heard == bytes);
}

fn is_closed(mut stream: &TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[track_caller]
fn eventually(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE);
        thread::yield_now();
    }
}

#[test]
fn everything_passes_both_ways() {
    let proxy = Proxy::to(echo()).unwrap();
    let streams = [connect(&proxy), connect(&proxy)];
    let long: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for stream in &streams {
        ask(stream, &long);
    }
    assert_eq!((proxy.connections(), proxy.accepted()), (2, 2));
    streams[0].shutdown(Shutdown::Both).unwrap();
    eventually(|| proxy.connections() == 1);
    ask(&streams[1], b"still here");
}

#[test]
fn a_delay_is_a_delay_and_no_queue() {
    const DELAY: Duration = Duration::from_millis(100);
    let proxy = Proxy::to(echo()).unwrap();
    let stream = connect(&proxy);
    ask(&stream, b"connected");
    proxy.delay(DELAY);
    let start = Instant::now();
    ask(&stream, b"there and back");
    assert!(start.elapsed() >= 2 * DELAY);
    // At least 50 chunks.
    let long: Vec<u8> = (0..=255).cycle().take(50 * 16 * 1024).collect();
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| (&stream).write_all(&long).unwrap());
        hear(&stream, &long);
    });
    assert!(start.elapsed() < 25 * DELAY, "one after the other they take 100 delays");
    proxy.delay(Duration::ZERO);
    ask(&stream, b"fast again");
}

#[test]
fn what_is_stalled_goes_on_where_it_was() {
    let proxy = Proxy::to(echo()).unwrap();
    let mut stream = connect(&proxy);
    ask(&stream, b"connected");
    proxy.stall();
    let late = connect(&proxy);
    for mut stream in [&stream, &late] {
        stream.write_all(b"held").unwrap();
        stream.set_read_timeout(Some(MOMENT)).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    stream.write_all(b" back").unwrap();
    proxy.resume();
    hear(&stream, b"held back");
    hear(&late, b"held");
}

#[test]
fn what_is_cut_is_gone_until_it_is_mended() {
    let proxy = Proxy::to(echo()).unwrap();
    let (stream, other) = (connect(&proxy), connect(&proxy));
    ask(&stream, b"connected");
    ask(&other, b"connected");
    proxy.stall();
    (&other).write_all(b"under way").unwrap();
    proxy.cut();
    assert_eq!(proxy.connections(), 0);
    assert!(is_closed(&stream) && is_closed(&other) && is_closed(&connect(&proxy)));
    proxy.resume();
    proxy.mend();
    ask(&connect(&proxy), b"back");
}

#[test]
fn without_a_server_connections_are_closed() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::to(gone).unwrap();
    assert!(is_closed(&connect(&proxy)));
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn nothing_is_left_when_it_is_dropped() {
    let proxy = Proxy::to(echo()).unwrap();
    let (stream, address) = (connect(&proxy), proxy.address());
    ask(&stream, b"connected");
    drop(proxy);
    assert!(is_closed(&stream));
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
