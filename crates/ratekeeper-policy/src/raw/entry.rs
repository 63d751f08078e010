//! Entries of descriptors.

use serde_json::{Value, json};

use crate::decode::{Decode, Decoder, record};
use crate::key::DescriptorName;
use crate::matching::{Entry, ValuePattern};
use crate::schema::Definitions;
use crate::yaml::{Kind, NodeId};

/// `tenant`, which is a key with any value, or a mapping with more.
#[derive(Clone, Debug)]
pub(crate) struct EntryPattern(pub(crate) Entry);

record! {
    /// An entry of a descriptor.
    EntryFields {
        /// The key of the entry.
        required key: DescriptorName,
        /// Its value; * stands for any text. Any value, if absent.
        optional value: ValuePattern,
        /// Whether all values of the pattern are counted together.
        optional share: bool = "false",
    }
}

impl Decode for EntryPattern {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        if !matches!(decoder.node(node).kind, Kind::Map(_)) {
            let DescriptorName(key) = DescriptorName::decode(node, decoder)?;
            return Some(Self(Entry { key, value: None, share: false }));
        }
        let fields = EntryFields::decode(node, decoder)?;
        let share = fields.share.filter(|share| share.value);
        let value = fields.value.map(|value| value.value);
        if let Some(share) = &share
            && value.as_ref().is_none_or(|value| matches!(value, ValuePattern::Exact(_)))
        {
            let help = "give a value with * in it, or remove share";
            decoder.error(share.node, "there is no pattern whose values could be counted together", help);
            return None;
        }
        Some(Self(Entry { key: fields.key.value.0, value, share: share.is_some() }))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [DescriptorName::schema(definitions), EntryFields::schema(definitions)] })
    }
}
