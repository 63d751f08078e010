//! Holders of requests that were given up while their stores were asked.
//!
//! Nobody knows whether such a request got its slot, and nobody will release it. So it is noted, and the next request that
//! wants a slot releases it first: who gives up at once, again and again, cannot fill a limit with slots of nobody.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;
use ratekeeper_core::{Holder, Key, Limit, Op, Token};
use ratekeeper_store::{Batch, Check, Store};

use crate::decide::Deciding;
use crate::plan::op_on;
use crate::tally::holds;

/// More are not remembered: the oldest end with their ttl.
const MOST: usize = 4096;
/// So many are released before a request is decided.
const AT_ONCE: usize = 64;

/// A slot that somebody may hold who is gone.
#[derive(Debug)]
struct Slot {
    store: Arc<dyn Store>,
    key: Vec<u8>,
    scope: usize,
    limit: Limit,
    holder: Holder,
}

/// The slots of requests that were given up.
#[derive(Debug, Default)]
pub(crate) struct Abandoned {
    slots: Mutex<VecDeque<Slot>>,
    /// How many there are, to be seen without the lock.
    count: AtomicUsize,
}

impl Abandoned {
    fn put(&self, slots: impl IntoIterator<Item = Slot>) {
        let mut all = self.slots.lock();
        all.extend(slots);
        while all.len() > MOST {
            all.pop_front();
        }
        self.count.store(all.len(), Relaxed);
    }

    fn take(&self) -> Vec<Slot> {
        let mut all = self.slots.lock();
        let few = all.len().min(AT_ONCE);
        let taken = all.drain(..few).collect();
        self.count.store(all.len(), Relaxed);
        taken
    }

    /// Releases some of them. What fails ends with its ttl; what is given up is put back.
    pub(crate) async fn release(&self) {
        if self.count.load(Relaxed) == 0 {
            return;
        }
        let mut releasing = Releasing { all: self, slots: self.take() };
        while let Some(slot) = releasing.slots.last() {
            let key = Key::scoped(&slot.key, slot.scope).unwrap_or_default();
            let mut batch = Batch::new();
            let check = Check::new(key, &slot.limit, 0).with_token(Token::Holder(slot.holder));
            batch.push(Op::Refund, [check]);
            _ = slot.store.apply(&mut batch).wait().await;
            drop(batch);
            releasing.slots.pop();
        }
    }
}

/// Puts back what is not released yet, if it is given up.
struct Releasing<'a> {
    all: &'a Abandoned,
    slots: Vec<Slot>,
}

impl Drop for Releasing<'_> {
    fn drop(&mut self) {
        if !self.slots.is_empty() {
            self.all.put(std::mem::take(&mut self.slots));
        }
    }
}

/// Notes the slots of a request, unless it comes to its end.
pub(crate) struct Watch<'d, 'e, 'p> {
    pub(crate) deciding: &'d Deciding<'e, 'p>,
    pub(crate) decided: bool,
}

impl Drop for Watch<'_, '_, '_> {
    fn drop(&mut self) {
        if self.decided {
            return;
        }
        let deciding = self.deciding;
        let limits = deciding.applicable.limits().iter().enumerate();
        let takes = |limit: usize, applied: &Limit| {
            let part = &deciding.asking.parts[deciding.rule_of(limit).part];
            holds(applied) && op_on(applied, part, deciding.asking.op) == Some(Op::Take)
        };
        let slots = limits.filter(|(limit, applied)| takes(*limit, applied.limit)).map(|(limit, applied)| {
            let place = deciding.asking.current.store_of_rule[deciding.rule_of(limit).index];
            Slot {
                store: Arc::clone(&deciding.asking.current.used[place].store),
                key: deciding.applicable.key(limit).to_vec(),
                scope: deciding.applicable.scope_len(limit),
                limit: applied.limit.clone(),
                holder: deciding.holder,
            }
        });
        deciding.asking.engine.abandoned.put(slots);
    }
}
