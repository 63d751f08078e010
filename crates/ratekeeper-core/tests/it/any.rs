//! What is random: limits, instants, and traces whose numbers are chosen to hit the edges of their limit.

use proptest::prelude::*;
use proptest::sample::select;
use ratekeeper_core::{
    Algorithm, Ask, Calendar, Holder, Limit, MAX_COUNT, MAX_EXACT, MAX_LOG, MAX_SPAN, Micros, Op, Period,
    Timestamp, Token, Verdict,
};

/// As many cases as proptest's default (or `PROPTEST_CASES`) times `percent`.
pub(crate) fn cases(percent: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: (config.cases * percent / 100).max(1), ..config }
}

const COUNTS: [u64; 16] = [
    1,
    2,
    3,
    100,
    65_535,
    65_536,
    65_537,
    1_000_003,
    300_000,
    (1 << 31) - 1,
    1 << 31,
    (1 << 31) + 1,
    999_999_999_989,
    MAX_COUNT - 59,
    MAX_COUNT - 1,
    MAX_COUNT,
];

const SPANS: [u64; 15] = [
    1,
    2,
    1000,
    65_537,
    1_000_000,
    1_000_003,
    60_000_000,
    3_600_000_000,
    86_400_000_000,
    (1 << 31) - 1,
    1 << 31,
    1 << 48,
    (1 << 48) + 1,
    (1 << 50) - 27,
    MAX_SPAN.get(),
];

pub(crate) const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Paris",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Pacific/Apia",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Antarctica/Troll",
];

pub(crate) const PERIODS: [Period; 4] = [Period::Day, Period::Week, Period::Month, Period::Year];

fn count() -> BoxedStrategy<u64> {
    prop_oneof![4 => 1..=12_u64, 3 => select(&COUNTS[..]), 1 => 1..=MAX_COUNT].boxed()
}

fn log_count() -> BoxedStrategy<u64> {
    prop_oneof![6 => 1..=12_u64, 1 => select(&[MAX_LOG - 1, MAX_LOG][..])].boxed()
}

fn span() -> BoxedStrategy<Micros> {
    let micros = prop_oneof![3 => 1..=40_u64, 3 => select(&SPANS[..]), 1 => 1..=MAX_SPAN.get()];
    micros.prop_map(Micros::new).boxed()
}

/// Any limit of any algorithm.
pub(crate) fn limit() -> BoxedStrategy<Limit> {
    select(Algorithm::ALL).prop_flat_map(limit_of).boxed()
}

/// Any limit of one algorithm.
pub(crate) fn limit_of(algorithm: Algorithm) -> BoxedStrategy<Limit> {
    limit_with(algorithm, count(), span())
}

/// A limit of one algorithm with small numbers, so that every edge is met often.
pub(crate) fn small_limit_of(algorithm: Algorithm) -> BoxedStrategy<Limit> {
    limit_with(algorithm, (1..=9_u64).boxed(), (1..=40_u64).prop_map(Micros::new).boxed())
}

fn limit_with(
    algorithm: Algorithm,
    count: BoxedStrategy<u64>,
    span: BoxedStrategy<Micros>,
) -> BoxedStrategy<Limit> {
    let burst = proptest::option::of(count.clone());
    let with_burst = |limit: Limit, burst: Option<u64>| match burst {
        Some(burst) => limit.clone().with_burst(burst).unwrap_or(limit),
        None => limit,
    };
    match algorithm {
        Algorithm::TokenBucket => (count, span, burst)
            .prop_map(move |(n, w, b)| with_burst(Limit::token_bucket(n, w).unwrap(), b))
            .boxed(),
        Algorithm::LeakyBucket => (count, span, burst)
            .prop_map(move |(n, w, b)| with_burst(Limit::leaky_bucket(n, w).unwrap(), b))
            .boxed(),
        Algorithm::LeakyQueue => (count, span.clone(), span)
            .prop_map(|(n, w, delay)| Limit::leaky_queue(n, w, delay).unwrap())
            .boxed(),
        Algorithm::FixedWindow => (count, span, any::<bool>())
            .prop_map(|(n, w, phase)| phased(Limit::fixed_window(n, w).unwrap(), phase))
            .boxed(),
        Algorithm::CalendarWindow => (count, select(&PERIODS[..]), select(&ZONES[..]))
            .prop_map(|(n, period, zone)| {
                Limit::calendar_window(n, Calendar::new(period, zone).unwrap()).unwrap()
            })
            .boxed(),
        Algorithm::SlidingWindow => (count, span, any::<bool>())
            .prop_map(|(n, w, phase)| phased(Limit::sliding_window(n, w).unwrap(), phase))
            .boxed(),
        Algorithm::SlidingLog => {
            (log_count(), span).prop_map(|(n, w)| Limit::sliding_log(n, w).unwrap()).boxed()
        }
        Algorithm::Concurrency => (count, span).prop_map(|(n, w)| Limit::concurrency(n, w).unwrap()).boxed(),
        other => unreachable!("{other} has no strategy yet"),
    }
}

fn phased(limit: Limit, phase: bool) -> Limit {
    if phase { limit.with_phase_by_key() } else { limit }
}

/// An instant in this century, late enough for the longest window to have begun and ended before it.
pub(crate) fn instant() -> BoxedStrategy<u64> {
    let from = 5 * (MAX_SPAN.get() / 2);
    prop_oneof![3 => from..from + 100, 1 => from..MAX_EXACT - 10 * MAX_SPAN.get() / 4].boxed()
}

/// The algorithms whose waits are by the clock alone, for tests that wait.
pub(crate) fn algorithm() -> BoxedStrategy<Algorithm> {
    select(Algorithm::ALL).boxed()
}

/// How time goes on, in terms of the limit and of the last answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pause {
    Micros(i64),
    /// So many eighths of the window, forwards or backwards.
    Eighths(i64),
    /// The last retry_after, and so much.
    Retry(i64),
    /// The last reset_after, and so much.
    Reset(i64),
}

/// A cost, in terms of the limit and of the last answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cost {
    Exactly(u64),
    /// What remained, and so much.
    Remaining(i64),
    /// The limit's count, and so much.
    Count(i64),
    /// A part of the limit's count.
    Part(u64),
}

/// What is done at an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Action {
    pub(crate) pause: Pause,
    pub(crate) op: Op,
    pub(crate) cost: Cost,
    pub(crate) holder: u8,
    /// Which of the earlier tokens a refund presents; none for an operator's credit.
    pub(crate) token: Option<prop::sample::Index>,
    /// What the other checks of the same request leave of this one's: a part of 4, 4 being all.
    pub(crate) others: u8,
}

fn pause() -> impl Strategy<Value = Pause> {
    prop_oneof![
        4 => Just(Pause::Micros(0)),
        3 => (1..=5_i64).prop_map(Pause::Micros),
        2 => (-20..=0_i64).prop_map(Pause::Micros),
        4 => (1..=20_i64).prop_map(Pause::Eighths),
        2 => (-20..=0_i64).prop_map(Pause::Eighths),
        4 => (-1..=1_i64).prop_map(Pause::Retry),
        2 => (-1..=1_i64).prop_map(Pause::Reset),
    ]
}

fn cost() -> impl Strategy<Value = Cost> {
    prop_oneof![
        2 => Just(Cost::Exactly(0)),
        6 => (1..=4_u64).prop_map(Cost::Exactly),
        1 => select(&[u64::MAX, 1 << 63, MAX_EXACT, 1 << 53, 1 << 32][..]).prop_map(Cost::Exactly),
        4 => (-1..=1_i64).prop_map(Cost::Remaining),
        2 => (-1..=1_i64).prop_map(Cost::Count),
        3 => (1..=7_u64).prop_map(Cost::Part),
    ]
}

/// One action of a trace.
pub(crate) fn action() -> impl Strategy<Value = Action> {
    let op = prop_oneof![
        12 => Just(Op::Take),
        3 => Just(Op::TakeUpTo),
        2 => Just(Op::Peek),
        2 => Just(Op::Charge),
        5 => Just(Op::Refund),
        1 => Just(Op::Reset),
    ];
    let token = proptest::option::weighted(0.8, any::<prop::sample::Index>());
    let others = prop_oneof![6 => Just(4_u8), 1 => 0..=3_u8];
    (pause(), op, cost(), 0..4_u8, token, others).prop_map(|(pause, op, cost, holder, token, others)| {
        Action { pause, op, cost, holder, token, others }
    })
}

/// Actions one after the other.
pub(crate) fn trace(length: usize) -> impl Strategy<Value = Vec<Action>> {
    prop::collection::vec(action(), 1..=length)
}

/// Where a trace has come to: turns actions into instants and questions.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) now: u64,
    /// How far the clock may step back.
    pub(crate) earliest: u64,
    remaining: u64,
    retry: u64,
    reset: u64,
    pub(crate) tokens: Vec<(Token, u64)>,
}

impl Course {
    pub(crate) fn from(now: u64) -> Self {
        // The clock may step back, but never to before the second window since the epoch.
        let earliest = now.min(2 * MAX_SPAN.get());
        Self { now, earliest, remaining: 0, retry: 0, reset: 0, tokens: Vec::new() }
    }

    /// Whether the end of time is so near that instants may saturate, and laws no longer hold.
    pub(crate) fn ends(&self) -> bool {
        self.now > MAX_EXACT - 3 * MAX_SPAN.get()
    }

    /// The clock does not step back from here on.
    pub(crate) fn monotonic(&mut self) {
        self.earliest = self.now;
    }

    /// The next instant and question.
    pub(crate) fn next(&mut self, limit: &Limit, action: &Action) -> (Timestamp, Ask) {
        let window = i128::from(limit.window().get());
        let delta = match action.pause {
            Pause::Micros(micros) => i128::from(micros),
            Pause::Eighths(eighths) => window * i128::from(eighths) / 8,
            Pause::Retry(more) => i128::from(self.retry) + i128::from(more),
            Pause::Reset(more) => i128::from(self.reset) + i128::from(more),
        };
        let now = (i128::from(self.now) + delta).clamp(i128::from(self.earliest), i128::from(MAX_EXACT));
        self.now = u64::try_from(now).unwrap();
        let cost = match action.cost {
            Cost::Exactly(cost) => cost,
            Cost::Remaining(more) => self.remaining.saturating_add_signed(more),
            Cost::Count(more) => limit.count().saturating_add_signed(more),
            Cost::Part(part) => (limit.count() / 8).max(1) * part,
        };
        let mut ask = Ask::new(action.op, cost).by(Holder::new(u128::from(action.holder)));
        if let (Op::Refund, Some(index), false) = (action.op, action.token, self.tokens.is_empty()) {
            let (token, taken) = self.tokens[index.index(self.tokens.len())];
            ask = ask.with_token(token);
            // Mostly what was taken, sometimes another number.
            if !matches!(action.cost, Cost::Exactly(_)) {
                ask.cost = taken;
            }
        }
        (Timestamp::from_micros(self.now), ask)
    }

    /// Remembers an answer.
    pub(crate) fn heard(&mut self, verdict: &Verdict) {
        self.remaining = verdict.remaining;
        self.retry = verdict.retry_after.map_or(0, Micros::get);
        self.reset = verdict.reset_after.get();
        self.tokens.extend(verdict.token.map(|token| (token, verdict.granted)));
    }
}
