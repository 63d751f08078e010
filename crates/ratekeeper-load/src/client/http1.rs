//! `POST /v1/check`, over one connection that is kept.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Plug, Problem, Words};
use crate::draw::Question;

/// The most bytes of an answer.
const MOST: usize = 8 << 20;

/// A connection of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct HttpClient {
    line: Line,
    words: Arc<Words>,
}

/// What a decision says, of all that it says.
#[derive(Deserialize)]
struct Decision {
    allowed: bool,
    #[serde(default)]
    degraded: bool,
}

impl HttpClient {
    pub(super) fn new(plug: Arc<Plug>, words: Arc<Words>) -> Self {
        Self { line: Line::new(plug), words }
    }

    pub(super) async fn connect(&mut self) -> Result<(), Problem> {
        self.line.connect().await
    }

    pub(super) async fn ask(&mut self, question: Question) -> Result<Answer, Problem> {
        let body = self.check(question, false).await?;
        let decision: Decision = serde_json::from_slice(&body).map_err(Problem::strange)?;
        let (allowed, degraded) = (decision.allowed, decision.degraded);
        Ok(Answer { allowed, degraded, ..Answer::default() })
    }

    pub(super) async fn peek(&mut self) -> Result<Answer, Problem> {
        let body = self.check(Question { key: 0, cost: 1 }, true).await?;
        let said: Value = serde_json::from_slice(&body).map_err(Problem::strange)?;
        let allowed = said["allowed"].as_bool().ok_or_else(|| Problem::strange("it is no decision"))?;
        let enforced = |limit: &&Value| limit["mode"] == "enforce";
        let limits = said["limits"].as_array().into_iter().flatten().filter(enforced);
        let limits = limits.filter_map(|limit| limit["limit"].as_str().map(str::to_owned)).collect();
        Ok(Answer { allowed, degraded: said["degraded"] == true, limits, tells_limits: true })
    }

    async fn check(&mut self, question: Question, peek: bool) -> Result<Bytes, Problem> {
        let body = self.words.json(question, peek);
        self.line.exchange(Method::POST, "/v1/check", body).await
    }
}

/// The page that a server tells its metrics on.
#[derive(Debug)]
pub(crate) struct Get(Line);

impl Get {
    pub(crate) fn new(plug: Plug) -> Self {
        Self(Line::new(Arc::new(plug)))
    }

    pub(crate) async fn page(&mut self) -> Result<Bytes, Problem> {
        self.0.exchange(Method::GET, "", Vec::new()).await
    }
}

/// A connection, made anew when it has broken.
#[derive(Debug)]
struct Line {
    plug: Arc<Plug>,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Line {
    fn new(plug: Arc<Plug>) -> Self {
        let value = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        let authorization = plug.token.as_ref().map(|token| {
            let mut bearer = value(format!("Bearer {}", token.secret()));
            bearer.set_sensitive(true);
            bearer
        });
        Self { host: value(plug.target.authority()), authorization, plug, open: None }
    }

    async fn connect(&mut self) -> Result<(), Problem> {
        if self.open.as_ref().is_none_or(SendRequest::is_closed) {
            let wire = self.plug.connect().await?;
            let (open, driver) = handshake(TokioIo::new(wire)).await.map_err(Problem::connect)?;
            tokio::spawn(driver);
            self.open = Some(open);
        }
        Ok(())
    }

    async fn exchange(&mut self, method: Method, path: &str, body: Vec<u8>) -> Result<Bytes, Problem> {
        self.connect().await?;
        // Taken out meanwhile: whoever stops waiting leaves no connection with half an answer.
        let Some(mut open) = self.open.take() else {
            return Err(Problem::broken("there is no connection"));
        };
        if open.ready().await.is_err() {
            // The server has closed it while nothing was asked.
            self.connect().await?;
            open = self.open.take().ok_or_else(|| Problem::broken("there is no connection"))?;
        }
        let mut request = Request::new(Full::new(Bytes::from(body)));
        let target = format!("{}{path}", self.plug.target.prefix);
        *request.uri_mut() = target.parse().map_err(Problem::strange)?;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        *request.method_mut() = method;
        let response = open.send_request(request).await.map_err(Problem::broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST).collect().await.map_err(Problem::broken)?;
        self.open = Some(open);
        let body = body.to_bytes();
        if status == StatusCode::OK {
            return Ok(body);
        }
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("nothing more");
        Err(Problem::new(
            format!("http_{}", status.as_u16()),
            format!("it answers {status}: {detail}"),
        ))
    }
}
