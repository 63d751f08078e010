//! Networks by the addresses in them.

use std::net::IpAddr;

use super::conditions::Key;
use super::{Bucket, Map};
use crate::ip::masked;

/// Buckets by network, for each length of prefix that occurs, IPv4 apart from IPv6.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks {
    lengths: Vec<(bool, u8, Map<IpAddr, Bucket>)>,
}

impl Networks {
    pub(super) fn insert(&mut self, key: &Key<'_>, bucket: Bucket) {
        let Key::Network(network) = key else { return };
        let network = network.0;
        let (is_ipv4, length) = (network.addr().is_ipv4(), network.prefix_len());
        let same = |(v4, known, _): &(bool, u8, _)| (*v4, *known) == (is_ipv4, length);
        let place = match self.lengths.iter().position(same) {
            Some(place) => place,
            None => {
                self.lengths.push((is_ipv4, length, Map::default()));
                self.lengths.len() - 1
            }
        };
        self.lengths[place].2.insert(network.network(), bucket);
    }

    /// Hands over the buckets of a canonical address.
    pub(super) fn find(&self, ip: IpAddr, take: &mut dyn FnMut(&Bucket)) {
        for (_, length, networks) in self.lengths.iter().filter(|(is_ipv4, ..)| *is_ipv4 == ip.is_ipv4()) {
            if let Some(bucket) = networks.get(&masked(ip, *length, *length)) {
                take(bucket);
            }
        }
    }
}
