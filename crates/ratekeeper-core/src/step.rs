//! The operations: one layer over the three kernels, and the truth that every store agrees with.
//!
//! A check is decided in two halves, so that several checks of one request can be all-or-nothing: [`evaluate`] reads
//! and answers, [`conclude`] writes what the whole request decided and describes the state after it. [`step`] does
//! both for a single check.

use crate::algorithm::Algorithm;
use crate::ask::{Ask, Op};
use crate::kernel::{At, Kernel};
use crate::state::{State, Stored};
use crate::time::{Micros, Timestamp};
use crate::token::{Holder, Token};
use crate::{Gcra, Limit, Verdict};

/// Calls the kernel that a state is of, each inlined by itself.
macro_rules! on_kernel {
    ($state:expr, $kernel:ident => $call:expr) => {
        match $state {
            State::Gcra($kernel) => $call,
            State::Window($kernel) => $call,
            State::Entries($kernel) => $call,
        }
    };
}

/// An operation that a limit's algorithm does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// A charge of a concurrency limit: there is nothing to charge afterwards.
    #[error("charge: {algorithm} has nothing to charge; take and refund its holders instead")]
    Charge {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A refund without the token of a take, where only the token says what to give back.
    #[error("refund: {algorithm} needs the token that the take returned")]
    RefundNeedsToken {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A refund with the token of another algorithm.
    #[error("refund: the token is not one of {algorithm}")]
    ForeignToken {
        /// The algorithm.
        algorithm: Algorithm,
    },
}

/// The answer of one check, before the request it belongs to is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Whether this check lets the request pass.
    pub passes: bool,
    /// How much it would grant at most: the cost, or for [`Op::TakeUpTo`] what is left of it.
    pub grantable: u64,
    /// How long an accepted request waits in a queue.
    pub delay: Option<Micros>,
}

/// Whether the operation exists for this limit; every store asks before it writes anything.
///
/// # Errors
/// If not, and why.
pub fn validate(limit: &Limit, ask: &Ask) -> Result<(), StepError> {
    let algorithm = limit.algorithm;
    match (ask.op, ask.token) {
        (Op::Charge, _) if algorithm == Algorithm::Concurrency => Err(StepError::Charge { algorithm }),
        (Op::Refund, None) if matches!(algorithm, Algorithm::Concurrency | Algorithm::LeakyQueue) => {
            Err(StepError::RefundNeedsToken { algorithm })
        }
        (Op::Refund, Some(token)) if !belongs(token, algorithm) => Err(StepError::ForeignToken { algorithm }),
        _ => Ok(()),
    }
}

fn belongs(token: Token, algorithm: Algorithm) -> bool {
    match token {
        Token::Gcra { .. } => algorithm.is_gcra(),
        Token::Window(_) => algorithm.state_kind() == "window",
        Token::Entry(_) => algorithm == Algorithm::SlidingLog,
        Token::Holder(_) => algorithm == Algorithm::Concurrency,
    }
}

/// Answers one check from the state as it is, and changes nothing. `phase` is [`Limit::phase`] of its key.
#[must_use]
#[inline(always)]
pub fn evaluate(stored: &Stored, limit: &Limit, now: Timestamp, phase: Micros, ask: &Ask) -> Evaluation {
    let at = At::new(now, phase);
    let stored = stored.adapted(limit, at);
    let (passes, grantable) = match ask.op {
        Op::Take | Op::Peek => (fits(&stored, limit, at, ask), ask.cost),
        Op::TakeUpTo if renews(&stored, limit, at, ask.holder) => (ask.cost > 0, ask.cost),
        Op::TakeUpTo => {
            let grantable = ask.cost.min(on_kernel!(&stored.state, kernel => kernel.available(limit, at)));
            (grantable > 0, grantable)
        }
        Op::Charge | Op::Refund | Op::Reset => (true, ask.cost),
    };
    let delay = match (&stored.state, limit.algorithm) {
        (State::Gcra(gcra), Algorithm::LeakyQueue) if passes && takes(ask.op) => {
            Some(Micros::new(gcra.delay(limit, at)))
        }
        _ => None,
    };
    Evaluation { passes, grantable, delay }
}

fn takes(op: Op) -> bool {
    matches!(op, Op::Take | Op::TakeUpTo | Op::Peek)
}

#[inline(always)]
fn fits(stored: &Stored, limit: &Limit, at: At, ask: &Ask) -> bool {
    match &stored.state {
        State::Gcra(gcra) => gcra.fits(limit, at, ask.cost),
        State::Window(window) => window.fits(limit, at, ask.cost),
        State::Entries(entries) => renews(stored, limit, at, ask.holder) || entries.fits(limit, at, ask.cost),
    }
}

/// Whether a holder of a concurrency limit asks again.
fn renews(stored: &Stored, limit: &Limit, at: At, holder: Holder) -> bool {
    match &stored.state {
        State::Entries(entries) if limit.algorithm == Algorithm::Concurrency => entries.holds(at, holder),
        _ => false,
    }
}

/// Writes what the request decided: `granted` of this check, or nothing where the request was refused. Returns the
/// receipt of a take. A store calls it only where there is something to write.
#[inline(always)]
pub fn write(
    stored: &mut Stored,
    limit: &Limit,
    now: Timestamp,
    phase: Micros,
    ask: &Ask,
    granted: u64,
) -> Option<Token> {
    let at = At::new(now, phase);
    stored.adapt(limit, at);
    match ask.op {
        Op::Take | Op::TakeUpTo | Op::Charge => Some(add(stored, limit, at, ask.holder, granted)),
        Op::Refund => {
            take_back(stored, limit, at, ask);
            None
        }
        Op::Reset => {
            *stored = Stored::absent(limit);
            None
        }
        Op::Peek => None,
    }
}

#[inline(always)]
fn add(stored: &mut Stored, limit: &Limit, at: At, holder: Holder, cost: u64) -> Token {
    match &mut stored.state {
        State::Gcra(gcra) => {
            gcra.add(limit, at, cost);
            Token::Gcra { at: gcra.at, rest: gcra.rest }
        }
        State::Window(window) => Token::Window(window.add(limit, at, cost)),
        State::Entries(entries) if limit.algorithm == Algorithm::Concurrency => {
            entries.hold(limit, at, cost, holder);
            Token::Holder(holder)
        }
        State::Entries(entries) => Token::Entry(entries.append(limit, at, cost)),
    }
}

fn take_back(stored: &mut Stored, limit: &Limit, at: At, ask: &Ask) {
    match (&mut stored.state, ask.token) {
        (State::Gcra(gcra), Some(Token::Gcra { at: micros, rest })) => {
            let receipt = Gcra { at: micros, rest };
            if limit.algorithm != Algorithm::LeakyQueue {
                // A receipt may be older than a change of the limit: its rest counted other ticks then.
                let receipt = Gcra { rest: rest.min(limit.ticks - 1), ..receipt };
                gcra.take_back(limit, at, ask.cost, Some(receipt));
            } else if *gcra == receipt {
                // Later requests of a queue were promised their delay: only the last in line can leave it.
                gcra.take_back(limit, at, ask.cost, Some(receipt));
            }
        }
        (State::Gcra(gcra), None) if limit.algorithm != Algorithm::LeakyQueue => {
            gcra.take_back(limit, at, ask.cost, None);
        }
        (State::Window(window), Some(Token::Window(start))) => {
            window.take_back(limit, at, ask.cost, Some(start));
        }
        (State::Window(window), None) => window.take_back(limit, at, ask.cost, None),
        (State::Entries(entries), Some(Token::Entry(appended))) => {
            entries.take_back(limit, ask.cost, appended);
        }
        (State::Entries(entries), Some(Token::Holder(holder))) => entries.release(holder),
        (State::Entries(entries), None) if limit.algorithm == Algorithm::SlidingLog => {
            entries.credit(ask.cost);
        }
        // `validate` has refused every other pair.
        _ => {}
    }
}

/// The verdict of one check, from the state after the request's decision.
#[must_use]
#[inline(always)]
pub fn verdict(
    stored: &Stored,
    limit: &Limit,
    now: Timestamp,
    phase: Micros,
    ask: &Ask,
    evaluation: &Evaluation,
) -> Verdict {
    let at = At::new(now, phase);
    let stored = stored.adapted(limit, at);
    let fits_after = |cost| on_kernel!(&stored.state, kernel => kernel.fits_after(limit, at, cost));
    let within = |cost| (cost <= limit.largest_cost()).then(|| fits_after(cost));
    let retry_after = match (evaluation.passes, ask.op) {
        (true, _) => Some(0),
        (false, Op::TakeUpTo) if ask.cost == 0 => None,
        // The least that a partial take can get is one.
        (false, Op::TakeUpTo) => within(1),
        (false, _) => within(ask.cost),
    };
    Verdict {
        allowed: evaluation.passes,
        granted: 0,
        remaining: on_kernel!(&stored.state, kernel => kernel.available(limit, at)),
        retry_after: retry_after.map(Micros::new),
        reset_after: Micros::new(on_kernel!(&stored.state, kernel => kernel.idle_after(limit, at))),
        delay: evaluation.delay,
        token: None,
    }
}

/// Whether an operation writes to its counter, in a request that passes or not.
#[must_use]
pub fn writes(op: Op, request_passes: bool) -> bool {
    request_passes && op != Op::Peek
}

/// The second half of a check: writes `granted` if the request passes (`None`: it was refused, and nothing but a change
/// of its limit is written), and gives the verdict.
#[must_use]
#[inline(always)]
pub fn conclude(
    stored: &mut Stored,
    limit: &Limit,
    now: Timestamp,
    phase: Micros,
    ask: &Ask,
    evaluation: &Evaluation,
    granted: Option<u64>,
) -> Verdict {
    let token = match granted {
        Some(granted) => write(stored, limit, now, phase, ask, granted),
        None => {
            // A changed limit is carried over once, also by a refusal: a state that is cut down to the new limit at
            // every look would refuse for longer than it says.
            if ask.op != Op::Peek {
                stored.adapt(limit, At::new(now, phase));
            }
            None
        }
    };
    let mut verdict = verdict(stored, limit, now, phase, ask, evaluation);
    verdict.token = token;
    verdict.granted = if token.is_some() { granted.unwrap_or(0) } else { 0 };
    verdict
}

/// One check by itself: answers `ask` at `now` from the state of `key`'s counter, and writes it if it changes.
///
/// ```
/// use ratekeeper_core::{Ask, Limit, Micros, Op, Timestamp, step};
/// let limit = Limit::token_bucket(2, Micros::SECOND)?;
/// let (mut counter, now) = (None, Timestamp::from_micros(1_000_000));
/// let mut take = || step(&mut counter, &limit, b"alice", now, &Ask::new(Op::Take, 1));
/// assert_eq!(take()?.remaining, 1);
/// assert_eq!(take()?.remaining, 0);
/// let refused = take()?;
/// assert!(!refused.allowed);
/// assert_eq!(refused.retry_after, Some(Micros::new(500_000)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the algorithm does not have the operation; nothing is written then.
pub fn step(
    counter: &mut Option<Stored>,
    limit: &Limit,
    key: &[u8],
    now: Timestamp,
    ask: &Ask,
) -> Result<Verdict, StepError> {
    validate(limit, ask)?;
    let phase = limit.phase(key);
    let mut working = counter.clone().unwrap_or_else(|| Stored::absent(limit));
    let evaluation = evaluate(&working, limit, now, phase, ask);
    let written = writes(ask.op, evaluation.passes);
    let granted = written.then_some(evaluation.grantable);
    let verdict = conclude(&mut working, limit, now, phase, ask, &evaluation, granted);
    if written {
        *counter = (ask.op != Op::Reset).then_some(working);
    } else if counter.is_some() {
        *counter = Some(working);
    }
    Ok(verdict)
}
