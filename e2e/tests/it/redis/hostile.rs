//! Clients that mean harm: they get an error or a closed connection, memory stays bounded, and everybody else is served.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::{Redis, text};
use crate::hostile::until_closed;
use crate::server::PATIENCE;

/// A server that is quick to lose patience.
async fn strict(arguments: &[&str]) -> Redis {
    let settings = [
        "limits.header_timeout=1s",
        "limits.write_timeout=1s",
        "redis.idle_timeout=2s",
    ];
    let strict: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
    Redis::start(&[&strict, arguments].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_told_so_and_closes() {
    let server = strict(&[]).await;
    let huge = "x".repeat(10 << 20);
    let deep = "*1\r\n".repeat(1_000_000);
    let before = server.server.resident();
    for (bytes, error) in [
        ("*99999999999999999999\r\n".to_owned(), "invalid multibulk length"),
        ("*65\r\n".to_owned(), "invalid multibulk length"),
        ("*1\r\n$-1\r\n".to_owned(), "invalid bulk length"),
        ("*1\r\n$2147483648\r\n".to_owned(), "invalid bulk length"),
        (format!("*2\r\n$4\r\nECHO\r\n${}\r\n{huge}\r\n", huge.len()), "invalid bulk length"),
        (format!("*{huge}"), "too big mbulk count string"),
        (format!("*1\r\n${huge}"), "too big bulk count string"),
        (format!("ECHO {huge}"), "too big inline request"),
        ("ECHO \"a\r\n".to_owned(), "unbalanced quotes in request"),
        (deep, "expected '$', got '*'"),
        ("*1\r\n$4\r\nPINGPING".to_owned(), "expected CR LF"),
        ("*1\r\n+PING\r\n".to_owned(), "expected '$', got '+'"),
        (
            "*64\r\n".to_owned() + &format!("$65536\r\n{}\r\n", &huge[..65536]).repeat(64),
            "too big request",
        ),
    ] {
        let shown = bytes[..bytes.len().min(40)].to_owned();
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            let (address, bytes) = (server.address, bytes.clone());
            clients.spawn(async move { text(&crate::hostile::said_to(address, bytes.as_bytes()).await) });
        }
        for answer in clients.join_all().await {
            assert!(
                answer.starts_with("-ERR Protocol error: ") && answer.contains(error),
                "{shown}: {answer}"
            );
        }
    }
    // What came before is answered; what comes after is not.
    let answer = server.said_to(b"PING\r\n*1\r\n:1\r\nPING\r\n").await;
    assert_eq!(answer, "+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n");
    let grown = server.server.resident().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB more");
    server.others_are_served().await;
}

/// A page in a browser can make it send requests anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn http_is_not_taken_for_commands() {
    let server = strict(&[]).await;
    let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nCL.THROTTLE a 1 1 60\r\n";
    assert_eq!(server.said_to(post.as_bytes()).await, "");
    let get = server.said_to(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nCL.THROTTLE a 1 1 60\r\n").await;
    assert!(get.starts_with("-ERR unknown command 'GET'") && get.lines().count() == 1, "{get}");
}

/// A byte every now and then is not enough, wherever in a request it is.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off() {
    let server = strict(&[]).await;
    let mut slow = JoinSet::new();
    for begin in [
        "",
        "P",
        "*2\r\n$4\r\nECHO\r\n$60000\r\n",
        "PING\r\nECHO ",
        "\r\n",
        "PING\r\n*",
    ] {
        for drips in [true, false] {
            let mut stream = server.raw().await;
            slow.spawn(async move {
                stream.write_all(begin.as_bytes()).await.unwrap();
                let (mut from, mut to) = stream.split();
                let drip = async {
                    while drips && to.write_all(b"1").await.is_ok() {
                        sleep(Duration::from_millis(100)).await;
                    }
                    std::future::pending::<()>().await;
                };
                let mut answer = [0; 4096];
                let closed = async { while from.read(&mut answer).await.is_ok_and(|read| read > 0) {} };
                let began = Instant::now();
                tokio::select! { () = drip => {}, () = closed => {} }
                began.elapsed()
            });
        }
    }
    server.others_are_served().await;
    for lasted in slow.join_all().await {
        assert!(lasted < Duration::from_secs(10), "{lasted:?}");
    }
    server.counted("ratekeeper_connections_closed_total{reason=\"too_slow\"}", 12).await;
}

/// Who asks and never reads is cut off, and its answers do not pile up.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_cut_off() {
    let server = strict(&[]).await;
    server.others_are_served().await;
    let before = server.server.resident();
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let mut stream = server.raw().await;
        clients.spawn(async move {
            let asks = "RK.CHECK all PEEK\r\n".repeat(10_000);
            while stream.write_all(asks.as_bytes()).await.is_ok() {}
        });
    }
    timeout(PATIENCE, clients.join_all()).await.expect("the server closes");
    let grown = server.server.resident().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB more");
    server.others_are_served().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_connections_are_closed() {
    let server = strict(&[]).await;
    let mut stream = server.raw().await;
    stream.write_all(b"PING\r\nECHO half").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(text(&until_closed(&mut stream).await), "+PONG\r\n");
    let mut resets = Vec::new();
    for _ in 0..100 {
        let mut stream = server.raw().await;
        stream.write_all(b"*2\r\n$4\r\nECHO\r\n").await.unwrap();
        resets.push(stream);
    }
    drop(resets);
    server.others_are_served().await;
}

/// The time that a first request may take says nothing about a connection that is in use.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_in_use_outlives_the_time_for_its_first_request() {
    let server = strict(&[]).await;
    let mut stream = server.raw().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        super::exchange(&mut stream, "PING\r\n", "+PONG\r\n").await;
        sleep(Duration::from_millis(100)).await;
    }
}

/// Beyond the cap, which connections of every protocol share, who is idle longest makes way.
#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_cap_the_idle_make_way() {
    let idle_long = [
        "--set",
        "limits.connections=200",
        "--set",
        "limits.header_timeout=10m",
    ];
    let server = Redis::start(&idle_long).await;
    let mut idle: Vec<TcpStream> = Vec::new();
    for number in 0..1000 {
        let mut stream = server.raw().await;
        match number % 3 {
            0 => super::exchange(&mut stream, "PING\r\n", "+PONG\r\n").await,
            1 => _ = stream.write_all(b"\r\n").await,
            _ => {}
        }
        idle.push(stream);
    }
    for _ in 0..20 {
        server.others_are_served().await;
    }
    assert!(server.metric("ratekeeper_connections_open").await <= 200);
    assert!(server.metric("ratekeeper_connections_closed_total{reason=\"shed\"}").await >= 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_place_goes_to_whichever_listener_has_a_client() {
    let server = Redis::start(&["--set", "limits.connections=1"]).await;
    for _ in 0..3 {
        let mut idle = server.raw().await;
        super::exchange(&mut idle, "PING\r\n", "+PONG\r\n").await;
        assert!(server.metric("ratekeeper_connections_open").await <= 1);
    }
}

/// A large request takes room for as long as it is answered.
#[tokio::test(flavor = "multi_thread")]
async fn connections_give_back_the_room_of_large_requests() {
    let server = Redis::start(&[]).await;
    let (large, many) = ("x".repeat(60_000), 500);
    server.others_are_served().await;
    let (before, mut idle) = (server.server.resident(), Vec::new());
    for _ in 0..many {
        let mut stream = server.raw().await;
        let echo = format!("*2\r\n$4\r\nECHO\r\n$60000\r\n{large}\r\n");
        super::exchange(&mut stream, &echo, &format!("$60000\r\n{large}\r\n")).await;
        idle.push(stream);
    }
    let each = (server.server.resident().saturating_sub(before) << 10) / many;
    assert!(each < 32 << 10, "{each} bytes of memory a connection");
}

/// Connections that have asked and are idle cost little.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_cost_little() {
    let server = Redis::start(&[]).await;
    server.others_are_served().await;
    let (before, many) = (server.server.resident(), 2000);
    let mut idle = Vec::new();
    for _ in 0..many {
        let mut stream = server.raw().await;
        super::exchange(&mut stream, "PING\r\n", "+PONG\r\n").await;
        idle.push(stream);
    }
    let each = (server.server.resident().saturating_sub(before) << 10) / many;
    assert!(each < 16 << 10, "{each} bytes of memory a connection");
    server.others_are_served().await;
}
