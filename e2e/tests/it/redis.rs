//! The Redis protocol, as clients of Redis speak it and as nobody should.

mod access;
mod clients;
mod commands;
mod drain;
mod exact;
mod hostile;
mod stores;

use std::net::SocketAddr;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult, cmd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::eventually;
use crate::server::{Home, PATIENCE, Server, free_address};

const POLICY: &str = "
rules:
  - { name: logins, match: { path: /login }, key: [user, ip], limits: [ 5 per 365 days burst 5, 100 per 365 days burst 100 ] }
  - { name: all, match: { path: /all }, limits: [ 5 per 365 days burst 5 ] }
  - { name: slots, match: { path: /slots }, key: [user], limits: [ 2 concurrent ttl 5s ] }
  - { name: watched, match: { path: /watched }, key: [user], limits: [ 1 per 365 days burst 1 ], mode: shadow }
  - name: queued
    match: { path: /queued }
    key: [user]
    limits: [ { rate: 1 per hour, algorithm: leaky_bucket, max_delay: 5h } ]
  - { name: tiers, match: { path: /tiers }, key: [ ip/56, ip ], limits: [ 5 per 365 days burst 5 ] }
";

/// A server that speaks the Redis protocol too.
struct Redis {
    server: Server,
    address: SocketAddr,
    home: Home,
}

impl Redis {
    async fn start(arguments: &[&str]) -> Self {
        Self::start_in(Home::new(POLICY), arguments).await
    }

    async fn start_in(home: Home, arguments: &[&str]) -> Self {
        let address = free_address();
        let listen = format!("redis.listen={address}");
        let server = home.start(&[&["--set", &listen], arguments].concat()).await;
        Self { server, address, home }
    }

    /// A connection of a client library; `query` is that of its url.
    async fn client(&self, query: &str) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let url = format!("redis://{}/{query}", self.address);
        Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn raw(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What is answered to some bytes, until the server closes.
    async fn said_to(&self, bytes: &[u8]) -> String {
        text(&crate::hostile::said_to(self.address, bytes).await)
    }

    /// Somebody else, who has done nothing wrong.
    async fn others_are_served(&self) {
        let served = async {
            let mut client = self.client("").await.unwrap();
            ask::<String>(&mut client, "PING").await.unwrap()
        };
        let served = timeout(Duration::from_secs(5), served);
        assert_eq!(served.await.expect("others are served"), "PONG");
    }

    async fn metric(&self, name: &str) -> u64 {
        self.server.client().await.metric(name).await
    }

    /// Waits until a metric is at least so much.
    async fn counted(&self, name: &str, least: u64) {
        eventually(name, async || (self.metric(name).await >= least).then_some(())).await;
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One command, as words.
async fn ask<T: FromRedisValue>(client: &mut MultiplexedConnection, line: &str) -> RedisResult<T> {
    let mut words = line.split(' ');
    let mut command = cmd(words.next().unwrap());
    command.arg(words.collect::<Vec<_>>());
    command.query_async(client).await
}

/// What is wrong with a command, as its client is told.
async fn refusal(client: &mut MultiplexedConnection, line: &str) -> String {
    match ask::<redis::Value>(client, line).await {
        Err(error) => format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default()),
        Ok(value) => panic!("{line} is answered: {value:?}"),
    }
}

/// Sends a line, and reads the whole answer of so many bytes.
async fn exchange(stream: &mut TcpStream, line: &str, answer: &str) {
    stream.write_all(line.as_bytes()).await.unwrap();
    let mut read = vec![0; answer.len()];
    timeout(PATIENCE, stream.read_exact(&mut read)).await.unwrap().unwrap();
    assert_eq!(text(&read), answer, "{line}");
}
