//! From the tree of values to typed records: strict, with all errors at once.
//!
//! A type that can stand in a policy implements [`Decode`] (or [`FromText`], if it is one piece of text): from one
//! implementation come both the reading and the JSON Schema. Records declare their fields with `record!`, words to
//! choose from with `choice!`.

mod collection;
mod decoder;
mod environment;
mod fields;
mod record;
mod scalar;

pub(crate) use collection::{Named, OneOrMany};
pub(crate) use decoder::Decoder;
pub(crate) use fields::{FieldSpec, Fields, prose, record_schema};
pub(crate) use record::{choice, record};
pub(crate) use scalar::{FromText, Within, Wrong};

use serde_json::Value;

use crate::schema::Definitions;
use crate::yaml::NodeId;

/// A value, and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) node: NodeId,
}

/// What can be read from a policy.
pub(crate) trait Decode: Sized {
    /// Reads the value; `None` if it is wrong, after the errors were reported.
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self>;

    /// What stands for a value that is missing or wrong, while the rest is looked at. It is the cause of no error.
    fn placeholder() -> Option<Self> {
        None
    }

    /// Its JSON Schema.
    fn schema(definitions: &mut Definitions) -> Value;
}

impl<T: Decode> Decode for At<T> {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        Some(Self { value: T::decode(node, decoder)?, node })
    }

    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}
