//! Which host is asked.

use http::uri::Authority;

use crate::Head;

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
pub(crate) fn host<H: Head + ?Sized>(head: &H) -> Result<Option<&str>, AmbiguousHost> {
    let header = match head.lines("host")[..] {
        [] => None,
        [line] => Some(named(line)?),
        _ => return Err(AmbiguousHost::Several),
    };
    match (head.authority(), header) {
        (Some(authority), _) if authority.contains('@') => Err(AmbiguousHost::Malformed),
        (Some(authority), Some(host)) if !same(authority, host, head.scheme()) => {
            Err(AmbiguousHost::Different)
        }
        (Some(authority), _) => Ok(Some(authority)),
        (None, header) => Ok(header.filter(|host| !host.is_empty())),
    }
}

fn named(line: &[u8]) -> Result<&str, AmbiguousHost> {
    let text = std::str::from_utf8(line).map_err(|_| AmbiguousHost::Malformed)?;
    // An empty one says that there is none.
    if text.is_empty() || is_plain(text) || (text.parse::<Authority>().is_ok() && !text.contains('@')) {
        Ok(text)
    } else {
        Err(AmbiguousHost::Malformed)
    }
}

/// Whether it surely is a host, as most are: a name or an IPv4 address, perhaps with a port.
fn is_plain(text: &str) -> bool {
    let text = text.as_bytes();
    let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let port = text.get(end + 1..).unwrap_or(b"80");
    end > 0
        && text[..end].iter().all(plain)
        && matches!(port.len(), 1..=4)
        && port.iter().all(u8::is_ascii_digit)
}

fn same(authority: &str, host: &str, scheme: Option<&str>) -> bool {
    let default = match scheme {
        Some("https") => ":443",
        _ => ":80",
    };
    let bare = |text: &'_ str| text.strip_suffix(default).unwrap_or(text).to_owned();
    authority.eq_ignore_ascii_case(host) || bare(authority).eq_ignore_ascii_case(&bare(host))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_plain_is_an_authority(text in "[a-zA-Z0-9.:-]{1,12}") {
            let parsed = text.parse::<Authority>();
            prop_assert!(!is_plain(&text) || parsed.is_ok_and(|parsed| parsed.as_str() == text));
        }
    }

    fn asked(uri: &str, hosts: &[&str]) -> Result<Option<String>, AmbiguousHost> {
        let request = hosts.iter().fold(Request::get(uri), |request, host| request.header("host", *host));
        let (head, ()) = request.body(()).unwrap().into_parts();
        host(&head).map(|host| host.map(str::to_owned))
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
}
