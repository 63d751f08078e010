//! One check by itself, as short as can be: its state is a number or a window, and was written under its own limit.
//!
//! The answers are those of [`step()`](crate::step()): what differs is that every number is computed once, and in 64 bits
//! where those are enough.

use crate::algorithm::Algorithm;
use crate::ask::{Ask, Op};
use crate::kernel::{At, Kernel};
use crate::time::{MAX_EXACT, Micros, Timestamp};
use crate::token::Token;
use crate::{Gcra, Limit, Verdict, Window};

/// Whether an operation can be asked here: those of requests. Others change more than one number.
#[must_use]
#[inline]
pub const fn answers(op: Op) -> bool {
    matches!(op, Op::Take | Op::TakeUpTo | Op::Peek | Op::Charge)
}

/// What a check comes to before anything is written: whether it passes, and how much it would grant.
#[inline(always)]
fn ask_of(ask: &Ask, fits: impl FnOnce() -> bool, available: impl FnOnce() -> u64) -> (bool, u64) {
    match ask.op {
        Op::Take | Op::Peek => (fits(), ask.cost),
        Op::TakeUpTo => {
            let grantable = ask.cost.min(available());
            (grantable > 0, grantable)
        }
        _ => (true, ask.cost),
    }
}

/// How long a refused check has to wait; `after` says it of a cost that fits some time.
#[inline(always)]
fn refused_for(ask: &Ask, limit: &Limit, after: impl FnOnce(u64) -> u64) -> Option<Micros> {
    let cost = match ask.op {
        Op::TakeUpTo if ask.cost == 0 => return None,
        // The least that a partial take can get is one.
        Op::TakeUpTo => 1,
        _ => ask.cost,
    };
    (cost <= limit.largest_cost()).then(|| Micros::new(after(cost)))
}

/// Whether the states of a limit are those that [`short`] computes with.
#[must_use]
#[inline(always)]
pub const fn is_short(limit: &Limit) -> bool {
    limit.narrow != 0
}

/// Answers a check of a bucket or queue, and returns the state to be written, if any is.
#[must_use]
#[inline]
pub fn gcra(state: Gcra, limit: &Limit, now: Timestamp, ask: &Ask) -> (Verdict, Option<Gcra>) {
    if is_short(limit) {
        short(state, limit, now, ask)
    } else {
        wide(state, limit, now, ask)
    }
}

/// The same for a limit that [`is_short`]: in ticks of 64 bits, of which the saturated ones are beyond every capacity.
#[must_use]
#[inline(always)]
pub fn short(state: Gcra, limit: &Limit, now: Timestamp, ask: &Ask) -> (Verdict, Option<Gcra>) {
    let now = now.as_micros();
    let ahead = if state.at < now {
        0
    } else {
        (state.at - now).wrapping_mul(limit.ticks).wrapping_add(state.rest)
    };
    let (mut granted, mut with) = (ask.cost, ahead.saturating_add(ask.cost.saturating_mul(limit.unit)));
    let passes = match ask.op {
        Op::Take | Op::Peek => with <= limit.narrow,
        Op::TakeUpTo => {
            granted = granted.min(limit.narrow.saturating_sub(ahead) / limit.unit);
            with = ahead.saturating_add(granted.wrapping_mul(limit.unit));
            granted > 0
        }
        _ => true,
    };
    let micros_up = |ticks: u64| {
        if limit.ticks == 1 {
            ticks
        } else {
            ticks.div_ceil(limit.ticks)
        }
    };
    if !passes || ask.op == Op::Peek {
        let retry_after = if passes {
            Some(Micros::ZERO)
        } else {
            refused_for(ask, limit, |cost| {
                let with = ahead.saturating_add(cost.saturating_mul(limit.unit));
                micros_up(with.saturating_sub(limit.narrow))
            })
        };
        let verdict = Verdict {
            allowed: passes,
            granted: 0,
            remaining: limit.narrow.saturating_sub(ahead) / limit.unit,
            retry_after,
            reset_after: Micros::new(micros_up(ahead)),
            delay: None,
            token: None,
        };
        return (verdict, None);
    }
    let (mut at, mut rest) = if limit.ticks == 1 {
        (now + with.min(MAX_EXACT), 0)
    } else {
        (now + with / limit.ticks, with % limit.ticks)
    };
    if at >= MAX_EXACT {
        // No rest in the last microsecond: more debt never counts as less.
        (at, rest) = (MAX_EXACT, 0);
        with = (at - now).wrapping_mul(limit.ticks);
    }
    let verdict = Verdict {
        allowed: true,
        granted,
        remaining: limit.narrow.saturating_sub(with) / limit.unit,
        retry_after: Some(Micros::ZERO),
        reset_after: Micros::new(micros_up(with)),
        delay: None,
        token: Some(Token::Gcra { at, rest }),
    };
    (verdict, Some(Gcra { at, rest }))
}

/// The same for numbers that need more than 64 bits on the way.
#[cold]
fn wide(state: Gcra, limit: &Limit, now: Timestamp, ask: &Ask) -> (Verdict, Option<Gcra>) {
    let at = At::new(now, Micros::ZERO);
    let (passes, grantable) = ask_of(ask, || state.fits(limit, at, ask.cost), || state.available(limit, at));
    let written = (passes && ask.op != Op::Peek).then(|| {
        let mut written = state;
        written.add(limit, at, grantable);
        written
    });
    let after = written.unwrap_or(state);
    let delays = limit.algorithm == Algorithm::LeakyQueue && ask.op != Op::Charge;
    let verdict = Verdict {
        allowed: passes,
        granted: if written.is_some() { grantable } else { 0 },
        remaining: after.available(limit, at),
        retry_after: if passes {
            Some(Micros::ZERO)
        } else {
            refused_for(ask, limit, |cost| state.fits_after(limit, at, cost))
        },
        reset_after: Micros::new(after.idle_after(limit, at)),
        delay: (delays && passes).then(|| Micros::new(state.delay(limit, at))),
        token: written.map(|state| Token::Gcra { at: state.at, rest: state.rest }),
    };
    (verdict, written)
}

/// Answers a check of a window, and returns the state to be written, if any is. `phase` is [`Limit::phase`] of its key.
#[must_use]
#[inline]
pub fn window(
    state: Window,
    limit: &Limit,
    now: Timestamp,
    phase: Micros,
    ask: &Ask,
) -> (Verdict, Option<Window>) {
    let at = At::new(now, phase);
    let rolled = state.rolled(limit, at);
    let used = rolled.used(limit, at);
    let available = |used: u64| limit.count.saturating_sub(used);
    let fits = || used.saturating_add(ask.cost) <= limit.count;
    let (passes, grantable) = ask_of(ask, fits, || available(used));
    let written = (passes && ask.op != Op::Peek).then(|| rolled.counting(grantable));
    let after = written.unwrap_or(rolled);
    let verdict = Verdict {
        allowed: passes,
        granted: if written.is_some() { grantable } else { 0 },
        remaining: available(after.used(limit, at)),
        retry_after: if passes {
            Some(Micros::ZERO)
        } else {
            refused_for(ask, limit, |cost| rolled.room_after(limit, at, cost))
        },
        reset_after: Micros::new(after.idle_at(limit).saturating_sub(now.as_micros())),
        delay: None,
        token: written.map(|window| Token::Window(window.start)),
    };
    (verdict, written)
}
