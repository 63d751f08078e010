//! Questions to a store, and the slots for its answers.

use ratekeeper_core::{Ask, Holder, Key, Limit, Op, Timestamp, Token, Verdict};
use smallvec::SmallVec;

use crate::StoreError;

/// Which checks of a unit must all pass for which to be debited.
///
/// The enforced checks decide the unit. Every shadow group is debited iff all enforced checks and all its own pass,
/// and refuses nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Group {
    /// Decides.
    #[default]
    Enforced,
    /// Counts along; the number tells the shadow rules of a unit apart.
    Shadow(u16),
}

/// One key, one limit, one cost; and, once applied, its verdict.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    /// The counter.
    pub key: Key<'a>,
    /// What it is held against.
    pub limit: &'a Limit,
    /// How much is asked.
    pub cost: u64,
    /// With which other checks it stands or falls.
    pub group: Group,
    /// What to do, where it is not the unit's operation: so a unit can take from one counter and, iff that passes,
    /// charge or refund others (in a shadow group) in the same atomic step.
    pub op: Option<Op>,
    /// For a refund: the receipt of the take.
    pub token: Option<Token>,
    /// The answer; `None` until the store has applied the batch.
    pub verdict: Option<Verdict>,
    /// Whether the answer is not this key's own: a full store counted it with others, or refused it unseen.
    pub degraded: bool,
}

impl<'a> Check<'a> {
    /// An enforced check of `cost`.
    #[must_use]
    pub fn new(key: Key<'a>, limit: &'a Limit, cost: u64) -> Self {
        Self {
            key,
            limit,
            cost,
            group: Group::Enforced,
            op: None,
            token: None,
            verdict: None,
            degraded: false,
        }
    }

    /// The same check in another group.
    #[must_use]
    pub fn in_group(mut self, group: Group) -> Self {
        self.group = group;
        self
    }

    /// The same check with an operation of its own.
    #[must_use]
    pub fn with_op(mut self, op: Op) -> Self {
        self.op = Some(op);
        self
    }

    /// The same check with the receipt of a take.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// What this check asks of core's step.
    pub(crate) fn ask(&self, op: Op, holder: Holder) -> Ask {
        Ask { op: self.op.unwrap_or(op), cost: self.cost, token: self.token, holder }
    }
}

/// One request: an operation on all of its checks, all-or-nothing.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What to do with every check that does not say otherwise.
    pub op: Op,
    /// Who takes; only concurrency limits look at it. Unique per request.
    pub holder: Holder,
    /// Whether every enforced check passed; set by the store.
    pub passes: bool,
    /// Why this unit was not decided while others of its batch were: a store over several servers may lose one of them.
    pub error: Option<StoreError>,
    first: u32,
    end: u32,
}

/// A list of units, applied in order.
///
/// ```
/// use ratekeeper_core::{Key, Limit, Micros, Op};
/// use ratekeeper_store::{Batch, Check, MemoryStore, Store};
/// let (per_second, per_day) = (Limit::token_bucket(10, Micros::SECOND)?, Limit::fixed_window(100, Micros::DAY)?);
/// let store = MemoryStore::default();
/// let mut batch = Batch::new();
/// batch.push(Op::Take, [
///     Check::new(Key::new(b"second:alice")?, &per_second, 1),
///     Check::new(Key::new(b"day:alice")?, &per_day, 1),
/// ]);
/// store.apply(&mut batch).ready().expect("memory answers at once")?;
/// assert!(batch.units()[0].passes);
/// assert_eq!(batch.checks(0)[1].verdict.unwrap().remaining, 99);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch<'a> {
    /// The instant to decide at; `None` for the store's own clock, read once a batch.
    pub now: Option<Timestamp>,
    units: SmallVec<[Unit; 1]>,
    checks: SmallVec<[Check<'a>; 6]>,
}

impl<'a> Batch<'a> {
    /// An empty batch on the store's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same batch decided at `now`.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// A batch that asks one counter.
    #[must_use]
    pub fn single(key: Key<'a>, limit: &'a Limit, ask: &Ask) -> Self {
        let mut batch = Self::new();
        let check = Check { token: ask.token, ..Check::new(key, limit, ask.cost) };
        batch.push_by(ask.op, ask.holder, [check]);
        batch
    }

    /// Adds a unit. Its keys must differ: a store answers [`StoreError::DuplicateKey`](crate::StoreError) else.
    pub fn push(&mut self, op: Op, checks: impl IntoIterator<Item = Check<'a>>) {
        self.push_by(op, Holder::default(), checks);
    }

    /// Adds a unit asked by `holder`.
    pub fn push_by(&mut self, op: Op, holder: Holder, checks: impl IntoIterator<Item = Check<'a>>) {
        let first = self.checks.len();
        self.checks.extend(checks);
        let index = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (first, end) = (index(first), index(self.checks.len()));
        self.units.push(Unit { op, holder, passes: false, error: None, first, end });
    }

    /// The units.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The checks of the unit with this index, with their verdicts once applied.
    ///
    /// # Panics
    /// If there is no such unit.
    #[must_use]
    pub fn checks(&self, unit: usize) -> &[Check<'a>] {
        let unit = &self.units[unit];
        &self.checks[unit.first as usize..unit.end as usize]
    }

    /// Every unit with its checks, for a store to answer.
    pub fn each_unit(&mut self) -> impl Iterator<Item = (&mut Unit, &mut [Check<'a>])> {
        let mut rest = self.checks.as_mut_slice();
        self.units.iter_mut().map(move |unit| {
            let (checks, after) = std::mem::take(&mut rest).split_at_mut((unit.end - unit.first) as usize);
            rest = after;
            (unit, checks)
        })
    }
}
