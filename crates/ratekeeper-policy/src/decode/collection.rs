//! Lists and mappings.

use serde_json::{Value, json};

use super::{At, Decode, Decoder};
use crate::schema::Definitions;
use crate::yaml::{Kind, NodeId};

/// A list, nothing else. Items that are wrong are left out, after their errors were reported, so that the others can be
/// looked at further.
impl<T: Decode> Decode for Vec<At<T>> {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Kind::List(items) = &decoder.node(node).kind else {
            let found = if decoder.node(node).is_null() {
                "nothing"
            } else {
                "no list"
            };
            return decoder.mismatch(node, found, "a list: [ … ], or one item a line after \"- \"");
        };
        let mut read = Self::with_capacity(items.len());
        for item in items {
            match At::decode(*item, decoder) {
                Some(item) => read.push(item),
                None => decoder.leave_out(),
            }
        }
        Some(read)
    }

    fn placeholder() -> Option<Self> {
        Some(Self::new())
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "array", "items": T::schema(definitions) })
    }
}

/// A list, or one item without the brackets.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<At<T>>);

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &decoder.node(node).kind {
            Kind::List(items) if items.is_empty() => {
                decoder.error(node, "the list is empty", "give it an item, or remove the field");
                None
            }
            Kind::List(items) => {
                // All items are read even if one is wrong: every error is reported.
                let read: Vec<Option<At<T>>> = items.iter().map(|item| At::decode(*item, decoder)).collect();
                read.into_iter().collect::<Option<_>>().map(Self)
            }
            Kind::Scalar { .. } | Kind::Map(_) => At::decode(node, decoder).map(|item| Self(vec![item])),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let item = T::schema(definitions);
        json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1 }] })
    }
}

impl<T> OneOrMany<T> {
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.0.into_iter().map(|item| item.value)
    }
}

/// A mapping with names of the user's choice, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Named<T>(pub(crate) Vec<(String, At<T>)>);

impl<T: Decode> Decode for Named<T> {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Kind::Map(items) = &decoder.node(node).kind else {
            let found = if decoder.node(node).is_null() {
                "nothing"
            } else {
                "no mapping"
            };
            return decoder.mismatch(node, found, "a mapping: { name: value }");
        };
        let read: Vec<Option<(String, At<T>)>> = items
            .iter()
            .map(|item| {
                let name = decoder.node(*item).name().to_owned();
                At::decode(*item, decoder).map(|value| (name, value))
            })
            .collect();
        read.into_iter().collect::<Option<Vec<_>>>().map(Self)
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "object", "additionalProperties": T::schema(definitions) })
    }
}
