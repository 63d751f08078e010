//! What operators do with the counters of one subject.

use ratekeeper_core::{Algorithm, Key, Limit, Op};
use ratekeeper_policy::{Applicable, Attributes};
use ratekeeper_store::{Batch, Check, Group, Store};
use smallvec::SmallVec;

use crate::{Current, Engine, EngineError, LimitOutcome};

/// What to do with the counters of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Look at them.
    Inspect,
    /// Forget them: as if nothing had ever been asked.
    Reset,
    /// Give back this much. Concurrency limits and queues are left alone: they take back only what a request gives.
    Refund(u64),
    /// Take this much, into debt if need be. Concurrency limits are left alone: they hold requests.
    Charge(u64),
}

/// The counters of one subject of a rule, after an operation.
#[derive(Clone, Debug)]
pub struct SubjectCounters {
    /// The policy that named them.
    pub current: Current,
    /// What each limit says to a request of cost 1.
    pub limits: SmallVec<[LimitOutcome; 3]>,
}

impl Operation {
    /// What the store is asked of a limit, at which cost.
    fn on(self, limit: &Limit) -> (Op, u64) {
        match (self, limit.algorithm()) {
            (Self::Reset, _) => (Op::Reset, 1),
            (Self::Charge(cost), algorithm) if algorithm != Algorithm::Concurrency => (Op::Charge, cost),
            (Self::Refund(cost), algorithm)
                if !matches!(algorithm, Algorithm::Concurrency | Algorithm::LeakyQueue) =>
            {
                (Op::Refund, cost)
            }
            _ => (Op::Peek, 1),
        }
    }
}

impl Engine {
    /// Looks at or changes the counters of one subject, which `attributes` names by the parts of the rule's key. Whether the
    /// rule applies to such a request does not matter, nor does a list.
    ///
    /// # Errors
    /// If there is no such rule, a part of its key is missing, or its store fails.
    pub async fn operate(
        &self,
        rule: &str,
        attributes: &Attributes<'_>,
        operation: Operation,
    ) -> Result<SubjectCounters, EngineError> {
        let current = self.current();
        let snapshot = &*current.0;
        let unknown = || EngineError::RuleUnknown { name: rule.to_owned() };
        let index = current.rules().iter().position(|known| known.name() == rule).ok_or_else(unknown)?;
        let now = self.clock.now();
        let mut applicable = Applicable::new();
        current
            .subject(index, attributes, now, &mut applicable)
            .map_err(|part| EngineError::KeyPartMissing { rule: rule.to_owned(), part: part.to_string() })?;
        let used = &snapshot.used[snapshot.store_of_rule[index]];
        let now = used.same_clock.then_some(now);
        if operation != Operation::Inspect {
            ask(&used.store, &applicable, now, |limit| operation.on(limit)).await?;
        }
        let verdicts = ask(&used.store, &applicable, now, |_| (Op::Peek, 1)).await?;
        let mode = current.rules()[index].mode();
        let limits =
            applicable.limits().iter().zip(verdicts).map(|(applied, (verdict, shared))| LimitOutcome {
                part: 0,
                rule: index,
                ordinal: applied.ordinal,
                mode,
                limit: applied.limit.clone(),
                cost: 1,
                allowed: verdict.is_none_or(|verdict| verdict.allowed),
                verdict,
                degraded: shared.then_some(crate::Degraded::StoreFull),
            });
        let limits = limits.collect();
        drop(applicable);
        Ok(SubjectCounters { current, limits })
    }
}

/// Asks all limits at once, and returns their verdicts and whether the counter is shared with others.
async fn ask(
    store: &std::sync::Arc<dyn Store>,
    applicable: &Applicable<'_>,
    now: Option<ratekeeper_core::Timestamp>,
    op_of: impl Fn(&Limit) -> (Op, u64),
) -> Result<Vec<(Option<ratekeeper_core::Verdict>, bool)>, EngineError> {
    let mut batch = Batch::new();
    batch.now = now;
    let checks = applicable.limits().iter().enumerate().map(|(place, applied)| {
        let key = Key::scoped(applicable.key(place), applicable.scope_len(place)).unwrap_or_default();
        let (op, cost) = op_of(applied.limit);
        // Each stands for itself: that one limit is used up must not keep the others from being written.
        let group = Group::Shadow(u16::try_from(place).unwrap_or(u16::MAX));
        Check::new(key, applied.limit, cost).with_op(op).in_group(group)
    });
    batch.push(Op::Peek, checks);
    store.apply(&mut batch).wait().await?;
    Ok(batch.checks(0).iter().map(|check| (check.verdict, check.degraded)).collect())
}
