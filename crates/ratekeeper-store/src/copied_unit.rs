//! A unit that borrows nothing, so that it may outlive its caller; and what is answered to it.

use ratekeeper_core::{Holder, Key, Limit, Op, Token, Verdict};
use smallvec::SmallVec;

use crate::{Batch, Check, Group, StoreError, Unit};

/// A copy of the only unit of a batch.
pub(crate) struct CopiedUnit {
    op: Op,
    holder: Holder,
    /// The keys of all checks, one after the other.
    keys: Vec<u8>,
    checks: SmallVec<[CopiedCheck; 1]>,
}

struct CopiedCheck {
    key_len: usize,
    scope_len: usize,
    limit: Limit,
    cost: u64,
    group: Group,
    op: Option<Op>,
    token: Option<Token>,
}

impl CopiedUnit {
    /// Copies the first unit of `batch`, which has one.
    pub(crate) fn of(batch: &Batch<'_>) -> Self {
        let (unit, checks) = (&batch.units()[0], batch.checks(0));
        let keys = checks.iter().flat_map(|check| check.key.bytes()).copied().collect();
        let checks = checks.iter().map(|check| CopiedCheck {
            key_len: check.key.bytes().len(),
            scope_len: check.key.scope().len(),
            limit: check.limit.clone(),
            cost: check.cost,
            group: check.group,
            op: check.op,
            token: check.token,
        });
        Self { op: unit.op, holder: unit.holder, keys, checks: checks.collect() }
    }

    /// How many checks it has.
    pub(crate) fn checks(&self) -> usize {
        self.checks.len()
    }

    /// Adds it to a batch.
    pub(crate) fn push_to<'a>(&'a self, batch: &mut Batch<'a>) {
        let mut keys = self.keys.as_slice();
        let checks = self.checks.iter().map(move |check| {
            let (key, rest) = keys.split_at(check.key_len);
            keys = rest;
            // It was a key before: it is none that is too long.
            let key = Key::scoped(key, check.scope_len).unwrap_or_default();
            Check {
                group: check.group,
                op: check.op,
                token: check.token,
                ..Check::new(key, &check.limit, check.cost)
            }
        });
        batch.push_by(self.op, self.holder, checks);
    }
}

/// What a store has written into a unit and its checks.
pub(crate) struct Answered {
    passes: bool,
    error: Option<StoreError>,
    checks: SmallVec<[(Option<Verdict>, bool); 1]>,
}

impl Answered {
    pub(crate) fn of(unit: &Unit, checks: &[Check<'_>]) -> Self {
        let checks = checks.iter().map(|check| (check.verdict, check.degraded)).collect();
        Self { passes: unit.passes, error: unit.error.clone(), checks }
    }

    /// Writes it into the only unit of `batch`, whose error is then that of the whole.
    pub(crate) fn write_to(self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        if let Some((unit, checks)) = batch.each_unit().next() {
            (unit.passes, unit.error) = (self.passes, self.error.clone());
            for (check, answered) in checks.iter_mut().zip(self.checks) {
                (check.verdict, check.degraded) = answered;
            }
        }
        self.error.map_or(Ok(()), Err)
    }
}
