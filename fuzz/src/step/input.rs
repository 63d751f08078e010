//! Limits and moves out of fuzzed bytes.

use ratekeeper_core::{Algorithm, Calendar, Holder, Limit, LimitError, Micros, Op, Period, Token};

use crate::bytes::Bytes;

/// One thing that happens to a counter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    /// Time passes.
    Forward(u64),
    /// The clock is set back.
    Back(u64),
    /// The other limit is in force from now on.
    Reload,
    /// A question.
    Ask { op: Op, cost: u64, holder: Holder },
    /// A receipt is presented, the one at `index` of those that are left.
    Refund { cost: u64, index: usize },
    /// A receipt that nobody was given is presented.
    Forge { cost: u64, token: Token },
}

impl Move {
    /// The next move; none at the end of the bytes.
    pub(super) fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        let ask = |op, bytes: &mut Bytes<'_>| {
            let cost = bytes.number();
            Self::Ask { op, cost, holder: Holder::new(u128::from(bytes.byte() % 8)) }
        };
        Some(match bytes.next()? % 16 {
            // Takes are half of all, as in life.
            0..4 => ask(Op::Take, bytes),
            4 => ask(Op::TakeUpTo, bytes),
            5 => ask(Op::Peek, bytes),
            6 => ask(Op::Charge, bytes),
            7 => ask(Op::Refund, bytes),
            8 => ask(Op::Reset, bytes),
            9..12 => Self::Forward(bytes.span()),
            12 => Self::Back(bytes.span()),
            13 => Self::Reload,
            14 => Self::Refund { cost: bytes.number(), index: usize::from(bytes.byte()) },
            _ => Self::Forge { cost: bytes.number(), token: token(bytes) },
        })
    }
}

fn token(bytes: &mut Bytes<'_>) -> Token {
    match bytes.byte() % 4 {
        0 => Token::Gcra { at: bytes.number(), rest: bytes.number() },
        1 => Token::Window(bytes.number()),
        2 => Token::Entry(bytes.number()),
        _ => Token::Holder(Holder::new(u128::from(bytes.number()))),
    }
}

/// The next limit: its algorithm, count, window, burst or delay, and options.
pub(super) fn limit(bytes: &mut Bytes<'_>) -> Result<Limit, LimitError> {
    let algorithm = Algorithm::ALL[usize::from(bytes.byte()) % Algorithm::ALL.len()];
    let (count, window) = (bytes.number(), Micros::new(bytes.span()));
    let options = bytes.byte();
    let mut limit = match algorithm {
        Algorithm::TokenBucket => with_burst(Limit::token_bucket(count, window)?, options, bytes)?,
        Algorithm::LeakyBucket => with_burst(Limit::leaky_bucket(count, window)?, options, bytes)?,
        Algorithm::LeakyQueue => Limit::leaky_queue(count, window, Micros::new(bytes.span()))?,
        Algorithm::FixedWindow => Limit::fixed_window(count, window)?,
        Algorithm::CalendarWindow => Limit::calendar_window(count, calendar(bytes)?)?,
        Algorithm::SlidingWindow => Limit::sliding_window(count, window)?,
        Algorithm::SlidingLog => Limit::sliding_log(count, window)?,
        _ => Limit::concurrency(count, window)?,
    };
    if options & 1 != 0 {
        limit = limit.with_phase_by_key();
    }
    if options & 2 != 0 {
        limit = limit.with_reset_on_change();
    }
    Ok(limit)
}

fn with_burst(limit: Limit, options: u8, bytes: &mut Bytes<'_>) -> Result<Limit, LimitError> {
    if options & 4 == 0 {
        Ok(limit)
    } else {
        limit.with_burst(bytes.number())
    }
}

fn calendar(bytes: &mut Bytes<'_>) -> Result<Calendar, LimitError> {
    const PERIODS: [Period; 4] = [Period::Day, Period::Week, Period::Month, Period::Year];
    // Zones whose clocks are set over midnight, by half an hour, or over a whole date.
    const ZONES: [&str; 6] = [
        "UTC",
        "Europe/Paris",
        "America/Havana",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
    ];
    let period = PERIODS[usize::from(bytes.byte()) % PERIODS.len()];
    Calendar::new(period, ZONES[usize::from(bytes.byte()) % ZONES.len()])
}
