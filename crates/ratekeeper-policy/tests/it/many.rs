//! Policies of many rules: those that are looked up are those that a walk over all of them finds.

use std::fmt::Write as _;

use proptest::prelude::*;
use ratekeeper_core::Timestamp;
use ratekeeper_policy::{Applicable, Attributes, Policy, RuleVerdict};

use crate::policy;

/// What rules may say beside their names and limits. Alike on purpose: shared conditions are what the index is about.
const LINES: [&str; 16] = [
    "mode: off",
    "key: user",
    "key: user, missing: deny",
    "match: { path: /a }",
    "match: { path: [/a, '/a/{*rest}'], methods: [GET, POST] }",
    "match: { path: '/{x}/b', user: a }",
    "match: { user: [a, 'b*'] }",
    "match: { user: a, host: '*.example.com' }",
    "match: { ip: [10.0.0.0/8, 10.1.0.0/16], methods: GET }",
    "match: { headers: { x-plan: gold } }",
    "match: { headers: { x-plan: '*' }, path: /a }",
    "match: { descriptors: { tenant: acme } }",
    "match: { domain: d, entries: [tenant] }",
    "match: { domain: d, entries: [{ key: tenant, value: acme }], methods: GET }",
    "match: { domain: d }",
    "match: { route: '/{x}' }, cost: { 'GET /a': 2, '/a/{*rest}': 3 }",
];

fn request() -> impl Strategy<Value = Attributes<'static>> {
    let text = |texts: &'static [&'static str]| prop::option::of(prop::sample::select(texts));
    let ip =
        prop::option::of(prop::sample::select(vec!["10.1.2.3", "10.2.0.1", "::ffff:10.1.0.1", "192.0.2.1"]));
    let lines: &[&[(&str, &str)]] = &[
        &[],
        &[("X-Plan", "gold")],
        &[("x-plan", "trial"), ("X-PLAN", "gold")],
    ];
    let entries: &[&[(&str, &str)]] = &[
        &[],
        &[("tenant", "acme")],
        &[("tenant", "x")],
        &[("k", "v"), ("tenant", "acme")],
    ];
    (
        (
            ip,
            text(&["a", "bc", "c"]),
            text(&["GET", "post", "PUT"]),
            text(&["/A/", "/a", "/a/b", "/c/b", "/"]),
        ),
        (text(&["/{x}", "/y"]), text(&["api.Example.com:80", "example.com"]), text(&["d", "e"])),
        (prop::sample::select(lines), prop::sample::select(entries)),
    )
        .prop_map(|((ip, user, method, path), (route, host, domain), (headers, descriptors))| {
            Attributes {
                ip: ip.map(|ip| ip.parse().unwrap()),
                user,
                method,
                path,
                route,
                host,
                domain,
                headers,
                descriptors,
                client_name: None,
            }
        })
}

/// The places of the rules that apply, with what requests cost under them: as explained, rule by rule.
fn walked(policy: &Policy, attributes: &Attributes<'_>) -> Vec<(usize, Option<u64>)> {
    let explained = policy.explain(attributes, Timestamp::EPOCH, 1);
    let rules = explained.rules.into_iter().enumerate();
    rules
        .filter_map(|(place, rule)| match rule.verdict {
            RuleVerdict::Applies(applies) => Some((place, Some(applies.cost))),
            RuleVerdict::Refuses { .. } => Some((place, None)),
            _ => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn rules_that_are_looked_up_are_those_that_a_walk_finds(
        lines in prop::collection::vec(prop::sample::select(&LINES[..]), 1..60),
        requests in prop::collection::vec(request(), 1..12),
    ) {
        let mut source = "rules:\n".to_owned();
        for (place, line) in lines.iter().enumerate() {
            writeln!(source, "  - {{ name: r{place}, limits: 9/s, {line} }}").unwrap();
        }
        let policy = policy(&source);
        let mut found = Applicable::new();
        for attributes in requests {
            policy.applicable(&attributes, 1, Timestamp::EPOCH, &mut found);
            let found = found.rules().iter();
            let found: Vec<_> =
                found.map(|rule| (rule.index, rule.refused.is_none().then_some(rule.cost))).collect();
            prop_assert_eq!(found, walked(&policy, &attributes));
        }
    }
}

#[test]
fn the_first_of_many_overrides_and_routes_counts() {
    let mut source = "rules:\n  - name: a\n    key: user\n    limits: 1/s\n    cost:\n".to_owned();
    for place in 0..100 {
        writeln!(source, "      \"GET /p{place}/{{*rest}}\": {}", place + 2).unwrap();
    }
    source.push_str("      \"/p7/{x}\": 900\n    overrides:\n");
    for place in 0..100 {
        writeln!(source, "      - {{ user: [u{place}, u{}], limits: {}/s }}", place + 1, place + 2).unwrap();
    }
    let policy = policy(&source);
    let mut found = Applicable::new();
    for (user, path, cost, count) in [
        ("u7", "/p7/x", 9, 8),
        ("u0", "/P99/", 101, 2),
        ("u100", "/p9", 1, 101),
        ("u101", "/", 1, 1),
    ] {
        let attributes =
            Attributes { user: Some(user), path: Some(path), method: Some("GET"), ..Attributes::default() };
        policy.applicable(&attributes, 1, Timestamp::EPOCH, &mut found);
        assert_eq!((found.rules()[0].cost, found.limits()[0].limit.count()), (cost, count), "{user} {path}");
    }
}
