//! A check in the twenty numbers that the function in the server takes.

use ratekeeper_core::{Algorithm, Limit, Op, Timestamp, Token};
use ratekeeper_store::{Check, Group};

/// Numbers of a check; `migrations/3_decide.sql` says what they mean.
pub(crate) type Numbers = [i64; 20];

/// More than any number that is computed with in the server, and still far from overflow.
const BEYOND: u64 = 1 << 60;
/// A window that is longer than any.
const FOREVER: i64 = 1 << 62;
const RESETS_ON_CHANGE: i64 = 1;
const HAS_TOKEN: i64 = 2;
const QUEUE: i64 = 1;
const SLIDING_WINDOW: i64 = 3;

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
    let mut token = (0, 0);
    if let Some(given) = check.token {
        flags |= HAS_TOKEN;
        token = self::token(given, limit, at.holder);
    }
    let counts = Counts::of(check, algorithm, around);
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
        counts.rate.0,
        counts.rate.1,
        counts.gone.0,
        counts.gone.1,
        counts.cost.0,
        counts.cost.1,
        counts.ends_after,
        counts.carry,
        counts.capacity.0,
        counts.capacity.1,
        token.0,
        token.1,
    ]
}

/// The numbers that depend on the algorithm.
struct Counts {
    /// N' and W' of a bucket, N and W of all others.
    rate: (i64, i64),
    /// What to add to an instant, and to divide it by, to know how much of a window has gone by.
    gone: (i64, i64),
    cost: (i64, i64),
    ends_after: i64,
    /// At how many ticks a bucket has a microsecond more.
    carry: i64,
    capacity: (i64, i64),
}

impl Counts {
    fn of(check: &Check<'_>, algorithm: i64, around: Timestamp) -> Self {
        let limit = check.limit;
        if algorithm <= QUEUE {
            let ticks = signed(limit.ticks());
            let cost = in_micros(u128::from(check.cost) * u128::from(limit.ticks_per_unit()), limit);
            let capacity = in_micros(limit.capacity(), limit);
            return Self {
                rate: (ticks, signed(limit.ticks_per_unit())),
                gone: (0, 1),
                cost: (signed(cost.0), signed(cost.1)),
                ends_after: 0,
                carry: ticks,
                capacity: (signed(capacity.0), signed(capacity.1)),
            };
        }
        let width = signed(limit.window().get());
        let phase = signed(limit.phase(check.key.bytes()).get());
        let (gone, ends_after) = match limit.calendar() {
            Some(calendar) => {
                let (start, end) = calendar.around(around);
                ((-signed(start.as_micros()), FOREVER), signed(end.since(start).get()))
            }
            None => {
                let windows = if algorithm == SLIDING_WINDOW { 2 } else { 1 };
                ((if phase == 0 { 0 } else { width - phase }, width), windows * width)
            }
        };
        let cost = (0, signed(check.cost));
        let rate = (signed(limit.count()), width);
        Self { rate, gone, cost, ends_after, carry: FOREVER, capacity: (0, 0) }
    }
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

fn token(token: Token, limit: &Limit, holder: usize) -> (i64, i64) {
    match token {
        Token::Gcra { at, rest } if limit.algorithm() != Algorithm::LeakyQueue => {
            // As core does: a receipt may be older than a change of the limit.
            (signed(at), signed(rest.min(limit.ticks() - 1)))
        }
        Token::Gcra { at, rest } => (signed(at), signed(rest)),
        Token::Window(instant) | Token::Entry(instant) => (signed(instant), 0),
        Token::Holder(_) => (small(holder), 0),
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
        Algorithm::LeakyQueue => QUEUE,
        Algorithm::FixedWindow => 2,
        Algorithm::SlidingWindow => SLIDING_WINDOW,
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
