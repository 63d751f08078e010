//! Values that are one piece of text.

use ratekeeper_core::Micros;
use serde_json::{Value, json};

use super::{Decode, Decoder};
use crate::duration::parse_duration;
use crate::limit::LimitSyntaxError;
use crate::limit::scan::parse_number;
use crate::schema::Definitions;
use crate::secret::Secret;
use crate::text::shown;
use crate::yaml::NodeId;

/// What is wrong with a text, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

impl From<LimitSyntaxError> for Wrong {
    fn from(error: LimitSyntaxError) -> Self {
        Self::new(error.message(), error.help())
    }
}

/// A value that is read from one piece of text.
pub(crate) trait FromText: Sized {
    /// What it is, as in "write a duration such as 20ms".
    const EXPECTED: &'static str;

    /// Reads it.
    fn from_text(text: &str) -> Result<Self, Wrong>;

    /// See [`Decode::placeholder`].
    fn placeholder_text() -> Option<Self> {
        None
    }

    /// Its JSON Schema.
    fn text_schema() -> Value {
        json!({ "type": "string" })
    }
}

impl<T: FromText> Decode for T {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = decoder.text(node, T::EXPECTED)?;
        match T::from_text(&text) {
            Ok(value) => Some(value),
            Err(wrong) => {
                decoder.wrong(node, wrong);
                None
            }
        }
    }

    fn placeholder() -> Option<Self> {
        T::placeholder_text()
    }

    fn schema(_: &mut Definitions) -> Value {
        T::text_schema()
    }
}

/// Any text: YAML's numbers and booleans are taken as they are written.
impl FromText for String {
    const EXPECTED: &'static str = "a text";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        Ok(text.to_owned())
    }

    fn text_schema() -> Value {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

impl FromText for Secret {
    const EXPECTED: &'static str = "a text such as \"${NAME}\"";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() {
            return Err(Wrong::new("this is empty", "write a text such as \"${NAME}\""));
        }
        Ok(Self::new(text))
    }
}

impl FromText for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(Wrong::new("neither true nor false", "write true or false")),
        }
    }

    fn text_schema() -> Value {
        json!({ "type": ["boolean", "string"] })
    }
}

impl FromText for Micros {
    const EXPECTED: &'static str = "a duration such as 20ms";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let found = parse_duration(text)?;
        if found == Self::ZERO || found > ratekeeper_core::MAX_SPAN {
            let help = format!("a duration here is between 1us and {}", ratekeeper_core::MAX_SPAN);
            return Err(Wrong::new("out of range", help));
        }
        Ok(found)
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Within<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> FromText for Within<MIN, MAX> {
    const EXPECTED: &'static str = "a whole number";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let number = parse_number(text.trim())?;
        if number < MIN || number > MAX {
            let help = format!("write a number from {MIN} to {MAX}");
            return Err(Wrong::new(format!("{} is out of range", shown(text)), help));
        }
        Ok(Self(number))
    }

    fn text_schema() -> Value {
        json!({ "type": ["integer", "string"], "minimum": MIN, "maximum": MAX, "pattern": "^[0-9][0-9_]*$|\\$\\{" })
    }
}
