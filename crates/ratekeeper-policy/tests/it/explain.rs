//! Explanations for people.

use ratekeeper_core::Timestamp;
use ratekeeper_policy::{Attributes, RuleVerdict};

use crate::policy;

const SOURCE: &str = "
lists: { deny: [ { user: mallory, reason: fraud } ] }
rules:
  - name: login
    match: { methods: POST, path: /login }
    key: [ip, user]
    limits: [ 5 per minute burst 20, 100 per day ]
    cost: { /login: 3 }
    overrides: [ { user: acme, limits: 9/s, reason: campaign } ]
  - { name: everything, mode: shadow, limits: 100/s, rollout: 100 }
  - { name: none, key: user, rollout: 0, limits: 1/s }
  - { name: off, mode: off, limits: 1/s }
  - { name: host, match: { host: \"*.example.com\" }, limits: 1/s }
  - { name: plan, match: { headers: { x-plan: gold } }, limits: 1/s }
  - { name: header, key: header:x-key, missing: deny, limits: 1/s }
";

#[test]
fn each_rule_says_why() {
    let policy = policy(SOURCE);
    let of = Attributes {
        ip: Some("203.0.113.7".parse().unwrap()),
        user: Some("alice"),
        method: Some("POST"),
        path: Some("//LOGIN"),
        host: Some("evil\u{1b}[2J"),
        headers: &[("x-plan", "secret")],
        ..Attributes::default()
    };
    let found = policy.explain(&of, Timestamp::EPOCH, 2);
    let slot = match &found.rules[2].verdict {
        RuleVerdict::Skipped { reason } => {
            reason.split("slot ").nth(1).unwrap().split(' ').next().unwrap().to_owned()
        }
        _ => panic!(),
    };
    let everything = match &found.rules[1].verdict {
        RuleVerdict::Applies(applies) => applies.slot.unwrap(),
        _ => panic!(),
    };
    let expected = format!(
        "policy {}
+ login: applies, cost 6, counts ip = 203.0.113.7, user = alice
    5 per 1m burst 20 (token_bucket)  key login:1m:{{11:203.0.113.7,5:alice}}
    100 per 1d (token_bucket)  key login:1d:{{11:203.0.113.7,5:alice}}
+ everything (shadow): applies, cost 2, counts all requests together, slot {everything}
    100 per 1s (token_bucket)  key everything:1s:{{*}}
- none: does not apply: the rollout leaves its subject out: slot {slot} of 10000, the first 0 are in
- off: does not apply: the rule is off
- host: does not apply: the host is \"evil\\u{{1b}}[2J\", the rule wants *.example.com
- plan: does not apply: the header x-plan has another value
- header: refuses: the request has no header:x-key, a part of the key",
        policy.version()
    );
    assert_eq!(found.to_string(), expected);
}

#[test]
fn lists_and_overrides_are_named() {
    let policy = policy(SOURCE);
    let of = |user| Attributes {
        ip: Some("203.0.113.7".parse().unwrap()),
        user: Some(user),
        method: Some("POST"),
        path: Some("/login"),
        ..Attributes::default()
    };
    let text = policy.explain(&of("mallory"), Timestamp::EPOCH, 1).to_string();
    let expected = "\non the deny list: refused, no rule decides (reason: fraud)\n- login: not reached\n- everything (shadow): not reached\n- none: not reached";
    assert!(text.contains(expected) && !text.contains("applies") && !text.contains("key"), "{text}");
    assert_eq!(text.matches(": not reached").count(), 7, "{text}");
    let text = policy.explain(&of("acme"), Timestamp::EPOCH, 1).to_string();
    assert!(text.contains("limits of override 0 for user acme (campaign)\n    9 per 1s (token_bucket)  key login:1s:{11:203.0.113.7,4:acme}"), "{text}");
    let none = policy.explain(&Attributes::default(), Timestamp::EPOCH, 1).to_string();
    assert!(
        none.contains("- login: does not apply: the method is absent, the rule wants POST"),
        "{none}"
    );
    assert!(
        none.contains("- none: does not apply: the request has no user, a part of the key (missing: skip)"),
        "{none}"
    );
}

#[test]
fn values_are_shown_as_they_are_and_steer_no_terminal() {
    let policy = policy("rules: [ { name: r, key: [user, { header: x-key, secret: true }], limits: 1/s } ]");
    let long = "é b".repeat(100);
    for (user, shown) in [
        ("a {b} é", "a {b} é"),
        ("\u{1b}[2J\r\n\u{202e}", "\\u{1b}[2J\\r\\n\\u{202e}"),
        (&long, &long),
    ] {
        let of = Attributes { user: Some(user), headers: &[("x-key", "hunter2")], ..Attributes::default() };
        let found = policy.explain(&of, Timestamp::EPOCH, 1);
        let text = found.to_string();
        assert!(text.contains(&format!("counts user = {shown}, header:x-key (secret) = #")), "{text}");
        assert!(
            !text.contains("hunter2") && !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
        let RuleVerdict::Applies(applies) = &found.rules[0].verdict else {
            panic!("{text}")
        };
        assert_eq!(applies.subject[0].1, user);
    }
}
