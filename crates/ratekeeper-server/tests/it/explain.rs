//! `ratekeeper explain`.

use crate::Sandbox;

const POLICY: &str = "
lists: { deny: [{ user: mallory, until: 2027-01-01T00:00:00Z, reason: fraud }] }
rules:
  - name: login
    match: { methods: POST, path: /login, host: example.com }
    key: [ip, header:x-device]
    limits: [5 per minute burst 20, 100 per day]
    cost: { /login: 3 }
  - { name: tenant, mode: shadow, key: descriptor:tenant, limits: 100/s }
  - { name: account, match: { route: /login }, key: user, limits: 1/s }
";

#[test]
fn rules_keys_limits_and_reasons_are_told() {
    let sandbox = Sandbox::with_policy(POLICY);
    let arguments = [
        "explain",
        "--policy",
        "policy.yaml",
        "--ip",
        "2001:db8::1",
        "--method",
        "post",
        "--path",
        "/login?next=/",
        "--route",
        "/login",
        "--host",
        "example.com:443",
        "--header",
        "X-Device: tv",
        "--descriptor",
        "tenant=acme",
        "--cost",
        "2",
        "--at",
        "2026-03-03T12:00:00Z",
    ];
    let out = sandbox.run(&arguments).success();
    let (version, rest) = out.split_once('\n').unwrap();
    assert!(version.starts_with("policy "), "{out}");
    let expected = "\
+ login: applies, cost 6, counts ip = 2001:db8::/64, header:x-device = tv
    5 per 1m burst 20 (token_bucket)  key login:1m:{13:2001:db8::/64,2:tv}
    100 per 1d (token_bucket)  key login:1d:{13:2001:db8::/64,2:tv}
+ tenant (shadow): applies, cost 2, counts descriptor:tenant = acme
    100 per 1s (token_bucket)  key tenant:1s:{4:acme}
- account: does not apply: the request has no user, a part of the key (missing: skip)
";
    assert_eq!(rest, expected);
}

#[test]
fn a_list_counts_until_its_end() {
    let sandbox = Sandbox::with_policy(POLICY);
    let at = |time| {
        let arguments = ["explain", "-p", "policy.yaml", "--user", "mallory", "--at", time];
        sandbox.run(&arguments).success()
    };
    let note = "on the deny list: refused, no rule decides (reason: fraud)";
    assert!(at("2026-12-31T23:59:59Z").contains(note));
    assert!(!at("2027-01-01T00:00:00Z").contains(note));
}

#[test]
fn what_is_given_cannot_steer_the_terminal() {
    let sandbox = Sandbox::with_policy(POLICY);
    let arguments = [
        "explain",
        "-p",
        "policy.yaml",
        "--path",
        "/\u{1b}[2J",
        "--method",
        "POST",
    ];
    assert!(!sandbox.run(&arguments).success().contains('\u{1b}'));
}

#[test]
fn wrong_arguments_are_refused() {
    let sandbox = Sandbox::with_policy(POLICY);
    for wrong in [
        ["--ip", "192.0.2.300"],
        ["--at", "noon"],
        ["--cost", "-1"],
        ["--header", "x"],
    ] {
        sandbox.run(&["explain", "-p", "policy.yaml", wrong[0], wrong[1]]).failure(2);
    }
    sandbox.run(&["explain", "-p", "missing.yaml"]).failure(3);
}
