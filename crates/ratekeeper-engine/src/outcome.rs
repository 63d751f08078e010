//! The answer for a request: the one fact from which headers, metrics and events are made.

use std::sync::Arc;

use ratekeeper_core::{Limit, Micros, Timestamp, Verdict};
use ratekeeper_policy::{List, Listed, Mode, Policy, Rule};
use smallvec::SmallVec;

use crate::receipt::Receipt;
use crate::snapshot::Snapshot;
use crate::tally::holds;

/// May the request pass?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may, now.
    Allow,
    /// It may, after a wait in a queue.
    Delay(Micros),
    /// It may not.
    Deny(Denial),
}

/// Why a request may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// It stands on the deny list.
    Listed,
    /// At least one limit is used up.
    Limit,
    /// A rule with `missing: deny` misses a part of its key.
    MissingKey,
    /// A store failed, and a rule with `on_store_error: deny` says so.
    StoreFailure,
}

/// How the answer of a limit came about when it is not its counter's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Degraded {
    /// The store is full: the key was counted together with others, or refused unseen.
    StoreFull,
    /// The store failed: decided by a limiter of this process.
    Local,
    /// The store failed: allowed.
    Allowed,
    /// The store failed: denied.
    Denied,
}

/// The answer of one limit of a rule that applies.
#[derive(Clone, Debug)]
pub struct LimitOutcome {
    /// The place of the part of the request that it is about; 0 where there is only one.
    pub part: usize,
    /// The place of the rule in [`Policy::rules`]; their number for a limit that the request brought along.
    pub rule: usize,
    /// The place of the limit among those that apply for this subject.
    pub ordinal: usize,
    /// Whether the rule is enforced or rides along.
    pub mode: Mode,
    /// The limit that was applied.
    pub limit: Limit,
    /// What the request costs under it.
    pub cost: u64,
    /// The limit's own answer.
    pub allowed: bool,
    /// The details; `None` where no counter was asked.
    pub verdict: Option<Verdict>,
    /// Whether, and how, the answer is not the counter's own.
    pub degraded: Option<Degraded>,
}

/// The answer for a request.
#[derive(Debug)]
pub struct Outcome {
    pub(crate) snapshot: Arc<Snapshot>,
    /// May it pass?
    pub decision: Decision,
    /// What every limit of every rule that applies says, in the order of the policy. A request that a store refuses for what
    /// it knows already is not looked at in full: then the limits that were not asked are not here.
    pub limits: SmallVec<[LimitOutcome; 3]>,
    /// Rules (their places in [`Policy::rules`]) that refuse the request, or would if they were enforced, because a part
    /// of their key is missing.
    pub missing_key: SmallVec<[usize; 1]>,
    /// Parts of the request, with rules that they meet and that count nothing.
    pub unlimited: SmallVec<[(usize, usize); 1]>,
    /// How much was taken: the request's cost, or a part of it for a partial take.
    pub granted: u64,
    pub(crate) decided_at: Timestamp,
    /// On which list the request stands, and at which place.
    pub(crate) listed: Option<(List, usize)>,
    pub(crate) receipt: Option<Box<Receipt>>,
}

/// How long to wait before asking again what a failing store could not tell.
const AFTER_FAILURE: Micros = Micros::SECOND;

impl Outcome {
    /// Whether the request may pass, at once or after a delay.
    #[must_use]
    pub fn allowed(&self) -> bool {
        !matches!(self.decision, Decision::Deny(_))
    }

    /// Which limits refuse: all enforced ones that do, and those of quota rules where no quota is left.
    pub fn refusing(&self) -> impl Iterator<Item = &LimitOutcome> {
        let quotas = quotas_used_up(&self.limits);
        self.limits.iter().filter(move |limit| {
            !limit.allowed && (limit.mode == Mode::Enforce || quotas && limit.mode == Mode::Quota)
        })
    }

    /// Which shadow limits would refuse.
    pub fn shadow_refusing(&self) -> impl Iterator<Item = &LimitOutcome> {
        self.limits.iter().filter(|limit| !limit.allowed && limit.mode == Mode::Shadow)
    }

    /// How long to wait until the same request passes: the longest wait of all refusing limits, zero if it passes now,
    /// `None` if it never can. A second at least where a store failed, since nobody knows when it recovers.
    #[must_use]
    pub fn retry_after(&self) -> Option<Micros> {
        let least = match self.decision {
            Decision::Deny(Denial::Listed | Denial::MissingKey) => return None,
            Decision::Deny(Denial::StoreFailure) => AFTER_FAILURE,
            _ => Micros::ZERO,
        };
        let enforced = |limit: &&LimitOutcome| limit.mode == Mode::Enforce;
        let longest = wait(self.refusing().filter(enforced), least)?;
        if !quotas_used_up(&self.limits) {
            return Some(longest);
        }
        // One quota that is there again is enough.
        let soonest = quotas(&self.limits).filter_map(|rule| wait(rule.iter(), Micros::ZERO)).min()?;
        Some(longest.max(soonest))
    }

    /// Whether it holds slots of concurrency limits, which [`Engine::release`](crate::Engine::release) frees.
    #[must_use]
    pub fn holds(&self) -> bool {
        let taken = self.receipt.iter().flat_map(|receipt| &receipt.taken);
        taken.into_iter().any(|taken| holds(&taken.limit))
    }

    /// Whether any answer is not its counter's own.
    #[must_use]
    pub fn degraded(&self) -> bool {
        self.limits.iter().any(|limit| limit.degraded.is_some())
    }

    /// The instant that it was decided at: the one that was given, or by the one reading of the engine's clock.
    #[must_use]
    pub fn decided_at(&self) -> Timestamp {
        self.decided_at
    }

    /// The policy that decided; one request sees exactly one.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.snapshot.policy
    }

    /// The rule of a limit of this outcome.
    #[must_use]
    pub fn rule(&self, limit: &LimitOutcome) -> &Rule {
        self.policy().rule(limit.rule)
    }

    /// On which list the request stands.
    #[must_use]
    pub fn listed(&self) -> Option<Listed<'_>> {
        self.listed.map(|(list, place)| self.policy().listing(list, place))
    }
}

/// The longest wait of those that refuse, at least `least`; `None` if one of them never lets it pass.
fn wait<'a>(limits: impl Iterator<Item = &'a LimitOutcome>, least: Micros) -> Option<Micros> {
    let verdicts = limits.filter(|limit| !limit.allowed).filter_map(|limit| limit.verdict.as_ref());
    verdicts
        .map(|verdict| verdict.retry_after)
        .try_fold(least, |longest, wait| Some(longest.max(wait?)))
}

/// The limits of each quota rule, each part of a request apart.
fn quotas(limits: &[LimitOutcome]) -> impl Iterator<Item = &[LimitOutcome]> {
    let rules = limits.chunk_by(|one, next| (one.part, one.rule) == (next.part, next.rule));
    rules.filter(|rule| rule[0].mode == Mode::Quota)
}

/// Whether there are quota rules, and every one of them refuses.
pub(crate) fn quotas_used_up(limits: &[LimitOutcome]) -> bool {
    let mut quotas = quotas(limits).peekable();
    quotas.peek().is_some() && quotas.all(|rule| rule.iter().any(|limit| !limit.allowed))
}
