//! A check in the sixteen numbers that the function in the server takes.

use ratekeeper_core::{Algorithm, Limit, Micros, Op, Timestamp, Token};
use ratekeeper_store::{Check, Group};

/// Numbers of a check; `migrations/2_decide.sql` says what they mean.
pub(crate) type Numbers = [i64; 16];

/// More than any number that is computed with in the server, and still far from overflow.
const BEYOND: u64 = 1 << 60;
const RESETS_ON_CHANGE: i64 = 1;
const HAS_TOKEN: i64 = 2;

/// Where a check stands in its call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// The place of its key, and the number of its unit, both counted from 1.
    pub(crate) key: usize,
    pub(crate) unit: usize,
    /// Where the holder of its token stands, if it is one.
    pub(crate) holder: usize,
}

pub(crate) fn numbers(check: &Check<'_>, op: Op, at: Position, around: Timestamp) -> Numbers {
    let limit = check.limit;
    let algorithm = algorithm(limit.algorithm());
    let mut flags = if limit.resets_on_change() {
        RESETS_ON_CHANGE
    } else {
        0
    };
    let mut token = [0, 0];
    if let Some(given) = check.token {
        flags |= HAS_TOKEN;
        token = self::token(given, limit, at.holder);
    }
    let (rate, [x, y, u, v]) = match algorithm {
        0 | 1 => {
            let (cost, rest) = in_micros(u128::from(check.cost) * u128::from(limit.ticks_per_unit()), limit);
            let (capacity, more) = in_micros(limit.capacity(), limit);
            ([limit.ticks(), limit.ticks_per_unit()], [cost, rest, capacity, more])
        }
        4 => ([limit.count(), limit.window().get()], boundaries(limit, around)),
        _ => {
            let phase = limit.phase(check.key.bytes()).get();
            let offset = if phase == 0 {
                0
            } else {
                limit.window().get() - phase
            };
            ([limit.count(), limit.window().get()], [offset, 0, 0, 0])
        }
    };
    let group = match check.group {
        Group::Enforced => -1,
        Group::Shadow(number) => i64::from(number),
    };
    [
        small(at.key),
        small(at.unit),
        operation(op),
        group,
        algorithm,
        flags,
        limit.tag().get().cast_signed(),
        check.cost.cast_signed(),
        signed(rate[0]),
        signed(rate[1]),
        signed(x),
        signed(y),
        signed(u),
        signed(v),
        token[0],
        token[1],
    ]
}

/// Ticks as whole microseconds and ticks beyond.
pub(crate) fn in_micros(ticks: u128, limit: &Limit) -> (u64, u64) {
    let per_micro = u128::from(limit.ticks());
    match u64::try_from(ticks / per_micro) {
        // The rest is less than N'.
        Ok(micros) if micros < BEYOND => (micros, u64::try_from(ticks % per_micro).unwrap_or(0)),
        _ => (BEYOND, 0),
    }
}

/// The starts of the periods before, at and after an instant, and the end of the last.
pub(crate) fn boundaries(limit: &Limit, around: Timestamp) -> [u64; 4] {
    let Some(calendar) = limit.calendar() else {
        return [0; 4];
    };
    let (start, end) = calendar.around(around);
    let before = calendar.around(start.before(Micros::new(1))).0;
    let after = calendar.around(end).1;
    [before, start, end, after].map(Timestamp::as_micros)
}

fn token(token: Token, limit: &Limit, holder: usize) -> [i64; 2] {
    match token {
        Token::Gcra { at, rest } if limit.algorithm() != Algorithm::LeakyQueue => {
            // As core does: a receipt may be older than a change of the limit.
            [signed(at), signed(rest.min(limit.ticks() - 1))]
        }
        Token::Gcra { at, rest } => [signed(at), signed(rest)],
        Token::Window(instant) | Token::Entry(instant) => [signed(instant), 0],
        Token::Holder(_) => [small(holder), 0],
    }
}

fn operation(op: Op) -> i64 {
    match op {
        Op::Take => 0,
        Op::TakeUpTo => 1,
        Op::Peek => 2,
        Op::Charge => 3,
        Op::Refund => 4,
        Op::Reset => 5,
    }
}

fn algorithm(algorithm: Algorithm) -> i64 {
    match algorithm {
        Algorithm::LeakyQueue => 1,
        Algorithm::FixedWindow => 2,
        Algorithm::SlidingWindow => 3,
        Algorithm::CalendarWindow => 4,
        Algorithm::SlidingLog => 5,
        Algorithm::Concurrency => 6,
        // Token bucket and leaky bucket.
        _ => 0,
    }
}

/// A number of microseconds, ticks or counts; more than [`BEYOND`] is as good as that.
fn signed(number: u64) -> i64 {
    number.min(BEYOND).cast_signed()
}

fn small(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
