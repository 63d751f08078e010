//! What happens when a store fails: each of its rules decides by its own failure policy.

use ratekeeper_core::{Limit, Op};
use ratekeeper_policy::{Applicable, AppliedRule, OnStoreError};
use ratekeeper_store::{Batch, Store};
use smallvec::SmallVec;

use crate::Degraded;
use crate::decide::Deciding;
use crate::plan::Asked;
use crate::tally::{Debit, Tally};

/// Decides the limits of a store that failed: allowed, denied, or by the limiter of this process.
pub(crate) async fn fall_back(deciding: &Deciding<'_, '_>, asked: &[Asked], tally: &mut Tally) {
    let mut local: SmallVec<[Asked; 6]> = SmallVec::new();
    for asked in asked {
        match deciding.rule_of(asked.limit).rule.on_store_error() {
            OnStoreError::Local => local.push(*asked),
            OnStoreError::Allow => tally.record_failure(asked.limit, Degraded::Allowed),
            _ => tally.record_failure(asked.limit, Degraded::Denied),
        }
    }
    if local.is_empty() {
        return;
    }
    let scaled: SmallVec<[Limit; 2]> = local
        .iter()
        .map(|asked| scale(deciding.rule_of(asked.limit), deciding.applicable, asked.limit))
        .collect();
    let mut batch = Batch::new().at(deciding.asking.now);
    // A refund stands alone, and is given in any case.
    let op = match local[0].op {
        Op::Refund => Op::Refund,
        _ => deciding.op_after(tally),
    };
    let checks = local.iter().zip(&scaled).map(|(asked, scaled)| {
        let mut check = deciding.check(asked, op, tally);
        check.limit = scaled;
        check
    });
    batch.push_by(op, deciding.holder, checks);
    match deciding.asking.engine.local.apply(&mut batch).wait().await {
        Ok(()) => tally.record(&local, batch.checks(0), batch.units()[0].passes, true),
        // Neither the store nor this process can count: unlimited is worse than refused.
        Err(_) => local.iter().for_each(|asked| tally.record_failure(asked.limit, Degraded::Denied)),
    }
}

/// The limit that a debit of the local limiter was counted under; `None` if it was not local.
pub(crate) fn local_limit(
    rule: &AppliedRule<'_>,
    applicable: &Applicable<'_>,
    debit: &Debit,
) -> Option<Limit> {
    debit.local.then(|| scale(rule, applicable, debit.limit))
}

fn scale(rule: &AppliedRule<'_>, applicable: &Applicable<'_>, limit: usize) -> Limit {
    let share = rule.rule.local_share();
    applicable.limits()[limit].limit.scaled(share.numerator, share.denominator)
}
