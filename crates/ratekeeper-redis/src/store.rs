//! The store.

use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::FixedState;
use ratekeeper_core::{Key, MAX_EXACT, Op, Timestamp};
use ratekeeper_store::{
    Answer, Batch, BoxFuture, Capabilities, Check, Clock as _, ClockSource, Examination, Overflow, Parts,
    Store, StoreError, SystemClock, WorkingCopy, apply_in_parts,
};
use redis::Value;

use crate::cluster::Cluster;
use crate::examine;
use crate::failure::Failure;
use crate::location::{Location, Servers};
use crate::node::{Node, Target};
use crate::program::{self, Program};
use crate::script::{self, By};
use crate::sentinel::Sentinels;
use crate::state::NoState;
use crate::{foreign, slot, state};

/// Lanes of a single server: so many calls are under way at the same time. One is enough for a server nearby; with two it
/// does not wait while an answer travels. More lanes make smaller calls, which cost it more.
const LANES: u64 = 2;

/// Counters in Redis or Valkey: one server, one that sentinels watch, or a cluster.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use ratekeeper_core::{Key, Limit, Micros};
/// use ratekeeper_redis::RedisStore;
/// use ratekeeper_store::StoreExt as _;
/// let store = RedisStore::new("redis://localhost:6379/0?prefix=rk:")?;
/// let limit = Limit::token_bucket(10, Micros::SECOND)?;
/// assert!(store.take(Key::new(b"alice")?, &limit, 1).await?.allowed);
/// # Ok(())
/// # }
/// ```
pub struct RedisStore {
    pub(crate) servers: Connected,
    prefix: Vec<u8>,
    lanes: FixedState,
    /// For calendars: they are sent as they are around this time.
    clock: SystemClock,
}

/// What answers.
#[derive(Debug)]
pub(crate) enum Connected {
    One(Node),
    Cluster(Cluster),
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// A store at a URL; see the [crate's documentation](crate). Nothing is connected to before it is used, which must be
    /// within a runtime of tokio.
    ///
    /// # Errors
    /// [`StoreError::Misconfigured`] if the URL is wrong, or the certificates cannot be read.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let Location { dial, servers, prefix } = Location::parse(url)?;
        let servers = match servers {
            Servers::One(address) => Connected::One(Node::new(Target::Fixed(dial, address))),
            Servers::Watched { sentinels, credentials, master } => {
                let mut to_sentinels = dial.clone();
                (to_sentinels.credentials, to_sentinels.database) = (credentials, 0);
                let sentinels = Arc::new(Sentinels { dial: to_sentinels, addresses: sentinels, master });
                Connected::One(Node::new(Target::Watched(dial, sentinels)))
            }
            Servers::Cluster(seeds) => Connected::Cluster(Cluster::new(dial, seeds)),
        };
        Ok(Self { servers, prefix, lanes: FixedState::default(), clock: SystemClock::default() })
    }

    pub(crate) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    fn slot_of(&self, key: Key<'_>) -> u64 {
        // No braces are in the prefix: those of the key decide, and without any the whole.
        let mut prefixed = self.prefix.clone();
        prefixed.extend_from_slice(key.bytes());
        u64::from(slot::of(&prefixed))
    }

    /// Decides a batch whose keys are all in one slot of a cluster, or on the one server.
    async fn decide<'b>(&self, slot: u64, batch: &mut Batch<'b>) -> Result<(), StoreError> {
        let mut copy = WorkingCopy::of(batch)?;
        batch.each_unit().for_each(|(unit, _)| unit.error = None);
        if copy.places().is_empty() {
            batch.each_unit().for_each(|(unit, _)| unit.passes = true);
            return Ok(());
        }
        let keys: Vec<&[u8]> = copy.keys().map(Key::bytes).collect();
        let mut around = batch.now.unwrap_or_else(|| self.clock.now());
        // A second time only if the clocks of the server and of this process are whole periods of a calendar apart.
        for _ in 0..2 {
            let program = program::write(batch, copy.places(), around)?;
            let answer = Reply::read(self.run(slot, &keys, &program).await?)?;
            match answer {
                Reply::Elsewhen(now) => around = now,
                Reply::Decided { now, states, decisions } => {
                    if states.len() != program.keys.len() {
                        return Err(nonsense());
                    }
                    let mut unreadable = Vec::new();
                    for (place, state) in program.keys.iter().zip(&states) {
                        match state.as_deref().map(state::read).transpose() {
                            Ok(stored) => copy.set(*place, stored),
                            Err(NoState) => unreadable.push(*place),
                        }
                    }
                    if unreadable.is_empty() {
                        copy.decide(batch, now);
                    } else {
                        foreign::decide_others(batch, &copy, &unreadable, &program.keys, &states, now)?;
                    }
                    agrees(batch, &program, &decisions)?;
                    return foreign::of_all(batch);
                }
            }
        }
        Err(StoreError::Unavailable { reason: "the clock of Redis jumps".to_owned() })
    }

    /// Runs the script where the keys are.
    async fn run(&self, slot: u64, keys: &[&[u8]], program: &Program) -> Result<Value, StoreError> {
        let call = |by| script::call(by, &self.prefix, keys, program);
        let mut answer = self.ask(slot, &call(By::Hash)).await;
        if answer == Err(Failure::ReadOnly) {
            // It was master once. Nothing was done: whoever is it now may be asked.
            let again = self.ask(slot, &call(By::Hash)).await;
            if !matches!(again, Err(Failure::NotSent(_))) {
                answer = again;
            }
        }
        if answer == Err(Failure::NoScript) {
            answer = self.ask(slot, &call(By::Text)).await;
        }
        Ok(answer?)
    }

    async fn ask(&self, slot: u64, command: &redis::Cmd) -> Result<Value, Failure> {
        match &self.servers {
            Connected::One(node) => node.ask(command).await,
            Connected::Cluster(cluster) => cluster.ask(u16::try_from(slot).unwrap_or(0), command).await,
        }
    }
}

impl Parts for RedisStore {
    fn part_of(&self, key: Key<'_>) -> u64 {
        self.slot_of(key)
    }

    fn apply_part<'a, 'b: 'a>(&'a self, part: u64, batch: &'a mut Batch<'b>) -> BoxFuture<'a> {
        Box::pin(self.decide(part, batch))
    }
}

impl Store for RedisStore {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        Answer::Later(match self.servers {
            Connected::One(_) => Box::pin(self.decide(0, batch)),
            Connected::Cluster(_) => Box::pin(apply_in_parts(self, batch)),
        })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "redis",
            atomic_units: matches!(self.servers, Connected::One(_)),
            exact: true,
            // A server that writes nothing to its disk forgets; what it does is not known here.
            survives_restart: false,
            survives_failover: false,
            clock: ClockSource::Server,
            injectable_clock: true,
            largest_state: None,
            trips: 1,
            overflow: Overflow::Unbounded,
        }
    }

    fn lane(&self, key: Key<'_>) -> u64 {
        match self.servers {
            Connected::One(_) => self.lanes.hash_one(key.bytes()) % LANES,
            Connected::Cluster(_) => self.slot_of(key),
        }
    }

    fn examine(&self) -> BoxFuture<'_, Result<Examination, StoreError>> {
        Box::pin(examine::examine(self))
    }
}

fn nonsense() -> StoreError {
    StoreError::Unavailable { reason: "the answer of Redis is not the script's".to_owned() }
}

/// What the script answers.
enum Reply {
    /// It has decided nothing: the calendars that it was sent do not reach its now.
    Elsewhen(Timestamp),
    Decided {
        now: Timestamp,
        states: Vec<Option<Vec<u8>>>,
        decisions: Vec<u8>,
    },
}

impl Reply {
    fn read(value: Value) -> Result<Self, StoreError> {
        let Value::Array(mut all) = value else {
            return Err(nonsense());
        };
        let Some(Value::BulkString(mut decisions)) = all.pop() else {
            return Err(nonsense());
        };
        let now = state::number(&decisions, 0).map_err(|_| nonsense())?;
        let now = Timestamp::from_micros(now);
        decisions.drain(..8);
        if all.is_empty() {
            return Ok(Self::Elsewhen(now));
        }
        let states = all.into_iter().map(|state| match state {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => Ok(Some(bytes)),
            _ => Err(nonsense()),
        });
        Ok(Self::Decided { now, states: states.collect::<Result<_, _>>()?, decisions })
    }
}

/// Compares what the script decided with the verdicts: it has a twin in Rust, and the two never differ.
fn agrees(batch: &Batch<'_>, program: &Program, decisions: &[u8]) -> Result<(), StoreError> {
    let units = batch.units().iter().enumerate();
    let all: Vec<_> = units
        .flat_map(|(index, unit)| batch.checks(index).iter().map(move |check| (unit, check)))
        .collect();
    let (digits, grants) = decisions.split_at(program.checks.len().min(decisions.len()));
    let mut grants = grants.chunks_exact(8);
    if digits.len() != program.checks.len() {
        return Err(nonsense());
    }
    for (place, digit) in program.checks.iter().zip(digits) {
        let Some((unit, check)) = all.get(*place) else {
            continue;
        };
        if unit.error.is_some() {
            continue;
        }
        let Some(verdict) = check.verdict else {
            return Err(StoreError::no_verdict());
        };
        let op = check.op.unwrap_or(unit.op);
        let digit = digit.wrapping_sub(b'0');
        let mut same = digit < 4 && (digit & 1 == 1) == verdict.allowed;
        if matches!(op, Op::Take | Op::TakeUpTo | Op::Charge) {
            same &= (digit & 2 == 2) == verdict.token.is_some();
        }
        if op == Op::TakeUpTo && digit & 2 == 2 {
            let granted = grants.next().and_then(|granted| state::number(granted, 0).ok());
            // Who holds already is granted what it asks for, however much: nothing of that is counted.
            same &= granted == Some(verdict.granted.min(MAX_EXACT));
        }
        if !same {
            return Err(differs(op, check));
        }
    }
    Ok(())
}

fn differs(op: Op, check: &Check<'_>) -> StoreError {
    let (cost, limit) = (check.cost, check.limit);
    let reason = format!(
        "the script in Redis and this process decided differently ({op:?} {cost} under {limit}); what was counted is \
         what the script decided. This is a mistake in ratekeeper: please report it"
    );
    StoreError::Misconfigured { reason }
}

#[cfg(test)]
mod tests {
    use ratekeeper_core::{Limit, Micros};

    use super::*;

    #[test]
    fn twins_that_disagree_do_not_go_unnoticed() {
        let limit = Limit::token_bucket(1, Micros::SECOND).unwrap();
        let key = |key: &'static [u8]| Key::new(key).unwrap();
        let mut batch = Batch::new();
        batch.push(Op::Take, [Check::new(key(b"a"), &limit, 1)]);
        batch.push(Op::TakeUpTo, [Check::new(key(b"b"), &limit, 3)]);
        let mut copy = WorkingCopy::of(&batch).unwrap();
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let program = program::write(&batch, copy.places(), now).unwrap();
        copy.set(0, None);
        copy.set(1, None);
        copy.decide(&mut batch, now);
        let answer = |digits: &str, granted: f64| [digits.as_bytes(), &granted.to_le_bytes()].concat();
        assert_eq!(agrees(&batch, &program, &answer("33", 1.0)), Ok(()));
        for (digits, granted) in [("03", 1.0), ("43", 1.0), ("13", 1.0), ("30", 1.0), ("33", 2.0)] {
            let told = agrees(&batch, &program, &answer(digits, granted)).unwrap_err();
            assert!(told.to_string().contains("decided differently"), "{digits}: {told}");
        }
        assert!(agrees(&batch, &program, b"3").is_err(), "cut short");
    }
}
