//! Plain reference models of every algorithm: slow, obvious, and written from the definitions alone.
//!
//! They share no arithmetic with the kernels: numbers are wide and signed, nothing is reduced, packed or cached,
//! what is left is searched for, and every waiting time is checked by trying it. A store is right if it answers
//! like [`Model`]; [`Envelope`] says what no store may ever admit more than.
//!
//! ```
//! use ratekeeper_core::{Ask, Limit, Micros, Op, Timestamp, model::Model};
//! let mut model = Model::new(&Limit::token_bucket(2, Micros::SECOND)?);
//! let verdict = model.apply(Timestamp::from_micros(1_000_000), &Ask::new(Op::Take, 2))?;
//! assert_eq!((verdict.allowed, verdict.remaining), (true, 0));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod calendar_window;
mod concurrency;
mod envelope;
mod fixed_window;
mod leaky_bucket;
mod leaky_queue;
mod sliding_log;
mod sliding_window;
mod token_bucket;

use std::fmt;

pub use calendar_window::period_around;
pub use envelope::{Envelope, Excess, check_envelope, envelope};

use crate::{Algorithm, Ask, Holder, Limit, MAX_EXACT, Micros, Op, StepError, Timestamp, Token, Verdict};

/// The last instant and the largest count.
const MAX: i128 = MAX_EXACT as i128;

/// One counter of one algorithm. Instants are microseconds, negative ones before the epoch.
trait Counter: fmt::Debug + Send + Sync {
    fn boxed(&self) -> Box<dyn Counter>;
    /// Whether a newcomer may take `n`.
    fn fits(&self, now: i128, n: i128) -> bool;
    /// Whether `who` has taken already, so that a take only renews.
    fn renews(&self, _now: i128, _who: Holder) -> bool {
        false
    }
    /// How long until a newcomer's `n` fits, if it does not now.
    fn retry_after(&self, now: i128, n: i128) -> Option<i128>;
    fn reset_after(&self, now: i128) -> i128;
    /// How long one who is let in now waits in the queue.
    fn delay(&self, _now: i128) -> Option<i128> {
        None
    }
    /// Takes or charges, whatever is left; the receipt.
    fn take(&mut self, now: i128, n: i128, who: Holder) -> Token;
    fn refund(&mut self, now: i128, n: i128, token: Option<Token>);
    /// What another limit may take over.
    fn carried(&self) -> Carried;
}

/// What is left of a counter's state when its limit has changed.
enum Carried {
    /// When a bucket is as new.
    Instant(i128),
    /// Start, current, previous.
    Window(i128, i128, i128),
    /// Instants and counts.
    Log(Vec<(i128, i128)>),
    /// Holders.
    Holders(Vec<concurrency::Held>),
}

/// What one counter answers before the request as a whole is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// Whether this counter lets the request pass.
    pub passes: bool,
    /// How much it grants at most.
    pub grantable: u64,
}

/// One counter under one limit, as the definitions have it.
#[derive(Debug)]
pub struct Model {
    limit: Limit,
    key: Vec<u8>,
    /// What was last written, and under which limit.
    stored: Option<(Limit, Box<dyn Counter>)>,
}

impl Clone for Model {
    fn clone(&self) -> Self {
        Self {
            limit: self.limit.clone(),
            key: self.key.clone(),
            stored: self.stored.as_ref().map(|(limit, counter)| (limit.clone(), counter.boxed())),
        }
    }
}

impl Model {
    /// The counter of the empty key.
    #[must_use]
    pub fn new(limit: &Limit) -> Self {
        Self::for_key(limit, b"")
    }

    /// The counter of `key`, whose windows may have a phase of their own.
    #[must_use]
    pub fn for_key(limit: &Limit, key: &[u8]) -> Self {
        Self { limit: limit.clone(), key: key.to_vec(), stored: None }
    }

    /// The limit has been changed while the counter lives on.
    pub fn change_limit(&mut self, limit: &Limit) {
        self.limit = limit.clone();
    }

    /// Answers `ask` and writes what it takes: a request that consists of this one check.
    ///
    /// # Errors
    /// If the algorithm does not have the operation.
    pub fn apply(&mut self, now: Timestamp, ask: &Ask) -> Result<Verdict, StepError> {
        let opinion = self.opinion(now, ask)?;
        self.settle(now, ask, opinion.passes.then_some(opinion.grantable))
    }

    /// What this counter says to `ask`; writes nothing.
    ///
    /// # Errors
    /// If the algorithm does not have the operation.
    pub fn opinion(&self, now: Timestamp, ask: &Ask) -> Result<Opinion, StepError> {
        validate(self.limit.algorithm(), ask)?;
        let now = i128::from(now.as_micros());
        let counter = self.counter(now);
        let wanted = i128::from(ask.cost);
        let (passes, grantable) = match ask.op {
            Op::Take | Op::Peek => {
                let passes = counter.renews(now, ask.holder) || counter.fits(now, wanted);
                (passes, ask.cost)
            }
            Op::TakeUpTo => {
                let granted = if counter.renews(now, ask.holder) {
                    ask.cost
                } else {
                    remaining(counter.as_ref(), now).min(ask.cost)
                };
                (granted > 0, granted)
            }
            Op::Charge => (true, ask.cost),
            Op::Refund | Op::Reset => (true, 0),
        };
        Ok(Opinion { passes, grantable })
    }

    /// The verdict, after the request as a whole was granted so much or, with `None`, refused.
    ///
    /// # Errors
    /// If the algorithm does not have the operation.
    pub fn settle(&mut self, now: Timestamp, ask: &Ask, granted: Option<u64>) -> Result<Verdict, StepError> {
        let opinion = self.opinion(now, ask)?;
        let now = i128::from(now.as_micros());
        let mut counter = self.counter(now);
        let retry_after = if opinion.passes {
            Some(0)
        } else {
            wait(counter.as_ref(), now, ask)
        };
        let mut verdict = Verdict {
            allowed: opinion.passes,
            granted: 0,
            remaining: 0,
            retry_after: retry_after.map(|span| Micros::new(to_u64(span))),
            reset_after: Micros::ZERO,
            delay: None,
            token: None,
        };
        let takes = matches!(ask.op, Op::Take | Op::TakeUpTo);
        if opinion.passes && (takes || ask.op == Op::Peek) {
            verdict.delay = counter.delay(now).map(|span| Micros::new(to_u64(span)));
        }
        if let Some(granted) = granted {
            match ask.op {
                Op::Take | Op::TakeUpTo | Op::Charge => {
                    verdict.token = Some(counter.take(now, i128::from(granted), ask.holder));
                    verdict.granted = granted;
                }
                Op::Refund => counter.refund(now, i128::from(ask.cost), ask.token),
                Op::Peek | Op::Reset => {}
            }
        }
        match ask.op {
            Op::Reset if granted.is_some() => {
                self.stored = None;
                counter = self.counter(now);
            }
            Op::Peek => {}
            // A refusal writes nothing, but that the limit has changed: it is carried over once.
            _ if granted.is_none() && self.stored.is_none() => {}
            _ => self.stored = Some((self.limit.clone(), counter.boxed())),
        }
        verdict.remaining = remaining(counter.as_ref(), now);
        verdict.reset_after = Micros::new(to_u64(counter.reset_after(now)));
        Ok(verdict)
    }

    /// What is stored, as the limit of today reads it.
    fn counter(&self, now: i128) -> Box<dyn Counter> {
        let phase = i128::from(self.limit.phase(&self.key).get());
        match &self.stored {
            Some((old, counter)) if same_numbers(old, &self.limit) => counter.boxed(),
            Some((old, counter)) if !self.limit.reset_on_change => {
                carry_over(old, counter.carried(), &self.limit, phase, now)
            }
            _ => fresh(&self.limit, phase),
        }
    }
}

/// Whether a state keeps its tag: algorithm, N, W, b, max_delay (and the calendar, which is W there, and
/// whether keys have phases).
fn same_numbers(old: &Limit, new: &Limit) -> bool {
    let numbers = |limit: &Limit| {
        let (window, delay) = (limit.window(), limit.max_delay());
        (limit.algorithm(), limit.count(), window, limit.burst(), delay)
    };
    numbers(old) == numbers(new) && same_grid(old, new)
}

/// Whether windows of the same length begin and end at the same instants.
fn same_grid(old: &Limit, new: &Limit) -> bool {
    old.calendar() == new.calendar() && old.phase_by_key == new.phase_by_key
}

fn fresh(limit: &Limit, phase: i128) -> Box<dyn Counter> {
    match limit.algorithm() {
        Algorithm::TokenBucket => Box::new(token_bucket::TokenBucket::new(limit)),
        Algorithm::LeakyBucket => Box::new(leaky_bucket::LeakyBucket::new(limit)),
        Algorithm::LeakyQueue => Box::new(leaky_queue::LeakyQueue::new(limit)),
        Algorithm::FixedWindow => Box::new(fixed_window::FixedWindow::new(limit, phase)),
        Algorithm::CalendarWindow => Box::new(calendar_window::CalendarWindow::new(limit)),
        Algorithm::SlidingWindow => Box::new(sliding_window::SlidingWindow::new(limit, phase)),
        Algorithm::SlidingLog => Box::new(sliding_log::SlidingLog::new(limit)),
        Algorithm::Concurrency => Box::new(concurrency::Concurrency::new(limit)),
    }
}

fn carry_over(old: &Limit, carried: Carried, new: &Limit, phase: i128, now: i128) -> Box<dyn Counter> {
    let same_window = old.window() == new.window() && same_grid(old, new);
    match (carried, new.algorithm()) {
        (Carried::Instant(at), Algorithm::TokenBucket) => {
            Box::new(token_bucket::TokenBucket::adopt(new, at, now))
        }
        (Carried::Instant(at), Algorithm::LeakyBucket) => {
            Box::new(leaky_bucket::LeakyBucket::adopt(new, at, now))
        }
        (Carried::Instant(at), Algorithm::LeakyQueue) => {
            Box::new(leaky_queue::LeakyQueue::adopt(new, at, now))
        }
        (Carried::Window(start, count, previous), Algorithm::FixedWindow) if same_window => {
            Box::new(fixed_window::FixedWindow::adopt(new, phase, start, count, previous))
        }
        (Carried::Window(start, count, _), Algorithm::CalendarWindow) if same_window => {
            Box::new(calendar_window::CalendarWindow::adopt(new, start, count))
        }
        (Carried::Window(start, count, previous), Algorithm::SlidingWindow) if same_window => {
            Box::new(sliding_window::SlidingWindow::adopt(new, phase, start, count, previous))
        }
        (Carried::Log(log), Algorithm::SlidingLog) if same_window => {
            Box::new(sliding_log::SlidingLog::adopt(new, log))
        }
        (Carried::Holders(held), Algorithm::Concurrency) => {
            Box::new(concurrency::Concurrency::adopt(new, held))
        }
        _ => fresh(new, phase),
    }
}

fn validate(algorithm: Algorithm, ask: &Ask) -> Result<(), StepError> {
    use Algorithm::{
        CalendarWindow, Concurrency, FixedWindow, LeakyBucket, LeakyQueue, SlidingLog, SlidingWindow,
        TokenBucket,
    };
    match (ask.op, algorithm, ask.token) {
        (Op::Charge, Concurrency, _) => Err(StepError::Charge { algorithm }),
        (Op::Refund, Concurrency | LeakyQueue, None) => Err(StepError::RefundNeedsToken { algorithm }),
        (Op::Refund, _, None) => Ok(()),
        (Op::Refund, TokenBucket | LeakyBucket | LeakyQueue, Some(Token::Gcra { .. })) => Ok(()),
        (Op::Refund, FixedWindow | CalendarWindow | SlidingWindow, Some(Token::Window(_))) => Ok(()),
        (Op::Refund, SlidingLog, Some(Token::Entry(_))) => Ok(()),
        (Op::Refund, Concurrency, Some(Token::Holder(_))) => Ok(()),
        (Op::Refund, _, Some(_)) => Err(StepError::ForeignToken { algorithm }),
        _ => Ok(()),
    }
}

/// The greatest cost that a newcomer could take: 0 fits or nothing does, and where n fits all below do.
fn remaining(counter: &dyn Counter, now: i128) -> u64 {
    let (mut fits, mut too_much) = (0_u64, u64::MAX);
    if counter.fits(now, i128::from(u64::MAX)) {
        return u64::MAX;
    }
    while too_much - fits > 1 {
        let middle = fits + (too_much - fits) / 2;
        if counter.fits(now, i128::from(middle)) {
            fits = middle;
        } else {
            too_much = middle;
        }
    }
    fits
}

/// How long a refused `ask` waits: the formula's answer, which must be right and the least.
fn wait(counter: &dyn Counter, now: i128, ask: &Ask) -> Option<i128> {
    let needed = match (ask.op, ask.cost) {
        (Op::TakeUpTo, 0) => return None,
        (Op::TakeUpTo, _) => 1,
        _ => i128::from(ask.cost),
    };
    let span = counter.retry_after(now, needed)?;
    assert!(span > 0, "refused, yet told to wait {span}");
    assert!(counter.fits(now + span, needed), "refused after the wait: {counter:?}");
    assert!(!counter.fits(now + span - 1, needed), "waits too long: {counter:?}");
    Some(span)
}

/// X in ticks of 1/`count` µs: at most the last instant.
fn saturated(x: i128, count: i128) -> i128 {
    x.min(MAX * count)
}

fn ceil(dividend: i128, divisor: i128) -> i128 {
    -(-dividend).div_euclid(divisor)
}

/// The greatest number that divides both, by trying.
fn common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// Numbers in a verdict are never negative, and saturate.
fn to_u64(number: i128) -> u64 {
    assert!(number >= 0, "{number} is negative");
    u64::try_from(number).unwrap_or(u64::MAX)
}
