//! Stored keys: one for each subject, printable, short.

use std::net::IpAddr;

use proptest::prelude::*;
use ratekeeper_policy::{Attributes, Policy};

use crate::{keys, policy, rule};

fn key_of(policy: &Policy, attributes: &Attributes<'_>) -> String {
    keys(policy, attributes).remove(0)
}

#[test]
fn addresses_are_masked_in_their_one_form() {
    let of = |lines: &str, ip: &str| {
        let policy = policy(&rule(lines));
        let attributes = Attributes { ip: Some(ip.parse().unwrap()), ..Attributes::default() };
        let subject = policy.rules()[0].subject(&attributes).join(" ");
        (key_of(&policy, &attributes), subject)
    };
    let pair = |key: &str, subject: &str| (key.to_owned(), subject.to_owned());
    assert_eq!(of("key: ip", "203.0.113.7"), pair("r:1s:{11:203.0.113.7}", "203.0.113.7"));
    assert_eq!(of("key: ip", "::ffff:203.0.113.7"), pair("r:1s:{11:203.0.113.7}", "203.0.113.7"));
    assert_eq!(of("key: ip", "64:ff9b::cb00:7107"), pair("r:1s:{11:203.0.113.7}", "203.0.113.7"));
    assert_eq!(of("key: ip", "2001:DB8:0:0:1:2:3:4"), pair("r:1s:{13:2001:db8::/64}", "2001:db8::/64"));
    assert_eq!(of("key: ip/48", "2001:db8:1:2::"), pair("r:1s:{15:2001:db8:1::/48}", "2001:db8:1::/48"));
    assert_eq!(
        of("key: { ip: { ipv4_prefix: 24 } }", "203.0.113.7"),
        pair("r:1s:{14:203.0.113.0/24}", "203.0.113.0/24")
    );
    assert_eq!(of("key: global", "203.0.113.7"), pair("r:1s:{*}", ""));
    let tiers = policy(
        "client_ip: { ipv6_prefix: 56, ipv4_prefix: 8 }\nrules: [ { name: a, key: ip, limits: 1/s } ]",
    );
    let of =
        |ip: &str| key_of(&tiers, &Attributes { ip: Some(ip.parse().unwrap()), ..Attributes::default() });
    assert_eq!(of("2001:db8:0:ff::1"), "a:1s:{13:2001:db8::/56}");
    assert_eq!(of("10.1.2.3"), "a:1s:{10:10.0.0.0/8}");
}

#[test]
fn clients_known_by_name_only() {
    let by_ip = policy(&rule("key: ip"));
    let named = |name| Attributes { client_name: Some(name), ..Attributes::default() };
    assert_eq!(key_of(&by_ip, &named("proxy.example.net")), "r:1s:{n17:proxy.example.net}");
    assert_eq!(by_ip.rules()[0].subject(&named("proxy.example.net")), ["proxy.example.net"]);
    assert_ne!(
        key_of(&by_ip, &named("203.0.113.7")),
        key_of(&by_ip, &Attributes { ip: Some("203.0.113.7".parse().unwrap()), ..Attributes::default() })
    );
}

#[test]
fn hosts_and_methods_are_folded_and_users_are_not() {
    let policy = policy(&rule("key: [host, method, user]"));
    let of = |host, method, user| Attributes { host, method, user, ..Attributes::default() };
    let one = key_of(&policy, &of(Some("Example.COM.:443"), Some("get"), Some("Alice")));
    assert_eq!(one, "r:1s:{11:example.com,3:GET,5:Alice}");
    assert_eq!(key_of(&policy, &of(Some("example.com"), Some("GET"), Some("Alice"))), one);
    assert_ne!(key_of(&policy, &of(Some("example.com"), Some("GET"), Some("alice"))), one);
}

#[test]
fn what_must_not_be_seen_is_hashed_by_the_secret() {
    let source =
        |secret: &str| format!("hash_secret: {secret}\n{}", rule("key: { header: x-key, secret: true }"));
    let of = Attributes { headers: &[("X-Key", "hunter2")], ..Attributes::default() };
    let (a, again, b) = (policy(&source("a")), policy(&source("a")), policy(&source("b")));
    assert_eq!(key_of(&a, &of), key_of(&again, &of));
    assert_ne!(key_of(&a, &of), key_of(&b, &of));
    let subject = a.rules()[0].subject(&of);
    assert!(subject[0].starts_with('#') && subject[0].len() == 33);
    assert_eq!(key_of(&a, &of), format!("r:1s:{{{}}}", subject[0]));
    let open = policy(&rule("key: user"));
    for user in ["a b", "a{b", "é", "a\u{1b}", &"x".repeat(65)] {
        let key = key_of(&open, &Attributes { user: Some(user), ..Attributes::default() });
        assert!(key.starts_with("r:1s:{#") && key.len() == 40, "{key}");
    }
}

#[test]
fn people_see_values_as_they_are() {
    let policy = policy(&rule(
        "key: [user, path, host, header:x-a, descriptor:d, { header: x-key, secret: true }]\nmissing: shared",
    ));
    let long = "x".repeat(5000);
    for value in [
        "a b",
        "a{b}",
        "é ü",
        "-",
        "",
        "a\u{1b}[31m\n",
        "#0123",
        long.as_str(),
    ] {
        let headers = [("X-A", value), ("x-key", "hunter2")];
        let of = Attributes {
            user: Some(value),
            path: Some("/A%20b/{x}/É/"),
            host: Some("Exämple.COM:443"),
            headers: &headers,
            descriptors: &[("d", value)],
            ..Attributes::default()
        };
        let found = policy.rules()[0].subject(&of);
        assert_eq!(found[..5], [value, "/a%20b/{x}/é", "exämple.com", value, value]);
        assert!(found[5].starts_with('#') && found[5].len() == 33, "{found:?}");
    }
    assert_eq!(policy.rules()[0].subject(&Attributes::default()), ["-"; 6]);
    let by_ip = crate::policy(&rule("key: ip"));
    let named = Attributes { client_name: Some("a b"), ..Attributes::default() };
    assert_eq!(by_ip.rules()[0].subject(&named), ["a b"]);
}

#[test]
fn limits_of_one_rule_share_the_subject() {
    let source = "rules: [ { name: a, key: user, limits: [1/s, 2 per minute, 3/1s (sliding_window), \"9 per month (calendar, Europe/Paris)\", 3 concurrent ttl 9s] } ]";
    let found = keys(&policy(source), &Attributes { user: Some("u"), ..Attributes::default() });
    assert_eq!(
        found,
        [
            "a:1s:{1:u}",
            "a:1m:{1:u}",
            "a:1s.1:{1:u}",
            "a:month@Europe/Paris:{1:u}",
            "a:c:{1:u}"
        ]
    );
}

const BRACES: [char; 2] = ['{', '}'];

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c_:,#n{}0-9-]{0,12}", "\\PC{0,80}", any::<String>()]
}

proptest! {
    /// Different parts make different keys, equal parts equal ones; every key can be stored everywhere.
    #[test]
    fn keys_are_injective(
        left in prop::collection::vec(prop::option::of(text()), 3),
        right in prop::collection::vec(prop::option::of(text()), 3),
    ) {
        let policy = policy(&rule("key: [user, header:a, descriptor:b]\nmissing: shared"));
        let key = |parts: &[Option<String>]| {
            let header: Vec<_> = parts[1].iter().map(|value| ("a", value.as_str())).collect();
            let descriptor: Vec<_> = parts[2].iter().map(|value| ("b", value.as_str())).collect();
            let of = Attributes {
                user: parts[0].as_deref(), headers: &header, descriptors: &descriptor, ..Attributes::default()
            };
            key_of(&policy, &of)
        };
        let keys = (key(&left), key(&right));
        prop_assert_eq!(keys.0 == keys.1, left == right);
        prop_assert!(keys.0.len() <= 250 && keys.0.bytes().all(|byte| byte.is_ascii_graphic()));
        let subject = keys.0.strip_prefix("r:1s:{").and_then(|rest| rest.strip_suffix('}'));
        prop_assert!(subject.is_some_and(|subject| !subject.contains(BRACES)), "{}", keys.0);
    }

    /// The longest scopes with the longest subjects still fit.
    #[test]
    fn keys_fit_whatever_the_request_says(
        values in prop::collection::vec(text(), 4), path in any::<String>(), ip in any::<Option<IpAddr>>(),
    ) {
        let name = "n".repeat(64);
        let limits = "\"1 per month (calendar, America/Argentina/ComodRivadavia)\", \"2 per month (calendar, America/Argentina/ComodRivadavia)\", 7/1234567us";
        let overrides = format!("[ {{ descriptor: {{ d: \"*\" }}, limits: [{limits}] }} ]");
        let source = format!("rules: [ {{ name: {name}, missing: shared, key: [ip, user, host, method, path, route], limits: [{limits}], overrides: {overrides} }} ]");
        let of = Attributes {
            ip, user: Some(&values[0]), host: Some(&values[1]), method: Some(&values[2]), route: Some(&values[3]),
            path: Some(&path), ..Attributes::default()
        };
        let overridden = Attributes { descriptors: &[("d", "")], ..of };
        let policy = policy(&source);
        for key in keys(&policy, &overridden) {
            prop_assert!(key.len() <= 250 && key.bytes().all(|byte| byte.is_ascii_graphic()), "{}", key);
            prop_assert!(key.contains('!'), "{}", key);
        }
        for key in keys(&policy, &of) {
            prop_assert!(key.len() <= 250 && key.bytes().all(|byte| byte.is_ascii_graphic()), "{}", key);
        }
    }

    /// A path's one form is its own one form.
    #[test]
    fn paths_are_idempotent(path in prop_oneof!["[/.%\\\\a-c2eEfF5?#İKẞ]{0,30}", any::<String>()]) {
        let policy = policy(&rule("key: path"));
        let form = |path: &str| {
            policy.rules()[0].subject(&Attributes { path: Some(path), ..Attributes::default() }).remove(0)
        };
        let once = form(&path);
        prop_assert_eq!(form(&once), once.clone());
        prop_assert!(once.starts_with('/') && !once.contains("//") && !once.contains('\\'));
    }
}
