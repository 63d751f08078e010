//! The JSON Schema of the policy language, for editors.

use serde_json::{Map, Value, json};

use crate::decode::{Decode as _, FieldSpec, record_schema};
use crate::raw::Root;

/// The schemas of records, each by its name.
#[derive(Debug, Default)]
pub(crate) struct Definitions(Map<String, Value>);

impl Definitions {
    /// A reference to a record's schema, which is made on the first call.
    pub(crate) fn reference(&mut self, name: &str, doc: &[&str], specs: &[FieldSpec]) -> Value {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Value::Null);
            let schema = record_schema(doc, specs, self);
            self.0.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

/// The JSON Schema (draft 2020-12) of a policy, generated from the same declarations that read it.
///
/// ```
/// let schema = ratekeeper_policy::json_schema();
/// assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
/// assert_eq!(schema["$defs"]["Rule"]["additionalProperties"], false);
/// ```
#[must_use]
pub fn json_schema() -> Value {
    let mut definitions = Definitions::default();
    let root = Root::schema(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ratekeeper:policy:1",
        "title": "ratekeeper policy",
        "$ref": root["$ref"],
        "$defs": definitions.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Document, Kind, NodeId, POLICY, parse};

    /// A policy as editors see it: JSON by the core schema of YAML.
    fn json_of(document: &Document, id: NodeId) -> Value {
        match &document.node(id).kind {
            Kind::List(items) => items.iter().map(|item| json_of(document, *item)).collect(),
            Kind::Map(items) => {
                let field =
                    |item: &NodeId| (document.node(*item).name().to_owned(), json_of(document, *item));
                Value::Object(items.iter().map(field).collect())
            }
            Kind::Scalar { text, quoted: false } if text.parse::<i64>().is_ok() => {
                text.parse::<i64>().unwrap().into()
            }
            Kind::Scalar { text, quoted: false } if text == "true" || text == "false" => {
                (text == "true").into()
            }
            Kind::Scalar { text, .. } => text.as_str().into(),
        }
    }

    fn validator() -> jsonschema::Validator {
        jsonschema::draft202012::new(&json_schema()).unwrap()
    }

    fn reference() -> Value {
        json_of(&parse(crate::REFERENCE, POLICY).unwrap(), Document::ROOT)
    }

    #[test]
    fn the_schema_is_one_and_accepts_the_reference() {
        assert!(jsonschema::draft202012::meta::is_valid(&json_schema()));
        let validator = validator();
        let errors: Vec<String> = validator
            .iter_errors(&reference())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn the_schema_accepts_what_the_parser_accepts() {
        let source = "
lists: { allow: 192.0.2.0/24, deny: [192.0.2.7, { user: mallory }] }
rules:
  - name: r
    limits:
      - 5 per second max_delay: 2s
      - { rate: 5 per day, algorithm: calendar_window, tz: Europe/Paris }
";
        crate::Policy::parse(source, "p", &|_| None).unwrap();
        assert!(validator().is_valid(&json_of(&parse(source, POLICY).unwrap(), Document::ROOT)));
    }

    #[test]
    fn the_schema_rejects_what_the_parser_rejects() {
        let validator = validator();
        let mut wrong = reference();
        wrong["rules"][0]["limit"] = json!("1/s");
        assert!(!validator.is_valid(&wrong));
        let mut wrong = reference();
        wrong["rules"][0]["mode"] = json!("enforcing");
        assert!(!validator.is_valid(&wrong));
        let mut wrong = reference();
        wrong["rules"][0].as_object_mut().unwrap().remove("limits");
        assert!(!validator.is_valid(&wrong));
    }

    /// Every field of the language occurs in the reference.
    #[test]
    fn the_reference_is_complete() {
        fn names(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(object) => {
                    for (name, value) in object {
                        found.push(name.clone());
                        names(value, found);
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| names(item, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        names(&reference(), &mut found);
        let schema = json_schema();
        let mut missing = Vec::new();
        for (record, definition) in schema["$defs"].as_object().unwrap() {
            for (field, about) in definition["properties"].as_object().unwrap() {
                let text = about["description"].as_str().unwrap();
                assert!(!text.is_empty(), "{record}.{field} has no description");
                if !text.starts_with("Another name") && !found.contains(field) {
                    missing.push(format!("{record}.{field}"));
                }
            }
        }
        assert!(missing.is_empty(), "not in reference.yaml: {missing:?}");
    }
}
