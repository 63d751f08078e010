//! Deciding the units of a batch whose keys hang together: over what the table probably has, until it has that.

use std::time::Duration;

use ratekeeper_core::{Limit, Op, Stored, Timestamp};
use ratekeeper_store::{Batch, Change, StoreError, WorkingCopy, codec};

use crate::condition::{Condition, Debit, Idle};
use crate::item::{Found, binary};
use crate::request::{self, What, Write, Written};
use crate::store::Shared;

/// How often a write may find that others were faster.
const TRIES: u32 = 5;
/// Bytes of the largest state: an item has 400 KB at most, its key and the rest of it less than 2 KB.
pub(crate) const LARGEST_STATE: u64 = 398 * 1024;
/// Bytes of a transaction at most.
const LARGEST_TRANSACTION: u64 = 4 * 1024 * 1024;

/// One counter of the batch.
struct Counter<'b> {
    /// With the prefix.
    key: Vec<u8>,
    hash: u64,
    /// Under which limit it is asked, if that is one.
    limit: Option<&'b Limit>,
    idle: Option<Idle>,
    /// What the table has, as far as one knows.
    found: Option<Found>,
}

/// Decides `batch`, all of whose keys fit into one transaction.
pub(crate) async fn decide<'b>(
    store: &Shared,
    batch: &mut Batch<'b>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut decision = Decision::new(store, batch, now)?;
    let mut tries = 0;
    loop {
        decision.over_what_is_known(batch);
        let changes = decision.changes_anything();
        if !(decision.certain || changes && decision.may_guess()) {
            decision.read().await?;
            continue;
        }
        if !changes {
            decision.remember();
            return Ok(());
        }
        if tries == TRIES {
            return Err(StoreError::Contended { tries });
        }
        store.pause(tries).await;
        tries += 1;
        if decision.write(batch).await? {
            decision.remember();
            return Ok(());
        }
    }
}

struct Decision<'s, 'b> {
    store: &'s Shared,
    now: Timestamp,
    copy: WorkingCopy<'b>,
    counters: Vec<Counter<'b>>,
    /// Whether `found` is what the table had at one instant.
    certain: bool,
    /// What is added to the only counter, if all of it fits.
    debit: Option<Debit>,
}

impl<'s, 'b> Decision<'s, 'b> {
    fn new(store: &'s Shared, batch: &mut Batch<'b>, now: Timestamp) -> Result<Self, StoreError> {
        let copy = WorkingCopy::of(batch)?;
        let mut counters: Vec<Counter<'b>> = Vec::new();
        let checks = (0..batch.units().len()).flat_map(|unit| batch.checks(unit));
        for (check, place) in checks.zip(copy.places()) {
            match counters.get_mut(*place) {
                Some(counter) => {
                    counter.limit = counter.limit.filter(|limit| limit.tag() == check.limit.tag());
                }
                None => counters.push(Counter::new(store, check.key.bytes(), check.limit)),
            }
        }
        let mut decision = Self { store, now, copy, counters, certain: false, debit: None };
        for (counter, key) in decision.counters.iter_mut().zip(decision.copy.keys()) {
            counter.idle = counter.limit.and_then(|limit| Idle::of(limit, now, key.bytes()));
            counter.guess(store);
        }
        decision.debit = decision.possible_debit(batch);
        Ok(decision)
    }

    /// What the batch takes from its only counter, if it passes whenever the sum of all costs does.
    fn possible_debit(&mut self, batch: &mut Batch<'b>) -> Option<Debit> {
        let [Counter { limit: Some(limit), .. }] = self.counters.as_slice() else {
            return None;
        };
        self.copy.set(0, None);
        self.copy.decide(batch, self.now);
        match self.copy.change(0) {
            Some(Change::Put(after, _)) if takes_everything(batch) => Debit::of(limit, self.now, after),
            _ => None,
        }
    }

    fn over_what_is_known(&mut self, batch: &mut Batch<'b>) {
        for (place, counter) in self.counters.iter().enumerate() {
            self.copy.set(place, counter.found.as_ref().map(|found| found.stored.clone()));
        }
        self.copy.decide(batch, self.now);
    }

    fn changes_anything(&self) -> bool {
        (0..self.counters.len()).any(|place| self.copy.change(place).is_some())
    }

    /// Logs and holders are read before they are written: they are too large to be got wrong.
    fn may_guess(&self) -> bool {
        self.counters.iter().all(|counter| counter.idle.is_some() || counter.found.is_some())
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        for tries in 0..TRIES {
            self.store.pause(tries).await;
            let keys = self.counters.iter().map(|counter| binary(&counter.key)).collect();
            if let Some(items) = self.store.answer(request::read(&self.store.connection, keys).await)? {
                for (counter, item) in self.counters.iter_mut().zip(items) {
                    counter.found = item.as_ref().map(Found::read).transpose()?;
                }
                self.certain = true;
                return Ok(());
            }
        }
        Err(StoreError::Contended { tries: TRIES })
    }

    /// Writes what has changed, if the table has what was thought it has; else notes what it has.
    async fn write(&mut self, batch: &mut Batch<'b>) -> Result<bool, StoreError> {
        let debit = self.debit.as_ref().filter(|debit| {
            let suits = |found| debit.suits(found);
            self.counters[0].found.as_ref().is_some_and(suits) && takes_everything(batch)
        });
        let writes = match debit {
            Some(debit) => vec![Write {
                key: binary(&self.counters[0].key),
                condition: debit.condition(),
                what: What::Update(debit.update()),
            }],
            None => self.writes()?,
        };
        let debits = debit.is_some();
        match self.store.answer(request::write(&self.store.connection, writes).await)? {
            Written::Done(over) if debits => {
                // What it was added to may be another state than was thought.
                self.counters[0].found = over.as_ref().map(Found::read).transpose()?;
                self.over_what_is_known(batch);
                return Ok(true);
            }
            Written::Done(_) => return Ok(true),
            Written::Changed(changed) => {
                for (place, item) in changed {
                    if let Some(counter) = self.counters.get_mut(place) {
                        counter.found = item.as_ref().map(Found::read).transpose()?;
                    }
                }
                self.certain = self.counters.len() == 1;
            }
            Written::Conflict => self.certain = false,
        }
        Ok(false)
    }

    fn writes(&self) -> Result<Vec<Write>, StoreError> {
        let mut bytes = 0;
        let write = |(place, counter): (usize, &Counter<'b>)| {
            let what = match self.copy.change(place) {
                Some(Change::Put(stored, limit)) => {
                    bytes += check_size(stored)?;
                    let written = Found::written(stored, limit, self.store.next_version());
                    What::Put(written.item(&counter.key, limit, self.now))
                }
                Some(Change::Delete) => What::Delete,
                None => What::Stay,
            };
            Ok(Write { key: binary(&counter.key), condition: counter.condition(), what })
        };
        let writes = self.counters.iter().enumerate().map(write).collect::<Result<_, StoreError>>()?;
        if bytes > LARGEST_TRANSACTION {
            return Err(StoreError::TooLarge { bytes, max_bytes: LARGEST_TRANSACTION });
        }
        Ok(writes)
    }

    /// Remembers what the table has now, for the next guess.
    fn remember(&self) {
        for (place, counter) in self.counters.iter().enumerate() {
            let now = match self.copy.change(place) {
                Some(Change::Put(stored, limit)) => Some(Found::written(stored, limit, Default::default())),
                Some(Change::Delete) => None,
                None => counter.found.clone(),
            };
            self.store.guesses.set(counter.hash, now);
        }
    }
}

impl<'b> Counter<'b> {
    fn new(store: &Shared, key: &[u8], limit: &'b Limit) -> Self {
        let key = [store.connection.address().prefix.as_slice(), key].concat();
        let hash = store.hash(&key);
        Self { key, hash, limit: Some(limit), idle: None, found: None }
    }

    /// What was seen of it last, unless nothing of that counts any more: then whatever is idle will do.
    fn guess(&mut self, store: &Shared) {
        let idle = self.idle;
        let counts = |found: &Found| !idle.is_some_and(|idle| idle.covers(found));
        self.found = store.guesses.get(self.hash).filter(counts);
    }

    /// That the table has what is thought it has.
    fn condition(&self) -> Condition {
        match &self.found {
            Some(found) => found.unchanged(),
            None => Idle::absent(self.idle),
        }
    }
}

/// Whether every unit that takes got all that it asked for, and nothing else was written.
fn takes_everything(batch: &Batch<'_>) -> bool {
    (0..batch.units().len()).all(|unit| {
        batch.checks(unit).iter().all(|check| match check.op.unwrap_or(batch.units()[unit].op) {
            Op::Take | Op::TakeUpTo => {
                check.verdict.is_some_and(|verdict| verdict.allowed && verdict.granted == check.cost)
            }
            Op::Peek => true,
            _ => false,
        })
    })
}

/// The bytes of a state, if it can be stored.
fn check_size(stored: &Stored) -> Result<u64, StoreError> {
    let mut encoded = Vec::new();
    codec::write(stored, &mut encoded);
    let bytes = u64::try_from(encoded.len()).unwrap_or(u64::MAX);
    if bytes > LARGEST_STATE {
        return Err(StoreError::TooLarge { bytes, max_bytes: LARGEST_STATE });
    }
    Ok(bytes)
}

/// How long to wait before a try: the first two are not a sign of contention.
pub(crate) fn longest_pause(tries: u32) -> Duration {
    Duration::from_millis(if tries < 2 { 0 } else { 1 << tries })
}
