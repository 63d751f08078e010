//! One question to the engine, from its attributes to what its stores are asked.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ratekeeper_core::{Op, Timestamp};
use ratekeeper_policy::{Applicable, List};
use ratekeeper_store::{Answer, Batch};
use smallvec::SmallVec;

use crate::plan::common_op;
use crate::snapshot::{Snapshot, UsedStore};
use crate::{By, Decision, Denial, Engine, Outcome, Part, alone, decide};

/// A request, asked at one instant of one policy.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'q> {
    pub(crate) engine: &'q Engine,
    pub(crate) current: &'q Arc<Snapshot>,
    pub(crate) parts: &'q [Part<'q>],
    /// What its parts have in common.
    pub(crate) op: Op,
    pub(crate) now: Timestamp,
    pub(crate) injected: bool,
}

impl<'q> Asking<'q> {
    /// Asks at `now`, or by one reading of the clock.
    pub(crate) fn new(
        engine: &'q Engine,
        current: &'q Arc<Snapshot>,
        parts: &'q [Part<'q>],
        now: Option<Timestamp>,
    ) -> Self {
        let instant = now.unwrap_or_else(|| engine.clock.now());
        Self {
            engine,
            current,
            parts,
            op: common_op(parts),
            now: instant,
            injected: now.is_some(),
        }
    }

    /// The instant that a store is told to decide at; `None` for its own clock.
    pub(crate) fn now_of(&self, used: &UsedStore) -> Option<Timestamp> {
        (self.injected || used.same_clock).then_some(self.now)
    }

    /// Decides at once; `None` if a store does not answer at once.
    pub(crate) fn decide_now(&self) -> Option<Outcome> {
        let mut applicable = Applicable::new();
        if let Some(list) = self.gather(&mut applicable) {
            return Some(self.listed_outcome(list));
        }
        let mut failed = None;
        if let Some(place) = alone::store(self, &applicable) {
            let mut batch = Batch::new();
            alone::write_question(self, &applicable, place, &mut batch);
            let answer = match self.ask(place, &mut batch) {
                Answer::Ready(answer) => answer,
                Answer::Later(_) => return None,
            };
            if alone::is_decided(&answer, &batch) {
                return alone::outcome(self, &applicable, &batch);
            }
            failed = Some(place);
        }
        // Made in its place: the future is large, and moving it would cost more than many a store.
        let all = pin!(decide::decide(self, &applicable, false, failed));
        match all.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    /// Decides; with `reserve`, everything that was taken stands in the outcome's receipt, else only what is held.
    pub(crate) async fn decide(&self, reserve: bool) -> Outcome {
        let mut applicable = Applicable::new();
        if let Some(list) = self.gather(&mut applicable) {
            return self.listed_outcome(list);
        }
        let mut failed = None;
        if let Some(place) = alone::store(self, &applicable).filter(|_| !reserve) {
            let mut batch = Batch::new();
            alone::write_question(self, &applicable, place, &mut batch);
            let answer = match self.ask(place, &mut batch) {
                Answer::Ready(answer) => answer,
                Answer::Later(answer) => answer.await,
            };
            if alone::is_decided(&answer, &batch)
                && let Some(outcome) = alone::outcome(self, &applicable, &batch)
            {
                return outcome;
            }
            failed = Some(place);
        }
        decide::decide(self, &applicable, reserve, failed).await
    }

    /// Asks the store at this place, unless there is nothing to ask.
    fn ask<'a, 'b: 'a>(&'a self, place: usize, batch: &'a mut Batch<'b>) -> Answer<'a> {
        match batch.units() {
            [] => Answer::Ready(Ok(())),
            _ => self.current.used[place].store.apply(batch),
        }
    }

    /// Finds the limits of all parts. The list that the request stands on: any part on the deny list is enough for that, but
    /// only if all are does the allow list decide; else nothing is counted for those that are.
    fn gather(&self, out: &mut Applicable<'q>) -> Option<(List, usize)> {
        let Self { current, parts, now, .. } = *self;
        let policy = &current.policy;
        let mut on_allow_list = None;
        let mut allowed = 0;
        for (place, part) in parts.iter().enumerate() {
            match part.by {
                By::Policy => match policy.listed(&part.attributes, now) {
                    Some(listed) if listed.list == List::Allow => {
                        allowed += 1;
                        on_allow_list.get_or_insert((List::Allow, listed.place));
                    }
                    Some(listed) => return Some((listed.list, listed.place)),
                    None => policy.add_applicable(place, &part.attributes, 1, now, out),
                },
                By::Rule(rule) => {
                    // Who names a subject by its parts is told of missing ones before; here they count nothing.
                    _ = policy.add_subject(place, rule, &part.attributes, now, out);
                }
                By::Limit(limit) => policy.add_own(place, &part.attributes, limit, out),
            }
        }
        out.replace();
        on_allow_list.filter(|_| allowed == parts.len())
    }

    fn listed_outcome(&self, listed: (List, usize)) -> Outcome {
        let allowed = listed.0 == List::Allow;
        let granted = if self.op == Op::Peek {
            0
        } else {
            self.parts[0].cost
        };
        Outcome {
            snapshot: Arc::clone(self.current),
            decision: if allowed {
                Decision::Allow
            } else {
                Decision::Deny(Denial::Listed)
            },
            limits: SmallVec::new(),
            missing_key: SmallVec::new(),
            unlimited: SmallVec::new(),
            granted: if allowed { granted } else { 0 },
            decided_at: self.now,
            listed: Some(listed),
            receipt: None,
        }
    }
}
