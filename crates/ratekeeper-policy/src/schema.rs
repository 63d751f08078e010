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
