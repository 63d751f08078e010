//! The allow list and the deny list.

use super::Expiry;
use super::setup::PossiblyEmpty;
use crate::decode::{At, Named, OneOrMany, record};
use crate::ip::Network;
use crate::matching::ValuePattern;

record! {
    /// Who always passes and who never does, before any rule.
    Lists {
        /// Who always passes.
        optional allow: PossiblyEmpty<At<ListEntry>>,
        /// Who never passes, unless the allow list has them too.
        optional deny: PossiblyEmpty<At<ListEntry>>,
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
