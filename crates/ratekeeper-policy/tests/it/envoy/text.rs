//! The text of the policy.

use ratekeeper_policy::EnvoyOptions;

use super::files::original;
use super::{import, text_of};

/// The rules of a text, without what stands before them.
fn rules(text: &str) -> &str {
    text.split_once("rules:\n").unwrap().1
}

#[test]
fn each_limit_is_a_rule_that_says_where_it_comes_from() {
    let text = text_of(original!("examples/config"));
    assert_eq!(
        text,
        "# Made from the configuration of envoyproxy/ratelimit by `ratekeeper import envoy`.\n\
         rules:\n  \
           # a.yaml:4\n  \
           - name: mongo_cps.database_users\n    \
             match: { domain: mongo_cps, entries: [{ key: database, value: users }] }\n    \
             limits: 500 per second (fixed_window)\n    \
             on_store_error: deny\n  \
           # a.yaml:10\n  \
           - name: mongo_cps.database_default\n    \
             match: { domain: mongo_cps, entries: [{ key: database, value: default }] }\n    \
             limits: 500 per second (fixed_window)\n    \
             on_store_error: deny\n"
    );
    let known = text_of("domain: d");
    assert!(
        known.ends_with("  - name: d\n    match: { domain: d }\n    limits: unlimited\n    mode: off\n"),
        "{known}"
    );
}

#[test]
fn every_field_has_its_place() {
    let text = text_of(
        r#"
domain: d
descriptors:
  - key: tenant
    value_to_metric: true
    descriptors:
      - key: path
        value: "/api/*"
        share_threshold: true
        quota_mode: yes
        metadata: { a: [1, 2.5, no, ~, "no", 10.0.0.1], "b c": { d: "${HOME}" } }
        rate_limit: { name: api, replaces: [{ name: all }, { name: "x y" }, { name: all }], unit: MONTH, requests_per_unit: 7 }
  - { key: all, shadow_mode: true, rate_limit: { unit: week, requests_per_unit: 4_294_967_295, name: all } }
  - { key: free, rate_limit: { unlimited: true, replaces: [{ name: all }] } }
  - { key: none, rate_limit: { unit: year } }
"#,
    );
    assert_eq!(
        rules(&text),
        r#"  # a.yaml:7
  - name: d.tenant.path_-api---d8b5c93d
    match: { domain: d, entries: [tenant, { key: path, value: "/api/*", share: true }] }
    limits: 7 per 30d (fixed_window)
    mode: quota
    on_store_error: deny
    # replaces "x y", but no limit of the domain is called so
    replaces: [d.all]
    subject_metrics: true
    envoy: { name: api, metadata: { "a": [1, 2.5, false, null, "no", "10.0.0.1"], "b c": { "d": "$${HOME}" } } }
  # a.yaml:13
  - name: d.all
    match: { domain: d, entries: [all] }
    limits: 4294967295 per week (fixed_window)
    mode: shadow
    on_store_error: deny
    envoy: { name: all }
  # a.yaml:14
  - name: d.free
    match: { domain: d, entries: [free] }
    limits: unlimited
    replaces: [d.all]
  # a.yaml:15
  - name: d.none
    match: { domain: d, entries: [none] }
    limits: 0 per 365d (fixed_window)
    on_store_error: deny
"#
    );
}

#[test]
fn nodes_that_only_stand_before_others_are_unlimited() {
    let limit = "rate_limit: { unit: day, requests_per_unit: 1 }";
    let text = text_of(&format!(
        r#"
domain: d
descriptors:
  - {{ key: k, value: exact }}
  - {{ key: k, value: "a*" }}
  - {{ key: k, value: inner, descriptors: [{{ key: l }}] }}
  - {{ key: k, value: busy, descriptors: [{{ key: l, {limit} }}] }}
  - {{ key: k, {limit} }}
  - {{ key: lone, value: exact }}
  - {{ key: lone }}
  - {{ key: p, value: "b*", {limit} }}
  - {{ key: p, value: "*" }}
  - {{ key: p, value: "c*", {limit} }}
  - {{ key: p, value: "d*" }}
"#
    ));
    let unlimited: Vec<&str> = rules(&text)
        .split("  - name: ")
        .filter(|rule| rule.contains("limits: unlimited"))
        .map(|rule| rule.lines().next().unwrap())
        .collect();
    assert_eq!(
        unlimited,
        [
            "d.k_exact",
            "d.k_a--9bb81b85",
            "d.k_inner",
            "d.lone_exact",
            "d.p_--2a2bcb8a"
        ]
    );
}

#[test]
fn names_are_unique_short_and_say_what_they_can() {
    let long = "v".repeat(100);
    let node = |key: &str, value: &str| {
        format!(
            "  - {{ key: {key:?}, value: {value:?}, rate_limit: {{ unit: day, requests_per_unit: 1, name: d.taken }} }}\n"
        )
    };
    let source = format!(
        "domain: d\ndescriptors:\n{}{}{}{}{}{}",
        node("k", &long),
        node("k", &format!("{long}w")),
        node("é\n", "x: y # z"),
        node("a.b", "c"),
        node("taken", ""),
        "  - { key: a, descriptors: [{ key: b, value: c, rate_limit: { unit: day, requests_per_unit: 1 } }] }\n"
    );
    let text = text_of(&source);
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  - name: ")).collect();
    assert_eq!(names.len(), 6);
    assert!(names[0].starts_with("d.k_vvvv") && names[0].len() == 64, "{names:?}");
    assert!(names[1].len() == 64 && names[1] != names[0], "{names:?}");
    assert!(names[2].starts_with("d.--_x--y---z-"), "{names:?}");
    assert_eq!(names[3], "d.a.b_c");
    assert!(names[4].starts_with("d.taken-"), "no rule is replaced by chance: {names:?}");
    assert!(names[5].starts_with("d.a.b_c-"), "{names:?}");
    assert!(text.contains(r#"{ key: "é\u000a", value: "x: y # z" }"#), "{text}");
}

#[test]
fn options_are_those_of_the_service() {
    let (one, two) = (original!("config/merge_domain_key1"), original!("config/merge_domain_key2"));
    let options = EnvoyOptions {
        merge_domains: true,
        quota_mode: true,
        store: Some("redis://:${PASSWORD}@db".to_owned()),
    };
    let text = import(&[one, two], &options).unwrap().policy;
    assert!(text.contains("stores:\n  default: \"redis://:${PASSWORD}@db\"\nrules:\n"), "{text}");
    assert_eq!(text.matches("mode: quota").count(), 2);
    assert!(text.contains("# a.yaml:5\n") && text.contains("# b.yaml:5\n"), "{text}");
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let source = r"
domain: d
descriptors:
  - { key: a, shadow_mode: true, quota_mode: false, metadata: { x: 1 } }
  - { key: b, rate_limit: { unlimited: true, requests_per_unit: 5 } }
  - { key: c, rate_limit: { unit: day } }
";
    let warnings = import(&[source], &EnvoyOptions::default()).unwrap().warnings;
    let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "a.yaml:4:28: descriptors[0].shadow_mode: this has no effect without a rate_limit beside it; remove it",
            "a.yaml:4:63: descriptors[0].metadata: this has no effect without a rate_limit beside it; remove it",
            "a.yaml:5:65: descriptors[1].rate_limit.requests_per_unit: this has no effect: all is unlimited; remove it, or \
             unlimited",
            "a.yaml:6:27: descriptors[2].rate_limit: without requests_per_unit nothing passes; write it: 0, if that is meant",
        ]
    );
}

#[test]
fn a_window_may_be_several_units() {
    let limit = |unit: &str, times: u32| {
        format!(
            "- {{ key: {unit}, rate_limit: {{ unit: {unit}, unit_multiplier: {times}, requests_per_unit: 3 }} }}\n"
        )
    };
    let limits = [
        limit("minute", 5),
        limit("week", 2),
        limit("month", 1),
        limit("year", 2),
    ]
    .concat();
    let text = text_of(&format!("domain: d\ndescriptors:\n{limits}"));
    for window in ["5m", "14d", "30d", "730d"] {
        assert!(text.contains(&format!("limits: 3 per {window} (fixed_window)\n")), "{window}\n{text}");
    }
}
