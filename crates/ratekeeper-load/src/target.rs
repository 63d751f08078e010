//! Which server is asked, and how.

use std::fmt;

use http::Uri;

use crate::error::LoadError;

/// A language that the server is asked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `POST /v1/check`.
    Http,
    /// Envoy's `ShouldRateLimit`.
    Grpc,
    /// `CL.THROTTLE` or `RK.CHECK`.
    Redis,
}

impl Protocol {
    /// The name, as reports have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::Redis => "redis",
        }
    }
}

/// A server, by the url that says where it is.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) protocol: Protocol,
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What stands before `/v1/check`: empty, or such as `/limits`.
    pub(crate) prefix: String,
}

impl Target {
    /// Reads the url that an option gives. What is wrong with it is said without repeating it: it may hold secrets.
    ///
    /// # Errors
    /// If it is none of a server.
    pub fn parse(option: &'static str, text: &str) -> Result<Self, LoadError> {
        read(text).map_err(|reason| LoadError::Url { option, reason })
    }

    /// The language that the server is asked in.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Host and port, as a request names them.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host as it is looked up, without the brackets of an address.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

fn read(text: &str) -> Result<Target, &'static str> {
    let uri: Uri = text.parse().map_err(|_| "this is no url")?;
    let (protocol, tls, port) = match uri.scheme_str() {
        Some("http") => (Protocol::Http, false, Some(80)),
        Some("https") => (Protocol::Http, true, Some(443)),
        Some("grpc") => (Protocol::Grpc, false, None),
        Some("grpcs") => (Protocol::Grpc, true, None),
        Some("redis") => (Protocol::Redis, false, Some(6379)),
        Some("rediss") => (Protocol::Redis, true, Some(6379)),
        _ => return Err("it must begin with http, grpc or redis, or with https, grpcs or rediss, and ://"),
    };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("it must not hold secrets: give a token by RATEKEEPER_TOKEN or --token-file");
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or("it names no host")?;
    let port = uri.port_u16().or(port).ok_or("it needs a port, as in grpc://127.0.0.1:8081")?;
    let prefix = uri.path().trim_end_matches('/').to_owned();
    if !prefix.is_empty() && protocol != Protocol::Http || uri.query().is_some() {
        return Err("nothing may follow the host and its port");
    }
    Ok(Target { protocol, tls, host: host.to_owned(), port, prefix })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls { "s" } else { "" };
        write!(f, "{}{tls}://{}:{}{}", self.protocol.name(), self.host, self.port, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_language_and_place() {
        let shown = |text: &str| Target::parse("--url", text).unwrap().to_string();
        assert_eq!(shown("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(shown("https://limits.example/a/"), "https://limits.example:443/a");
        assert_eq!(shown("grpc://[::1]:8081"), "grpc://[::1]:8081");
        assert_eq!(shown("redis://localhost"), "redis://localhost:6379");
        assert_eq!(Target::parse("--url", "rediss://[::1]").unwrap().host(), "::1");
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_repeating_it() {
        for (text, said) in [
            ("127.0.0.1:8080", "must begin with"),
            ("ftp://x", "must begin with"),
            ("grpc://x", "needs a port"),
            ("redis://:geheim@x", "must not hold secrets"),
            ("redis://x/0", "nothing may follow"),
            ("http://x/?a=b", "nothing may follow"),
        ] {
            let error = Target::parse("--url", text).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("geheim"), "{text}: {error}");
        }
    }
}
