//! Single values, as Go's YAML reads them: null is the same as nothing, text in quotes is no number, and nothing comes
//! from the environment.

use serde_json::{Value, json};

use crate::decode::{At, Decode, Decoder};
use crate::schema::Definitions;
use crate::text::quoted;
use crate::yaml::{Kind, NodeId};

/// A value, or null.
#[derive(Clone, Debug)]
pub(super) struct OrNull<T>(Option<At<T>>);

impl<T: Decode> Decode for OrNull<T> {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        if decoder.node(node).is_null() {
            return Some(Self(None));
        }
        At::decode(node, decoder).map(|value| Self(Some(value)))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}

/// What stands in a field, if anything does.
pub(super) fn given<T>(field: Option<At<OrNull<T>>>) -> Option<At<T>> {
    field.and_then(|field| field.value.0)
}

/// A text.
#[derive(Clone, Debug)]
pub(super) struct Text(pub(super) String);

impl Decode for Text {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let (text, is_quoted) = scalar(node, "a text", decoder)?;
        if !is_quoted && is_no_integer(text) {
            let help = format!("write it in quotes: \"{}\"", text.escape_debug());
            decoder.error(node, format!("the number {} stands where a text must be", quoted(text)), help);
            return None;
        }
        Some(Self(text.to_owned()))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": ["string", "integer", "boolean"] })
    }
}

/// True or false.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag(pub(super) bool);

impl Flag {
    /// The words of YAML 1.1.
    pub(super) fn of(text: &str) -> Option<bool> {
        match text {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "y" | "Y" | "on" | "On" | "ON" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "n" | "N" | "off" | "Off" | "OFF" => {
                Some(false)
            }
            _ => None,
        }
    }
}

impl Decode for Flag {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let (text, is_quoted) = scalar(node, "true or false", decoder)?;
        match Self::of(text) {
            Some(flag) if !is_quoted => Some(Self(flag)),
            Some(flag) => {
                decoder.error(node, "a text in quotes stands here", format!("write {flag} without quotes"));
                None
            }
            None => {
                decoder.error(
                    node,
                    format!("{} is neither true nor false", quoted(text)),
                    "write true or false",
                );
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "boolean" })
    }
}

/// A number of requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count(pub(super) u32);

impl Decode for Count {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let (text, is_quoted) = scalar(node, "a whole number", decoder)?;
        let help = match decimal(text) {
            Some(count) if !is_quoted => return Some(Self(count)),
            Some(count) => format!("write {count} without quotes"),
            None if text.len() > 1
                && text.starts_with('0')
                && text.bytes().all(|digit| digit.is_ascii_digit()) =>
            {
                "a number that begins with 0 is octal: write it without the 0, in decimal".to_owned()
            }
            None => format!("write a whole number from 0 to {}", u32::MAX),
        };
        decoder.error(node, format!("{} is no number of requests", quoted(text)), help);
        None
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

/// A number in decimal digits, which may have _ among them.
fn decimal(text: &str) -> Option<u32> {
    let digits = text.replace('_', "");
    let is_decimal = digits.bytes().all(|digit| digit.is_ascii_digit());
    let is_octal = digits.len() > 1 && digits.starts_with('0');
    digits.parse().ok().filter(|_| is_decimal && !is_octal)
}

/// Whether YAML takes a text without quotes for a number that is no integer of 64 bits.
fn is_no_integer(text: &str) -> bool {
    let number = text.replace('_', "");
    let unsigned = number.trim_start_matches(['+', '-']);
    let is_special = matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
    let is_decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && unsigned.parse::<f64>().is_ok();
    is_special || is_decimal && number.parse::<i64>().is_err()
}

/// A text, and whether it is in quotes.
pub(super) fn scalar<'d>(node: NodeId, expected: &str, decoder: &mut Decoder<'d>) -> Option<(&'d str, bool)> {
    match &decoder.node(node).kind {
        Kind::Scalar { text, quoted } => Some((text, *quoted)),
        Kind::List(_) => decoder.mismatch(node, "a list", expected),
        Kind::Map(_) => decoder.mismatch(node, "a mapping", expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_texts_as_yaml_does() {
        for text in [
            "1.5",
            "-.5",
            "1e3",
            "+1.",
            ".inf",
            "99999999999999999999",
            "1_0.5",
        ] {
            assert!(is_no_integer(text), "{text}");
        }
        for text in [
            "1", "-7", "1_000", "0x1.8", "10.0.0.1", "1.2.3", "e3", "", ".", "-", "v1.5", "1-2", "nan",
        ] {
            assert!(!is_no_integer(text), "{text}");
        }
        assert_eq!(decimal("1_000"), Some(1000));
        assert_eq!(decimal("4294967295"), Some(u32::MAX));
        for text in ["4294967296", "-1", "+1", "010", "0x10", "1.0", "", "_"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }
}
