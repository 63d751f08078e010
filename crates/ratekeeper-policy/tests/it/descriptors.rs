//! Rules that are looked up by the entries of descriptors.

use ratekeeper_core::{Limit, Micros, Timestamp};
use ratekeeper_policy::{Applicable, Attributes, Policy};

use crate::{errors, policy};

const POLICY: &str = r#"
rules:
  - { name: any, match: { domain: d, entries: [user] }, limits: 1/s }
  - { name: trial, match: { domain: d, entries: { key: user, value: "trial-*" } }, limits: 2/s }
  - { name: shared, match: { domain: d, entries: { key: user, value: "t*m", share: true } }, limits: 2/s }
  - { name: alice, match: { domain: d, entries: { key: user, value: alice } }, limits: unlimited }
  - { name: off, match: { domain: d, entries: { key: user, value: bob } }, limits: 3/s, mode: off }
  - { name: path, match: { domain: d, entries: [user, path] }, limits: 4/s }
  - { name: twice, match: { domain: d, entries: [hop, hop] }, limits: 5/s }
  - { name: elsewhere, match: { domain: e, entries: [user] }, limits: 6/s }
  - { name: everywhere, match: { entries: [user] }, limits: 7/s }
  - { name: plain, match: { domain: e }, limits: 8/s }
"#;

/// The rules that apply, and the subjects of their keys.
fn applied(policy: &Policy, domain: Option<&str>, descriptors: &[(&str, &str)]) -> String {
    let attributes = Attributes { domain, descriptors, ..Attributes::default() };
    let mut out = Applicable::new();
    policy.applicable(&attributes, 1, Timestamp::EPOCH, &mut out);
    let one = |rule: &ratekeeper_policy::AppliedRule<'_>| match rule.limits.clone().next() {
        Some(limit) => String::from_utf8_lossy(out.key(limit)).into_owned(),
        None => format!("{} unlimited", rule.rule.name()),
    };
    out.rules().iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_entries_that_fit_best_choose_the_rules() {
    let policy = policy(POLICY);
    let of = |domain, descriptors| applied(&policy, domain, descriptors);
    assert_eq!(of(Some("d"), &[("user", "carol")]), "any:1s:{5:carol} everywhere:1s:{5:carol}");
    assert_eq!(of(Some("d"), &[("user", "trial-1")]), "trial:1s:{7:trial-1} everywhere:1s:{7:trial-1}");
    assert_eq!(of(Some("d"), &[("user", "trial-m")]), "trial:1s:{7:trial-m} everywhere:1s:{7:trial-m}");
    assert_eq!(of(Some("d"), &[("user", "tm")]), "shared:1s:{*} everywhere:1s:{2:tm}");
    assert_eq!(of(Some("d"), &[("user", "alice")]), "alice unlimited everywhere:1s:{5:alice}");
    assert_eq!(
        of(Some("d"), &[("user", "bob")]),
        "any:1s:{3:bob} everywhere:1s:{3:bob}",
        "off shields nobody"
    );
    assert_eq!(of(Some("d"), &[("user", "a"), ("path", "/")]), "path:1s:{1:a,1:/}");
    assert_eq!(
        of(Some("d"), &[("user", "alice"), ("path", "/")]),
        "",
        "what was chosen is not taken back"
    );
    assert_eq!(of(Some("d"), &[("path", "/"), ("user", "a")]), "", "the order matters");
    assert_eq!(of(Some("d"), &[("hop", "a"), ("hop", "b")]), "twice:1s:{1:a,1:b}");
    assert_eq!(of(Some("e"), &[("user", "a")]), "elsewhere:1s:{1:a} everywhere:1s:{1:a} plain:1s:{*}");
    assert_eq!(of(None, &[("user", "a")]), "everywhere:1s:{1:a}");
    assert_eq!(of(Some("d"), &[]), "");
    assert!(policy.knows_domain("e") && policy.knows_domain("f"), "one rule is about all of them");
    let narrow = self::policy("rules: [{ name: a, match: { domain: e }, limits: 1/s, mode: off }]");
    assert!(narrow.knows_domain("e") && !narrow.knows_domain("f"));
}

#[test]
fn a_rule_takes_others_out_of_the_whole_request() {
    let policy = policy(
        "
rules:
  - { name: a, match: { entries: [a] }, limits: [1/s, 1 per day], envoy: { name: slow } }
  - { name: b, match: { entries: [b] }, limits: 2/s }
  - { name: c, match: { entries: [c] }, limits: 3/s, replaces: [slow, d] }
  - { name: d, match: { entries: [d] }, limits: 3/s, envoy: { name: slow, metadata: { tier: [1, x, ~] } } }
",
    );
    let mut out = Applicable::new();
    for (part, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let attributes = Attributes { descriptors: &[(name, "1")], ..Attributes::default() };
        policy.add_applicable(part, &attributes, 1, Timestamp::EPOCH, &mut out);
    }
    out.replace();
    let left: Vec<_> = out
        .rules()
        .iter()
        .map(|rule| (rule.part, rule.rule.name(), rule.limits.clone()))
        .collect();
    assert_eq!(left, [(1, "b", 0..1), (2, "c", 1..2)]);
    assert_eq!(out.key(1), b"c:1s:{1:1}");
    assert_eq!(policy.rules()[3].envoy_metadata(), Some(&serde_json::json!({ "tier": [1, "x", null] })));
}

#[test]
fn a_limit_that_a_request_brings_along_counts_its_descriptor() {
    let policy = policy("rules: []");
    let limit = Limit::fixed_window(3, Micros::MINUTE).unwrap();
    let long = "x".repeat(200);
    let mut out = Applicable::new();
    for (domain, descriptors) in [
        (Some("d"), &[("user", "alice")][..]),
        (None, &[("user", "alice")]),
        (Some("d"), &[("user", "al"), ("ice", "")]),
        (Some(long.as_str()), &[("a{}", "\n"), (&long, &long), ("x", "y"), ("x", "y")]),
    ] {
        policy.add_own(0, &Attributes { domain, descriptors, ..Attributes::default() }, &limit, &mut out);
    }
    let keys: Vec<_> = (0..4).map(|limit| String::from_utf8_lossy(out.key(limit)).into_owned()).collect();
    assert_eq!(keys[0], "(request):1m:{1:d,4:user,5:alice}");
    assert_eq!(keys[1], "(request):1m:{-,4:user,5:alice}");
    assert_eq!(keys[2], "(request):1m:{1:d,4:user,2:al,3:ice,0:}");
    assert!(keys[3].starts_with("(request):1m:{##") && keys[3].len() < 60);
    assert_eq!((out.rules()[0].index, policy.rule(0).name()), (0, "(request)"));
}

#[test]
fn what_is_wrong_is_told() {
    let rule = |fields: &str| {
        format!("rules:\n  - {{ name: r, limits: 1/s, {fields} }}\n  - {{ name: other, limits: 1/s }}\n")
    };
    let cases = [
        (
            "match: { entries: [{ key: a, value: b, share: true }] }",
            "no pattern whose values could be counted together",
        ),
        ("match: { entries: [{ value: b }] }", "the field key is missing"),
        ("match: { entries: [] }", "the list is empty"),
        ("replaces: r", "a rule replaces itself"),
        ("replaces: othr", "no rule is called \"othr\"; did you mean other?"),
        ("envoy: { metadata: gold }", "this is no mapping"),
        ("mode: quotas", "did you mean quota?"),
    ];
    for (fields, expected) in cases {
        let found = errors(&rule(fields));
        assert!(found.contains(expected), "{fields}: {found}");
    }
}

#[test]
fn an_explanation_says_which_entries_a_rule_wants() {
    let policy = policy(POLICY);
    let attributes =
        Attributes { domain: Some("d"), descriptors: &[("user", "alice")], ..Attributes::default() };
    let text = policy.explain(&attributes, Timestamp::EPOCH, 1).to_string();
    for line in [
        "- any: does not apply: the descriptor is not user, or fits another rule better",
        "- trial: does not apply: the descriptor is not user=\"trial-\"*, or fits",
        "+ alice: applies, cost 1, counts all requests together, unlimited",
        "- elsewhere: does not apply: the domain is \"d\", the rule wants \"e\"",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
