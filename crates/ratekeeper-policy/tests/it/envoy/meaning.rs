//! What an imported policy does is what the service does.

use proptest::prelude::*;
use ratekeeper_core::Timestamp;
use ratekeeper_policy::{Applicable, Attributes, EnvoyOptions, Mode, Policy, Rule};

use super::files::{original, readme};
use super::model::{Config, Found, get_limit, list};
use super::{import, text_of};

fn policy(text: &str) -> Policy {
    Policy::parse(text, "imported.yaml", &|_| None).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// Imports files into one policy.
fn imported(contents: &[&str]) -> Policy {
    let options = EnvoyOptions { merge_domains: true, ..EnvoyOptions::default() };
    policy(&import(contents, &options).unwrap_or_else(|errors| panic!("{errors}")).policy)
}

/// `key=value key=value` as a request has it.
fn entries(text: &str) -> Vec<(&str, &str)> {
    text.split_whitespace().map(|entry| entry.split_once('=').unwrap()).collect()
}

/// The limit that counts for one descriptor, and the subject of its key.
fn limit_of(policy: &Policy, domain: &str, descriptor: &str) -> String {
    limits_of(policy, domain, &[descriptor]).pop().unwrap()
}

/// The same of the descriptors of one request: those that are replaced have none.
fn limits_of(policy: &Policy, domain: &str, descriptors: &[&str]) -> Vec<String> {
    let mut out = Applicable::new();
    for (part, descriptor) in descriptors.iter().enumerate() {
        let entries = entries(descriptor);
        let attributes = Attributes { domain: Some(domain), descriptors: &entries, ..Attributes::default() };
        policy.add_applicable(part, &attributes, 1, Timestamp::EPOCH, &mut out);
    }
    out.replace();
    let of_part = |part: usize| {
        let rules: Vec<_> = out.rules().iter().filter(|rule| rule.part == part).collect();
        assert!(rules.len() <= 1, "one limit counts for one descriptor");
        let Some(applied) = rules.first() else {
            return "none".to_owned();
        };
        let mode = match applied.rule.mode() {
            Mode::Enforce => String::new(),
            mode => format!(", {mode}"),
        };
        match applied.limits.clone().next() {
            None => "unlimited".to_owned(),
            Some(place) => {
                let limit = out.limits()[place].limit.to_string().replace(" (fixed_window)", "");
                let key = String::from_utf8(out.key(place).to_vec()).unwrap();
                format!("{limit}{mode} {}", &key[key.find('{').unwrap()..])
            }
        }
    };
    (0..descriptors.len()).map(of_part).collect()
}

#[track_caller]
fn check(policy: &Policy, domain: &str, cases: &[(&str, &str)]) {
    for (descriptor, expected) in cases {
        assert_eq!(limit_of(policy, domain, descriptor), *expected, "{domain}: {descriptor}");
    }
}

#[test]
fn its_own_files_mean_what_its_own_tests_say() {
    let basic = imported(&[original!("config/basic_config")]);
    check(&basic, "foo_domain", &[("key2=x", "none")]);
    check(
        &basic,
        "test-domain",
        &[
            ("", "none"),
            ("key1=something", "none"),
            ("key1=value1", "none"),
            ("key2=value2 subkey=subvalue", "none"),
            ("key5=value5 subkey5=subvalue", "none"),
            ("key1=value1 subkey1=something", "5 per 1s {9:something}"),
            ("key1=value1 subkey1=subvalue1", "10 per 1s {*}"),
            ("key2=something", "20 per 1m {9:something}"),
            ("key2=value2", "30 per 1m {*}"),
            ("key2=value3", "unlimited"),
            ("key3=foo", "1 per 1h {3:foo}"),
            ("key4=foo", "1 per 1d {3:foo}"),
            ("key5=value5", "15 per 1d {*}"),
            ("key5=value5 subkey5=subvalue5", "25 per 1d {*}"),
            ("key6=foo", "unlimited"),
            ("key7=unspecified_value", "70 per 1m {17:unspecified_value}"),
        ],
    );
    let named = basic.rules().iter().find(|rule| rule.envoy_name() == Some("key4_rate_limit")).unwrap();
    assert_eq!(named.name(), "test-domain.key4");
    let detailed: Vec<_> =
        basic.rules().iter().filter(|rule| rule.has_subject_metrics()).map(Rule::name).collect();
    assert_eq!(detailed, ["test-domain.key7"]);
    let shadow = imported(&[original!("config/shadowmode_config")]);
    check(
        &shadow,
        "test-domain",
        &[
            ("key1=value1 subkey1=something", "5 per 1s {9:something}"),
            ("key1=value1 subkey1=subvalue1", "10 per 1s, shadow {*}"),
            ("key2=something", "20 per 1m, shadow {9:something}"),
            ("key2=value2", "30 per 1m {*}"),
        ],
    );
    let merged = imported(&[
        original!("config/merge_domain_key1"),
        original!("config/merge_domain_key2"),
    ]);
    check(
        &merged,
        "test-domain",
        &[("key1=value1", "10 per 1m {*}"), ("key2=value2", "20 per 1m {*}")],
    );
    let metadata = imported(&[original!("config/metadata")]);
    let told: Vec<_> = metadata.rules().iter().filter_map(|rule| rule.envoy_metadata()).collect();
    assert_eq!(
        told,
        [
            &serde_json::json!({ "name": "service_1" }),
            &serde_json::json!({ "service_with_quota": { "name": "service_2" } })
        ]
    );
}

#[test]
fn stars_stand_for_what_its_own_tests_say() {
    let wildcard = imported(&[original!("config/wildcard")]);
    check(
        &wildcard,
        "test-domain",
        &[
            ("noVal=foo1", "20 per 1m {4:foo1}"),
            ("wild=foo1", "20 per 1m {4:foo1}"),
            ("wild=foo2", "20 per 1m {4:foo2}"),
            ("nestedWild=val1 wild=goo2", "20 per 1m {4:goo2}"),
            ("wild=bar", "none"),
            ("noWild=foo1", "none"),
            ("midWild=barab", "20 per 1m {5:barab}"),
            ("midWild=barb", "20 per 1m {4:barb}"),
            ("midWild=bara", "none"),
            ("midWild=xbarb", "none"),
            ("multiWild=foo123bar456baz", "10 per 1m {15:foo123bar456baz}"),
            ("multiWild=foobarbaz", "10 per 1m {9:foobarbaz}"),
            ("multiWild=foo123baz", "none"),
            ("multiWild=bar456baz", "none"),
        ],
    );
    let share = imported(&[original!("config/share_threshold")]);
    check(
        &share,
        "test-domain",
        &[
            ("files=files/a.pdf", "100 per 1m {*}"),
            ("files=files/b.csv", "100 per 1m {*}"),
            ("nested=parent files=nested/file1.txt", "200 per 1m {*}"),
            ("files=top/file1.txt files=nested/file1.txt", "300 per 1m {*}"),
            ("route=api/v1 method=GET", "60 per 1m {3:GET}"),
            ("service=svc/user endpoint=get", "80 per 1m {3:get}"),
            ("path=path/foo file=file/doc1 type=pdf", "120 per 1m {9:file/doc1,3:pdf}"),
            ("user=user/alice resource=res/file1 action=read", "150 per 1m {4:read}"),
            ("file=test1", "50 per 1m {*}"),
            ("file=test2", "100 per 1m {*}"),
            ("midpath=/api/v1", "100 per 1m {*}"),
            ("midpath=/api/v2", "none"),
            ("multiroute=svceprpc", "50 per 1m {*}"),
            ("multiroute=svcABCrpc", "none"),
            ("tenant=t1prod resource=resAv2", "60 per 1m {*}"),
        ],
    );
}

#[test]
fn the_examples_of_its_readme_do_what_it_says_of_them() {
    let policy = imported(&readme()[..3]);
    check(&policy, "mongo_cps", &[("database=users", "500 per 1s {*}"), ("database=other", "none")]);
    check(
        &policy,
        "messaging",
        &[
            ("message_type=marketing to_number=2061111111", "5 per 1d {10:2061111111}"),
            ("message_type=marketing to_number=2062222222", "5 per 1d {10:2062222222}"),
            ("to_number=2061111111", "100 per 1d {10:2061111111}"),
            ("message_type=other to_number=2061111111", "none"),
        ],
    );
    check(
        &policy,
        "edge_proxy_per_ip",
        &[
            ("remote_address=50.0.0.1", "10 per 1s {8:50.0.0.1}"),
            ("remote_address=50.0.0.5", "0 per 1s {*}"),
        ],
    );
    check(&imported(&readme()[3..4]), "example4", &[("key=value subkey=subvalue", "none")]);
    check(
        &imported(&readme()[4..5]),
        "example4",
        &[("key=value subkey=subvalue", "300 per 1s {8:subvalue}")],
    );
    check(
        &imported(&readme()[5..6]),
        "internal",
        &[("ldap=x", "unlimited"), ("azure=x", "100 per 1m {1:x}")],
    );
    let shadow = imported(&readme()[6..7]);
    check(
        &shadow,
        "example6",
        &[
            ("service=auth-service user=user-a", "10 per 1s, shadow {12:auth-service}"),
            ("service=auth-service user=user-b", "20 per 1s {12:auth-service}"),
        ],
    );
    check(
        &imported(&readme()[8..9]),
        "example8",
        &[
            ("key1=other", "10 per 1m {5:other}"),
            ("key1=value1", "20 per 1m {*}"),
        ],
    );
    for (example, value) in [
        (9, "value1"),
        (10, "/api/123/action"),
        (11, "/api/v1/resource/123/action"),
    ] {
        let key = ["key1", "path", "route"][example - 9];
        let expected = format!("20 per 1m {{{}:{value}}}", value.len());
        check(
            &imported(&readme()[example..=example]),
            "example9",
            &[(&format!("{key}={value}"), &expected)],
        );
    }
    let metrics = imported(&readme()[12..14]);
    check(
        &metrics,
        "example10",
        &[("route=api http_method=GET subject_id=123", "60 per 1m {3:api,3:GET,3:123}")],
    );
    assert!(metrics.rules().iter().all(Rule::has_subject_metrics));
    let share = imported(&readme()[14..]);
    check(
        &share,
        "example11",
        &[
            ("files=files/a.pdf", "10 per 1h {*}"),
            ("files_no_share=files_no_share/a.pdf", "10 per 1h {20:files_no_share/a.pdf}"),
        ],
    );
    check(&share, "example11_metrics", &[("route=api/v1 method=GET", "60 per 1m {3:GET}")]);
}

#[test]
fn a_limit_replaces_another_only_where_both_are_met() {
    let policy = imported(&readme()[7..8]);
    let (specific, category) = ("key_1=value_1 user=bkthomps", "key_2=value_2 user=bkthomps");
    assert_eq!(limits_of(&policy, "example7", &[specific]), ["5 per 1s {*}"]);
    assert_eq!(limits_of(&policy, "example7", &[category]), ["10 per 1s {*}"]);
    assert_eq!(limits_of(&policy, "example7", &[specific, category]), ["none", "10 per 1s {*}"]);
    let example = imported(&[original!("examples/example")]);
    assert_eq!(
        limits_of(
            &example,
            "rl",
            &[
                "foo=x bar=bkthomps",
                "category=account",
                "service=service_1",
                "foo=y bay=z"
            ]
        ),
        ["none", "4 per 1m {*}", "1 per 1m, quota {*}", "unlimited"]
    );
    // What replaces nothing of its domain is no error.
    let text = text_of(
        "domain: d\ndescriptors: [{ key: k, rate_limit: { unit: day, replaces: [{ name: \"x\\n- y\" }] } }]",
    );
    assert!(
        text.contains("    # replaces \"x\\u000a- y\", but no limit of the domain is called so\n"),
        "{text}"
    );
    policy_of_one_rule(&text);
}

fn policy_of_one_rule(text: &str) {
    assert_eq!(policy(text).rules().len(), 1);
}

#[test]
fn texts_of_all_kinds_come_through() {
    let odd = "null, ~, \"q\", 'a', ${HOME}, $${X}, a: b #c, \\ é \u{85}\u{2028}\u{feff}🦀";
    let quoted = odd
        .escape_default()
        .to_string()
        .replace("\\u{85}", "\\x85")
        .replace("\\u{2028}", "\\u2028");
    let quoted = quoted.replace("\\u{feff}", "\\ufeff").replace("\\u{1f980}", "🦀").replace("\\u{e9}", "é");
    let quoted = quoted.replace("\\'", "'");
    let source = format!(
        "domain: \"{quoted}\"\ndescriptors:\n- {{ key: \"{quoted}\", value: \"{quoted}\", metadata: {{ \"{quoted}\": \"{quoted}\", n: \"1\" }}, \
         rate_limit: {{ unit: day, requests_per_unit: 1, name: \"{quoted}\" }} }}\n"
    );
    let policy = policy(&text_of(&source));
    let rule = &policy.rules()[0];
    assert_eq!(rule.envoy_name(), Some(odd));
    assert_eq!(rule.envoy_metadata(), Some(&serde_json::json!({ odd: odd, "n": "1" })));
    let descriptors = [(odd, odd)];
    let attributes = Attributes { domain: Some(odd), descriptors: &descriptors, ..Attributes::default() };
    let mut out = Applicable::new();
    policy.applicable(&attributes, 1, Timestamp::EPOCH, &mut out);
    assert_eq!(out.limits().len(), 1);
}

/// Configurations of few keys and values, so that much meets.
fn configs() -> impl Strategy<Value = Vec<Config>> {
    let value = "(|a|b|ab|a\\*|\\*b|\\*|a\\*b|b\\*a\\*)";
    let one = ("[kl]", value, any::<bool>(), prop::option::weighted(0.6, 1_u32..1000));
    let node = one.prop_map(|(key, value, share, limit)| Config {
        share: share && value.contains('*'),
        key,
        value,
        limit,
        children: Vec::new(),
    });
    let leaves = prop::collection::vec(node.clone(), 0..6).prop_map(distinct);
    leaves.prop_recursive(2, 40, 6, move |children| {
        prop::collection::vec((node.clone(), children), 1..6).prop_map(|nodes| {
            distinct(nodes.into_iter().map(|(node, children)| Config { children, ..node }).collect())
        })
    })
}

/// Without those that are written twice.
fn distinct(mut configs: Vec<Config>) -> Vec<Config> {
    let mut seen = std::collections::HashSet::new();
    configs.retain(|config| seen.insert((config.key.clone(), config.value.clone())));
    configs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_request_meets_the_limit_that_the_service_finds(
        configs in configs(),
        requests in prop::collection::vec(prop::collection::vec(("[klm]", "[abc]{0,4}"), 1..5), 1..12),
    ) {
        let source = format!("domain: d\ndescriptors: {}\n", list(&configs));
        let policy = policy(&text_of(&source));
        for request in requests {
            let entries: Vec<(&str, &str)> = request.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let attributes = Attributes { domain: Some("d"), descriptors: &entries, ..Attributes::default() };
            let mut out = Applicable::new();
            policy.applicable(&attributes, 1, Timestamp::EPOCH, &mut out);
            prop_assert!(out.rules().len() <= 1);
            let found = out.rules().first().filter(|applied| !applied.limits.is_empty()).map(|applied| {
                let subject = applied.rule.subject(&attributes);
                Found { limit: u32::try_from(out.limits()[0].limit.count()).unwrap(), apart: subject }
            });
            prop_assert_eq!(found, get_limit(&configs, &entries), "{:?}\n{}", entries, source);
        }
    }
}
