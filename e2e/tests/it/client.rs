//! A client that sees its connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::http::request;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::server::{OPERATOR, PATIENCE};

/// One HTTP/1.1 connection, kept alive.
pub(crate) struct Client {
    connection: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The answer's problem: its `detail`.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(
            (self.status, self.header("content-type")),
            (status, Some("application/problem+json")),
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        problem["detail"].as_str().unwrap().to_owned()
    }

    /// Whether the server says that the connection ends after this answer.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(driver);
        Ok(Self { connection, address })
    }

    pub(crate) async fn get(&mut self, path: &str) -> hyper::Result<Answer> {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// What a counter or gauge of the server says; `name` with its labels, if it has any.
    pub(crate) async fn metric(&mut self, name: &str) -> u64 {
        let page = self.get("/metrics").await.unwrap();
        let line = page.text().lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> hyper::Result<Answer> {
        self.send(
            Method::POST,
            path,
            &[(CONTENT_TYPE.as_str(), "application/json")],
            body.to_string().into(),
        )
        .await
    }

    /// The same, as an operator.
    pub(crate) async fn operate(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> hyper::Result<Answer> {
        let authorization = format!("Bearer {OPERATOR}");
        let headers = [
            (CONTENT_TYPE.as_str(), "application/json"),
            (AUTHORIZATION.as_str(), authorization.as_str()),
        ];
        let body = if body.is_null() {
            Bytes::new()
        } else {
            body.to_string().into()
        };
        self.send(method, path, &headers, body).await
    }

    /// Asks about a target, as nginx does.
    pub(crate) async fn authorize_target(&mut self, target: HeaderValue) -> hyper::Result<Answer> {
        let request = Request::builder().uri("/v1/authorize").header("x-original-uri", target);
        self.exchange(request, Bytes::new()).await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> hyper::Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.exchange(request, body).await
    }

    async fn exchange(&mut self, request: request::Builder, body: Bytes) -> hyper::Result<Answer> {
        let request = request.header(HOST, self.address.to_string());
        self.connection.ready().await?;
        let answer = self.connection.send_request(request.body(Full::new(body)).unwrap()).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// Asks again and again, within a bound, until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("waited {PATIENCE:?} in vain until {what}"),
    }
}
