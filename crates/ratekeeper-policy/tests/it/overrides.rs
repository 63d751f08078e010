//! Overrides: other limits for some, and whose counters they count in.

use ratekeeper_core::Timestamp;
use ratekeeper_policy::{Applicable, Attributes, OnChange, Policy};

use crate::{keys, policy, rule};

#[test]
fn overrides_of_whole_subjects_change_limits_and_keep_keys() {
    let source = rule(
        "key: user
overrides:
  - { user: [acme, globex], limits: [1000/s, 5 per minute], until: 1970-01-02, reason: campaign }
  - { user: acme, limits: 7/s }
on_change: reset",
    );
    let policy = policy(&source);
    assert_eq!(policy.rules()[0].on_change(), OnChange::Reset);
    let limits = |user: &str, now: u64| {
        let of = Attributes { user: Some(user), ..Attributes::default() };
        let mut out = Applicable::new();
        policy.applicable(&of, 1, Timestamp::from_micros(now), &mut out);
        let key = String::from_utf8(out.key(0).to_vec()).unwrap();
        assert_eq!(key, format!("r:1s:{{{}:{user}}}", user.len()));
        assert_eq!(out.scope_len(0), "r:1s:".len());
        out.limits().iter().map(|limit| (limit.ordinal, limit.limit.count())).collect::<Vec<_>>()
    };
    assert_eq!(limits("bob", 0), [(0, 100)]);
    assert_eq!(limits("acme", 0), [(0, 1000), (1, 5)]);
    assert_eq!(limits("acme", 86_400_000_000), [(0, 7)]);
    assert_eq!(limits("globex", 86_400_000_000), [(0, 100)]);
}

/// The stored key of a rule with this key and one override, for a request that the override is about.
fn overridden(key: &str, selector: &str) -> String {
    let policy = policy(&rule(&format!("key: {key}\noverrides: [ {{ {selector}, limits: 9/s }} ]")));
    first_key(&policy, &acme(), 9)
}

fn acme() -> Attributes<'static> {
    Attributes {
        ip: Some("203.0.113.7".parse().unwrap()),
        user: Some("acme"),
        headers: &[("X-Plan", "gold"), ("x-other", "o")],
        descriptors: &[("tenant", "t1"), ("x-plan", "gold"), ("other", "o")],
        ..Attributes::default()
    }
}

fn first_key(policy: &Policy, of: &Attributes<'_>, count: u64) -> String {
    let mut out = Applicable::new();
    policy.applicable(of, 1, Timestamp::EPOCH, &mut out);
    assert_eq!(out.limits()[0].limit.count(), count);
    String::from_utf8(out.key(0).to_vec()).unwrap()
}

/// Otherwise every request of acme would reset the counter of all, or be refused because of what others did.
#[test]
fn an_override_that_the_key_does_not_tell_has_counters_of_its_own() {
    for (key, selector) in [
        ("global", "user: acme"),
        ("ip", "user: acme"),
        ("user", "ip: 203.0.113.0/24"),
        ("user", "user: acme, header: { x-plan: gold }"),
        ("[user, header:x-other]", "header: { x-plan: gold }"),
        ("[user, descriptor:x-plan]", "header: { x-plan: gold }"),
        ("descriptor:other", "descriptor: { tenant: t1 }"),
        ("{ ip: { ipv4_prefix: 24 } }", "ip: 203.0.113.0/25"),
        ("{ ip: { ipv4_prefix: 24 } }", "ip: [203.0.113.0/24, 203.0.113.7]"),
        ("ip", "ip: [203.0.113.7, \"2001:db8::/65\"]"),
        ("ip/48", "ip: [203.0.113.7, \"2001:db8::/49\"]"),
    ] {
        let key = overridden(key, selector);
        let (scope, subject) = key.split_once('{').unwrap_or_else(|| panic!("{key}"));
        let mark = scope.strip_prefix("r:1s!").and_then(|rest| rest.strip_suffix(':'));
        assert!(mark.is_some_and(|mark| mark.len() == 8), "{key}: {selector}");
        assert!(subject.ends_with('}'), "{key}");
    }
    for (key, selector) in [
        ("user", "user: acme"),
        ("user", "user: [acme, \"b*\"]"),
        ("{ part: user, secret: true }", "user: acme"),
        ("[ip, user]", "user: acme"),
        ("[ip, user]", "user: acme, ip: 203.0.113.0/24"),
        ("header:X-Plan", "header: { x-plan: gold }"),
        ("{ header: x-plan, secret: true }", "header: { X-PLAN: \"g*\" }"),
        ("descriptor:tenant", "descriptor: { tenant: \"*\" }"),
        ("ip", "ip: 203.0.113.7"),
        ("{ ip: { ipv4_prefix: 24 } }", "ip: [203.0.113.0/24, \"2001:db8::/64\"]"),
        ("ip/48", "ip: [203.0.113.7, \"2001:db8::/48\"]"),
    ] {
        let key = overridden(key, selector);
        assert!(key.starts_with("r:1s:{"), "{key}: {selector}");
    }
}

#[test]
fn the_mark_follows_whom_it_is_about_and_nothing_else() {
    let with = |overrides: &str| {
        let policy = policy(&rule(&format!("overrides: [ {overrides} ]")));
        let mut out = Applicable::new();
        policy.applicable(&acme(), 1, Timestamp::EPOCH, &mut out);
        String::from_utf8(out.key(0).to_vec()).unwrap()
    };
    let one = with("{ user: [acme, bob], limits: 9/s }");
    assert_eq!(
        with("{ user: x, limits: 1/s }, { user: [bob, acme], limits: 5/s, until: 2027-01-01 }"),
        one
    );
    assert_ne!(with("{ user: acme, limits: 9/s }"), one);
    let several = policy(&rule("overrides: [ { user: acme, limits: [1/s, 2/s, 3 per day] } ]"));
    let found = keys(&several, &acme());
    let mark = &found[0]["r:1s".len()..found[0].len() - ":{*}".len()];
    assert_eq!(
        found,
        [
            format!("r:1s{mark}:{{*}}"),
            format!("r:1s.1{mark}:{{*}}"),
            format!("r:1d{mark}:{{*}}")
        ]
    );
}

/// Keys hold the first of several headers with one name: another line must not bring in other limits.
#[test]
fn a_second_line_changes_neither_key_nor_limits() {
    let policy = policy(&rule("key: header:x-key\noverrides: [ { header: { x-key: acme }, limits: 9/s } ]"));
    let of = |headers| Attributes { headers, ..Attributes::default() };
    assert_eq!(first_key(&policy, &of(&[("x-key", "bob"), ("X-Key", "acme")]), 100), "r:1s:{3:bob}");
    assert_eq!(first_key(&policy, &of(&[("X-KEY", "acme"), ("x-key", "bob")]), 9), "r:1s:{4:acme}");
}

/// The slot follows from the subject, also where all requests are one subject: they all meet the same arm.
#[test]
fn arms_count_in_the_counters_of_the_rule() {
    let arms = "percent: 100, arms: [ { name: a, percent: 50, limits: 1/s }, { name: b, percent: 50, limits: 2/s } ]";
    for key in ["global", "user", "[user, descriptor:tenant]"] {
        let policy = policy(&rule(&format!("key: {key}\nmissing: shared\nrollout: {{ {arms} }}")));
        let mut met = std::collections::BTreeMap::new();
        for n in 0..400_u32 {
            let user = (n % 40).to_string();
            let ip = Some(std::net::IpAddr::from(n.to_be_bytes()));
            let of = Attributes { user: Some(&user), ip, ..Attributes::default() };
            let mut out = Applicable::new();
            policy.applicable(&of, 1, Timestamp::from_micros(n.into()), &mut out);
            let (key, count) = (out.key(0).to_vec(), out.limits()[0].limit.count());
            assert!(key.starts_with(b"r:1s:{"));
            assert_eq!(*met.entry(key).or_insert(count), count);
        }
        assert!(
            key == "global" || met.values().any(|count| *count == 1) && met.values().any(|count| *count == 2)
        );
    }
}
