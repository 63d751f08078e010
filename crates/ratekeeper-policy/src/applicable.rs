//! The rules that apply to one request, with limits and keys.

use std::fmt;
use std::ops::Range;

use ratekeeper_core::{Limit, Timestamp};
use smallvec::SmallVec;

use crate::attributes::Attributes;
use crate::key::{KeyBytes, push_scope};
use crate::policy_limit::{LimitList, PolicyLimit};
use crate::request::Request;
use crate::rollout::Arm;
use crate::rule::Rule;

/// The rules that apply to a request, their limits and keys. Make one, and fill it again and again by
/// [`Policy::applicable`](crate::Policy::applicable): up to 4 rules, 6 limits and 256 bytes of keys need no allocation,
/// and what was allocated once is used again.
#[derive(Debug, Default)]
pub struct Applicable<'p> {
    rules: SmallVec<[AppliedRule<'p>; 4]>,
    limits: SmallVec<[AppliedLimit<'p>; 6]>,
    keys: KeyBytes,
}

/// A rule that applies to a request.
#[derive(Clone, Debug)]
pub struct AppliedRule<'p> {
    /// Which part of the request it applies to, as [`Policy::add_applicable`](crate::Policy::add_applicable) was told; 0
    /// where there is only one.
    pub part: usize,
    /// Its place in [`Policy::rules`](crate::Policy::rules).
    pub index: usize,
    /// The rule.
    pub rule: &'p Rule,
    /// What the request costs under this rule.
    pub cost: u64,
    /// The part of the key that the request lacks, if the rule refuses such requests; then it has no limits here.
    pub refused: Option<MissingPart<'p>>,
    /// The places of its limits in [`Applicable::limits`].
    pub limits: Range<usize>,
}

/// A part of a key that a request lacks.
#[derive(Clone, Copy)]
pub struct MissingPart<'p> {
    rule: &'p Rule,
    part: usize,
}

impl fmt::Display for MissingPart<'_> {
    /// The part as the policy names it, such as `header:x-api-key`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.key.parts[self.part].fmt(f)
    }
}

impl fmt::Debug for MissingPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MissingPart({self})")
    }
}

/// A limit that applies to a request.
#[derive(Clone, Debug)]
pub struct AppliedLimit<'p> {
    /// The limit.
    pub limit: &'p Limit,
    /// Its place among the limits of its rule that apply (those of an override or arm, or the rule's own).
    pub ordinal: usize,
    key: Range<usize>,
    scope: usize,
}

impl<'p> Applicable<'p> {
    /// One that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rules, in the order of the policy. Rules that are off are never among them, shadow rules are.
    #[must_use]
    pub fn rules(&self) -> &[AppliedRule<'p>] {
        &self.rules
    }

    /// The limits of all these rules; [`AppliedRule::limits`] tells which are whose.
    #[must_use]
    pub fn limits(&self) -> &[AppliedLimit<'p>] {
        &self.limits
    }

    /// The limits of one of these rules.
    #[must_use]
    pub fn limits_of(&self, rule: &AppliedRule<'p>) -> &[AppliedLimit<'p>] {
        self.limits.get(rule.limits.clone()).unwrap_or(&[])
    }

    /// The key of the limit at this place in [`limits`](Self::limits): printable ASCII, at most 250 bytes, such as
    /// `login:1m:{11:203.0.113.7}`. Empty if there is no such limit.
    #[must_use]
    pub fn key(&self, limit: usize) -> &[u8] {
        self.limits.get(limit).and_then(|limit| self.keys.get(limit.key.clone())).unwrap_or(&[])
    }

    /// How many leading bytes of that key stand for rule and limit; the rest, in braces, is the subject.
    #[must_use]
    pub fn scope_len(&self, limit: usize) -> usize {
        self.limits.get(limit).map_or(0, |limit| limit.scope)
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
        self.limits.clear();
        self.keys.clear();
    }

    /// Takes out the rules that others replace.
    pub fn replace(&mut self) {
        let mut replaced: SmallVec<[usize; 4]> = SmallVec::new();
        let (mut last, rules) = (usize::MAX, &self.rules);
        for applied in rules.iter().filter(|applied| !applied.rule.replaces.is_empty()) {
            // Many parts may meet one rule.
            if std::mem::replace(&mut last, applied.index) != applied.index {
                replaced.extend_from_slice(&applied.rule.replaces);
            }
        }
        if replaced.is_empty() {
            return;
        }
        replaced.sort_unstable();
        replaced.dedup();
        let before = std::mem::take(&mut self.limits);
        self.rules.retain(|applied| replaced.binary_search(&applied.index).is_err());
        for applied in &mut self.rules {
            let start = self.limits.len();
            self.limits.extend(before[applied.limits.clone()].iter().cloned());
            applied.limits = start..self.limits.len();
        }
    }

    /// Adds a rule if it applies.
    pub(crate) fn consider(
        &mut self,
        part: usize,
        index: usize,
        rule: &'p Rule,
        request: &Request<'_>,
        cost: u64,
        now: Timestamp,
    ) {
        if rule.matcher.check(request).is_err() {
            return;
        }
        let start = self.limits.len();
        let refused = match self.count(rule, request, now) {
            Ok(true) => None,
            Ok(false) => return,
            Err(part) if rule.refuses_missing() => Some(MissingPart { rule, part }),
            Err(_) => return,
        };
        let limits = start..self.limits.len();
        self.rules.push(AppliedRule {
            part,
            index,
            rule,
            cost: rule.costs.of(request, cost),
            refused,
            limits,
        });
    }

    /// Adds a rule for the subject that the request names, whether the rule applies or not: for operators.
    ///
    /// # Errors
    /// The first part of the key that is missing.
    pub(crate) fn push_subject(
        &mut self,
        part: usize,
        index: usize,
        rule: &'p Rule,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<(), MissingPart<'p>> {
        let start = self.limits.len();
        let missing = |part| MissingPart { rule, part };
        if !self.count(rule, request, now).map_err(missing)? {
            // Whom a rollout leaves out, the rule's own limits tell about.
            self.push_limits(&rule.limits, rule, request).map_err(missing)?;
        }
        let limits = start..self.limits.len();
        self.rules.push(AppliedRule { part, index, rule, cost: 1, refused: None, limits });
        Ok(())
    }

    /// Adds a limit that the request brings along, counted by domain and descriptors.
    pub(crate) fn push_own(
        &mut self,
        part: usize,
        index: usize,
        rule: &'p Rule,
        limit: &'p Limit,
        attributes: &Attributes<'_>,
    ) {
        let (first, start) = (self.limits.len(), self.keys.len());
        push_scope(&mut self.keys, &rule.name, limit);
        let scope = self.keys.len() - start;
        rule.key.push_descriptors(attributes, &mut self.keys);
        let key = start..self.keys.len();
        self.limits.push(AppliedLimit { limit, ordinal: 0, key, scope });
        let limits = first..self.limits.len();
        self.rules.push(AppliedRule { part, index, rule, cost: 1, refused: None, limits });
    }

    /// Adds the limits that count for the subject of a request; whether the rule's rollout has the subject in it.
    ///
    /// # Errors
    /// The number of the first missing part of the key.
    fn count(&mut self, rule: &'p Rule, request: &Request<'_>, now: Timestamp) -> Result<bool, usize> {
        let subject = match &rule.rollout {
            Some(_) => rule.key.subject(request)?,
            None => KeyBytes::new(),
        };
        let Some(choice) = rule.choose(request, &subject, now) else {
            return Ok(false);
        };
        self.push_limits(choice.limits(rule), rule, request)?;
        Ok(true)
    }

    /// Adds these limits with their keys: the subject is written once, and copied for the others.
    fn push_limits(
        &mut self,
        limits: &'p LimitList,
        rule: &Rule,
        request: &Request<'_>,
    ) -> Result<(), usize> {
        let first = self.keys.len();
        let Some((one, others)) = limits.split_first() else {
            // Nothing is counted, but for whom must be known.
            let known = rule.key.push_subject(request, &mut self.keys);
            self.keys.truncate(first);
            return known;
        };
        self.keys.extend_from_slice(one.scope());
        let start = self.keys.len();
        if let Err(missing) = rule.key.push_subject(request, &mut self.keys) {
            self.keys.truncate(first);
            return Err(missing);
        }
        let subject = start..self.keys.len();
        self.push_limit(one, 0, first);
        for (place, limit) in others.iter().enumerate() {
            let first = self.keys.len();
            self.keys.extend_from_slice(limit.scope());
            let end = self.keys.len();
            self.keys.resize(end + subject.len(), 0);
            self.keys.copy_within(subject.clone(), end);
            self.push_limit(limit, place + 1, first);
        }
        Ok(())
    }

    fn push_limit(&mut self, limit: &'p PolicyLimit, ordinal: usize, first: usize) {
        let key = first..self.keys.len();
        self.limits
            .push(AppliedLimit { limit: limit.limit(), ordinal, key, scope: limit.scope().len() });
    }
}

/// Which limits of a rule count for a subject.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice<'p> {
    Own,
    Override(usize),
    Arm(&'p Arm),
}

impl<'p> Choice<'p> {
    pub(crate) fn limits(self, rule: &'p Rule) -> &'p LimitList {
        match self {
            Self::Own => &rule.limits,
            Self::Override(index) => &rule.overrides.limits[index].0,
            Self::Arm(arm) => &arm.limits,
        }
    }
}

impl Rule {
    /// Which limits count for a subject; none if the rollout leaves it out. An override comes before an arm.
    pub(crate) fn choose(&self, request: &Request<'_>, subject: &[u8], now: Timestamp) -> Option<Choice<'_>> {
        let mut choice = Choice::Own;
        if let Some(rollout) = &self.rollout {
            let slot = rollout.slot(subject);
            if !rollout.includes(slot) {
                return None;
            }
            choice = rollout.arm(slot).map_or(choice, Choice::Arm);
        }
        match self.overrides.selectors.first(request, now) {
            Some(index) => Some(Choice::Override(index)),
            None => Some(choice),
        }
    }
}
