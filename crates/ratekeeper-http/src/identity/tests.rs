use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use http::HeaderMap;

use super::*;

fn config(header: &str, trusted: &[&str], hops: Option<u8>) -> ClientIp {
    let mut config = ClientIp::default();
    config.header = match header {
        "x-forwarded-for" => ClientHeader::XForwardedFor,
        "forwarded" => ClientHeader::Forwarded,
        other => ClientHeader::Other(other.to_owned()),
    };
    config.trusted_proxies = trusted.iter().map(|network| network.parse().unwrap()).collect();
    config.hops = hops;
    config
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        map.append(name.parse::<HeaderName>().unwrap(), value);
    }
    map
}

/// Who asks, as `address` or `address (why)`.
fn asking(peer: &str, lines: &[(&str, &str)], config: &ClientIp) -> String {
    let client = client(peer.parse().unwrap(), &headers(lines), config);
    match client.degraded {
        Some(why) => format!("{} ({})", client.ip, why.name()),
        None => client.ip.to_string(),
    }
}

#[track_caller]
fn check(peer: &str, lines: &[&str], expected: &str) {
    let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
    let config = config("x-forwarded-for", &["10.0.0.0/8", "2001:db8:ffff::/48"], None);
    assert_eq!(asking(peer, &lines, &config), expected, "{peer} {lines:?}");
}

#[test]
fn a_peer_that_is_no_proxy_of_ours_is_the_client() {
    check("203.0.113.7", &[], "203.0.113.7");
    check("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
    check("203.0.113.7", &["10.0.0.1", "127.0.0.1"], "203.0.113.7");
    let nobody = config("x-forwarded-for", &[], Some(1));
    assert_eq!(asking("203.0.113.7", &[("x-forwarded-for", "1.2.3.4")], &nobody), "203.0.113.7");
}

#[test]
fn the_first_untrusted_hop_from_the_right_is_the_client() {
    check("10.0.0.1", &["203.0.113.7"], "203.0.113.7");
    check("10.0.0.1", &["1.2.3.4, 203.0.113.7, 10.0.0.2"], "203.0.113.7");
    check("10.0.0.1", &["1.2.3.4", "203.0.113.7", "10.0.0.2 , 10.0.0.3"], "203.0.113.7");
    check("10.0.0.1", &["1.2.3.4, 203.0.113.7", "10.0.0.2"], "203.0.113.7");
    check("2001:db8:ffff::1", &["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2:3:4:5:6");
    check("10.0.0.1", &["10.0.0.9, 10.0.0.8"], "10.0.0.9");
}

#[test]
fn what_cannot_be_read_ends_the_walk_at_the_last_vouched_hop() {
    for hop in [
        "203.0.113.7:4711",
        "[2001:db8::1]",
        "[2001:db8::1]:80",
        "fe80::1%eth0",
        "0203.0.113.7",
        "203.0.113.07",
        "0x7f.1",
        "2130706433",
        "",
        "localhost",
        "203.0.113.7 203.0.113.8",
        "203.0.113.7;x",
        "a\u{e9}",
    ] {
        check("10.0.0.1", &[&format!("1.2.3.4, {hop}, 10.0.0.2")], "10.0.0.2 (unparsable)");
        check("10.0.0.1", &["1.2.3.4", hop], "10.0.0.1 (unparsable)");
    }
    for hop in ["unknown", "UNKNOWN", "_hidden", "_"] {
        check("10.0.0.1", &[&format!("1.2.3.4, {hop}")], "10.0.0.1 (hidden)");
    }
    check("10.0.0.1", &["1.2.3.4,"], "10.0.0.1 (unparsable)");
    check("10.0.0.1", &[], "10.0.0.1 (header_missing)");
}

#[test]
fn hops_are_counted_from_the_right() {
    let count = |hops, line| {
        asking(
            "10.0.0.1",
            &[("x-forwarded-for", line)],
            &config("x-forwarded-for", &["10.0.0.0/8"], Some(hops)),
        )
    };
    assert_eq!(count(1, "1.1.1.1, 2.2.2.2, 3.3.3.3"), "3.3.3.3");
    assert_eq!(count(2, "1.1.1.1, 2.2.2.2, 3.3.3.3"), "2.2.2.2");
    assert_eq!(count(3, "1.1.1.1, 2.2.2.2, 3.3.3.3"), "1.1.1.1");
    assert_eq!(count(4, "1.1.1.1, 2.2.2.2, 3.3.3.3"), "1.1.1.1 (too_few_hops)");
    assert_eq!(count(2, "1.1.1.1, 10.0.0.3"), "1.1.1.1", "a trusted hop counts like any other");
    assert_eq!(count(2, "1.1.1.1, junk"), "10.0.0.1 (unparsable)");
    assert_eq!(count(2, "1.1.1.1, junk, 3.3.3.3"), "3.3.3.3 (unparsable)");
}

#[test]
fn what_is_too_long_is_not_read() {
    let many = |count: usize| vec!["10.0.0.2"; count].join(",");
    check("10.0.0.1", &[&format!("203.0.113.7,{}", many(31))], "203.0.113.7");
    check("10.0.0.1", &[&format!("203.0.113.7,{}", many(32))], "10.0.0.2 (too_long)");
    let lines: Vec<_> = std::iter::once("203.0.113.7").chain(vec!["10.0.0.2"; 40]).collect();
    check("10.0.0.1", &lines, "10.0.0.2 (too_long)");
    let long = "x".repeat(10_000);
    check("10.0.0.1", &[&format!("{long}, 203.0.113.7")], "203.0.113.7");
    check("10.0.0.1", &[&format!("{long}, 10.0.0.2")], "10.0.0.2 (too_long)");
    check("10.0.0.1", &[&long], "10.0.0.1 (too_long)");
}

/// Each is a bypass that was published of some other limiter or proxy.
#[test]
fn published_bypasses() {
    // CVE-2026-30827: IPv4 in IPv6 is unwrapped, so that it is never masked as IPv6.
    check("::ffff:10.0.0.1", &["::ffff:203.0.113.7"], "203.0.113.7");
    check("10.0.0.1", &["::FFFF:CB00:7107"], "203.0.113.7");
    check("10.0.0.1", &["64:ff9b::203.0.113.7"], "203.0.113.7");
    check("::ffff:203.0.113.7", &["1.2.3.4"], "203.0.113.7");
    // CVE-2026-45364: textual aliases of one address are one address.
    check("10.0.0.1", &["2001:DB8:0:0:0:0:0:1"], "2001:db8::1");
    check("10.0.0.1", &["2001:db8:0000::0001"], "2001:db8::1");
    // CVE-2026-39409, CVE-2026-47674: zones and non-canonical forms skip nothing.
    check("10.0.0.1", &["fe80::1%1"], "10.0.0.1 (unparsable)");
    // CVE-2024-45410, CVE-2022-31813: a header that a proxy was told to strip leaves the proxy's own address.
    let config = config("x-forwarded-for", &["10.0.0.0/8"], None);
    let stripped = [("connection", "close, X-Forwarded-For")];
    assert_eq!(asking("10.0.0.1", &stripped, &config), "10.0.0.1 (header_missing)");
    let kept = [
        ("connection", "X-Forwarded-For"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    assert_eq!(asking("10.0.0.1", &kept, &config), "203.0.113.7");
    // CVE-2025-64484: an alias with underscores is another header.
    let alias = [
        ("x_forwarded_for", "1.2.3.4"),
        ("x-forwarded_for", "1.2.3.4"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    assert_eq!(asking("10.0.0.1", &alias, &config), "203.0.113.7");
    assert_eq!(asking("10.0.0.1", &alias[..2], &config), "10.0.0.1 (header_missing)");
    // CVE-2020-28483: a spoofed header of somebody who is no proxy.
    check("198.51.100.9", &["127.0.0.1"], "198.51.100.9");
    // Only the configured header counts.
    let others = [
        ("x-real-ip", "1.2.3.4"),
        ("forwarded", "for=1.2.3.4"),
        ("true-client-ip", "1.2.3.4"),
    ];
    assert_eq!(asking("10.0.0.1", &others, &config), "10.0.0.1 (header_missing)");
}

#[test]
fn forwarded_is_read_as_its_rfc_has_it() {
    let config = config("forwarded", &["10.0.0.0/8"], None);
    let check = |line: &str, expected: &str| {
        assert_eq!(asking("10.0.0.1", &[("forwarded", line)], &config), expected, "{line}");
    };
    check("for=203.0.113.7", "203.0.113.7");
    check("For=\"203.0.113.7\"; proto=https;by=10.0.0.1", "203.0.113.7");
    check("proto=http;FOR=203.0.113.7, for=10.0.0.2;by=\"a,b;c\"", "203.0.113.7");
    check("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17");
    check("for=\"203.0.113.\\7\"", "203.0.113.7");
    check("for=1.1.1.1, for=\"x, for=2.2.2.2\"", "10.0.0.1 (unparsable)");
    check("for=\"[::ffff:203.0.113.7]\"", "203.0.113.7");
    check("for=unknown", "10.0.0.1 (hidden)");
    check("for=_SEVKISEK, for=10.0.0.2", "10.0.0.2 (hidden)");
    for wrong in [
        "for=\"203.0.113.7:47011\"",
        "for=\"[2001:db8::1]:80\"",
        "for=\"2001:db8::1\"",
        "for=[203.0.113.7]",
        "proto=https",
        "for=1.1.1.1;for=2.2.2.2",
        "for=\"1.1.1.1",
        "203.0.113.7",
        "for=",
        "",
        "for=1.1.1.1 2.2.2.2",
    ] {
        check(&format!("for=9.9.9.9, {wrong}"), "10.0.0.1 (unparsable)");
    }
}

#[test]
fn a_header_of_a_network_s_own_is_read_too() {
    let config = config("cf-connecting-ip", &["10.0.0.0/8"], None);
    let lines = [
        ("CF-Connecting-IP", "203.0.113.7"),
        ("x-forwarded-for", "1.2.3.4"),
    ];
    assert_eq!(asking("10.0.0.1", &lines, &config), "203.0.113.7");
}

proptest! {
    /// Whatever a client sends, on the left of what our proxies wrote, it remains the same client.
    #[test]
    fn nobody_becomes_somebody_else(
        forged in prop::collection::vec("[ -~]{0,40}", 0..5), client in any::<u32>(), proxies in prop::collection::vec(any::<u8>(), 0..4),
        forwarded: bool,
    ) {
        let client = IpAddr::from(client.to_be_bytes());
        prop_assume!(!client.to_string().starts_with("10."));
        let name = if forwarded { "forwarded" } else { "x-forwarded-for" };
        let write = |ip: &str| if forwarded { format!("for={ip}") } else { ip.to_owned() };
        let mut lines: Vec<(&str, String)> = forged.into_iter().map(|text| (name, text)).collect();
        lines.push((name, write(&client.to_string())));
        lines.extend(proxies.into_iter().map(|last| (name, write(&format!("10.0.0.{last}")))));
        let lines: Vec<_> = lines.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let config = config(name, &["10.0.0.0/8"], None);
        prop_assert_eq!(asking("10.0.0.1", &lines, &config), client.to_string());
    }

    #[test]
    fn no_bytes_panic(line in prop::collection::vec(32_u8..=255, 0..200), forwarded: bool, hops in prop::option::of(1_u8..5)) {
        let line: Vec<u8> = line.into_iter().filter(|byte| *byte != 127).collect();
        let name = if forwarded { "forwarded" } else { "x-forwarded-for" };
        let mut map = HeaderMap::new();
        map.append(name, HeaderValue::from_bytes(&line).unwrap());
        _ = client("10.0.0.1".parse().unwrap(), &map, &config(name, &["10.0.0.0/8"], hops));
    }
}
