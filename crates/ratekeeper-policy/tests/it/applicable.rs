//! Which rules a request meets, with which limits, costs and subjects.

use ratekeeper_core::Timestamp;
use ratekeeper_policy::{Applicable, Attributes, Policy, parse_limit};

use crate::{keys, names, policy, rule};

fn request<'a>(method: &'a str, path: &'a str) -> Attributes<'a> {
    Attributes { method: Some(method), path: Some(path), ..Attributes::default() }
}

fn applies(match_: &str, attributes: &Attributes<'_>) -> bool {
    !names(&policy(&rule(&format!("match: {{ {match_} }}"))), attributes).is_empty()
}

#[test]
fn all_conditions_must_hold() {
    let login = "methods: [post, PUT], path: /api/v1/auth/login";
    assert!(applies(login, &request("POST", "/api/v1/auth/login")));
    assert!(applies(login, &request("put", "/api/v1/auth/login")));
    assert!(!applies(login, &request("GET", "/api/v1/auth/login")));
    assert!(!applies(login, &request("POST", "/api/v1/auth")));
    assert!(!applies(login, &Attributes::default()));
    let of = Attributes {
        ip: Some("::ffff:10.1.2.3".parse().unwrap()),
        host: Some("API.example.com:8443"),
        user: Some("alice"),
        route: Some("/api/{x}"),
        headers: &[("X-Plan", "trial"), ("x-plan", "gold")],
        descriptors: &[("tenant", "acme")],
        ..Attributes::default()
    };
    for holds in [
        "host: \"*.example.com\"",
        "host: [a.example, api.example.com]",
        "user: al*",
        "ip: 10.0.0.0/8",
        "route: \"/api/{x}\"",
        "headers: { X-PLAN: gold }",
        "headers: { x-plan: [a, \"g*\"] }",
        "headers: { x-plan: \"*\" }",
        "descriptors: { tenant: acme }",
    ] {
        assert!(applies(holds, &of), "{holds}");
        assert!(!applies(holds, &Attributes::default()), "{holds}");
    }
    for fails in [
        "host: example.com",
        "user: Alice",
        "ip: 11.0.0.0/8",
        "headers: { x-plan: Gold }",
        "descriptors: { Tenant: acme }",
    ] {
        assert!(!applies(fails, &of), "{fails}");
    }
}

/// Published bypasses of path rules: doubled and escaped slashes, dot segments, trailing slash, case.
#[test]
fn no_spelling_of_a_path_slips_past() {
    let spellings = [
        "/api/v1/auth/login",
        "/api/v1/auth/login/",
        "//api/v1/auth/login",
        "/api//v1/auth/login",
        "/api%2Fv1%2fauth%2Flogin",
        "/api%5Cv1\\auth/login",
        "/api/v1/./auth/login",
        "/api/v1/x/../auth/login",
        "/api/v1/%2e%2E/v1/auth/login",
        "/API/V1/AUTH/LOGIN",
        "/api/v1/%61uth/login?x=1",
    ];
    let by_path = policy(&rule("match: { path: /api/v1/auth/login }\nkey: path"));
    for path in spellings {
        assert_eq!(keys(&by_path, &request("POST", path)), ["r:1s:{18:/api/v1/auth/login}"], "{path}");
    }
}

#[test]
fn cost_is_the_request_s_times_the_route_s() {
    let cost = |lines: &str, attributes: &Attributes<'_>, own: u64| {
        let policy = policy(&rule(lines));
        let mut out = Applicable::new();
        policy.applicable(attributes, own, Timestamp::EPOCH, &mut out);
        out.rules()[0].cost
    };
    let routes = "cost: { \"POST /reports\": 10, \"/reports/{*rest}\": 2, \"* /big\": 100, default: 3 }";
    assert_eq!(cost(routes, &request("POST", "/reports"), 1), 10);
    assert_eq!(cost(routes, &request("GET", "/reports"), 1), 3);
    assert_eq!(cost(routes, &request("GET", "/reports/7"), 4), 8);
    assert_eq!(cost(routes, &request("GET", "/big"), u64::MAX / 2), u64::MAX);
    assert_eq!(cost("cost: 0", &request("GET", "/"), 9), 0);
    assert_eq!(cost("description: x", &request("GET", "/"), 9), 9);
}

#[test]
fn modes_and_missing_parts() {
    let source = "
rules:
  - { name: off, mode: off, limits: 1/s }
  - { name: shadow, mode: shadow, limits: 1/s }
  - { name: skip, key: user, limits: 1/s }
  - { name: shared, key: user, missing: shared, limits: 1/s }
  - { name: deny, key: [ip, user], missing: deny, limits: 1/s }
";
    let policy = policy(source);
    let mut out = Applicable::new();
    let of = Attributes { ip: Some("10.0.0.1".parse().unwrap()), ..Attributes::default() };
    policy.applicable(&of, 1, Timestamp::EPOCH, &mut out);
    let found: Vec<_> = out.rules().iter().map(|applied| (applied.index, applied.rule.name())).collect();
    assert_eq!(found, [(1, "shadow"), (3, "shared"), (4, "deny")]);
    let deny = &out.rules()[2];
    assert_eq!(deny.refused.unwrap().to_string(), "user");
    assert!(out.limits_of(deny).is_empty() && out.rules()[1].refused.is_none());
    assert_eq!(out.key(1), b"shared:1s:{-}");
    assert_eq!(out.key(9), b"");
    let of = Attributes { user: Some("-"), ..of };
    policy.applicable(&of, 1, Timestamp::EPOCH, &mut out);
    assert_eq!(out.rules().len(), 4);
    assert_eq!(out.key(2), b"shared:1s:{1:-}");
}

#[test]
fn rollouts_grow_and_arms_have_limits_of_their_own() {
    let members = |rollout: &str| -> Vec<(u32, u64)> {
        let policy = policy(&rule(&format!("key: user\nrollout: {rollout}")));
        let mut out = Applicable::new();
        let mut found = Vec::new();
        for user in 0..2000_u32 {
            let name = user.to_string();
            policy.applicable(
                &Attributes { user: Some(&name), ..Attributes::default() },
                1,
                Timestamp::EPOCH,
                &mut out,
            );
            found.extend(out.limits().iter().map(|limit| (user, limit.limit.count())));
        }
        found
    };
    let (some, more) = (members("10%"), members("10.5"));
    assert!((120..280).contains(&some.len()) && some.len() < more.len());
    assert!(some.iter().all(|member| more.contains(member)));
    assert!(members("0").is_empty());
    assert_eq!(members("{ percent: 100 }").len(), 2000);
    assert_ne!(members("{ percent: 10, salt: other }"), some);
    let arms = members(
        "{ percent: 10, arms: [ { name: a, percent: 2, limits: 1/s }, { name: b, percent: 3, limits: 2/s } ] }",
    );
    assert_eq!(
        arms.iter().map(|(user, _)| *user).collect::<Vec<_>>(),
        some.iter().map(|(user, _)| *user).collect::<Vec<_>>()
    );
    for count in [1, 2, 100] {
        assert!(arms.iter().any(|(_, found)| *found == count), "{count}");
    }
}

#[test]
fn a_rule_without_a_subject_is_refused_only_when_rolled_out_to_all() {
    let refused = |percent: &str| {
        let policy = policy(&rule(&format!("key: user\nmissing: deny\nrollout: {percent}")));
        names(&policy, &Attributes::default()).len()
    };
    assert_eq!((refused("0"), refused("50"), refused("100")), (0, 0, 1));
}

#[test]
fn one_applicable_serves_many_requests() {
    let policy = Policy::parse(ratekeeper_policy::REFERENCE, "p", &|_| None).unwrap();
    let mut out = Applicable::new();
    for path in ["/api/v1/auth/login", "/reports/7", "/"] {
        policy.applicable(
            &Attributes { host: Some("example.com"), ..request("GET", path) },
            1,
            Timestamp::EPOCH,
            &mut out,
        );
        assert_eq!(out.rules()[0].rule.name(), "everything");
        assert_eq!(out.key(0), b"everything:1s:{*}");
    }
    assert_eq!(parse_limit("10_000 per second").unwrap(), *out.limits()[0].limit);
}
