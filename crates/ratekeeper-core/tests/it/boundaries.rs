//! The stated maxima are accepted, one above each is refused with an error that names the field.

use ratekeeper_core::{
    Ask, Calendar, Holder, Limit, LimitError, MAX_COUNT, MAX_EXACT, MAX_LOG, MAX_SPAN, Micros, Op, Period,
    Timestamp, Verdict, step,
};

type Rate = fn(u64, Micros) -> Result<Limit, LimitError>;

const SECOND: Micros = Micros::SECOND;

fn above(span: Micros) -> Micros {
    Micros::new(span.get() + 1)
}

/// Every constructor of a count and a span, and its largest count.
fn rates() -> [(Rate, u64); 7] {
    [
        (Limit::token_bucket, MAX_COUNT),
        (Limit::leaky_bucket, MAX_COUNT),
        (|count, window| Limit::leaky_queue(count, window, SECOND), MAX_COUNT),
        (Limit::fixed_window, MAX_COUNT),
        (Limit::sliding_window, MAX_COUNT),
        (Limit::sliding_log, MAX_LOG),
        (Limit::concurrency, MAX_COUNT),
    ]
}

fn names(error: &LimitError, field: &str) {
    let message = error.to_string();
    assert!(message.starts_with(field), "{message:?} does not name {field}");
}

#[test]
fn the_maxima_are_what_the_reference_says() {
    assert_eq!((MAX_COUNT, MAX_SPAN.get()), (1 << 48, 1 << 50));
    assert_eq!((MAX_EXACT, MAX_LOG), ((1 << 53) - 1, 10_000));
}

#[test]
fn counts() {
    for (limit, max) in rates() {
        for count in [1, max.min(1 << 31), max - 1, max] {
            assert_eq!(limit(count, SECOND).unwrap().count(), count);
        }
        for given in [0, max + 1, u64::MAX] {
            match limit(given, SECOND) {
                // The one that may be zero: it refuses everything.
                Ok(zero) => assert_eq!((given, zero.algorithm().name()), (0, "fixed_window")),
                Err(error) => {
                    assert_eq!(error, LimitError::Count { given, max });
                    names(&error, "count:");
                }
            }
        }
    }
    let calendar = Calendar::new(Period::Month, "UTC").unwrap();
    assert!(Limit::calendar_window(MAX_COUNT, calendar.clone()).is_ok());
    names(&Limit::calendar_window(0, calendar.clone()).unwrap_err(), "count:");
    names(&Limit::calendar_window(MAX_COUNT + 1, calendar).unwrap_err(), "count:");
}

#[test]
fn windows() {
    for (limit, _) in rates() {
        for window in [Micros::new(1), Micros::new(1 << 31), MAX_SPAN] {
            assert_eq!(limit(1, window).unwrap().window(), window);
        }
        for given in [Micros::ZERO, above(MAX_SPAN), Micros::new(u64::MAX)] {
            let error = limit(1, given).unwrap_err();
            assert_eq!(error, LimitError::Window { given });
            names(&error, "window:");
        }
    }
}

#[test]
fn bursts() {
    for limit in [Limit::token_bucket, Limit::leaky_bucket] {
        let fast = limit(MAX_COUNT, Micros::new(1)).unwrap();
        for burst in [1, 1 << 31, MAX_COUNT] {
            assert_eq!(fast.clone().with_burst(burst).unwrap().burst(), burst);
        }
        for given in [0, MAX_COUNT + 1, u64::MAX] {
            let error = fast.clone().with_burst(given).unwrap_err();
            assert_eq!(error, LimitError::Burst { given, max: MAX_COUNT });
            names(&error, "burst:");
        }
    }
}

#[test]
fn bursts_fill_within_the_longest_span() {
    // b·W/N ≤ 2^50 µs: at three in 7 µs no more than ⌊2^50·3/7⌋, and exactly that.
    let slow = Limit::token_bucket(3, Micros::new(7)).unwrap();
    assert!(slow.clone().with_burst(MAX_COUNT).is_ok());
    let slower = Limit::token_bucket(3, Micros::new(7 << 20)).unwrap();
    let max = (1 << 50) * 3 / (7 << 20);
    assert!(slower.clone().with_burst(max).is_ok());
    let error = slower.with_burst(max + 1).unwrap_err();
    assert_eq!(error, LimitError::Burst { given: max + 1, max });
    let slowest = Limit::token_bucket(1, MAX_SPAN).unwrap();
    assert!(slowest.clone().with_burst(1).is_ok());
    names(&slowest.with_burst(2).unwrap_err(), "burst:");
}

#[test]
fn bursts_of_algorithms_that_have_none() {
    let none = [
        Limit::leaky_queue(1, SECOND, SECOND).unwrap(),
        Limit::fixed_window(1, SECOND).unwrap(),
        Limit::sliding_window(1, SECOND).unwrap(),
        Limit::sliding_log(1, SECOND).unwrap(),
        Limit::concurrency(1, SECOND).unwrap(),
        Limit::calendar_window(1, Calendar::new(Period::Day, "UTC").unwrap()).unwrap(),
    ];
    for limit in none {
        let algorithm = limit.algorithm();
        let error = limit.with_burst(1).unwrap_err();
        assert_eq!(error, LimitError::BurstNotAllowed { algorithm });
        names(&error, "burst:");
    }
}

#[test]
fn delays() {
    for delay in [Micros::new(1), Micros::new(1 << 31), MAX_SPAN] {
        assert_eq!(Limit::leaky_queue(1, SECOND, delay).unwrap().max_delay(), delay);
    }
    for given in [Micros::ZERO, above(MAX_SPAN), Micros::new(u64::MAX)] {
        let error = Limit::leaky_queue(1, SECOND, given).unwrap_err();
        assert_eq!(error, LimitError::MaxDelay { given });
        names(&error, "max_delay:");
    }
}

#[test]
fn zones() {
    for name in ["", "Mars/Olympus_Mons", "Europe/Paris ", "../etc/passwd"] {
        let error = Calendar::new(Period::Day, name).unwrap_err();
        assert_eq!(error, LimitError::TimeZone { name: name.to_owned() });
        names(&error, "time zone:");
    }
}

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn take(limit: &Limit, now: Timestamp, cost: u64) -> Verdict {
    step(&mut None, limit, b"", now, &Ask::new(Op::Take, cost).by(Holder::new(1))).unwrap()
}

#[test]
fn the_largest_cost_passes_and_one_more_never_does() {
    for (limit, max) in rates() {
        for count in [1, 2, max] {
            let limit = limit(count, Micros::new(3)).unwrap();
            let largest = limit.largest_cost();
            let verdict = take(&limit, NOW, largest);
            assert!(verdict.allowed && verdict.granted == largest, "{limit}");
            // A queue may be so long that no cost is too large.
            for cost in [largest.saturating_add(1), 1 << 63, u64::MAX] {
                if cost <= largest {
                    continue;
                }
                let verdict = take(&limit, NOW, cost);
                assert_eq!((verdict.allowed, verdict.retry_after), (false, None), "{limit}");
            }
        }
    }
}

#[test]
fn the_largest_rates_are_exact() {
    // 2^48 − 1 per 2^50 µs is in lowest terms: a tick is 2^-48 µs, nearly.
    let limit = Limit::token_bucket(MAX_COUNT - 1, MAX_SPAN).unwrap();
    let verdict = take(&limit, NOW, 1);
    assert_eq!((verdict.remaining, verdict.reset_after), (MAX_COUNT - 2, Micros::new(5)));
    let slowest = Limit::token_bucket(1, MAX_SPAN).unwrap();
    assert_eq!(take(&slowest, NOW, 1).reset_after, MAX_SPAN);
    let queue = Limit::leaky_queue(1, MAX_SPAN, MAX_SPAN).unwrap();
    assert_eq!(take(&queue, NOW, 2).reset_after.get(), 2 * MAX_SPAN.get());
}

#[test]
fn counts_and_instants_saturate_at_the_exact_range() {
    let charged = |limit: &Limit| {
        let mut counter = None;
        let charge = Ask::new(Op::Charge, u64::MAX);
        step(&mut counter, limit, b"", NOW, &charge).unwrap();
        let verdict = step(&mut counter, limit, b"", NOW, &charge).unwrap();
        (verdict, counter)
    };
    let (verdict, _) = charged(&Limit::token_bucket(1, SECOND).unwrap());
    assert_eq!(verdict.reset_after, Timestamp::MAX.since(NOW));
    let window = Limit::fixed_window(1, SECOND).unwrap();
    let (_, mut counter) = charged(&window);
    let mut credit = |cost| step(&mut counter, &window, b"", NOW, &Ask::new(Op::Refund, cost)).unwrap();
    assert_eq!(credit(MAX_EXACT - 1).remaining, 0);
    assert_eq!(credit(1).remaining, 1);
}

#[test]
fn the_last_instant_answers_without_a_fault() {
    for (limit, _) in rates() {
        let limit = limit(2, MAX_SPAN).unwrap();
        let (mut counter, ask) = (None, Ask::new(Op::Take, 1));
        for _ in 0..4 {
            step(&mut counter, &limit, b"", Timestamp::MAX, &ask).unwrap();
        }
    }
    for period in [Period::Day, Period::Week, Period::Month, Period::Year] {
        let calendar = Calendar::new(period, "Asia/Kathmandu").unwrap();
        let (start, end) = calendar.around(Timestamp::MAX);
        assert!(start < Timestamp::MAX && end == Timestamp::MAX);
        assert_eq!(calendar.around(Timestamp::MAX.before(SECOND)), (start, end));
    }
}

/// Where instants end, a debit never counts as a credit.
#[test]
fn a_bucket_at_the_end_of_time_does_not_refill() {
    let limit = Limit::token_bucket(5, Micros::new(1)).unwrap();
    let (mut state, mut left) = (None, u64::MAX);
    for _ in 0..6 {
        let ask = Ask::new(Op::Take, 1);
        let verdict = step(&mut state, &limit, b"", Timestamp::MAX, &ask).unwrap();
        assert!(verdict.remaining <= left, "{} after {left}", verdict.remaining);
        left = verdict.remaining;
    }
}
