//! Servers that answer anything.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use ratekeeper_core::{Limit, Micros};
use ratekeeper_store::StoreError;

use crate::runtime::{store, take};

/// A server that greets like one, and then does to each connection what it is told.
fn server(then: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut greet = |said: &[u8], answer: &[u8]| {
                stream.read_exact(&mut vec![0; said.len()]).and_then(|()| stream.write_all(answer))
            };
            if greet(b"mn\r\n", b"MN\r\n").is_ok() && greet(b"stats settings\r\n", b"END\r\n").is_ok() {
                then(stream);
            }
        }
    });
    address
}

/// What comes of asking a server that answers every command with these bytes.
fn answer(bytes: &'static [u8], limit: &Limit) -> StoreError {
    let address = server(move |mut stream| {
        let mut asked = [0; 1024];
        while matches!(stream.read(&mut asked), Ok(1..)) && stream.write_all(bytes).is_ok() {}
    });
    let store = store(&format!("memcached://{address}?timeout=300ms"));
    take(&store, b"a", limit).unwrap_err()
}

#[test]
fn garbage_is_an_error_and_nothing_else() {
    let window = Limit::fixed_window(10, Micros::DAY).unwrap();
    let bucket = Limit::token_bucket(10, Micros::DAY).unwrap();
    let cases: &[&[u8]] = &[
        b"\r\n",
        b"\n",
        b"\0\0\0\0\r\n",
        b"ERROR\r\n",
        b"CLIENT_ERROR bad command line format\r\n",
        b"SERVER_ERROR\r\n",
        b"SERVER_ERROR out of memory storing object\r\n",
        b"SERVER_ERROR object too large for cache\r\n",
        b"HD\r\n",
        b"HD\r\nHD\r\n",
        b"EX\r\n",
        b"VERSION 1\r\n",
        b"END\r\n",
        b"VA 3 c1\r\nabc\r\n",
        b"VA 0 c1\r\n\r\n",
        b"VA 21\r\n111111111111111111111\r\n",
        b"VA 99999999999999999999 c1\r\n",
        b"VA 1048577 c1\r\n",
        b"VA 3 c-1\r\nabc\r\n",
        b"VA 3 c1\r\nabcdefg\r\n",
        // Half an answer, and then nothing.
        b"VA 30 c1\r\nabc",
        b"VA",
        "STAT a b\r\n".repeat(100).leak().as_bytes(),
    ];
    for case in cases {
        for limit in [&window, &bucket] {
            let error = answer(case, limit);
            let expected = matches!(
                error,
                StoreError::Unavailable { .. }
                    | StoreError::Misconfigured { .. }
                    | StoreError::Timeout
                    | StoreError::Contended { .. }
            );
            assert!(expected, "{}: {error}", case.escape_ascii());
            assert!(error.to_string().is_ascii() && error.to_string().len() < 300, "{error}");
        }
    }
}

#[test]
fn an_answer_that_never_ends_is_cut_off() {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    for endless in [&[b'x'; 4096], &[0; 4096]] {
        let address = server(|mut stream| {
            _ = stream.read(&mut [0; 1024]);
            while stream.write_all(endless).is_ok() {
                TAKEN.fetch_add(endless.len(), SeqCst);
            }
        });
        let store = store(&format!("memcached://{address}"));
        let error = take(&store, b"a", &Limit::token_bucket(10, Micros::DAY).unwrap()).unwrap_err();
        assert!(error.to_string().contains("a line of more than"), "{error}");
    }
    // What the sockets held, and no more.
    assert!(TAKEN.load(SeqCst) < 64 << 20);
}

#[test]
fn a_server_that_closes_every_connection_is_not_stormed() {
    static ACCEPTED: AtomicUsize = AtomicUsize::new(0);
    let address = server(|_| {
        ACCEPTED.fetch_add(1, SeqCst);
    });
    let store = store(&format!("memcached://{address}"));
    let limit = Limit::fixed_window(10, Micros::DAY).unwrap();
    for _ in 0..2000 {
        take(&store, b"a", &limit).unwrap_err();
    }
    assert!(ACCEPTED.load(SeqCst) < 20, "{ACCEPTED:?}");
}
