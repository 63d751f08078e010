//! The fields of one record while it is read.

use serde_json::{Map, Value};

use super::{At, Decode, Decoder};
use crate::schema::Definitions;
use crate::text::{listed, nearest, quoted, uncapitalized};
use crate::yaml::{Kind, NodeId};

/// The declaration of a field.
pub(crate) struct FieldSpec {
    /// As Rust spells it; see [`name`](Self::name).
    pub(crate) identifier: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) doc: &'static [&'static str],
    pub(crate) required: bool,
    pub(crate) default: Option<&'static str>,
    pub(crate) schema: fn(&mut Definitions) -> Value,
}

impl FieldSpec {
    /// The name of the field in a policy.
    pub(crate) fn name(&self) -> &'static str {
        self.identifier.strip_prefix("r#").unwrap_or(self.identifier)
    }

    fn is_called(&self, name: &str) -> bool {
        self.name() == name || self.aliases.contains(&name)
    }
}

/// Reads the fields of one mapping.
pub(crate) struct Fields<'a, 'd> {
    node: NodeId,
    children: &'d [NodeId],
    specs: &'static [FieldSpec],
    lenient: bool,
    pub(crate) decoder: &'a mut Decoder<'d>,
}

impl<'a, 'd> Fields<'a, 'd> {
    /// Opens a mapping and reports the fields that its record does not have. With `lenient` a field that is wrong counts
    /// as absent, and one that must be there is put in place by [`Decode::placeholder`].
    pub(crate) fn open(
        node: NodeId,
        specs: &'static [FieldSpec],
        lenient: bool,
        decoder: &'a mut Decoder<'d>,
    ) -> Option<Self> {
        let names = || specs.iter().map(FieldSpec::name);
        let Kind::Map(children) = &decoder.node(node).kind else {
            let found = if decoder.node(node).is_null() {
                "nothing"
            } else {
                "no mapping"
            };
            let required: Vec<&str> =
                specs.iter().filter(|spec| spec.required).map(FieldSpec::name).collect();
            let expected = if required.is_empty() {
                format!("a mapping with any of {}", listed(names()))
            } else {
                format!("a mapping with {}", required.join(", "))
            };
            return decoder.mismatch(node, found, &expected);
        };
        for child in children {
            let name = decoder.node(*child).name();
            if !specs.iter().any(|spec| spec.is_called(name)) {
                let help = match nearest(name, names()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("the fields here are {}", listed(names())),
                };
                decoder.error_in_name(*child, format!("unknown field {}", quoted(name)), help);
            }
        }
        Some(Self { node, children, specs, lenient, decoder })
    }

    /// Reads an optional field: `Some(None)` if it is absent, `None` if it is wrong.
    pub(crate) fn optional<T: Decode>(&mut self, identifier: &str) -> Option<Option<At<T>>> {
        let read = self.read(identifier);
        if read.is_none() && self.lenient {
            self.decoder.leave_out();
            return Some(None);
        }
        read
    }

    fn read<T: Decode>(&mut self, identifier: &str) -> Option<Option<At<T>>> {
        let spec = self.specs.iter().find(|spec| spec.identifier == identifier)?;
        let mut found = None;
        for child in self.children {
            if spec.is_called(self.decoder.node(*child).name()) {
                if found.is_some() {
                    let message = format!("this is another name of {}, which is given too", spec.name());
                    self.decoder.error_in_name(*child, message, "remove one of them");
                    return None;
                }
                found = Some(*child);
            }
        }
        match found {
            None => Some(None),
            Some(child) => At::decode(child, self.decoder).map(Some),
        }
    }

    /// Reads a required field; `None` if it is absent or wrong.
    pub(crate) fn required<T: Decode>(&mut self, identifier: &str) -> Option<At<T>> {
        let read = self.read(identifier);
        if matches!(read, Some(None)) {
            let spec = self.specs.iter().find(|spec| spec.identifier == identifier)?;
            let summary = spec.doc.first().map_or("", |line| line.trim()).trim_end_matches('.');
            self.decoder.error(
                self.node,
                format!("the field {} is missing", spec.name()),
                uncapitalized(summary),
            );
        }
        let read = read.flatten();
        if read.is_none() && self.lenient {
            self.decoder.leave_out();
            return T::placeholder().map(|value| At { value, node: self.node });
        }
        read
    }
}

/// The schema of a record.
pub(crate) fn record_schema(doc: &[&str], specs: &[FieldSpec], definitions: &mut Definitions) -> Value {
    let mut properties = Map::new();
    for spec in specs {
        let mut schema = (spec.schema)(definitions);
        if let Value::Object(object) = &mut schema {
            object.insert("description".to_owned(), Value::String(prose(spec.doc)));
            if let Some(default) = spec.default {
                object.insert("default".to_owned(), Value::String(default.to_owned()));
            }
        }
        for alias in spec.aliases {
            let mut other = schema.clone();
            if let Value::Object(object) = &mut other {
                object.insert(
                    "description".to_owned(),
                    Value::String(format!("Another name of `{}`.", spec.name())),
                );
            }
            properties.insert((*alias).to_owned(), other);
        }
        properties.insert(spec.name().to_owned(), schema);
    }
    let required: Vec<&str> = specs.iter().filter(|spec| spec.required).map(FieldSpec::name).collect();
    let mut object = Map::new();
    object.insert("type".to_owned(), "object".into());
    object.insert("description".to_owned(), prose(doc).into());
    object.insert("properties".to_owned(), properties.into());
    object.insert("additionalProperties".to_owned(), false.into());
    if !required.is_empty() {
        object.insert("required".to_owned(), required.into());
    }
    Value::Object(object)
}

/// The lines of a doc comment as one text.
pub(crate) fn prose(doc: &[&str]) -> String {
    let lines: Vec<&str> = doc.iter().map(|line| line.trim()).collect();
    lines.join(" ").trim().to_owned()
}
