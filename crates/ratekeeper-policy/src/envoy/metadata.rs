//! What a rule tells Envoy: any YAML, as JSON.

use serde_json::{Map, Number, Value, json};

use super::value::Flag;
use crate::decode::{Decode, Decoder};
use crate::schema::Definitions;
use crate::yaml::{Kind, NodeId};

/// How deep metadata may nest.
const MAX_DEPTH: usize = 32;

/// A mapping of anything.
#[derive(Clone, Debug)]
pub(super) struct Metadata(pub(super) Map<String, Value>);

impl Decode for Metadata {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        match json_of(node, MAX_DEPTH, decoder)? {
            Value::Object(fields) => Some(Self(fields)),
            _ => decoder.mismatch(node, "no mapping", "a mapping: { name: value }"),
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "object" })
    }
}

fn json_of(node: NodeId, depth: usize, decoder: &mut Decoder<'_>) -> Option<Value> {
    let Some(deeper) = depth.checked_sub(1) else {
        let help = format!("at most {MAX_DEPTH} levels are told");
        decoder.error(node, "metadata nests too deep", help);
        return None;
    };
    match &decoder.node(node).kind {
        Kind::Scalar { text, quoted: true } => Some(Value::String(text.clone())),
        Kind::Scalar { text, quoted: false } => plain(node, text, decoder),
        Kind::List(items) => items.iter().map(|item| json_of(*item, deeper, decoder)).collect(),
        Kind::Map(items) => {
            let field = |item: &NodeId| {
                let name = decoder.node(*item).name().to_owned();
                json_of(*item, deeper, decoder).map(|value| (name, value))
            };
            items.iter().map(field).collect::<Option<Map<_, _>>>().map(Value::Object)
        }
    }
}

/// What a text without quotes means.
fn plain(node: NodeId, text: &str, decoder: &mut Decoder<'_>) -> Option<Value> {
    if decoder.node(node).is_null() {
        return Some(Value::Null);
    }
    if let Some(flag) = Flag::of(text) {
        return Some(Value::Bool(flag));
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = text.strip_prefix('+').unwrap_or(text).replace('_', "");
    if !is_number || number.starts_with('+') {
        return Some(Value::String(text.to_owned()));
    }
    if let Ok(whole) = number.parse::<i64>() {
        return Some(Value::Number(whole.into()));
    }
    match number.parse::<f64>().map(Number::from_f64) {
        Ok(Some(number)) => Some(Value::Number(number)),
        Ok(None) => {
            decoder.error(node, "this number is too large", "write it in quotes");
            None
        }
        Err(_) => Some(Value::String(text.to_owned())),
    }
}
