//! Calls of gRPC that are none.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{StreamExt as _, iter, pending};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ratekeeper_envoy::{Entry, RateLimitDescriptor, RateLimitRequest, RateLimitServiceClient, SERVICE};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{others_are_served, strict};
use crate::server::{PATIENCE, Server};

type Body = UnsyncBoxBody<Bytes, Infallible>;

const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

fn should_rate_limit() -> String {
    format!("/{SERVICE}/ShouldRateLimit")
}

async fn connect(server: &Server) -> SendRequest<Body> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (client, driver) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driver);
    client
}

/// The code that a call ends with, and whether it ended in time.
async fn code(client: &mut SendRequest<Body>, path: &str, encoding: Option<&str>, body: Body) -> String {
    let mut request =
        Request::post(format!("http://server{path}")).header("content-type", "application/grpc");
    if let Some(encoding) = encoding {
        request = request.header("grpc-encoding", encoding);
    }
    let answer = client.send_request(request.body(body).unwrap());
    let answer = timeout(PATIENCE, answer).await.expect("there is an answer").unwrap();
    let status =
        |headers: &hyper::HeaderMap| headers.get("grpc-status").map(|code| code.to_str().unwrap().to_owned());
    if let Some(code) = status(answer.headers()) {
        return code;
    }
    let body = timeout(PATIENCE, answer.into_body().collect()).await.expect("it ends").unwrap();
    body.trailers().and_then(status).unwrap_or_default()
}

fn whole(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes)).boxed_unsync()
}

/// What is sent, and nothing after it, not even an end.
fn endless(bytes: &'static [u8]) -> Body {
    let first = iter([Ok(Frame::data(Bytes::from_static(bytes)))]);
    StreamBody::new(first.chain(pending())).boxed_unsync()
}

fn framed(flag: u8, length: u32, message: &[u8]) -> Vec<u8> {
    [&[flag], &length.to_be_bytes()[..], message].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_an_error_and_costs_nobody_else() {
    let server = strict().await;
    others_are_served(&server).await;
    let before = server.resident();
    let mut client = connect(&server).await;
    let (out_of_range, unimplemented, internal) = ("11", "12", "13");
    let large = vec![b'x'; 1 << 20];
    let cases: [(&str, Option<&str>, Vec<u8>, &str); 8] = [
        ("a length that is too large", None, framed(0, 1 << 30, b""), out_of_range),
        ("a message that is too large", None, framed(0, 1 << 20, &large), out_of_range),
        ("an encoding that is not understood", Some("gzip"), framed(1, 3, b"abc"), unimplemented),
        ("compressed without saying how", None, framed(1, 3, b"abc"), internal),
        ("no flag that there is", None, framed(7, 3, b"abc"), internal),
        ("no protobuf", None, framed(0, 4, &[0xff; 4]), internal),
        ("a message that is cut off", None, framed(0, 100, b"abc"), internal),
        ("nothing", None, Vec::new(), internal),
    ];
    for (what, encoding, bytes, expected) in cases {
        let said = code(&mut client, &should_rate_limit(), encoding, whole(bytes)).await;
        assert_eq!(said, expected, "{what}");
    }
    assert_eq!(code(&mut client, "/no.such.Service/Method", None, whole(Vec::new())).await, unimplemented);
    assert_eq!(
        code(&mut client, &format!("/{SERVICE}/Other"), None, whole(Vec::new())).await,
        unimplemented
    );
    others_are_served(&server).await;
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB more");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_without_an_end_are_ended() {
    let server = strict().await;
    let deadline_exceeded = "4";
    let mut calls = JoinSet::new();
    for number in 0..400_usize {
        let client = connect(&server).await;
        let mut client = client.clone();
        calls.spawn(async move {
            let bytes: &[u8] = if number % 2 == 0 { b"" } else { &[0, 0, 0, 0, 9, 1] };
            code(&mut client, &should_rate_limit(), None, endless(bytes)).await
        });
    }
    others_are_served(&server).await;
    while let Some(said) = calls.join_next().await {
        assert_eq!(said.unwrap(), deadline_exceeded);
    }
    let mut client = connect(&server).await;
    assert_eq!(
        code(&mut client, REFLECTION, None, endless(b"")).await,
        "0",
        "nothing was asked, and it ends"
    );
}

/// On one connection, no more than it may have at once; the rest waits for its turn.
#[tokio::test(flavor = "multi_thread")]
async fn half_open_streams_of_one_connection_stop_nobody_else() {
    let server = strict().await;
    let client = connect(&server).await;
    let mut calls = JoinSet::new();
    for _ in 0..1000 {
        let mut client = client.clone();
        calls.spawn(async move { code(&mut client, &should_rate_limit(), None, endless(&[0, 0])).await });
    }
    for _ in 0..5 {
        others_are_served(&server).await;
    }
    let mut ended = 0;
    while ended < 200 {
        assert_eq!(calls.join_next().await.unwrap().unwrap(), "4");
        ended += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_many_descriptors_stop_nobody_else() {
    let server = strict().await;
    let mut clients = JoinSet::new();
    for client in 0..4 {
        let channel = tonic::transport::Endpoint::try_from(format!("http://{}", server.address)).unwrap();
        clients.spawn(async move {
            let mut asking = RateLimitServiceClient::new(channel.connect().await.unwrap());
            for _ in 0..25 {
                let descriptor = |number: usize| RateLimitDescriptor {
                    entries: vec![Entry { key: "user".to_owned(), value: format!("{client}-{number}") }; 3],
                    ..Default::default()
                };
                let descriptors = (0..100).map(descriptor).collect();
                let request = RateLimitRequest { domain: "web".to_owned(), descriptors, hits_addend: 1 };
                let response = asking.should_rate_limit(request).await.unwrap().into_inner();
                assert_eq!(response.statuses.len(), 100);
            }
        });
    }
    for _ in 0..10 {
        others_are_served(&server).await;
    }
    while let Some(done) = timeout(Duration::from_secs(60), clients.join_next()).await.expect("they are done")
    {
        done.unwrap();
    }
}
