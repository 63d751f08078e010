//! Every error that the service finds is found, and where it is.

use ratekeeper_policy::{EnvoyFile, EnvoyOptions, import_envoy};

use super::files::original;
use super::import;

/// What is wrong with these files.
fn errors(contents: &[&str], merge_domains: bool) -> String {
    let options = EnvoyOptions { merge_domains, ..EnvoyOptions::default() };
    match import(contents, &options) {
        Ok(import) => panic!("this is accepted:\n{}", import.policy),
        Err(errors) => errors,
    }
}

#[test]
fn its_own_wrong_files_are_refused_with_place_and_help() {
    let cases: &[(&str, &str)] = &[
        (
            original!("config/bad_limit_unit"),
            "a.yaml:6:13: descriptors[0].rate_limit.unit: \"foo\" is no unit; write second, minute, hour, day, week, \
             month or year",
        ),
        (
            original!("config/bad_yaml"),
            "a.yaml:1:1: while scanning a quoted scalar, found unexpected end of stream; close the quote that begins here",
        ),
        (
            original!("config/duplicate_key"),
            "a.yaml:6:5: descriptors[1]: \"key1_value1\" is in a.yaml:3 already; of the descriptors in one list each has \
             another key_value: remove one",
        ),
        (
            original!("config/empty_domain"),
            "a.yaml:1:1: the domain is missing; write domain: NAME, as requests name it",
        ),
        (
            original!("config/empty_key"),
            "a.yaml:3:5: descriptors[0]: the key is missing; write key: NAME, as requests name it",
        ),
        (
            original!("config/misspelled_key"),
            "a.yaml:5:5: descriptors[0].ratelimit: unknown field \"ratelimit\"; did you mean rate_limit?",
        ),
        (
            original!("config/misspelled_key2"),
            "a.yaml:7:7: descriptors[0].rate_limit.requestsperunit: unknown field \"requestsperunit\"; did you mean \
             requests_per_unit?",
        ),
        (
            original!("config/non_map_list"),
            "a.yaml:3:5: descriptors[0]: no mapping stands here; write a mapping with any of key, value, rate_limit, \
             descriptors, shadow_mode, quota_mode, detailed_metric, value_to_metric, share_threshold or metadata",
        ),
        (
            original!("config/non_string_key"),
            "a.yaml:1:1: the domain is missing; write domain: NAME, as requests name it\n\
             a.yaml:1:1: [\"0.25\"]: unknown field \"0.25\"; the fields here are domain or descriptors",
        ),
        (
            original!("config/replaces_empty"),
            "a.yaml:10:15: descriptors[0].descriptors[0].rate_limit.replaces[0]: the name is missing; write - name: NAME, \
             as the other rate_limit has it",
        ),
        (
            original!("config/replaces_self"),
            "a.yaml:10:21: descriptors[0].descriptors[0].rate_limit.replaces[0].name: \"self\" replaces itself; write the \
             name of another rate_limit",
        ),
        (
            original!("config/unlimited_with_unit"),
            "a.yaml:6:13: descriptors[0].rate_limit.unit: what is unlimited has no unit; remove unit, or unlimited",
        ),
    ];
    for (content, expected) in cases {
        let found = errors(&[content], false);
        let is_there = expected.lines().all(|line| found.lines().any(|found| found == line));
        assert!(is_there, "expected:\n{expected}\nfound:\n{found}");
    }
}

#[test]
fn a_domain_stands_in_one_file_unless_they_are_merged() {
    let (basic, again) = (original!("config/basic_config"), original!("config/duplicate_domain"));
    let found = errors(&[basic, again], false);
    assert_eq!(
        found,
        "b.yaml:1:9: domain: the domain \"test-domain\" is in a.yaml:2 already; give it another name, or merge domains"
    );
    let first = original!("config/merge_domain_key1");
    let found = errors(&[first, first], true);
    assert_eq!(
        found,
        "b.yaml:5:5: descriptors[0]: \"key1_value1\" is in a.yaml:5 already; of the descriptors in one list each has \
         another key_value: remove one"
    );
}

#[test]
fn values_are_what_go_takes_them_for() {
    let limit = |fields: &str| {
        format!("domain: d\ndescriptors:\n- key: k\n  rate_limit: {{ unit: day, {fields} }}\n")
    };
    let with = |fields: &str| format!("domain: d\ndescriptors:\n- {{ key: k, {fields} }}\n");
    let count = "is no number of requests; write a whole number from 0 to 4294967295";
    for (source, expected) in [
        (limit("requests_per_unit: 4294967296"), count),
        (limit("requests_per_unit: -1"), count),
        (limit("requests_per_unit: 1.5"), count),
        (limit("requests_per_unit: many"), count),
        (limit("requests_per_unit: \"5\""), "write 5 without quotes"),
        (limit("requests_per_unit: 010"), "a number that begins with 0 is octal"),
        (limit("requests_per_unit: [1]"), "a list stands here; write a whole number"),
        (limit("unlimited: \"true\""), "write true without quotes"),
        (limit("unlimited: maybe"), "neither true nor false"),
        (limit("unit_multiplier: 0"), "a window has no length; write a multiplier from 1 on"),
        (
            limit("unit_multiplier: 99999"),
            "99999 times one day is too long a window; write 13031 at most",
        ),
        (limit("replaces: x"), "no list stands here"),
        (limit("replaces: [x]"), "no mapping stands here"),
        (limit("shadow_mode: true"), "unknown field \"shadow_mode\""),
        (
            with("value: 1.5"),
            "the number \"1.5\" stands where a text must be; write it in quotes: \"1.5\"",
        ),
        (with("value: {}"), "a mapping stands here; write a text"),
        (with("rate_limit: 5"), "no mapping stands here"),
        (with("rate_limit: {}"), "the unit is missing; write unit: minute"),
        (with("rate_limit: { unit: fortnight }"), "is no unit"),
        (with("rate_limit: { unit: minutes }"), "did you mean minute?"),
        (with("descriptors: {}"), "no list stands here"),
        (with("descriptors: [~]"), "nothing stands here"),
        (with("metadata: x"), "no mapping stands here"),
        (with("metadata: { x: 1e999 }"), "this number is too large"),
        (with("share_threshold: true"), "share_threshold is for values with *"),
        (with("value: v, share_threshold: true"), "share_threshold is for values with *"),
        (with("unit: day"), "unknown field \"unit\""),
        ("domain: d\ndescriptors: [{ key: \"a*\" }]".to_owned(), "the key \"a*\" has a *"),
        ("domain: d\ndescriptors: [{ key: \"\" }]".to_owned(), "the key is missing"),
        (
            format!("domain: d\ndescriptors: [{{ key: {} }}]", "k".repeat(129)),
            "a key has at most 128 bytes",
        ),
        (
            "domain: d\ndescriptors: [{ key: k, value: \"**\" }, { key: k, value: \"*\" }]".to_owned(),
            "\"k_*\" is in",
        ),
        ("domain: ~".to_owned(), "the domain is missing"),
        ("domain: d\n---\ndomain: e".to_owned(), "a configuration is one YAML document"),
        (String::new(), "the configuration is empty; a configuration has at least a `domain`"),
        ("domain: &a d".to_owned(), "anchors (&name) are not supported"),
        ("domain: d\ndomain: d".to_owned(), "is given twice"),
        // The service joins them by _.
        (
            "domain: d\ndescriptors: [{ key: a, value: b }, { key: a_b }]".to_owned(),
            "\"a_b\" is in a.yaml:2 already",
        ),
    ] {
        let found = errors(&[&source], false);
        assert!(found.contains(expected), "{source}\nexpected: {expected}\nfound: {found}");
        assert_eq!(found.lines().count(), 1, "{source}\n{found}");
    }
}

#[test]
fn all_errors_of_all_files_are_told_at_once_but_no_more_than_fifty() {
    let found = errors(
        &[
            "domain: d\ndescriptors:\n- key: k\n  value: 1.5\n- {}\n",
            "domian: e\n",
        ],
        false,
    );
    assert_eq!(
        found
            .lines()
            .map(|line| line.split(':').take(3).collect::<Vec<_>>().join(":"))
            .collect::<Vec<_>>(),
        ["a.yaml:4:10", "a.yaml:5:3", "b.yaml:1:1", "b.yaml:1:1"]
    );
    let many = format!("domain: d\ndescriptors:\n{}", "- {}\n".repeat(40));
    let found = errors(&[&many, &many, &many], false);
    assert_eq!(found.lines().count(), 51);
    assert!(found.ends_with("\nand 72 more"), "{found}");
}

#[test]
fn what_is_too_large_is_refused_and_not_multiplied() {
    // Each rule repeats the values above it.
    let long = "x".repeat(100_000);
    let children: String =
        (0..500).map(|n| format!("  - {{ key: k{n}, rate_limit: {{ unit: day }} }}\n")).collect();
    let source = format!("domain: d\ndescriptors:\n- key: k\n  value: {long}\n  descriptors:\n{children}");
    assert!(
        errors(&[&source], false)
            .contains("the policy would be too large; a policy has at most 8388608 bytes")
    );
    let deep = format!(
        "domain: d\ndescriptors: [{{ key: k, metadata: {{ m: {}{} }} }}]",
        "[".repeat(40),
        "]".repeat(40)
    );
    assert!(errors(&[&deep], false).contains("metadata nests too deep"));
    let deep = format!("domain: d\ndescriptors: {}", "[{ key: k, descriptors: ".repeat(40));
    assert!(errors(&[&deep], false).contains("nest deeper than 64"));
    // Every other limit replaces all others.
    let square: String = (0..1000)
        .map(|n| {
            let (name, other) = if n % 2 == 0 { ("a", "b") } else { ("b", "a") };
            format!("- {{ key: k{n}, rate_limit: {{ unit: day, name: {name}, replaces: [{{ name: {other} }}] }} }}\n")
        })
        .collect();
    let square = format!("domain: {}\ndescriptors:\n{square}", "d".repeat(20));
    assert!(errors(&[&square], false).contains("the policy would be too large"));
    let half = " ".repeat(5 << 20);
    assert!(errors(&[&half, &half], false).contains("the files have 10485760 bytes together"));
    let file = EnvoyFile { name: "a.yaml", content: b"domain: \xff" };
    let found = import_envoy(&[file], &EnvoyOptions::default()).unwrap_err().to_string();
    assert_eq!(found, "a.yaml:1:9: the byte 0xff is no UTF-8; save the configuration as UTF-8");
}
