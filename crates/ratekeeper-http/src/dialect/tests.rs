use std::sync::Arc;

use http::HeaderMap;
use proptest::prelude::*;
use ratekeeper_engine::{Engine, Request, RequestOp};
use ratekeeper_policy::{Attributes, Policy};
use ratekeeper_store::ManualClock;
use sfv::{BareItem, List, ListEntry, Parser};

use super::*;

const START: Timestamp = Timestamp::from_micros(1_764_028_800_000_000);

struct Setup {
    engine: Engine,
    clock: Arc<ManualClock>,
}

impl Setup {
    fn new(rules: &str) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let policy =
            Policy::parse(rules, "policy.yaml", &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
        Self {
            engine: Engine::builder(policy).clock(Arc::clone(&clock) as _).build().unwrap(),
            clock,
        }
    }

    fn limits(limits: &str) -> Self {
        Self::new(&format!("rules: [{{ name: login, limits: [{limits}] }}]"))
    }

    fn take(&self, cost: u64) -> Outcome {
        let request = Request::new(Attributes::default()).costing(cost);
        self.engine.check_now(&request).unwrap()
    }

    fn peek(&self) -> Outcome {
        let request = Request::new(Attributes::default()).asking(RequestOp::Peek);
        self.engine.check_now(&request).unwrap()
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(ratekeeper_core::Micros::from_secs(seconds));
    }
}

/// `name: value` of every field.
fn lines(outcome: &Outcome, dialect: Dialect) -> Vec<String> {
    fields(outcome, dialect, START)
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect()
}

#[test]
fn buckets_tell_their_burst_and_what_refills_it() {
    let setup = Setup::limits("5 per minute burst 20");
    assert_eq!(
        lines(&setup.take(1), Dialect::Draft11),
        [
            "ratelimit-policy: \"login\";q=20;w=240",
            "ratelimit: \"login\";r=19;t=12"
        ]
    );
    let refused = {
        setup.take(19);
        setup.take(1)
    };
    assert_eq!(lines(&refused, Dialect::Draft11)[1], "ratelimit: \"login\";r=0;t=12");
    assert_eq!(retry_after(&refused, 0), Some(12));
    assert_eq!(retry_after(&refused, 5), Some(17));
    let greedy = setup.take(3);
    assert_eq!(
        lines(&greedy, Dialect::Draft11)[1],
        "ratelimit: \"login\";r=0;t=12",
        "one more unit, not all three"
    );
    assert_eq!(retry_after(&greedy, 0), Some(36));
    assert_eq!(retry_after(&setup.take(21), 0), None, "it never can");
    setup.advance(240);
    assert_eq!(
        lines(&setup.peek(), Dialect::Draft11)[1],
        "ratelimit: \"login\";r=20",
        "nothing is missing"
    );
}

#[test]
fn windows_tell_their_end() {
    let setup =
        Setup::limits("10 per 90s (fixed_window), '100 per day (calendar, UTC)', 9 per hour (sliding_log)");
    setup.advance(30);
    assert_eq!(
        lines(&setup.take(1), Dialect::Draft11),
        [
            "ratelimit-policy: \"login:90s\";q=10;w=90, \"login:day\";q=100;w=86400, \"login:1h\";q=9;w=3600",
            "ratelimit: \"login:90s\";r=9;t=60, \"login:day\";r=99;t=86370, \"login:1h\";r=8;t=3600"
        ]
    );
}

#[test]
fn held_slots_have_a_unit_and_no_time() {
    let setup = Setup::limits("3 concurrent ttl 30s");
    assert_eq!(
        lines(&setup.take(1), Dialect::Draft11),
        [
            "ratelimit-policy: \"login\";q=3;qu=\"concurrent-requests\"",
            "ratelimit: \"login\";r=2"
        ]
    );
}

#[test]
fn the_older_dialects_tell_the_tightest_limit() {
    let setup = Setup::limits("2 per minute, 100 per day");
    let passed = setup.take(1);
    assert_eq!(
        lines(&passed, Dialect::Draft07),
        [
            "ratelimit-policy: 2;w=60",
            "ratelimit: limit=2, remaining=1, reset=30"
        ]
    );
    assert_eq!(
        lines(&passed, Dialect::Draft06),
        [
            "ratelimit-limit: 2",
            "ratelimit-remaining: 1",
            "ratelimit-reset: 30",
            "ratelimit-policy: 2;w=60"
        ]
    );
    assert_eq!(
        lines(&passed, Dialect::XRateLimitDelta),
        [
            "x-ratelimit-limit: 2",
            "x-ratelimit-remaining: 1",
            "x-ratelimit-reset: 30"
        ]
    );
    assert_eq!(lines(&passed, Dialect::XRateLimitEpoch)[2], "x-ratelimit-reset: 1764028830");
    assert_eq!(lines(&passed, Dialect::None), Vec::<String>::new());
}

#[test]
fn shadow_rules_are_not_told_and_many_limits_are_cut() {
    let shadow = Setup::new("rules: [{ name: a, limits: [1 per minute], mode: shadow }]");
    assert!(lines(&shadow.take(1), Dialect::Draft11).is_empty());
    let rules: Vec<_> =
        (0..20).map(|n| format!("{{ name: r{n}, limits: [{} per minute] }}", 21 - n)).collect();
    let many = Setup::new(&format!("rules: [{}]", rules.join(", ")));
    many.take(2);
    let refused = lines(&many.take(1), Dialect::Draft11);
    assert_eq!(refused[1].matches(";r=").count(), 16);
    assert!(refused[1].contains("\"r19\";r=0"), "{}", refused[1]);
}

fn parameters(map: &HeaderMap, name: &str) -> Vec<(String, Vec<(String, i64)>)> {
    let list: List = Parser::new(map[name].to_str().unwrap()).parse().unwrap();
    list.into_iter()
        .map(|entry| {
            let ListEntry::Item(item) = entry else {
                panic!("an inner list")
            };
            let BareItem::String(name) = item.bare_item else {
                panic!("no string")
            };
            let numbers = item.params.into_iter().filter_map(|(key, value)| match value {
                BareItem::Integer(number) => Some((key.as_str().to_owned(), number.into())),
                _ => None,
            });
            (name.as_str().to_owned(), numbers.collect())
        })
        .collect()
}

fn limit() -> impl Strategy<Value = String> {
    let span = prop::sample::select(vec!["second", "90s", "minute", "hour", "day", "7ms"]);
    let kind = prop::sample::select(vec![
        "",
        " (fixed_window)",
        " (sliding_window)",
        " (sliding_log)",
        " burst 7",
        " (leaky_bucket)",
    ]);
    (1_u64..1000, span, kind).prop_map(|(count, span, kind)| format!("{count} per {span}{kind}"))
}

proptest! {
    /// A parser of structured fields that is not ours reads what we write, and the numbers make sense.
    #[test]
    fn what_is_told_parses_and_makes_sense(
        limits in prop::collection::vec(limit(), 1..4), steps in prop::collection::vec((1_u64..50, 0_u64..100_000_000), 1..12),
    ) {
        let setup = Setup::limits(&limits.join(", "));
        for (cost, wait) in steps {
            let outcome = setup.take(cost);
            let map: HeaderMap = fields(&outcome, Dialect::Draft11, START).into_iter().collect();
            let (policies, states) = (parameters(&map, "ratelimit-policy"), parameters(&map, "ratelimit"));
            prop_assert_eq!(policies.len(), limits.len());
            let mut names: Vec<_> = states.iter().map(|(name, _)| name).collect();
            names.dedup();
            prop_assert_eq!(names.len(), limits.len());
            for ((name, policy), (same, state)) in policies.iter().zip(&states) {
                prop_assert_eq!(name, same);
                let get = |list: &[(String, i64)], key: &str| list.iter().find(|(known, _)| known == key).map(|(_, number)| *number);
                let (quota, window) = (get(policy, "q").unwrap(), get(policy, "w").unwrap());
                let remaining = get(state, "r").unwrap();
                prop_assert!(window >= 1 && remaining >= 0 && remaining <= quota, "{:?} {:?}", policy, state);
                prop_assert_eq!(get(state, "t").is_none(), remaining == quota);
            }
            let refusing = super::names(&outcome);
            if let Some(wait) = retry_after(&outcome, 0) {
                for (name, state) in &states {
                    let next = state.iter().find(|(key, _)| key == "t").map_or(0, |(_, number)| *number);
                    prop_assert!(!refusing.contains(name) || i64::try_from(wait).unwrap() >= next);
                }
            }
            setup.clock.advance(ratekeeper_core::Micros::new(wait));
        }
    }
}
