//! The names in a query, found without understanding it.

use std::collections::{BTreeMap, BTreeSet};

/// Labels that Prometheus adds.
const ADDED: [&str; 4] = ["job", "instance", "le", "__name__"];

/// The labels of each metric of a page.
pub(super) fn exported(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let labels = metrics.entry(name.to_owned()).or_default();
        if let Some((_, rest)) = line.split_once('{') {
            // A value may have anything but a quote that is not escaped: what stands before `="` is a name.
            let parts = rest.split("=\"").filter_map(|part| part.rsplit([',', '{']).next());
            labels.extend(parts.filter(|part| !part.contains('}')).map(str::to_owned));
        }
    }
    metrics
}

fn words(text: &str) -> Vec<&str> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    text.split(|letter| !is_word(letter)).filter(|word| !word.is_empty()).collect()
}

/// The metrics of ours that a query asks for.
pub(super) fn metrics(query: &str) -> BTreeSet<&str> {
    let ours = |word: &&str| {
        (word.starts_with("ratekeeper_") || word.starts_with("process_"))
            && !query.contains(&format!("{word}:"))
    };
    words(query).into_iter().filter(ours).collect()
}

/// The labels that a query, or a legend, names.
pub(super) fn labels(query: &str) -> BTreeSet<&str> {
    let mut labels = BTreeSet::new();
    for opening in ["by (", "on ("] {
        for part in query.split(opening).skip(1) {
            labels.extend(words(part.split(')').next().unwrap_or_default()));
        }
    }
    for part in query.split('{').skip(1) {
        for matcher in part.split('}').next().unwrap_or_default().split(',') {
            labels.extend(words(matcher).first());
        }
    }
    labels
}

/// Whether a query asks for what there is, by labels that it has.
#[track_caller]
pub(super) fn check(exported: &BTreeMap<String, BTreeSet<String>>, query: &str, named: &BTreeSet<&str>) {
    let mut known: BTreeSet<&str> = ADDED.into_iter().collect();
    for metric in metrics(query) {
        let labels = exported.get(metric).unwrap_or_else(|| panic!("{metric} is not exported: {query}"));
        known.extend(labels.iter().map(String::as_str));
    }
    for label in named {
        assert!(known.contains(label), "{query} has no label {label}");
    }
}

#[test]
fn names_are_found() {
    let page = "# HELP a x\nratekeeper_a{rule=\"x,y=\\\"z\",code=\"5\"} 1\nratekeeper_b 2\n";
    let exported = exported(page);
    let query = "sum by (rule) (rate(ratekeeper_a{code=~\"5..\"}[5m])) / on (job) ratekeeper_b";
    assert_eq!(metrics(query), ["ratekeeper_a", "ratekeeper_b"].into());
    assert_eq!(labels(query), ["rule", "code", "job"].into());
    check(&exported, query, &labels(query));
    assert_eq!(labels("{{store}} at {{instance}}"), ["instance", "store"].into());
    let wrong = |query: &'static str| {
        let exported = exported.clone();
        std::panic::catch_unwind(move || check(&exported, query, &labels(query))).is_err()
    };
    assert!(wrong("ratekeeper_c") && wrong("sum by (code) (ratekeeper_b)"));
}
