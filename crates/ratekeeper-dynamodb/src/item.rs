//! A counter as an item of the table.
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `k` | binary | the prefix and the key |
//! | `t` | number | the tag of the limit that wrote the rest |
//! | `x`, `n` | numbers | GCRA: X in ticks, and the ticks in a microsecond |
//! | `s`, `c`, `p` | numbers | windows: start, current, previous |
//! | `d`, `v` | binary | logs and holders: the state as bytes, and 16 bytes that are others after every write |
//! | `expires` | number | when DynamoDB may delete it, in seconds since the epoch |
//!
//! A state says by itself when it counts no longer: nothing depends on when DynamoDB deletes it.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use ratekeeper_core::{Gcra, Limit, Micros, State, Stored, Tag, Timestamp, Window};
use ratekeeper_store::{StoreError, codec};

use crate::condition::Condition;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The key attribute.
pub(crate) const KEY: &str = "k";
/// The attribute by which DynamoDB deletes.
pub(crate) const EXPIRES: &str = "expires";

/// How much longer an item stays than it counts, for clients whose clocks are behind.
const KEPT_LONGER: Micros = Micros::MINUTE;

/// Changes with every write of a log or of holders, so that their bytes need not be compared.
pub(crate) type Version = [u8; 16];

/// What the table has of a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) stored: Stored,
    /// In a microsecond, for the limit that wrote a GCRA state.
    ticks: u64,
    version: Option<Version>,
}

impl Found {
    /// What the table has once this is written.
    pub(crate) fn written(stored: &Stored, limit: &Limit, version: Version) -> Self {
        let version = matches!(stored.state, State::Entries(_)).then_some(version);
        Self { stored: stored.clone(), ticks: limit.ticks(), version }
    }

    /// Reads an item.
    pub(crate) fn read(item: &Item) -> Result<Self, StoreError> {
        Self::parse(item).ok_or_else(|| StoreError::Misconfigured {
            reason: "an item of the table is not one of ratekeeper, or one of another version; use a table or a prefix \
                     of its own"
                .to_owned(),
        })
    }

    fn parse(item: &Item) -> Option<Self> {
        let number = |name: &str| -> Option<u128> { item.get(name)?.as_n().ok()?.parse().ok() };
        let word = |name: &str| number(name).and_then(|number| u64::try_from(number).ok());
        if let Some(data) = item.get("d") {
            let stored = codec::read(data.as_b().ok()?.as_ref()).ok()?;
            let version = item.get("v")?.as_b().ok()?.as_ref().try_into().ok()?;
            return Some(Self { stored, ticks: 1, version: Some(version) });
        }
        let tag = Tag::from_raw(word("t")?);
        if let Some(x) = number("x") {
            let ticks = word("n").filter(|ticks| *ticks > 0)?;
            let (at, rest) = (x / u128::from(ticks), x % u128::from(ticks));
            let gcra = Gcra { at: u64::try_from(at).ok()?, rest: u64::try_from(rest).ok()? };
            return Some(Self { stored: Stored { tag, state: State::Gcra(gcra) }, ticks, version: None });
        }
        let window = Window { start: word("s")?, current: word("c")?, previous: word("p")? };
        Some(Self { stored: Stored { tag, state: State::Window(window) }, ticks: 1, version: None })
    }

    /// X of a GCRA state.
    pub(crate) fn x(&self) -> Option<u128> {
        match self.stored.state {
            State::Gcra(gcra) => Some(in_ticks(gcra, self.ticks)),
            _ => None,
        }
    }

    /// When a window began.
    pub(crate) fn start(&self) -> Option<u64> {
        match self.stored.state {
            State::Window(window) => Some(window.start),
            _ => None,
        }
    }

    /// The item with this key.
    pub(crate) fn item(&self, key: &[u8], limit: &Limit, now: Timestamp) -> Item {
        let mut item = Item::with_capacity(6);
        let mut set = |name: &str, value| item.insert(name.to_owned(), value);
        set(KEY, binary(key));
        set(EXPIRES, number(expires(self.stored.idle_at(limit).max(now))));
        if !matches!(self.stored.state, State::Entries(_)) {
            set("t", number(self.stored.tag.get().into()));
        }
        match &self.stored.state {
            State::Gcra(gcra) => {
                set("x", number(in_ticks(*gcra, self.ticks)));
                set("n", number(self.ticks.into()));
            }
            State::Window(window) => {
                set("s", number(window.start.into()));
                set("c", number(window.current.into()));
                set("p", number(window.previous.into()));
            }
            State::Entries(_) => {
                let mut bytes = Vec::new();
                codec::write(&self.stored, &mut bytes);
                set("d", binary(&bytes));
                set("v", binary(&self.version.unwrap_or_default()));
            }
        }
        item
    }

    /// That the table has still this.
    pub(crate) fn unchanged(&self) -> Condition {
        let tag = number(self.stored.tag.get().into());
        match &self.stored.state {
            State::Gcra(gcra) => Condition::new("t = :t AND x = :x")
                .with(":t", tag)
                .with(":x", number(in_ticks(*gcra, self.ticks))),
            State::Window(window) => Condition::new("t = :t AND s = :s AND c = :c AND p = :p")
                .with(":t", tag)
                .with(":s", number(window.start.into()))
                .with(":c", number(window.current.into()))
                .with(":p", number(window.previous.into())),
            State::Entries(_) => {
                Condition::new("v = :v").with(":v", binary(&self.version.unwrap_or_default()))
            }
        }
    }
}

/// When DynamoDB may delete what counts until then, in seconds since the epoch.
pub(crate) fn expires(idle_at: Timestamp) -> u128 {
    u128::from((idle_at + KEPT_LONGER).as_micros().div_ceil(Micros::SECOND.get()))
}

/// X, one number.
pub(crate) fn in_ticks(gcra: Gcra, ticks: u64) -> u128 {
    u128::from(gcra.at) * u128::from(ticks) + u128::from(gcra.rest)
}

pub(crate) fn number(number: u128) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_001);

    #[test]
    fn what_is_written_is_read_back() {
        let limits = [
            Limit::token_bucket(300_000, Micros::SECOND).unwrap(),
            Limit::token_bucket(ratekeeper_core::MAX_COUNT - 1, Micros::SECOND).unwrap(),
            Limit::sliding_window(7, Micros::MINUTE).unwrap(),
            Limit::sliding_log(7, Micros::MINUTE).unwrap(),
        ];
        for limit in limits {
            let mut counter = None;
            let ask = ratekeeper_core::Ask::new(ratekeeper_core::Op::Take, 5);
            ratekeeper_core::step(&mut counter, &limit, b"alice", NOW, &ask).unwrap();
            let found = Found::written(&counter.unwrap(), &limit, [7; 16]);
            let item = found.item(b"alice", &limit, NOW);
            let read = Found::read(&item).unwrap();
            assert_eq!(read.stored, found.stored, "{limit}");
            assert_eq!(read.unchanged(), found.unchanged());
            let seconds: u64 = item[EXPIRES].as_n().unwrap().parse().unwrap();
            let idle = found.stored.idle_at(&limit).as_micros();
            assert!(seconds * 1_000_000 >= idle + 60_000_000 && seconds * 1_000_000 < idle + 61_000_000);
        }
    }

    #[test]
    fn what_is_no_counter_is_an_error() {
        let valid = [("t", number(1)), ("x", number(5)), ("n", number(1))];
        let item = |change: (&str, AttributeValue)| {
            let attributes = valid.iter().cloned().chain([change]);
            attributes.map(|(name, value)| (name.to_owned(), value)).collect::<Item>()
        };
        assert!(Found::read(&item(("n", number(2)))).is_ok());
        for change in [
            ("n", number(0)),
            ("t", AttributeValue::S("1".to_owned())),
            ("t", AttributeValue::N("-1".to_owned())),
            ("x", number(u128::MAX)),
            ("d", binary(b"no state")),
        ] {
            assert!(Found::read(&item(change.clone())).is_err(), "{change:?}");
        }
        assert!(Found::read(&Item::new()).is_err());
    }
}
