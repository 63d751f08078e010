//! Files of envoyproxy/ratelimit, as somebody else's machinery may have written them.

use ratekeeper_core::Timestamp;
use ratekeeper_policy::{Applicable, Attributes, EnvoyFile, EnvoyOptions, Policy, import_envoy};

/// What stands between files of one input.
const SEPARATOR: &str = "\n---\n";

/// Imports the files that the bytes are. What is wrong can be shown; what is right becomes a policy.
pub fn envoy_config(data: &[u8]) {
    let contents = split(data);
    let files: Vec<EnvoyFile<'_>> =
        contents.iter().map(|content| EnvoyFile { name: "a\n/b\u{1b}: c", content }).collect();
    for merge_domains in [false, true] {
        let options = EnvoyOptions { merge_domains, quota_mode: data.len() % 2 == 1, store: None };
        match import_envoy(&files, &options) {
            Err(errors) => {
                assert!(!errors.errors().is_empty(), "something is wrong, but what?");
                for error in errors.errors() {
                    let text = error.to_string();
                    assert!(error.line >= 1 && error.column >= 1, "{error:?}");
                    assert!(!text.contains(char::is_control), "what the file says is escaped: {text:?}");
                }
            }
            Ok(import) => serve(&import.policy),
        }
    }
}

fn split(data: &[u8]) -> Vec<&[u8]> {
    match std::str::from_utf8(data) {
        Ok(text) => text.split(SEPARATOR).map(str::as_bytes).collect(),
        Err(_) => vec![data],
    }
}

/// A policy was made, so it is one; and at most one of its rules applies to a descriptor.
fn serve(text: &str) {
    let policy = Policy::parse(text, "imported", &|_| None);
    assert!(
        policy.is_ok(),
        "{}\n{text}",
        policy.err().map(|errors| errors.to_string()).unwrap_or_default()
    );
    let Ok(policy) = policy else {
        return;
    };
    let mut out = Applicable::new();
    for descriptors in [
        &[("key1", "value1")][..],
        &[("key1", "value1"), ("subkey1", "x")],
        &[("wild", "foo*")],
    ] {
        let attributes = Attributes { domain: Some("test-domain"), descriptors, ..Attributes::default() };
        policy.applicable(&attributes, 1, Timestamp::EPOCH, &mut out);
        assert!(out.rules().len() <= 1, "{text}");
    }
}
