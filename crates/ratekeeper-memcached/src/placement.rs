//! Which node has a key: rendezvous hashing.

use crate::client::Address;

/// The hashes of the nodes' names.
///
/// Each node gives each key a score from both their names, and the best has the key. So the order in which nodes are
/// listed does not matter; one that goes takes only its own keys along, and one that comes gets its share of each.
#[derive(Debug)]
pub(crate) struct Placement(Vec<u64>);

impl Placement {
    pub(crate) fn of<'a>(nodes: impl Iterator<Item = &'a Address>) -> Self {
        Self(nodes.map(|address| hash(address.to_string().as_bytes())).collect())
    }

    /// The place of the node that has this key.
    pub(crate) fn node(&self, key: &[u8]) -> usize {
        if self.0.len() < 2 {
            return 0;
        }
        let key = hash(key);
        let score = |node: &u64| spread(key ^ node);
        let best = self.0.iter().enumerate().max_by_key(|(_, node)| (score(node), **node));
        best.map_or(0, |(place, _)| place)
    }
}

/// FNV-1a, then spread: the same on every machine and in every version, since all clients must agree.
fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    spread(fnv)
}

/// Every bit of the input changes half of the output (the finalizer of SplitMix64).
fn spread(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: usize = 30_000;

    fn placement(nodes: &[&str]) -> Placement {
        let nodes: Vec<_> = nodes.iter().map(|node| Address::Tcp((*node).to_owned())).collect();
        Placement::of(nodes.iter())
    }

    fn keys() -> impl Iterator<Item = String> {
        (0..KEYS).map(|number| format!("login:1m:10.0.{}.{}", number / 250, number % 250))
    }

    #[test]
    fn every_node_gets_its_share() {
        let placement = placement(&["a:11211", "b:11211", "c:11211", "d:11211"]);
        let mut shares = [0; 4];
        keys().for_each(|key| shares[placement.node(key.as_bytes())] += 1);
        for share in shares {
            assert!((KEYS / 4 * 9 / 10..KEYS / 4 * 11 / 10).contains(&share), "{shares:?}");
        }
    }

    #[test]
    fn a_node_that_goes_or_comes_moves_only_its_share() {
        let three = placement(&["a:11211", "b:11211", "c:11211"]);
        let two = placement(&["c:11211", "a:11211"]);
        let names = ["c", "a"];
        let mut moved = 0;
        for key in keys() {
            let (before, after) = (three.node(key.as_bytes()), two.node(key.as_bytes()));
            match ["a", "b", "c"][before] {
                "b" => moved += 1,
                name => assert_eq!(name, names[after], "{key} was not of the node that went"),
            }
        }
        assert!((KEYS * 3 / 10..KEYS * 11 / 30).contains(&moved), "{moved} of {KEYS} moved");
    }

    /// Clients of two versions must agree: these may never change.
    #[test]
    fn keys_stay_where_they_are() {
        let placement = placement(&["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"]);
        let places: Vec<_> =
            (0..12).map(|number| placement.node(format!("key:{number}").as_bytes())).collect();
        assert_eq!(places, [1, 2, 0, 2, 0, 2, 2, 2, 2, 0, 1, 1]);
    }
}
