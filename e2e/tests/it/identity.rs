//! Who is asking and what for, byte for byte as it comes over the wire: no spelling makes a new client or a new path.

use crate::hostile::said_to;
use crate::server::{Home, Server};

const POLICY: &str = "
client_ip: { trusted_proxies: [127.0.0.1, 10.0.0.0/8, 2001:db8:ffff::/48] }
rules:
  - { name: item, match: { path: \"/items/{id}\", host: shop.example }, key: [ip, path], limits: [ 1000 per 365 days (fixed_window) ] }
";

/// What is left after a request that consists of these lines.
async fn left(server: &Server, request: &str) -> Option<u64> {
    let bytes = format!("{request}\r\nconnection: close\r\n\r\n")
        .replace('\n', "\r\n")
        .replace("\r\r", "\r");
    let answer = String::from_utf8(said_to(server.address, bytes.as_bytes()).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{request}\n{answer}");
    let line = answer.lines().find(|line| line.starts_with("ratelimit: "))?;
    let digits = line.split("r=").nth(1).unwrap().split(';').next().unwrap();
    Some(digits.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_is_the_same_client() {
    let server = Home::new(POLICY).start(&[]).await;
    let head =
        "GET /v1/authorize HTTP/1.1\nhost: x\nx-original-uri: /items/7\nx-forwarded-host: shop.example\n";
    let same = [
        "x-forwarded-for: 203.0.113.7",
        "X-FORWARDED-FOR:203.0.113.7\t",
        "x-forwarded-for: 1.1.1.1, 203.0.113.7",
        "x-forwarded-for: 1.1.1.1\nx-forwarded-for: 203.0.113.7",
        "x-forwarded-for: 203.0.113.7, 10.0.0.9\nx-forwarded-for: 10.0.0.8",
        "x-forwarded-for: 127.0.0.1, 203.0.113.7",
        "x-forwarded-for: unknown, 203.0.113.7",
        "x-forwarded-for: ::ffff:203.0.113.7",
        "x-forwarded-for: ::FFFF:cb00:7107",
        "x-forwarded-for: 64:ff9b::203.0.113.7",
        "x-forwarded-for: 203.0.113.7\nx_forwarded_for: 9.9.9.9\nx-real-ip: 9.9.9.9\nforwarded: for=9.9.9.9",
        "x-forwarded-for: 203.0.113.7\nconnection: x-forwarded-for",
    ];
    for (taken, line) in (1..).zip(same) {
        assert_eq!(left(&server, &format!("{head}{line}")).await, Some(1000 - taken), "{line}");
    }
    // All of a /64 is one client, and nobody else is.
    for (taken, ip) in (1..).zip([
        "2001:db8:1:2::1",
        "2001:DB8:1:2:ffff:ffff:ffff:ffff",
        "2001:db8:0001:2:0::7",
    ]) {
        assert_eq!(left(&server, &format!("{head}x-forwarded-for: {ip}")).await, Some(1000 - taken), "{ip}");
    }
    for other in [
        "203.0.113.8",
        "2001:db8:1:3::1",
        "198.51.100.1, 64:ff9b::203.0.113.9",
    ] {
        assert_eq!(left(&server, &format!("{head}x-forwarded-for: {other}")).await, Some(999), "{other}");
    }
    // What cannot be read counts for the last proxy that vouches: one counter for all of them, never a new one.
    let degraded = [
        "203.0.113.7:80",
        "[2001:db8::1]:80",
        "fe80::1%eth0",
        "0313.0.0.1",
        "unknown",
        "_x",
        "",
        "\u{e9}",
    ];
    for (taken, hop) in (1..).zip(degraded) {
        let line = format!("{head}x-forwarded-for: 203.0.113.7, {hop}");
        assert_eq!(left(&server, &line).await, Some(1000 - taken), "{hop}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_is_the_same_target() {
    let server = Home::new(POLICY).start(&[]).await;
    let from = "host: x\nx-forwarded-for: 203.0.113.7\nx-forwarded-host: shop.example\nx-original-uri: ";
    let same = [
        "/items/a",
        "/items/a/",
        "//items///a",
        "/ITEMS/A",
        "/items%2Fa",
        "/items%2fa",
        "/items%5Ca",
        "/items\\a",
        "/./items/x/../a",
        "/items/%61",
        "/items/a?b=/c",
        "/items/a#b",
        "http://shop.example/items/a",
        "https://other.example:8443/items/a",
        "/%2e/items/%2e%2e/items/a",
    ];
    for (taken, target) in (1..).zip(same) {
        let request = format!("GET /v1/authorize HTTP/1.1\n{from}{target}");
        assert_eq!(left(&server, &request).await, Some(1000 - taken), "{target}");
    }
    for (taken, target) in (1..).zip([
        "/items/\u{e9}",
        "/items/e\u{301}",
        "/items/%C3%A9",
        "/items/%c3%89",
    ]) {
        let request = format!("GET /v1/authorize HTTP/1.1\n{from}{target}");
        assert_eq!(left(&server, &request).await, Some(1000 - taken), "{target}");
    }
    let hosts = ["shop.example", "SHOP.example:80", "shop.example."];
    for (taken, host) in (u64::try_from(same.len()).unwrap() + 1..).zip(hosts) {
        let from = from.replace("shop.example", host);
        let request = format!("GET /v1/authorize HTTP/1.1\n{from}/items/a");
        assert_eq!(left(&server, &request).await, Some(1000 - taken), "{host}");
    }
    let elsewhere = from.replace("shop.example", "shop.example.evil.example");
    assert_eq!(left(&server, &format!("GET /v1/authorize HTTP/1.1\n{elsewhere}/items/a")).await, None);
}
