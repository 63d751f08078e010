//! Conditions under which an item is written.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use ratekeeper_core::{Algorithm, Ask, Limit, MAX_EXACT, Op, State, Stored, Tag, Timestamp, step};

use crate::item::{Found, expires, in_ticks, number};

/// An expression and the values that it names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    text: String,
    values: Vec<(&'static str, AttributeValue)>,
}

impl Condition {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: AttributeValue) -> Self {
        self.values.push((name, value));
        self
    }

    /// As requests take it: an empty set of values is none.
    pub(crate) fn into_expression(self) -> (String, Option<HashMap<String, AttributeValue>>) {
        let values = self.values.into_iter().map(|(name, value)| (name.to_owned(), value));
        let values: HashMap<_, _> = values.collect();
        (self.text, (!values.is_empty()).then_some(values))
    }
}

/// What makes a counter at an instant as good as one that is not there: nothing in it counts any more. The test is
/// written by the same limit and the greatest value of one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Idle {
    tag: Tag,
    attribute: &'static str,
    most: u128,
}

impl Idle {
    /// `None` for those whose items do not tell it by one number.
    pub(crate) fn of(limit: &Limit, now: Timestamp, key: &[u8]) -> Option<Self> {
        let tag = limit.tag();
        match started(limit, now, key).state {
            State::Gcra(_) => Some(Self { tag, attribute: "x", most: ticks_at(limit, now) }),
            State::Window(window) => {
                let before = match limit.algorithm() {
                    Algorithm::SlidingWindow => limit.window().get().saturating_add(1),
                    _ => 1,
                };
                let most = window.start.checked_sub(before)?;
                Some(Self { tag, attribute: "s", most: most.into() })
            }
            State::Entries(_) => None,
        }
    }

    /// Whether what was found is idle.
    pub(crate) fn covers(&self, found: &Found) -> bool {
        let value = if self.attribute == "x" {
            found.x()
        } else {
            found.start().map(u128::from)
        };
        value.is_some_and(|value| value <= self.most) && found.stored.tag == self.tag
    }

    /// That there is no such counter, or an idle one.
    pub(crate) fn absent(idle: Option<Self>) -> Condition {
        match idle {
            None => Condition::new("attribute_not_exists(k)"),
            Some(Self { tag, attribute, most }) => {
                Condition::new(&format!("attribute_not_exists(k) OR (t = :t AND {attribute} <= :idle)"))
                    .with(":t", number(tag.get().into()))
                    .with(":idle", number(most))
            }
        }
    }
}

/// A cost that is added to a counter which somebody else may write at the same time: DynamoDB adds, if it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Debit {
    tag: Tag,
    kind: Kind,
    amount: u128,
    most: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// X lies ahead of now, in ticks; it will count until then at the latest.
    Gcra { now: u128, idle_at: Timestamp },
    /// The window began then, and counts until then.
    Window { start: u64, idle_at: Timestamp },
}

impl Debit {
    /// What a batch takes from one counter, all of whose units pass, if it makes `after` of an absent one. `None` where
    /// whether it fits does not depend on one sum alone.
    pub(crate) fn of(limit: &Limit, now: Timestamp, after: &Stored) -> Option<Self> {
        let (kind, amount, most) = match &after.state {
            State::Gcra(gcra) => {
                let now = ticks_at(limit, now);
                let amount = in_ticks(*gcra, limit.ticks()).checked_sub(now)?;
                let most = now + limit.capacity();
                let idle_at = u64::try_from(most.div_ceil(u128::from(limit.ticks()))).ok()?;
                // Core does not count beyond the end of time, and DynamoDB does.
                if idle_at >= MAX_EXACT {
                    return None;
                }
                (Kind::Gcra { now, idle_at: Timestamp::from_micros(idle_at) }, amount, most)
            }
            State::Window(window) if limit.algorithm() != Algorithm::SlidingWindow => {
                let idle_at = after.idle_at(limit);
                (Kind::Window { start: window.start, idle_at }, window.current.into(), limit.count().into())
            }
            _ => return None,
        };
        // What costs nothing may change when the item expires.
        (amount > 0).then_some(())?;
        Some(Self { tag: limit.tag(), kind, amount, most: most.checked_sub(amount)? })
    }

    /// Whether what was found can be debited so, as far as one can see from here.
    pub(crate) fn suits(&self, found: &Found) -> bool {
        let counts = match self.kind {
            Kind::Gcra { now, .. } => found.x().is_some_and(|x| x > now),
            Kind::Window { start, .. } => found.start() == Some(start),
        };
        counts && found.stored.tag == self.tag
    }

    /// The update.
    pub(crate) fn update(&self) -> &'static str {
        match self.kind {
            Kind::Gcra { .. } => "SET x = x + :amount, expires = :expires",
            // An empty window may be there that need not be kept as long.
            Kind::Window { .. } => "SET c = c + :amount, expires = :expires",
        }
    }

    /// Under which condition, and the values of both.
    pub(crate) fn condition(&self) -> Condition {
        let condition = match self.kind {
            Kind::Gcra { now, idle_at } => Condition::new("t = :t AND x > :now AND x <= :most")
                .with(":now", number(now))
                .with(":expires", number(expires(idle_at))),
            Kind::Window { start, idle_at } => Condition::new("t = :t AND s = :s AND c <= :most")
                .with(":s", number(start.into()))
                .with(":expires", number(expires(idle_at))),
        };
        condition
            .with(":t", number(self.tag.get().into()))
            .with(":most", number(self.most))
            .with(":amount", number(self.amount))
    }
}

/// P, in ticks.
fn ticks_at(limit: &Limit, now: Timestamp) -> u128 {
    u128::from(now.as_micros()) * u128::from(limit.ticks())
}

/// An absent counter that nothing has been taken from: a window that has begun.
fn started(limit: &Limit, now: Timestamp, key: &[u8]) -> Stored {
    let mut stored = Stored::absent(limit);
    let _ = step::write(&mut stored, limit, now, limit.phase(key), &Ask::new(Op::Charge, 0), 0);
    stored
}
