//! Selectors, and names with the patterns of their values.

use crate::decode::{At, Decoder, Named, OneOrMany};
use crate::ip::Network;
use crate::key::{descriptor_name, header_name};
use crate::matching::{NameValue, ValuePattern};
use crate::raw::Expiry;
use crate::selector::Selector;
use crate::yaml::NodeId;

/// Headers or descriptors as they were written.
pub(super) type NamedValues = Option<At<Named<OneOrMany<ValuePattern>>>>;

/// The fields that choose subjects.
pub(super) struct Given {
    pub(super) ip: Option<At<OneOrMany<Network>>>,
    pub(super) user: Option<At<OneOrMany<ValuePattern>>>,
    pub(super) header: NamedValues,
    pub(super) descriptor: NamedValues,
    pub(super) until: Option<At<Expiry>>,
}

/// Compiles a selector; an error if it says nothing.
pub(super) fn compile(given: Given, node: NodeId, decoder: &mut Decoder<'_>) -> Option<Selector> {
    let selector = Selector {
        networks: values(given.ip),
        users: values(given.user),
        headers: headers(given.header, decoder),
        descriptors: descriptors(given.descriptor, decoder),
        until: given.until.map(|until| until.value.0),
        first_only: false,
    };
    if selector.is_empty() {
        let help = "say whom it is about: ip, user, header or descriptor";
        decoder.error(node, "this is about nobody", help);
        return None;
    }
    Some(selector)
}

/// The items of a list that may be absent.
pub(super) fn values<T>(written: Option<At<OneOrMany<T>>>) -> Vec<T> {
    written.map(|list| list.value.into_values().collect()).unwrap_or_default()
}

pub(super) fn headers(written: NamedValues, decoder: &mut Decoder<'_>) -> Vec<NameValue> {
    named(written, decoder, header_name)
}

pub(super) fn descriptors(written: NamedValues, decoder: &mut Decoder<'_>) -> Vec<NameValue> {
    named(written, decoder, descriptor_name)
}

fn named(
    written: NamedValues,
    decoder: &mut Decoder<'_>,
    check: fn(&str) -> Result<String, crate::decode::Wrong>,
) -> Vec<NameValue> {
    let mut out = Vec::new();
    for (name, patterns) in written.map(|named| named.value.0).unwrap_or_default() {
        match check(&name) {
            Ok(name) => out.push((name, patterns.value.into_values().collect())),
            Err(wrong) => decoder.error_in_name(patterns.node, wrong.message, wrong.help),
        }
    }
    out
}
