//! Clients that mean harm: they get a problem or a closed connection, memory stays bounded, and everybody else is served.

mod grpc;
mod http1;
mod http2;
mod idle;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::{Home, PATIENCE, Server};

const POLICY: &str = "rules: [{ name: all, key: [ip], limits: [ 1000000 per second ] }]";

/// A server that is quick to lose patience.
async fn strict() -> Server {
    let settings = [
        "limits.header_timeout=1s",
        "limits.body_timeout=1s",
        "limits.idle_timeout=2s",
    ];
    let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
    Home::new(POLICY).start(&arguments).await
}

/// Somebody else, who has done nothing wrong.
async fn others_are_served(server: &Server) {
    let body = json!({ "attributes": { "ip": "203.0.113.7" } });
    let answered = async { server.client().await.post("/v1/check", &body).await.unwrap() };
    assert_eq!(timeout(Duration::from_secs(5), answered).await.expect("others are served").status, 200);
}

/// Sends bytes, and reads until the server closes.
pub(crate) async fn said_to(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before it has read everything.
    _ = stream.write_all(bytes).await;
    until_closed(&mut stream).await
}

/// Everything up to the end of a connection, which must come.
pub(crate) async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("the server closes the connection");
    match read {
        Ok(_) => answer,
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => answer,
        Err(error) => panic!("{error}"),
    }
}

/// A counter of the server's.
async fn metric(server: &Server, name: &str) -> u64 {
    server.client().await.metric(name).await
}
