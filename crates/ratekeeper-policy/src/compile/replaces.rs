//! Which rules a rule takes out of a request.

use std::collections::HashMap;

use crate::decode::{At, Decoder, OneOrMany};
use crate::rule::Rule;
use crate::text::{nearest, quoted};

/// What a rule says that it replaces, with its place.
pub(super) type Written = (usize, At<OneOrMany<String>>);

/// Finds the rules behind the names.
pub(super) fn resolve(written: Vec<Written>, rules: &mut [Rule], decoder: &mut Decoder<'_>) {
    if written.is_empty() {
        return;
    }
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, rule) in rules.iter().enumerate() {
        by_name.entry(rule.name.clone()).or_default().push(place);
        if let Some(name) = rule.envoy.name.as_ref().filter(|name| **name != rule.name) {
            by_name.entry(name.clone()).or_default().push(place);
        }
    }
    for (rule, names) in written {
        for name in names.value.0 {
            match by_name.get(&name.value).map(Vec::as_slice) {
                Some([alone]) if *alone == rule => {
                    decoder.error(name.node, "a rule replaces itself", "name another rule, or remove this");
                }
                Some(places) => {
                    rules[rule].replaces.extend(places.iter().filter(|place| **place != rule));
                }
                None => {
                    let help = match nearest(&name.value, by_name.keys().map(String::as_str)) {
                        Some(near) => format!("did you mean {near}?"),
                        None => "write the name of a rule, or one that a rule has as envoy.name".to_owned(),
                    };
                    decoder.error(name.node, format!("no rule is called {}", quoted(&name.value)), help);
                }
            }
        }
    }
}
