//! A server that ends finishes what it has begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Redis, exchange};
use crate::client::eventually;

const THROTTLE: &[u8] = b"*5\r\n$11\r\nCL.THROTTLE\r\n$1\r\na\r\n$7\r\n9999999\r\n$1\r\n1\r\n$3\r\n100\r\n";

/// Every command that was decided is answered: what the counter has lost is what clients have got.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_lost_when_the_server_drains() {
    let server = Redis::start(&["--state-file", "state"]).await;
    let (answered, address) = (Arc::new(AtomicU64::new(0)), server.address);
    let mut connections = JoinSet::new();
    for depth in (0..32).map(|number| [1, 10][number % 2]) {
        let answered = Arc::clone(&answered);
        let mut stream = TcpStream::connect(address).await.unwrap();
        connections.spawn(async move {
            let (batch, mut read) = (THROTTLE.repeat(depth), vec![0; 4096]);
            let mut missing = 0;
            loop {
                if missing == 0 {
                    missing = depth;
                    if stream.write_all(&batch).await.is_err() {
                        break;
                    }
                }
                match stream.read(&mut read).await {
                    Ok(0) | Err(_) => break,
                    Ok(length) => {
                        let answers = read[..length].iter().filter(|byte| **byte == b'*').count();
                        missing -= answers;
                        answered.fetch_add(u64::try_from(answers).unwrap(), Ordering::Relaxed);
                    }
                }
            }
        });
    }
    eventually("all are busy", async || (answered.load(Ordering::Relaxed) > 5000).then_some(())).await;
    server.server.signal("-TERM");
    let Redis { server, home, .. } = server;
    assert!(server.ended().await.success());
    connections.join_all().await;
    let after = Redis::start_in(home, &["--state-file", "state"]).await;
    let mut client = after.client("").await.unwrap();
    let peek: Vec<i64> = super::ask(&mut client, "CL.THROTTLE a 9999999 1 100 0").await.unwrap();
    let taken = 10_000_000 - u64::try_from(peek[2]).unwrap();
    assert_eq!(taken, answered.load(Ordering::Relaxed));
}

/// However many pieces it comes in.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_has_begun_is_answered_when_the_server_drains() {
    let server = Redis::start(&[]).await;
    let mut stream = server.raw().await;
    stream.set_nodelay(true).unwrap();
    exchange(&mut stream, "PING\r\n*2\r\n$4\r\nECHO\r\n", "+PONG\r\n").await;
    server.server.signal("-TERM");
    eventually("nobody is let in", async || TcpStream::connect(server.address).await.err()).await;
    for piece in ["$", "5", "\r\n", "hel"] {
        stream.write_all(piece.as_bytes()).await.unwrap();
    }
    exchange(&mut stream, "lo\r\n", "$5\r\nhello\r\n").await;
    assert!(server.server.ended().await.success());
}
