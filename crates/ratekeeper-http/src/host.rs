//! Which host is asked, and where.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

/// A request that names no host clearly, so that this program and the one behind it could take it for different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmbiguousHost {
    /// Several Host lines.
    #[error("There are several Host headers; send one.")]
    Several,
    /// Host and the target of the request differ.
    #[error(
        "The Host header and the authority of the request differ; send the same in both, or one of them."
    )]
    Different,
    /// Host is no host, with or without a port.
    #[error("The Host header is no host such as example.com or example.com:8080.")]
    Malformed,
}

/// The host that a request is for, as it was sent, perhaps with a port: from the target (HTTP/2's `:authority`, or an
/// absolute URI), which the Host header must not contradict, or from that header. `None` if neither is there.
///
/// # Errors
/// If it is not clear which host is meant.
pub fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<Option<&'a str>, AmbiguousHost> {
    let mut lines = headers.get_all(HOST).iter();
    let (first, more) = (lines.next(), lines.next());
    if more.is_some() {
        return Err(AmbiguousHost::Several);
    }
    let header = first.map(named).transpose()?;
    match (uri.authority(), header) {
        (Some(authority), _) if authority.as_str().contains('@') => Err(AmbiguousHost::Malformed),
        (Some(authority), Some(host)) if !same(authority.as_str(), host, uri) => {
            Err(AmbiguousHost::Different)
        }
        (Some(authority), _) => Ok(Some(authority.as_str())),
        (None, header) => Ok(header.filter(|host| !host.is_empty())),
    }
}

/// The path that a request is for, as it was sent, without the query; of an absolute URI its path.
#[must_use]
pub fn path(uri: &Uri) -> &str {
    uri.path()
}

fn named(value: &HeaderValue) -> Result<&str, AmbiguousHost> {
    let text = value.to_str().map_err(|_| AmbiguousHost::Malformed)?;
    // An empty one says that there is none.
    if text.is_empty() || (text.parse::<Authority>().is_ok() && !text.contains('@')) {
        Ok(text)
    } else {
        Err(AmbiguousHost::Malformed)
    }
}

fn same(authority: &str, host: &str, uri: &Uri) -> bool {
    let default = match uri.scheme_str() {
        Some("https") => ":443",
        _ => ":80",
    };
    let bare = |text: &'_ str| text.strip_suffix(default).unwrap_or(text).to_owned();
    authority.eq_ignore_ascii_case(host) || bare(authority).eq_ignore_ascii_case(&bare(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &str, hosts: &[&str]) -> Result<Option<String>, AmbiguousHost> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        let uri: Uri = uri.parse().unwrap();
        host(&uri, &headers).map(|host| host.map(str::to_owned))
    }

    #[test]
    fn target_and_header_must_agree() {
        assert_eq!(asked("/x", &["a.example"]), Ok(Some("a.example".into())));
        assert_eq!(asked("/x", &["a.example:8080"]), Ok(Some("a.example:8080".into())));
        assert_eq!(asked("/x", &[]), Ok(None));
        assert_eq!(asked("/x", &[""]), Ok(None));
        assert_eq!(asked("http://A.example/x", &["a.EXAMPLE"]), Ok(Some("A.example".into())));
        assert_eq!(asked("https://a.example/x", &["a.example:443"]), Ok(Some("a.example".into())));
        assert_eq!(asked("http://a.example/x", &[]), Ok(Some("a.example".into())));
        assert_eq!(asked("http://a.example/x", &["b.example"]), Err(AmbiguousHost::Different));
        assert_eq!(asked("http://a.example/x", &["a.example:81"]), Err(AmbiguousHost::Different));
        assert_eq!(asked("/x", &["a.example", "a.example"]), Err(AmbiguousHost::Several));
        for wrong in [
            "a example",
            "a.example/x",
            "user@a.example",
            "a.example:port:1",
            "\u{e9}.example",
        ] {
            assert_eq!(asked("/x", &[wrong]), Err(AmbiguousHost::Malformed), "{wrong}");
        }
    }

    #[test]
    fn absolute_targets_give_their_path() {
        assert_eq!(path(&"http://a.example//x/%2F?y".parse().unwrap()), "//x/%2F");
        assert_eq!(path(&"*".parse().unwrap()), "*");
        assert_eq!(path(&"http://a.example".parse().unwrap()), "/");
    }
}
