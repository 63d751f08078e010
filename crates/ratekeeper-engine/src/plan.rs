//! What one store is asked for a request: which counters, by how much.

use ratekeeper_core::{Algorithm, Limit, Op};
use smallvec::SmallVec;

use crate::Part;
use crate::decide::Deciding;
use crate::tally::{Tally, holds};

/// One counter to be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Its place among the limits.
    pub(crate) limit: usize,
    pub(crate) op: Op,
    pub(crate) cost: u64,
}

/// What a store is asked.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Each given in any case.
    pub(crate) refunds: SmallVec<[Asked; 1]>,
    /// All together or none.
    pub(crate) unit: SmallVec<[Asked; 6]>,
    /// Limits on a counter that another limit of the unit stands for, and that limit.
    pub(crate) joined: SmallVec<[(usize, usize); 1]>,
}

/// What all parts do, if they do the same; takes else. How several would share what is left, nobody could say.
pub(crate) fn common_op(parts: &[Part<'_>]) -> Op {
    let same = |first: &Part<'_>| parts.iter().all(|part| part.op == first.op);
    match parts.first().filter(|first| same(first)).map(|first| Op::from(first.op)) {
        Some(Op::TakeUpTo) if parts.len() > 1 => Op::Take,
        common => common.unwrap_or(Op::Take),
    }
}

/// What is done with one limit of a part, in a request whose parts have this in common; `None` if it is left alone.
pub(crate) fn op_on(limit: &Limit, part: &Part<'_>, common: Op) -> Option<Op> {
    match Op::from(part.op) {
        // A charge comes when the request is done: there is nothing left to hold.
        Op::Charge if holds(limit) => None,
        Op::Refund if matches!(limit.algorithm(), Algorithm::Concurrency | Algorithm::LeakyQueue) => None,
        Op::TakeUpTo if holds(limit) || common != Op::TakeUpTo => Some(Op::Take),
        op => Some(op),
    }
}

impl Plan {
    /// What the store at `place` is asked.
    pub(crate) fn new(deciding: &Deciding<'_, '_>, place: usize, tally: &Tally) -> Self {
        let mut plan = Self::default();
        let (rules, limits) = (deciding.applicable.rules(), deciding.applicable.limits());
        for rule in rules {
            if deciding.asking.current.store_of_rule.get(rule.index) != Some(&place) {
                continue;
            }
            for limit in rule.limits.clone() {
                let asked = |op| Asked { limit, op, cost: tally.limits[limit].cost };
                match op_on(limits[limit].limit, &deciding.asking.parts[rule.part], deciding.asking.op) {
                    None => {}
                    Some(Op::Refund) => plan.refunds.push(asked(Op::Refund)),
                    Some(op) => plan.unit.push(asked(op)),
                }
            }
        }
        if deciding.asking.parts.len() > 1 {
            plan.join(deciding);
        }
        plan
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.refunds.is_empty() && self.unit.is_empty()
    }

    /// Makes one question of those about the same counter: a unit names each once.
    fn join(&mut self, deciding: &Deciding<'_, '_>) {
        let key = |asked: &Asked| deciding.applicable.key(asked.limit);
        let mut sorted = self.unit.clone();
        sorted.sort_by_key(key);
        if sorted.windows(2).all(|pair| key(&pair[0]) != key(&pair[1])) {
            return;
        }
        self.unit.clear();
        for same in sorted.chunk_by(|one, next| key(one) == key(next)) {
            let mut first = same[0];
            // Two descriptors may bring limits along that differ: the strictest holds for both.
            let count = |asked: &Asked| deciding.applicable.limits()[asked.limit].limit.count();
            first.limit =
                same.iter().min_by_key(|asked| count(asked)).map_or(first.limit, |asked| asked.limit);
            let others = same.iter().filter(|asked| asked.limit != first.limit);
            self.joined.extend(others.map(|other| (other.limit, first.limit)));
            for other in &same[1..] {
                (first.op, first.cost) = match (first.op, other.op) {
                    (_, Op::Peek) => (first.op, first.cost),
                    (Op::Peek, op) => (op, other.cost),
                    (op, _) => (op, first.cost.saturating_add(other.cost)),
                };
            }
            self.unit.push(first);
        }
        self.unit.sort_by_key(|asked| asked.limit);
    }
}
