//! What happens when a store fails: each of its rules decides by its own failure policy.

use ratekeeper_core::Limit;
use ratekeeper_policy::{Applicable, AppliedRule, OnStoreError};
use ratekeeper_store::{Batch, Store};
use smallvec::SmallVec;

use crate::Degraded;
use crate::decide::{Deciding, Places};
use crate::tally::{Debit, Tally};

/// Decides the limits of a store that failed: allowed, denied, or by the limiter of this process.
pub(crate) async fn fall_back(deciding: &Deciding<'_, '_>, limits: &[usize], tally: &mut Tally) {
    let mut local = Places::new();
    for &limit in limits {
        match deciding.rule_of(limit).rule.on_store_error() {
            OnStoreError::Local => local.push(limit),
            OnStoreError::Allow => tally.record_failure(limit, Degraded::Allowed),
            _ => tally.record_failure(limit, Degraded::Denied),
        }
    }
    if local.is_empty() {
        return;
    }
    let scaled: SmallVec<[Limit; 2]> = local
        .iter()
        .map(|limit| scale(deciding.rule_of(*limit), deciding.applicable, *limit))
        .collect();
    let mut batch = Batch::new().at(deciding.now);
    let checks = local.iter().zip(&scaled).map(|(limit, scaled)| {
        let mut check = deciding.check(*limit, tally);
        check.limit = scaled;
        check
    });
    batch.push_by(deciding.op_after(tally), deciding.holder, checks);
    match deciding.engine.local.apply(&mut batch).wait().await {
        Ok(()) => tally.record(&local, batch.checks(0), batch.units()[0].passes, true),
        // Neither the store nor this process can count: unlimited is worse than refused.
        Err(_) => local.iter().for_each(|limit| tally.record_failure(*limit, Degraded::Denied)),
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
