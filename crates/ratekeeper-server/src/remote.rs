//! A server that is asked over HTTP.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::cli::RemoteArguments;
use crate::command::environment;
use crate::shown::printable;

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// No token to show.
    #[error("a token of an operator is needed: set RATEKEEPER_TOKEN, or give --token-file")]
    NoToken,
    /// A file that is needed cannot be read.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// A certificate cannot be understood.
    #[error("{}: it has no certificate in PEM", path.display())]
    NoCertificate { path: PathBuf },
    /// The server cannot be reached.
    #[error("{url}: {source}; is the server there? --url says where it is")]
    Unreachable { url: String, source: Box<ureq::Error> },
    /// The server refuses.
    #[error("the server answers {status}: {}", printable(detail))]
    Refused { status: u16, detail: String },
}

/// What to do.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    Get,
    Delete,
    Post(Value),
}

/// A server, and the token to show it.
pub(crate) struct Remote {
    agent: Agent,
    url: String,
    token: String,
}

impl Remote {
    /// # Errors
    /// If there is no token, or a file cannot be read.
    pub(crate) fn new(arguments: &RemoteArguments) -> Result<Self, RemoteError> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|source| RemoteError::File { path: path.clone(), source })
        };
        let token = match &arguments.token_file {
            Some(path) => read(path)?,
            None => environment("RATEKEEPER_TOKEN").ok_or(RemoteError::NoToken)?,
        };
        let mut config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        if let Some(path) = &arguments.ca {
            let root = Certificate::from_pem(read(path)?.as_bytes())
                .map_err(|_| RemoteError::NoCertificate { path: path.clone() })?;
            let roots = RootCerts::new_with_certs(&[root]);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        let url = arguments.url.trim_end_matches('/').to_owned();
        Ok(Self { agent: config.build().new_agent(), url, token: token.trim().to_owned() })
    }

    /// The JSON that the server answers.
    ///
    /// # Errors
    /// If it cannot be reached, or refuses.
    pub(crate) fn ask(
        &self,
        method: &Method,
        path: &str,
        query: &[(String, String)],
    ) -> Result<Value, RemoteError> {
        let pairs: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        let url = format!("{}{path}?{}", self.url, pairs.join("&"));
        let bearer = format!("Bearer {}", self.token);
        let answer = match method {
            Method::Get => self.agent.get(&url).header("authorization", &bearer).call(),
            Method::Delete => self.agent.delete(&url).header("authorization", &bearer).call(),
            Method::Post(body) => self
                .agent
                .post(&url)
                .header("authorization", &bearer)
                .header("content-type", "application/json")
                .send(body.to_string().as_bytes()),
        };
        let unreachable =
            |source| RemoteError::Unreachable { url: self.url.clone(), source: Box::new(source) };
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(unreachable)?;
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(json);
        }
        let detail = json["detail"].as_str().unwrap_or("nothing more").to_owned();
        Err(RemoteError::Refused { status: status.as_u16(), detail })
    }
}

/// A text as a part of a URL.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
