//! A policy file, as an operator, or whoever edits for them, may have written it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ratekeeper_core::{MAX_KEY, Timestamp};
use ratekeeper_policy::{Applicable, Attributes, Policy, PolicyErrors};

/// Reads the bytes as a policy. What is wrong can be shown; what is right is asked about a few requests.
pub fn policy(data: &[u8]) {
    match Policy::from_bytes(data, "fuzz", &variable) {
        Ok(policy) => requests().iter().for_each(|request| ask(&policy, request)),
        Err(errors) => show(&errors, data),
    }
}

/// The environment: one variable that is harmless, and one that is not.
fn variable(name: &str) -> Option<String> {
    match name {
        "REDIS_URL" => Some("redis://user:hunter2@127.0.0.1/".to_owned()),
        "A" => Some("${A}\": [&a *a]\n\u{1b}[31m".to_owned()),
        _ => None,
    }
}

/// Errors name a place that exists, on one line each, and never a secret.
fn show(errors: &PolicyErrors, data: &[u8]) {
    assert!(!errors.errors().is_empty(), "something is wrong, but what?");
    let lines = 1 + data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    for error in errors.errors() {
        assert!(error.line >= 1 && error.column >= 1, "{error:?}");
        assert!(error.line <= lines + 1, "line {} of {lines}: {error:?}", error.line);
        let text = error.to_string();
        assert!(!text.contains(char::is_control), "what the file says is escaped: {text:?}");
        assert!(!text.contains("hunter2"), "a secret is told: {text:?}");
    }
}

/// Keys are what every store can hold, and nothing that a request says breaks the explanation.
fn ask(policy: &Policy, request: &Attributes<'_>) {
    let mut applicable = Applicable::new();
    for cost in [0, 1, u64::MAX] {
        policy.applicable(request, cost, Timestamp::EPOCH, &mut applicable);
        for index in 0..applicable.limits().len() {
            let key = applicable.key(index);
            assert!(!key.is_empty() && key.len() <= MAX_KEY, "{} bytes", key.len());
            assert!(key.iter().all(u8::is_ascii_graphic), "b\"{}\"", key.escape_ascii());
        }
    }
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    assert!(policy.listed(request, now).is_none_or(|listed| format!("{listed:?}").len() < 1 << 20));
    assert!(!format!("{:?}", policy.explain(request, now, 1)).is_empty());
}

/// Requests that nobody and somebody made, and one that means harm.
fn requests() -> [Attributes<'static>; 3] {
    [
        Attributes::default(),
        Attributes {
            ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            user: Some("acme"),
            method: Some("POST"),
            path: Some("/api/v1/auth/login"),
            route: Some("/api/{*rest}"),
            host: Some("example.org:8443"),
            headers: &[("X-Api-Key", "k-123"), ("User-Agent", "curl/8.5.0")],
            descriptors: &[("tenant", "acme")],
            ..Attributes::default()
        },
        Attributes {
            ip: Some(IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0xc000, 0x0207))),
            client_name: Some("\u{202e}{}:\0"),
            user: Some("a}:{b\r\nSET x 1"),
            method: Some("p\u{1b}[2J"),
            path: Some("//%2F/../%00/\u{e9}/%zz/./api/v1//"),
            route: Some(""),
            host: Some("[::1%25eth0]:99999"),
            headers: &[("x-api-key", ""), ("X-API-KEY", "\u{0}\u{7f}"), ("", "\n")],
            domain: Some("gateway"),
            descriptors: &[("tenant", "a_b"), ("tenant", "12:x"), ("", "")],
        },
    ]
}
