//! HTTP/2 floods, frame by frame.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{others_are_served, strict};
use crate::server::Server;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET /healthz` in HPACK: the static table and two literals.
fn get() -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x04, 8];
    block.extend(b"/healthz");
    block.extend([0x01, 1, b'x']);
    block
}

fn open(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &get())
}

/// Odd numbers, as clients use them.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

/// Sends frames as fast as the server takes them, for seconds at most, and reads nothing that matters.
async fn flood(server: &Server, frames: &[u8], repeat: usize) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let (mut from, mut to) = stream.split();
    let send = async {
        for _ in 0..repeat {
            if to.write_all(frames).await.is_err() {
                return;
            }
        }
    };
    let mut bytes = vec![0; 64 << 10];
    let read = async { while from.read(&mut bytes).await.is_ok_and(|read| read > 0) {} };
    _ = timeout(Duration::from_secs(3), async {
        tokio::select! { () = send => {}, () = read => {} }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_frames_cost_no_memory_and_stop_nobody_else() {
    let server = strict().await;
    others_are_served(&server).await;
    let before = server.resident();
    let rapid_reset: Vec<u8> = streams(10_000)
        .flat_map(|stream| [open(stream), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat())
        .collect();
    let no_end: Vec<u8> = [frame(HEADERS, 0, 1, &get())]
        .into_iter()
        .chain((0..1000).map(|_| frame(CONTINUATION, 0, 1, &[0x00, 1, b'a', 1, b'b'].repeat(3000))))
        .flatten()
        .collect();
    let zero_window: Vec<u8> = [frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])]
        .into_iter()
        .chain(streams(5000).map(open))
        .flatten()
        .collect();
    let data: Vec<u8> = streams(150)
        .flat_map(|stream| {
            [
                frame(HEADERS, END_HEADERS, stream, &get()),
                frame(DATA, 0, stream, &[0; 16_000]),
            ]
            .concat()
        })
        .collect();
    let floods: [(&str, Vec<u8>, usize); 9] = [
        ("rapid reset", rapid_reset, 1),
        ("continuation", no_end, 1),
        ("zero window", zero_window, 1),
        ("unread data", data, 1),
        ("ping", frame(PING, 0, 0, &[7; 8]).repeat(1000), 1000),
        ("settings", frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]).repeat(1000), 1000),
        ("priority", frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 7]).repeat(1000), 1000),
        ("empty data", [open(1), frame(DATA, 0, 1, &[]).repeat(1000)].concat(), 100),
        ("window update", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(1000), 1000),
    ];
    for (name, frames, repeat) in &floods {
        let attack = async { tokio::join!(flood(&server, frames, *repeat), flood(&server, frames, *repeat)) };
        let others = async {
            for _ in 0..5 {
                others_are_served(&server).await;
            }
        };
        tokio::join!(attack, others);
        let grown = server.resident().saturating_sub(before);
        assert!(grown < 48 << 10, "{name}: {grown} KiB more");
    }
}

/// The frames above are those of a client that is understood: without the flood it gets its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_http2_is_answered() {
    let server = strict().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream.write_all(&open(1)).await.unwrap();
    let mut answer = Vec::new();
    let told = async {
        let mut bytes = [0; 4096];
        while !answer.ends_with(b"ok\n") {
            let read = stream.read(&mut bytes).await.unwrap();
            assert!(read > 0, "closed before the answer: {answer:?}");
            answer.extend(&bytes[..read]);
        }
    };
    timeout(Duration::from_secs(10), told).await.expect("there is an answer");
}
