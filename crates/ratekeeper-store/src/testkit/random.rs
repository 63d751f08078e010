//! Random limits and traces whose numbers hit the edges of their limit; the same in every run.

use ratekeeper_core::{
    Algorithm, Ask, Calendar, Holder, Limit, MAX_COUNT, MAX_EXACT, MAX_SPAN, Micros, Op, Period, Timestamp,
    Token, Verdict,
};

/// An instant of the year 2096, in the future of every server that might run the suite.
pub(crate) const START: u64 = 4_000_000_000_000_000;

/// Xorshift: small, and equal everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            rng.next();
        }
        rng
    }

    /// A generator for the `round`-th time of what has this name.
    pub(crate) fn named(name: &str, round: usize) -> Self {
        let seed = name
            .bytes()
            .fold(round as u64 + 1, |seed, byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        Self::new(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

/// A limit of `count` per `window`, whatever that means for the algorithm; a queue's longest delay is a window.
pub(crate) fn limit_of(algorithm: Algorithm, count: u64, window: Micros) -> Limit {
    match algorithm {
        Algorithm::TokenBucket => Limit::token_bucket(count, window),
        Algorithm::LeakyBucket => Limit::leaky_bucket(count, window),
        Algorithm::LeakyQueue => Limit::leaky_queue(count, window, window),
        Algorithm::FixedWindow => Limit::fixed_window(count, window),
        Algorithm::CalendarWindow => {
            Calendar::new(Period::Day, "UTC").and_then(|days| Limit::calendar_window(count, days))
        }
        Algorithm::SlidingWindow => Limit::sliding_window(count, window),
        Algorithm::SlidingLog => Limit::sliding_log(count, window),
        Algorithm::Concurrency => Limit::concurrency(count, window),
        other => panic!("the suite knows no limit of {other} yet"),
    }
    .unwrap()
}

/// One limit of every algorithm.
pub(crate) fn one_of_each(count: u64, window: Micros) -> Vec<Limit> {
    Algorithm::ALL.iter().map(|algorithm| limit_of(*algorithm, count, window)).collect()
}

const COUNTS: [u64; 9] = [
    1,
    100,
    65_537,
    300_000,
    (1 << 31) - 1,
    1 << 31,
    999_999_999_989,
    MAX_COUNT - 1,
    MAX_COUNT,
];
const SPANS: [u64; 9] = [
    1,
    1000,
    1_000_003,
    60_000_000,
    3_600_000_000,
    86_400_000_000,
    1 << 31,
    1 << 48,
    MAX_SPAN.get(),
];

/// Any limit of an algorithm: mostly small numbers, whose edges are hit often.
pub(crate) fn limit(rng: &mut Rng, algorithm: Algorithm) -> Limit {
    let large = rng.once_in(4);
    let count = match (large, algorithm) {
        (true, Algorithm::SlidingLog) | (false, _) => 1 + rng.below(9),
        (true, _) => rng.pick(&COUNTS),
    };
    let window = Micros::new(if large || rng.once_in(2) {
        rng.pick(&SPANS)
    } else {
        1 + rng.below(40)
    });
    let limit = match algorithm {
        Algorithm::CalendarWindow => {
            let period = rng.pick(&[Period::Day, Period::Week, Period::Month, Period::Year]);
            let zone = rng.pick(&["UTC", "Europe/Paris", "Asia/Kathmandu", "America/St_Johns"]);
            Limit::calendar_window(count, Calendar::new(period, zone).unwrap()).unwrap()
        }
        Algorithm::LeakyQueue => {
            let delay = Micros::new(1 + rng.below(3 * window.get()).min(MAX_SPAN.get() - 1));
            Limit::leaky_queue(count, window, delay).unwrap()
        }
        _ => limit_of(algorithm, count, window),
    };
    let burst = 1 + rng.below(2 * count);
    let limit = match limit.clone().with_burst(burst) {
        Ok(with_burst) if rng.once_in(2) => with_burst,
        _ => limit,
    };
    if rng.once_in(3) {
        limit.with_phase_by_key()
    } else {
        limit
    }
}

const OPS: [Op; 12] = [
    Op::Take,
    Op::Take,
    Op::Take,
    Op::Take,
    Op::Take,
    Op::TakeUpTo,
    Op::TakeUpTo,
    Op::Peek,
    Op::Charge,
    Op::Refund,
    Op::Refund,
    Op::Reset,
];

/// What a trace remembers of one counter, to ask next what is at an edge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    last: Option<Verdict>,
    tokens: Vec<(Token, u64)>,
    /// The clock does not step back to before this instant.
    earliest: Timestamp,
}

impl Memory {
    /// Remembers an answer, given at `now`. If nothing was left by then, the store was free to forget the counter: a
    /// clock that stepped back to before would show whether it did.
    pub(crate) fn heard(&mut self, now: Timestamp, verdict: &Verdict) {
        if verdict.reset_after == Micros::ZERO {
            self.earliest = self.earliest.max(now);
        }
        self.last = Some(*verdict);
        self.tokens.extend(verdict.token.map(|token| (token, verdict.granted)));
    }

    /// An instant after `now`, or a little before.
    pub(crate) fn after(&self, rng: &mut Rng, now: Timestamp, limit: &Limit) -> Timestamp {
        let eighth = limit.window().get() / 8;
        let around = |span: Option<Micros>, rng: &mut Rng| {
            span.map_or(0, Micros::get).saturating_add(rng.below(3)).saturating_sub(1)
        };
        let span = match rng.below(16) {
            0..5 => 0,
            5..8 => 1 + rng.below(5),
            8..11 => eighth * (1 + rng.below(20)),
            11..13 => around(self.last.and_then(|verdict| verdict.retry_after), rng),
            13 => around(self.last.map(|verdict| verdict.reset_after), rng),
            14 => return self.not_before(now.before(Micros::new(rng.below(20)))),
            _ => return self.not_before(now.before(Micros::new(eighth * rng.below(20)))),
        };
        now + Micros::new(span)
    }

    /// `now`, unless the clock may not step back so far.
    pub(crate) fn not_before(&self, now: Timestamp) -> Timestamp {
        now.max(self.earliest).max(Timestamp::from_micros(START))
    }

    /// A question to a counter.
    pub(crate) fn ask(&self, rng: &mut Rng, limit: &Limit) -> Ask {
        let op = rng.pick(&OPS);
        let ask = Ask::new(op, self.cost(rng, limit)).by(Holder::new(u128::from(rng.below(4))));
        if op == Op::Refund && !self.tokens.is_empty() && !rng.once_in(4) {
            let (token, taken) = rng.pick(&self.tokens);
            let cost = if rng.once_in(4) { ask.cost } else { taken };
            return Ask { cost, ..ask }.with_token(token);
        }
        ask
    }

    /// A cost at an edge of what is left or allowed.
    pub(crate) fn cost(&self, rng: &mut Rng, limit: &Limit) -> u64 {
        let around = |number: u64, rng: &mut Rng| number.saturating_add(rng.below(3)).saturating_sub(1);
        match rng.below(14) {
            0 => 0,
            1..7 => 1 + rng.below(4),
            7..10 => around(self.last.map_or(1, |verdict| verdict.remaining), rng),
            10..12 => around(limit.count(), rng),
            12 => (limit.count() / 8).max(1) * (1 + rng.below(7)),
            _ => rng.pick(&[u64::MAX, 1 << 63, MAX_EXACT, 1 << 53, 1 << 32]),
        }
    }
}
