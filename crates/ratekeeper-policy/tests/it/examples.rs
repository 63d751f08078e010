//! What the documentation shows is accepted and means what it says.

use ratekeeper_core::{Calendar, Limit, Micros, Period, Timestamp};
use ratekeeper_policy::{Mode, OnStoreError, Overflow, Policy, REFERENCE, StoreKind, parse_limit};

use crate::{environment, errors, policy, rule};

const SHAPE: &str = r#"
stores:
  default: { type: memory, max_keys: 1_000_000 }
  shared:  { type: redis, url: "${REDIS_URL}", deadline: 20ms }
client_ip: { trusted_proxies: [10.0.0.0/8], header: x-forwarded-for, ipv6_prefix: 64 }
lists:
  allow: [ { ip: 192.0.2.0/24, reason: office } ]
  deny:  [ { user: "mallory", until: 2027-01-01T00:00:00Z, reason: fraud } ]
rules:
  - name: login
    match: { methods: [POST], path: /api/v1/auth/login }
    key: [ip]
    limits: [ 5 per minute burst 20, 100 per day ]
    on_store_error: local
  - name: per-user
    match: { path: "/api/{*rest}" }
    key: [user]
    limits: [ { rate: 100 per second, algorithm: sliding_window } ]
    cost: { "POST /api/v1/reports": 10 }
    mode: shadow            # enforce (default) | shadow | off
    overrides: [ { user: acme, limits: [ 1000 per second ] } ]
"#;

#[test]
fn the_shape_to_start_from() {
    let policy = policy(SHAPE);
    let [login, per_user] = policy.rules() else {
        panic!()
    };
    assert_eq!(
        (login.name(), login.mode(), login.on_store_error()),
        ("login", Mode::Enforce, OnStoreError::Local)
    );
    assert_eq!(login.limits()[0].limit(), &parse_limit("5 per minute burst 20").unwrap());
    assert_eq!(login.limits()[1].limit(), &Limit::token_bucket(100, Micros::DAY).unwrap());
    assert_eq!(per_user.mode(), Mode::Shadow);
    assert_eq!(per_user.limits()[0].limit(), &Limit::sliding_window(100, Micros::SECOND).unwrap());
    let stores: Vec<_> = policy.stores().collect();
    assert_eq!(
        (stores[0].0, stores[0].1.kind, stores[0].1.max_keys),
        ("default", StoreKind::Memory, Some(1_000_000))
    );
    assert_eq!(stores[0].1.overflow, Overflow::Share);
    assert_eq!(
        (stores[1].0, stores[1].1.kind, stores[1].1.deadline),
        ("shared", StoreKind::Redis, Micros::new(20_000))
    );
    assert_eq!(stores[1].1.url.as_ref().unwrap().reveal(), "redis://:hunter2@db:6379");
    assert!(!format!("{policy:?}").contains("hunter2"));
    assert_eq!(policy.client_ip().trusted_proxies.len(), 1);
    assert_eq!(policy.version().len(), 12);
}

#[test]
fn the_reference_is_a_policy() {
    let policy = policy(REFERENCE);
    assert_eq!(policy.rules().len(), 7);
    assert_eq!(policy.rules()[3].limits().len(), 7);
    assert_eq!(policy.rules()[1].local_share().to_string(), "1/4");
}

#[test]
fn limits_read_like_english() {
    let day = |zone| Limit::calendar_window(1000, Calendar::new(Period::Day, zone).unwrap()).unwrap();
    let bucket = |count, window| Limit::token_bucket(count, window).unwrap();
    let minute = Micros::MINUTE;
    let cases = [
        ("100/s", bucket(100, Micros::SECOND)),
        ("100 / second", bucket(100, Micros::SECOND)),
        ("100/1s", bucket(100, Micros::SECOND)),
        ("100 per minute burst 20", bucket(100, minute).with_burst(20).unwrap()),
        ("100 requests per minute", bucket(100, minute)),
        ("100 requests/minute, burst=20", bucket(100, minute).with_burst(20).unwrap()),
        ("100 per minute (burst 20)", bucket(100, minute).with_burst(20).unwrap()),
        ("100 per minute with a burst of 20", bucket(100, minute).with_burst(20).unwrap()),
        ("  100   PER  Minute ", bucket(100, minute)),
        ("30 per 90s", bucket(30, Micros::from_secs(90))),
        ("30 per 1h30m", bucket(30, Micros::from_secs(5400))),
        ("30 every 2 minutes", bucket(30, Micros::from_secs(120))),
        ("1_000 per day", bucket(1000, Micros::DAY)),
        ("7 per week", bucket(7, Micros::from_secs(604_800))),
        ("100 per second (gcra)", bucket(100, Micros::SECOND)),
        ("1000 per day (calendar, Europe/Paris)", day("Europe/Paris")),
        ("1000 per day (calendar Europe/Paris)", day("Europe/Paris")),
        ("1000 per calendar day (Europe/Paris)", day("Europe/Paris")),
        ("1000 per day (calendar window, zone Europe/Paris)", day("Europe/Paris")),
        ("1000 per day (calendar)", day("UTC")),
        (
            "1000 per month (calendar)",
            Limit::calendar_window(1000, Calendar::new(Period::Month, "UTC").unwrap()).unwrap(),
        ),
        ("10 concurrent ttl 30s", Limit::concurrency(10, Micros::from_secs(30)).unwrap()),
        ("10 concurrent requests (ttl 30s)", Limit::concurrency(10, Micros::from_secs(30)).unwrap()),
        ("100 per second (sliding_window)", Limit::sliding_window(100, Micros::SECOND).unwrap()),
        (
            "100 per second (sliding window counter)",
            Limit::sliding_window(100, Micros::SECOND).unwrap(),
        ),
        ("100 per second (sliding-window-log)", Limit::sliding_log(100, Micros::SECOND).unwrap()),
        ("100 per second fixed window", Limit::fixed_window(100, Micros::SECOND).unwrap()),
        (
            "100 per second (fixed_window, align key)",
            Limit::fixed_window(100, Micros::SECOND).unwrap().with_phase_by_key(),
        ),
        (
            "5 per second (leaky_bucket) burst 9",
            Limit::leaky_bucket(5, Micros::SECOND).unwrap().with_burst(9).unwrap(),
        ),
        (
            "5 per second (leaky_bucket, max_delay 2s)",
            Limit::leaky_queue(5, Micros::SECOND, Micros::from_secs(2)).unwrap(),
        ),
        (
            "5 per second max_delay 2s",
            Limit::leaky_queue(5, Micros::SECOND, Micros::from_secs(2)).unwrap(),
        ),
        (
            "5 per second (leaky_bucket, max_delay: 2s)",
            Limit::leaky_queue(5, Micros::SECOND, Micros::from_secs(2)).unwrap(),
        ),
        (
            "5 per second max_delay: 2s",
            Limit::leaky_queue(5, Micros::SECOND, Micros::from_secs(2)).unwrap(),
        ),
        ("100 per minute burst: 20", bucket(100, minute).with_burst(20).unwrap()),
        ("10 concurrent (ttl: 30s)", Limit::concurrency(10, Micros::from_secs(30)).unwrap()),
        ("1000 per day (calendar, time_zone: Europe/Paris)", day("Europe/Paris")),
        ("1000 per day (calendar, tz Europe/Paris)", day("Europe/Paris")),
        (
            "5 per second (queue, max delay 2s)",
            Limit::leaky_queue(5, Micros::SECOND, Micros::from_secs(2)).unwrap(),
        ),
    ];
    for (text, limit) in cases {
        assert_eq!(parse_limit(text).unwrap_or_else(|error| panic!("{text}: {error}")), limit, "{text}");
        let shown = limit.to_string();
        let again = parse_limit(&shown).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(again.to_string(), shown);
    }
}

#[test]
fn what_is_no_limit_says_why() {
    let cases = [
        ("", "this limit is empty; write it like"),
        ("lots", "a limit begins with a number; write it like"),
        ("100", "the window is missing; say per what"),
        ("100 per", "the unit of time is missing; use ms, s, minute"),
        ("100 per fortnight", "unknown unit \"fortnight\"; use ms, s, minute"),
        ("100 per 90", "90 has no unit; write 90s"),
        ("100 per month", "a month has no fixed length; write \"100 per month (calendar)\""),
        ("100 per year", "a year has no fixed length; write \"100 per year (calendar)\""),
        ("100 per 2 days (calendar)", "\"2 days\" is no period of the calendar; use exactly one"),
        (
            "100 per day (calendar, Europe/Pari)",
            "time zone: \"Europe/Pari\" is not an IANA time zone",
        ),
        ("100 per day (calendar", "the parentheses do not match; within [ ] or { } YAML splits"),
        ("100 per minute brust 20", "unexpected \"brust\"; did you mean burst?"),
        ("5 per minute, 9 per day", "unexpected \"9\"; write several limits as a list"),
        ("100 per minute burst", "burst has no value; write a number after it"),
        ("100 per minute max_delay:", "max_delay has no value; write a number after it"),
        ("100 per minute: 5", "unexpected \": 5\""),
        ("100 per minute burst 2 burst 3", "burst is given twice"),
        ("100 per second (fixed_window) burst 9", "fixed_window has no burst; remove it"),
        ("100 per second (fixed_window, sliding_log)", "two algorithms are named"),
        ("100 per second (leaky_queue)", "a leaky_queue needs a max_delay; add one"),
        ("100 per second (sliding_log, max_delay 1s)", "sliding_log has no max_delay"),
        ("100 per second ttl 3s", "token_bucket has no ttl"),
        ("10 concurrent", "a ttl is missing; say when"),
        ("10 per second (concurrency) ttl 3s", "concurrency has no window"),
        ("100 per second (token_bucket, UTC)", "token_bucket has no calendar and no time zone"),
        ("100 per second align key", "token_bucket cannot be aligned to the key"),
        ("0 per second", "count: 0 is out of range; it must be between 1 and"),
        ("1 per 0s", "window: 0us is out of range"),
        ("-1 per second", "numbers cannot be negative"),
        ("1.5 per second", "1.5 is no whole number"),
        ("1,000 per second", "1,000 has a comma; write 1_000"),
        ("1e3 per second", "unexpected \"e3 per second\" after the number"),
        ("99999999999999999999999 per s", "99999999999999999999999 is too large"),
        ("999999999999999999 per s", "count: 999999999999999999 is out of range"),
        (
            "20000 per s (sliding_log)",
            "count: 20000 is out of range; it must be between 1 and 10000",
        ),
        ("1 per 9999999 weeks", "window: "),
        ("1 per 999999999999999999 weeks", "this duration is too long"),
        ("10 per second max_delay 9999999w", "max_delay: "),
    ];
    for (text, message) in cases {
        let error = parse_limit(text).map(|limit| limit.to_string()).unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
    }
}

#[test]
fn limits_field_by_field() {
    let limit = |text: &str| {
        let source = format!("rules:\n  - name: r\n    limits: [ {text} ]\n");
        policy(&source).rules()[0].limits()[0].limit().to_string()
    };
    assert_eq!(limit("{ rate: 100/s, burst: 20 }"), "100 per 1s burst 20 (token_bucket)");
    assert_eq!(limit("{ rate: 10 concurrent, ttl: 30s }"), "10 concurrent ttl 30s");
    assert_eq!(limit("{ concurrency: 10, ttl: 30s }"), "10 concurrent ttl 30s");
    assert_eq!(limit("{ rate: 10, algorithm: concurrency, ttl: 30s }"), "10 concurrent ttl 30s");
    assert_eq!(limit("{ rate: 10 concurrent ttl 30s, algorithm: concurrency }"), "10 concurrent ttl 30s");
    assert_eq!(
        limit("{ rate: 5/s, algorithm: leaky-bucket, max_delay: 2s }"),
        "5 per 1s max_delay 2s (leaky_queue)"
    );
    assert_eq!(limit("5/s max_delay: 2s"), "5 per 1s max_delay 2s (leaky_queue)");
    assert_eq!(limit("{ rate: \"5/s (queue, max_delay: 2s)\" }"), "5 per 1s max_delay 2s (leaky_queue)");
    let lines = "rules:\n  - name: r\n    limits:\n      - 5 per second (leaky_bucket, max_delay: 2s)\n";
    assert_eq!(
        policy(lines).rules()[0].limits()[0].limit().to_string(),
        "5 per 1s max_delay 2s (leaky_queue)"
    );
    let calendar = "1000 per day (calendar, Europe/Paris)";
    for zone in ["time_zone", "timezone", "zone", "tz"] {
        let written = format!("{{ rate: 1000 per day, algorithm: calendar_window, {zone}: Europe/Paris }}");
        assert_eq!(limit(&written), calendar);
    }
}

#[test]
fn one_item_needs_no_list_and_keys_have_several_forms() {
    let parts = |key: &str| policy(&rule(&format!("key: {key}"))).rules()[0].key_parts().join(" ");
    for global in ["[]", "global", "[global]"] {
        assert_eq!(parts(global), "");
    }
    assert_eq!(parts("ip"), "ip");
    assert_eq!(parts("[ip/56, user, \"header:X-Api-Key\"]"), "ip user header:x-api-key");
    assert_eq!(parts("[header:X-Api-Key, descriptor:tenant]"), "header:x-api-key descriptor:tenant");
    assert_eq!(parts("{ header: X-Api-Key, secret: true }"), "header:x-api-key (secret)");
    assert_eq!(
        parts("[{ ip: { ipv6_prefix: 48 } }, method, path, route, host]"),
        "ip method path route host"
    );
    policy("rules: []");
    policy("{\"version\": 1, \"rules\": [{\"name\": \"json\", \"limits\": [\"1/s\"]}]}");
    assert!(errors("version: 2\nrules: []").contains("2 is out of range; write a number from 1 to 1"));
}

#[test]
fn the_version_follows_the_source() {
    assert_eq!(policy("rules: []").version(), policy("rules: []").version());
    assert_ne!(policy("rules: []").version(), policy("rules: [] ").version());
    let with_mark = Policy::from_bytes(b"\xef\xbb\xbfrules: []", "p.yaml", &environment).unwrap();
    assert!(with_mark.listed(&ratekeeper_policy::Attributes::default(), Timestamp::EPOCH).is_none());
}

#[test]
fn a_url_alone_makes_a_store_with_sensible_defaults() {
    let source = "
stores:
  a: \"${URL}\"
  b: { url: \"postgresql://db/limits\", deadline: 50ms, coalesce: false, breaker: no, deny_cache: off }
  c: memcached://one,two
rules: [{ name: r, limits: [1/s], store: a }]";
    let policy = Policy::parse(source, "p.yaml", &|_| Some("rediss://:hunter2@db".to_owned())).unwrap();
    let stores: Vec<_> = policy.stores().map(|(name, config)| (name, config.clone())).collect();
    let (a, b, c) = (&stores[0].1, &stores[1].1, &stores[2].1);
    assert_eq!((a.kind, b.kind, c.kind), (StoreKind::Redis, StoreKind::Postgres, StoreKind::Memcached));
    assert_eq!((a.deadline, a.coalesce, a.breaker, a.deny_cache), (Micros::new(20_000), true, true, true));
    assert_eq!(
        (b.deadline, b.coalesce, b.breaker, b.deny_cache),
        (Micros::new(50_000), false, false, false)
    );
    assert!(!format!("{a:?}").contains("hunter2"));
}
