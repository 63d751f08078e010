//! Any value, for others than us.

use serde_json::{Map, Value};

use crate::decode::{Decode, Decoder};
use crate::schema::Definitions;
use crate::yaml::{Kind, NodeId};

/// A value of YAML's core schema, as JSON has it.
#[derive(Clone, Debug)]
pub(crate) struct Json(pub(crate) Value);

impl Decode for Json {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &decoder.node(node).kind {
            Kind::List(items) => {
                let read: Option<Vec<Value>> =
                    items.iter().map(|item| Self::decode(*item, decoder).map(|value| value.0)).collect();
                read.map(|items| Self(Value::Array(items)))
            }
            Kind::Map(items) => {
                let mut object = Map::new();
                for item in items {
                    let name = decoder.node(*item).name().to_owned();
                    object.insert(name, Self::decode(*item, decoder)?.0);
                }
                Some(Self(Value::Object(object)))
            }
            Kind::Scalar { .. } if decoder.node(node).is_null() => Some(Self(Value::Null)),
            Kind::Scalar { quoted, .. } => {
                let quoted = *quoted;
                let text = decoder.text(node, "a value")?;
                Some(Self(if quoted { text.into() } else { plain(&text) }))
            }
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        Value::Object(Map::new())
    }
}

/// What a text without quotes is.
fn plain(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let whole = text.parse::<i64>().ok().map(Value::from);
    let number = || {
        let digits =
            text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
        text.parse::<f64>()
            .ok()
            .filter(|_| digits)
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number)
    };
    whole.or_else(number).unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_quotes_is_what_it_looks_like() {
        let cases: [(&str, Value); 8] = [
            ("true", true.into()),
            ("12", 12.into()),
            ("-3", (-3).into()),
            ("1.5", 1.5.into()),
            ("nan", "nan".into()),
            ("infinity", "infinity".into()),
            ("1e999", "1e999".into()),
            ("gold", "gold".into()),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
