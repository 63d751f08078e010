//! HTTP/1: slow, half, huge and ambiguous requests.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{metric, others_are_served, said_to, strict, until_closed};

const HEAD: &str = "POST /v1/check HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A byte every now and then is not enough, wherever in a request it is.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off() {
    let server = strict().await;
    let mut slow = JoinSet::new();
    for begin in [
        "",
        "G",
        "GET /healthz HTTP/1.1\r\nhost: x\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /",
    ] {
        for _ in 0..50 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            slow.spawn(async move {
                stream.write_all(begin.as_bytes()).await.unwrap();
                let (mut from, mut to) = stream.split();
                let drip = async {
                    while to.write_all(b"a").await.is_ok() {
                        sleep(Duration::from_millis(100)).await;
                    }
                };
                let mut answer = [0; 4096];
                let closed = async { while from.read(&mut answer).await.is_ok_and(|read| read > 0) {} };
                let began = Instant::now();
                tokio::select! { () = drip => {}, () = closed => {} }
                began.elapsed()
            });
        }
    }
    others_are_served(&server).await;
    for lasted in slow.join_all().await {
        assert!(lasted < Duration::from_secs(10), "{lasted:?}");
    }
    assert!(metric(&server, "ratekeeper_connections_closed_total{reason=\"too_slow\"}").await >= 150);
}

/// The time that a first request may take says nothing about a connection that is in use.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_in_use_outlives_the_time_for_its_first_request() {
    let server = strict().await;
    let mut client = server.client().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        assert_eq!(client.get("/healthz").await.unwrap().status, 200);
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_told_so() {
    let server = strict().await;
    let answer =
        text(&said_to(server.address, format!("{HEAD}content-length: 100\r\n\r\n{{").as_bytes()).await);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n");
    let answer = text(&said_to(server.address, chunked.as_bytes()).await);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    // Half a request and then the end.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(format!("{HEAD}content-length: 100\r\n\r\n{{").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    until_closed(&mut stream).await;
    others_are_served(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_heads_targets_and_bodies_cost_no_memory() {
    let server = strict().await;
    others_are_served(&server).await;
    let before = server.resident();
    let ten_megabytes = "x".repeat(10 << 20);
    let many_lines = "a: b\r\n".repeat(1_000_000);
    let requests = [
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {ten_megabytes}\r\n\r\n"), "431"),
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many_lines}\r\n"), "431"),
        (
            format!("GET /healthz?{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "x".repeat(10_000)),
            "414",
        ),
        (format!("GET /{ten_megabytes} HTTP/1.1\r\nhost: x\r\n\r\n"), "4"),
        (format!("{HEAD}connection: close\r\ncontent-length: 99999999999\r\n\r\n{{"), "413"),
        (
            format!("{HEAD}connection: close\r\ncontent-length: {}\r\n\r\n{ten_megabytes}", 10 << 20),
            "413",
        ),
        (
            format!("{HEAD}transfer-encoding: chunked\r\n\r\nA00000\r\n{ten_megabytes}\r\n0\r\n\r\n"),
            "413",
        ),
    ];
    for (request, status) in &requests {
        let shown = &request[..80];
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            let (address, request) = (server.address, request.clone());
            clients.spawn(async move { said_to(address, request.as_bytes()).await });
        }
        for answer in clients.join_all().await {
            // The answer may be lost when the server closes on bytes that it will not read.
            let answer = text(&answer);
            assert!(
                answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{shown}: {answer}"
            );
        }
        others_are_served(&server).await;
    }
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB more");
}

/// What two servers could read in two ways is read in none: no request hides in another.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled() {
    let server = strict().await;
    let hidden = "GET /nowhere-smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let json = json!({ "attributes": {} }).to_string();
    for request in [
        format!(
            "{HEAD}content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
            5 + hidden.len()
        ),
        format!("{HEAD}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{hidden}"),
        format!("{HEAD}content-length: 4\r\ncontent-length: 5\r\n\r\n{json}"),
        format!("{HEAD}content-length: 4, 5\r\n\r\n{json}"),
        format!("{HEAD}content-length: +4\r\n\r\n{json}"),
        format!("{HEAD}content-length: -1\r\n\r\n{json}"),
        format!("{HEAD}content-length : 4\r\n\r\n{json}"),
        format!("{HEAD}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("{HEAD}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n5;\r\n\0\0\r\n"),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n"),
        "GET /healthz HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\nhost: x\nx\r: y\n\n".to_owned(),
        "GET /healthz\r\n\r\n".to_owned(),
        "GET  /healthz HTTP/1.1\r\n\r\n".to_owned(),
        "\0\u{1}\u{2}\u{3}".repeat(1000),
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_owned(),
    ] {
        let answer = text(&said_to(server.address, request.as_bytes()).await);
        assert!(
            !answer.contains("smuggled") && answer.matches("HTTP/1.1 ").count() <= 1,
            "{request}: {answer}"
        );
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(answer.is_empty() || status.starts_with('4'), "{request}: {answer}");
    }
    let page = server.client().await.get("/metrics").await.unwrap();
    assert!(!page.text().contains("code=\"404\""), "the hidden request was not seen: {}", page.text());
    others_are_served(&server).await;
}

/// Requests that are sent before the answers are read are answered in their order.
#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let server = strict().await;
    let one = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let last = "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = text(&said_to(server.address, format!("{}{last}", one.repeat(50)).as_bytes()).await);
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 50);
    assert!(answer.rfind("HTTP/1.1 404") > answer.rfind("HTTP/1.1 200"));
}
