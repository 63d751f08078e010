//! What is asked of a counter under a limit, as the script reads it: fifteen doubles and sixteen bytes.
//!
//! | | GCRA | windows | logs, holders |
//! |---|---|---|---|
//! | 1 | 1 | 2 | 3, 4 |
//! | 2, 3 | the lower and the upper half of the tag | | |
//! | 4 | 1: states under another tag are dropped | | |
//! | 5 | take, take up to, peek, charge, refund, reset: 0 to 5 | | |
//! | 6 | the cost | | |
//! | 7 | the capacity in whole microseconds | the count | the count |
//! | 8 | the ticks beyond | the width | the window, the ttl |
//! | 9 | the cost in whole microseconds | fixed, sliding, calendar: 0 to 2 | entries at most |
//! | 10 | the ticks beyond | boundary of the calendar | |
//! | 11 | ticks in a microsecond | boundary | |
//! | 12 | ticks of a unit of cost | boundary | |
//! | 13 | 1: a queue | boundary | |
//! | 14 | receipt: whole microseconds | receipt: start of the window | receipt: instant of the entry |
//! | 15 | receipt: the ticks beyond | | |
//! | 16 bytes | | | who holds or releases |
//!
//! No receipt is −1; one that can match nothing is −2.

use ratekeeper_core::{
    Algorithm, Calendar, Holder, Limit, MAX_ENTRIES, MAX_EXACT, Micros, Op, Timestamp, Token,
};
use ratekeeper_store::{Check, StoreError, Unit};

use crate::program::{exact, put};

/// What a check asks beside its limit and its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    op: Op,
    token: Option<Token>,
    holder: Holder,
}

impl Asked {
    pub(crate) fn of(check: &Check<'_>, unit: &Unit) -> Self {
        let op = check.op.unwrap_or(unit.op);
        // What an operation does not look at must not make two questions of one.
        let token = check.token.filter(|_| op == Op::Refund);
        let holder = match token {
            Some(Token::Holder(holder)) => holder,
            _ if check.limit.algorithm() == Algorithm::Concurrency => unit.holder,
            _ => Holder::default(),
        };
        Self { op, token, holder }
    }
}

/// Whether the script decides runs of takes under this algorithm.
pub(crate) fn runs(algorithm: Algorithm) -> bool {
    !matches!(algorithm, Algorithm::SlidingLog | Algorithm::Concurrency)
}

/// Later than all instants: what a boundary is that lies beyond the last.
const NEVER: f64 = 1e16;

/// The boundaries of the period around an instant, and of those before and after it.
fn boundaries(calendar: &Calendar, around: Timestamp) -> [f64; 4] {
    let (start, end) = calendar.around(around);
    let (before, _) = calendar.around(start.before(Micros::new(1)));
    let (_, after) = calendar.around(end);
    [before, start, end, after].map(|at| {
        if at == Timestamp::MAX {
            NEVER
        } else {
            exact(at.as_micros())
        }
    })
}

/// Between which instants the boundaries of all these limits' calendars hold.
pub(crate) fn valid<'l>(limits: impl Iterator<Item = &'l Limit>, around: Timestamp) -> (f64, f64) {
    let calendars = limits.filter_map(Limit::calendar);
    calendars.fold((0.0, NEVER), |(from, to): (f64, f64), calendar| {
        let [first, .., last] = boundaries(calendar, around);
        (from.max(first), to.min(last))
    })
}

/// Appends a question.
///
/// # Errors
/// If a partial take could be of more than a double holds exactly.
pub(crate) fn write(
    bytes: &mut Vec<u8>,
    check: &Check<'_>,
    asked: &Asked,
    around: Timestamp,
) -> Result<(), StoreError> {
    let limit = check.limit;
    let kind = match limit.algorithm() {
        Algorithm::TokenBucket | Algorithm::LeakyBucket | Algorithm::LeakyQueue => 1,
        Algorithm::FixedWindow | Algorithm::CalendarWindow | Algorithm::SlidingWindow => 2,
        Algorithm::SlidingLog => 3,
        Algorithm::Concurrency => 4,
        other => {
            return Err(StoreError::Misconfigured { reason: format!("the script knows no {other} yet") });
        }
    };
    if asked.op == Op::TakeUpTo && limit.largest_cost() >= MAX_EXACT {
        let reason = format!("a partial take under {limit} may be of more than 2^53; take whole costs");
        return Err(StoreError::Misconfigured { reason });
    }
    let op = match asked.op {
        Op::Take => 0,
        Op::TakeUpTo => 1,
        Op::Peek => 2,
        Op::Charge => 3,
        Op::Refund => 4,
        Op::Reset => 5,
    };
    let tag = limit.tag().get();
    for number in [
        kind,
        tag & 0xffff_ffff,
        tag >> 32,
        u64::from(limit.resets_on_change()),
        op,
        check.cost,
    ] {
        put(bytes, number);
    }
    match kind {
        1 => write_gcra(bytes, limit, check.cost),
        2 => write_window(bytes, limit, around),
        _ => {
            let most = u64::try_from(MAX_ENTRIES).unwrap_or(u64::MAX);
            for number in [limit.count(), limit.window().get(), most, 0, 0, 0, 0] {
                put(bytes, number);
            }
        }
    }
    for number in receipt(limit, asked.token) {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(asked.holder.get().to_le_bytes());
    Ok(())
}

fn write_gcra(bytes: &mut Vec<u8>, limit: &Limit, cost: u64) {
    let ticks = u128::from(limit.ticks());
    let price = u128::from(cost) * u128::from(limit.ticks_per_unit());
    for amount in [limit.capacity(), price] {
        // A cost that can never fit fills all time; it has no ticks beyond.
        let micros = u64::try_from(amount / ticks).unwrap_or(u64::MAX);
        let rest = u64::try_from(amount % ticks).unwrap_or(u64::MAX);
        put(bytes, micros);
        put(bytes, if micros >= MAX_EXACT { 0 } else { rest });
    }
    put(bytes, limit.ticks());
    put(bytes, limit.ticks_per_unit());
    put(bytes, u64::from(limit.algorithm() == Algorithm::LeakyQueue));
}

fn write_window(bytes: &mut Vec<u8>, limit: &Limit, around: Timestamp) {
    let form = match limit.algorithm() {
        Algorithm::SlidingWindow => 1,
        Algorithm::CalendarWindow => 2,
        _ => 0,
    };
    for number in [limit.count(), limit.window().get(), form] {
        put(bytes, number);
    }
    for instant in limit.calendar().map_or([0.0; 4], |calendar| boundaries(calendar, around)) {
        bytes.extend(instant.to_le_bytes());
    }
}

const NONE: f64 = -1.0;
const NOWHERE: f64 = -2.0;

fn receipt(limit: &Limit, token: Option<Token>) -> [f64; 2] {
    let instant = |micros: u64| {
        if micros > MAX_EXACT {
            NOWHERE
        } else {
            exact(micros)
        }
    };
    match token {
        None | Some(Token::Holder(_)) => [NONE, 0.0],
        Some(Token::Window(micros) | Token::Entry(micros)) => [instant(micros), 0.0],
        // Only the receipt of the last in line matters, and it is the very state.
        Some(Token::Gcra { at, rest }) if limit.algorithm() == Algorithm::LeakyQueue => {
            if rest < limit.ticks() {
                [instant(at), exact(rest)]
            } else {
                [NOWHERE, 0.0]
            }
        }
        // A receipt may be older than a change of the limit: its rest counted other ticks then.
        Some(Token::Gcra { at, rest }) => [exact(at), exact(rest.min(limit.ticks() - 1))],
    }
}
