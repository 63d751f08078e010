//! The allow list and the deny list.

use serde_json::{Value, json};

use super::Expiry;
use super::setup::PossiblyEmpty;
use crate::decode::{At, Decode, Decoder, FromText as _, Named, OneOrMany, Wrong, record};
use crate::ip::Network;
use crate::matching::ValuePattern;
use crate::schema::Definitions;
use crate::yaml::{Kind, NodeId};

record! {
    /// Who always passes and who never does, before any rule.
    Lists {
        /// Who always passes.
        optional allow: PossiblyEmpty<At<ListItem>>,
        /// Who never passes, unless the allow list has them too.
        optional deny: PossiblyEmpty<At<ListItem>>,
    }
}

record! {
    /// An entry of a list. Of ip, user, header and descriptor at least one is given; all that are must hold.
    ListEntry {
        /// An address or a network, or a list of them.
        optional ip: OneOrMany<Network>,
        /// A user, or a list of them; * at the beginning or end stands for any text.
        optional user: OneOrMany<ValuePattern>,
        /// Headers and their values: { name: value }.
        optional header | "headers": Named<OneOrMany<ValuePattern>>,
        /// Descriptors and their values: { name: value }.
        optional descriptor | "descriptors": Named<OneOrMany<ValuePattern>>,
        /// Until when the entry holds, as RFC 3339: 2027-01-01T00:00:00Z. For ever if absent.
        optional until | "expires": Expiry,
        /// Why; appears in decisions and audit events.
        optional reason: String,
    }
}

/// An entry of a list, or an address or network alone.
#[derive(Clone, Debug)]
pub(crate) struct ListItem(pub(crate) ListEntry);

impl Decode for ListItem {
    fn decode(node: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        if !matches!(decoder.node(node).kind, Kind::Scalar { .. }) {
            return ListEntry::decode(node, decoder).map(Self);
        }
        let text = decoder.text(node, "an address, a network, or a mapping such as { user: mallory }")?;
        match Network::from_text(&text) {
            Ok(network) => {
                let ip = Some(At { value: OneOrMany(vec![At { value: network, node }]), node });
                let (user, header, descriptor, until, reason) = (None, None, None, None, None);
                Some(Self(ListEntry { ip, user, header, descriptor, until, reason }))
            }
            Err(wrong) => {
                let help = format!("{}; others are written like {{ user: mallory }}", wrong.help);
                decoder.wrong(node, Wrong::new(wrong.message, help));
                None
            }
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [Network::text_schema(), ListEntry::schema(definitions)] })
    }
}
