//! What real services say, and what hostile ones might.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ratekeeper_core::Timestamp;

use super::{Quota, Told, Unit};

/// 25 November 2025, 00:00:00 UTC.
const NOW: Timestamp = Timestamp::from_micros(1_764_028_800_000_000);

fn read(status: u16, fields: &[(&str, &str)]) -> Told {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Told::read(StatusCode::from_u16(status).unwrap(), &headers, NOW)
}

fn cost(remaining: u64, reset_seconds: u64) -> Quota {
    Quota { unit: Unit::Cost, remaining, reset: Some(Duration::from_secs(reset_seconds)) }
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

#[test]
fn the_drafts_of_the_ietf() {
    let told = read(
        200,
        &[
            ("RateLimit-Policy", "\"burst\";q=100;w=60,\"daily\";q=1000;w=86400"),
            ("RateLimit", "\"burst\";r=0;t=30, \"daily\";r=700;t=1000"),
        ],
    );
    assert_eq!(told.quotas[..], [cost(0, 30), cost(700, 1000)]);
    assert_eq!(told.wait(), seconds(30));
    // In two lines, without t, in units.
    let told = read(
        200,
        &[
            ("RateLimit-Policy", "\"a\";q=5;qu=\"requests\";w=60"),
            ("RateLimit", "\"a\";r=0"),
            ("RateLimit", "\"slots\";r=0;pk=:dHJpYWw=:"),
        ],
    );
    assert_eq!(told.quotas[0], Quota { unit: Unit::Calls, remaining: 0, reset: seconds(60) });
    assert_eq!(told.quotas[1], Quota { unit: Unit::Cost, remaining: 0, reset: None });
    // Draft 08 wrote tokens, 07 a dictionary, 06 and before fields of their own.
    assert_eq!(read(200, &[("RateLimit", "default;r=50;t=30")]).quotas[..], [cost(50, 30)]);
    let draft_07 = [
        ("RateLimit-Policy", "100;w=60"),
        ("RateLimit", "limit=100, remaining=50, reset=5"),
    ];
    assert_eq!(read(200, &draft_07).quotas[..], [cost(50, 5)]);
    let draft_06 = [
        ("RateLimit-Limit", "100, 100;w=60"),
        ("RateLimit-Remaining", "0"),
        ("RateLimit-Reset", "50"),
    ];
    assert_eq!(read(200, &draft_06).wait(), seconds(50));
}

#[test]
fn github() {
    let within = [
        ("date", "Tue, 25 Nov 2025 00:00:00 GMT"),
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "4987"),
        ("x-ratelimit-reset", "1764031200"),
        ("x-ratelimit-used", "13"),
        ("x-ratelimit-resource", "core"),
    ];
    let told = read(200, &within);
    assert_eq!(
        (told.quotas[..].to_vec(), told.refused, told.wait()),
        (vec![cost(4987, 2400)], false, None)
    );
    // The primary limit is refused with 403 and nothing left, the secondary one with Retry-After.
    let primary = read(
        403,
        &[
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1764028860"),
        ],
    );
    assert_eq!((primary.refused, primary.wait()), (true, seconds(60)));
    let secondary = read(403, &[("retry-after", "61"), ("x-ratelimit-remaining", "4000")]);
    assert_eq!((secondary.refused, secondary.wait()), (true, seconds(61)));
    assert!(!read(403, &within).refused, "a 403 of another kind");
}

#[test]
fn an_instant_is_compared_with_the_peer_s_own_clock() {
    let fields = [
        ("date", "Tue, 25 Nov 2025 08:00:00 GMT"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1764057610"),
    ];
    assert_eq!(read(200, &fields).wait(), seconds(10));
    let fields = [
        ("date", fields[0].1),
        ("retry-after", "Tue, 25 Nov 2025 08:01:30 GMT"),
    ];
    assert_eq!(read(429, &fields).wait(), seconds(90));
}

#[test]
fn stripe_says_nothing_but_no() {
    let told = read(
        429,
        &[
            ("stripe-rate-limited-reason", "global-rate"),
            ("stripe-should-retry", "true"),
        ],
    );
    assert_eq!((told.refused, told.wait(), told.quotas.len()), (true, None, 0));
}

#[test]
fn shopify() {
    let told = read(200, &[("x-shopify-shop-api-call-limit", "32/40")]);
    assert_eq!(told.quotas[..], [Quota { unit: Unit::Calls, remaining: 8, reset: None }]);
    let told = read(429, &[("x-shopify-shop-api-call-limit", "40/40"), ("retry-after", "2.0")]);
    assert_eq!(told.wait(), seconds(2));
}

#[test]
fn openai() {
    let told = read(
        200,
        &[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ],
    );
    let requests = Quota { unit: Unit::Calls, remaining: 59, reset: seconds(1) };
    assert!(told.quotas.contains(&requests) && told.quotas.contains(&cost(0, 360)), "{told:?}");
    assert_eq!(told.wait(), seconds(360));
}

#[test]
fn anthropic() {
    let told = read(
        429,
        &[
            ("retry-after", "23"),
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2025-11-25T00:00:23Z"),
        ],
    );
    assert_eq!(told.quotas[..], [Quota { unit: Unit::Calls, remaining: 0, reset: seconds(23) }]);
    assert_eq!(told.wait(), seconds(23));
}

#[test]
fn twitter() {
    let fields = [
        ("x-rate-limit-limit", "900"),
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", "1764029700"),
        ("x-user-limit-24hour-remaining", "12"),
    ];
    let told = read(429, &fields);
    assert_eq!((told.wait(), told.quotas.len()), (seconds(900), 2));
}

#[test]
fn discord() {
    let fields = [
        ("x-ratelimit-bucket", "abcd1234"),
        ("x-ratelimit-limit", "5"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1764028801.470"),
        ("x-ratelimit-reset-after", "1.350"),
    ];
    assert_eq!(read(200, &fields).wait(), Some(Duration::from_millis(1350)));
    assert_eq!(read(200, &fields[..4]).wait(), Some(Duration::from_millis(1470)));
    let refused = [("retry-after", "65"), ("x-ratelimit-global", "true")];
    assert_eq!(read(429, &refused).wait(), seconds(65));
}

#[test]
fn gitlab_and_docker_hub() {
    let gitlab = [
        ("ratelimit-limit", "60"),
        ("ratelimit-remaining", "0"),
        ("ratelimit-reset", "1764028860"),
        ("ratelimit-resettime", "Tue, 25 Nov 2025 00:01:00 GMT"),
    ];
    assert_eq!(read(429, &gitlab).wait(), seconds(60));
    let docker = [
        ("ratelimit-limit", "100;w=21600"),
        ("ratelimit-remaining", "76;w=21600"),
    ];
    assert_eq!(read(200, &docker).quotas[0].remaining, 76);
}

#[test]
fn retry_after_counts_where_something_was_refused() {
    for status in [429, 503, 403] {
        assert_eq!(read(status, &[("retry-after", "7")]).wait(), seconds(7), "{status}");
    }
    // Here it says when to look for a result, not when to call.
    for status in [202, 301] {
        assert_eq!(read(status, &[("retry-after", "7")]).wait(), None, "{status}");
    }
    let both = [
        ("retry-after", "7"),
        ("ratelimit-remaining", "0"),
        ("ratelimit-reset", "60"),
    ];
    assert_eq!(read(429, &both).wait(), seconds(7), "it says so for this very call");
    assert_eq!(read(429, &[("retry-after", "0")]).wait(), None, "which is not to know when");
}

#[test]
fn hostile_values_are_passed_over_or_saturate() {
    let long = "9".repeat(100);
    let nothing = [
        ("retry-after", "-1"),
        ("retry-after", "NaN"),
        ("retry-after", "∞"),
        ("retry-after", "Tue, 99 Nov 2025 00:00:00 GMT"),
        ("ratelimit", "\"a\";r=-1;t=5"),
        ("ratelimit", "\"a\";r=1.5"),
        ("ratelimit", "(((((((((("),
        ("ratelimit", "\"a\";r=9999999999999999"),
        ("x-ratelimit-remaining", "-1"),
        ("x-ratelimit-remaining", "many"),
        ("x-ratelimit-remainings", "1"),
        ("remaining", "1"),
        ("x-shopify-shop-api-call-limit", "32"),
    ];
    for field in nothing {
        let told = read(429, &[field]);
        assert_eq!((told.retry_after, told.quotas.len()), (None, 0), "{field:?}");
    }
    assert!(read(429, &[("retry-after", &long)]).wait() > seconds(1 << 40));
    assert!(read(200, &[("ratelimit", &"\"a\";r=1, ".repeat(10_000))]).quotas.is_empty());
    let fields: Vec<_> = (0..100).map(|index| format!("x-ratelimit-remaining-{index}")).collect();
    let fields: Vec<_> = fields.iter().map(|name| (name.as_str(), "5")).collect();
    assert_eq!(read(200, &fields).quotas.len(), 16);
}
