//! Hostile input: a clear error, nothing lost, no panic, bounded memory.

use proptest::prelude::*;
use ratekeeper_policy::{Policy, REFERENCE, parse_limit};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value, json};

use crate::{environment, errors, rule};

/// Either a policy, or errors that say where.
fn survives(source: &[u8]) {
    if let Err(errors) = Policy::from_bytes(source, "p.yaml", &environment) {
        assert!(!errors.errors().is_empty() && errors.errors().len() <= 50);
        for error in &errors {
            assert!(error.line > 0 && error.column > 0 && !error.message.is_empty(), "{error}");
            let text = error.to_string();
            assert!(!text.chars().any(char::is_control) && text.len() < 4000, "{text}");
        }
    }
}

#[test]
fn bombs_are_refused_by_name() {
    let bomb = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nrules: [*b]";
    assert!(errors(bomb).contains("anchors (&name) are not supported"));
    assert!(errors("rules: *a").contains("anchor") || errors("rules: *a").contains("alias"));
    assert!(errors(&format!("rules: {}", "[".repeat(10_000))).contains("p.yaml:1:"));
    assert!(errors(&"- ".repeat(10_000)).contains("nest deeper than 64"));
    let deep: String = (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth % 90))).collect();
    survives(deep.as_bytes());
    assert!(errors(&" ".repeat(9 << 20)).contains("a policy has at most 8388608 bytes"));
    assert!(errors(&format!("rules: [{}]", "1,".repeat(600_000))).contains("more than 500000 values"));
    assert!(errors("rules: []\0").contains("p.yaml:1:10: control character U+0000"));
    assert!(errors("rules:\n\t- a").starts_with("p.yaml:2:"));
    let huge = "9".repeat(500_000);
    let found = errors(&rule(&format!("cost: {huge}")));
    assert!(found.len() < 500, "{}", found.len());
    survives(&[0xff; 100]);
    survives(b"");
    survives(b"\xef\xbb\xbf");
    survives("rules: [ { name: é, limits: ① } ]".as_bytes());
}

#[test]
fn long_lists_are_read_in_bounded_time() {
    let entries: String = (0..40_000).map(|n| format!("    - {{ user: u{n} }}\n")).collect();
    let source = format!("lists:\n  deny:\n{entries}rules: []\n");
    assert!(source.len() < 1 << 20);
    survives(source.as_bytes());
    let rules: String = (0..9000).map(|n| format!("- {{ name: r{n}, key: ip, limits: 5/s }}\n")).collect();
    survives(format!("rules:\n{rules}").as_bytes());
}

/// YAML as JSON, which is YAML too.
fn reference() -> Value {
    fn read<'a>(parser: &mut impl Iterator<Item = Event<'a>>) -> Option<Value> {
        match parser.next()? {
            Event::Scalar(text, ScalarStyle::Plain, ..) if text.parse::<i64>().is_ok() => {
                Some(text.parse::<i64>().unwrap().into())
            }
            Event::Scalar(text, ..) => Some(text.into_owned().into()),
            Event::SequenceStart(..) => Some(std::iter::from_fn(|| read(parser)).collect()),
            Event::MappingStart(..) => {
                let mut map = Map::new();
                while let Some(Value::String(name)) = read(parser) {
                    map.insert(name, read(parser).unwrap());
                }
                Some(Value::Object(map))
            }
            Event::SequenceEnd | Event::MappingEnd => None,
            _ => read(parser),
        }
    }
    read(&mut Parser::new_from_str(REFERENCE).map(|event| event.unwrap().0)).unwrap()
}

/// The places of all values.
fn places(value: &Value, here: String, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(value, format!("{here}/{name}"), out);
            }
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| places(item, format!("{here}/{index}"), out));
        }
        _ => {}
    }
    if !here.is_empty() {
        out.push(here);
    }
}

#[test]
fn every_field_missing_and_every_value_replaced() {
    let reference = reference();
    survives(reference.to_string().as_bytes());
    Policy::parse(&reference.to_string(), "p.json", &environment).unwrap();
    let mut all = Vec::new();
    places(&reference, String::new(), &mut all);
    assert!(all.len() > 150, "{}", all.len());
    let strange = [
        json!(null),
        json!(""),
        json!([]),
        json!({}),
        json!([[]]),
        json!({ "a": 1 }),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(u64::MAX),
        json!("9".repeat(400)),
        json!("x".repeat(3000)),
        json!("${"),
        json!("${NOPE}"),
        json!("\u{1b}[31m\n"),
        json!(true),
        json!("*"),
        json!("{"),
        json!("/../{*x}"),
        json!("1 per 1us burst 9"),
    ];
    for place in &all {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let mut without = reference.clone();
        match without.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(&name.replace("~1", "/").replace("~0", "~"))),
            Value::Array(items) => drop(items.remove(name.parse().unwrap())),
            _ => panic!(),
        }
        survives(without.to_string().as_bytes());
        for value in &strange {
            let mut changed = reference.clone();
            *changed.pointer_mut(place).unwrap() = value.clone();
            survives(changed.to_string().as_bytes());
        }
    }
    for required in [
        "/rules",
        "/rules/0/name",
        "/rules/1/limits",
        "/stores/default/type",
        "/stores/shared/url",
        "/rules/3/rollout/percent",
    ] {
        let (parent, name) = required.rsplit_once('/').unwrap();
        let mut without = reference.clone();
        without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        assert!(
            errors(&without.to_string()).contains(&format!("the field {name} is missing")),
            "{required}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes(source in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&source);
    }

    #[test]
    fn any_yaml_like_text(source in "[rules: \\[\\]{}\n,\"'&*#|>?%@!a0-]{0,120}") {
        survives(source.as_bytes());
    }

    #[test]
    fn any_limit(text in prop_oneof![
        any::<String>(),
        "[0-9_]{0,20}( |/)(per )?[0-9]{0,3}(s|m|day|month|fortnight)?( burst [0-9]{0,20}| ttl [0-9]{1,20}[a-z]{1,2}| \\([a-z_, ]{0,20}\\)?){0,2}",
    ]) {
        if let Ok(limit) = parse_limit(&text) {
            let again = parse_limit(&limit.to_string());
            prop_assert_eq!(again.map(|limit| limit.to_string()), Ok(limit.to_string()));
        }
    }

    #[test]
    fn any_value_in_a_rule(value in any::<String>()) {
        let value = json!(value).to_string();
        for field in ["key", "cost", "match", "mode", "rollout", "local_share", "store", "missing", "description", "overrides", "limits"] {
            survives(format!("{{\"rules\": [{{\"name\": \"a\", \"limits\": \"1/s\", \"{field}\": {value}}}]}}").as_bytes());
        }
        for field in ["path", "host", "methods", "ip", "user", "route"] {
            survives(rule(&format!("match: {{ {field}: {value} }}")).as_bytes());
        }
    }
}
