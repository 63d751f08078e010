//! What is counted, and what is not.

use std::time::Duration;

use ratekeeper_envoy::Code::{Ok as Passes, OverLimit};
use ratekeeper_envoy::{RateLimitDescriptor, RateLimitRequest, RateLimitUnit, Unit};

use tokio::time::Instant;

use super::{codes, descriptor, hits, limited, started, user, web};
use crate::client::eventually;

const POLICY: &str = "
rules:
  - { name: per-user, match: { domain: web, entries: [user] }, limits: 10 per day }
  - { name: tight, match: { domain: web, entries: [tight] }, limits: 1 per day }
";

#[tokio::test(flavor = "multi_thread")]
async fn hits_are_those_of_the_descriptor_before_those_of_the_request() {
    let (_home, _server, mut asking) = started(POLICY, &[]).await;
    let request = RateLimitRequest { hits_addend: 3, ..web([user("ann"), hits(user("bob"), 2)]) };
    let response = asking.ask(request).await.unwrap();
    assert_eq!((response.statuses[0].limit_remaining, response.statuses[1].limit_remaining), (7, 8));
    for _ in 0..3 {
        assert_eq!(asking.left(user("ann")).await, 7, "who only looks takes nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_is_refused_when_nothing_is_left() {
    let (_home, _server, mut asking) = started(POLICY, &[]).await;
    let tight = || descriptor(&[("tight", "")]);
    assert_eq!(codes(&asking.web([hits(tight(), 0)]).await), (Passes, vec![Passes]));
    asking.web([tight()]).await;
    assert_eq!(codes(&asking.web([hits(tight(), 0)]).await), (OverLimit, vec![OverLimit]));
}

#[tokio::test(flavor = "multi_thread")]
async fn negative_hits_are_given_back_and_no_more_than_were_taken() {
    let (_home, _server, mut asking) = started(POLICY, &[]).await;
    let back = |count| RateLimitDescriptor { is_negative_hits: true, ..hits(user("ann"), count) };
    asking.web([hits(user("ann"), 5)]).await;
    let response = asking.web([back(2)]).await;
    assert_eq!((codes(&response), response.statuses[0].limit_remaining), ((Passes, vec![Passes]), 7));
    asking.web([back(u64::MAX)]).await;
    assert_eq!(asking.left(user("ann")).await, 10);
    asking.web([hits(user("ann"), 10)]).await;
    let response = asking.web([back(1)]).await;
    assert_eq!(codes(&response), (Passes, vec![Passes]), "it asks for nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_takes_nothing_from_the_other_descriptors() {
    let (_home, _server, mut asking) = started(POLICY, &[]).await;
    let both = || [user("ann"), descriptor(&[("tight", "")])];
    assert_eq!(asking.web(both()).await.overall_code(), Passes);
    for _ in 0..5 {
        let response = asking.web(both()).await;
        assert_eq!(codes(&response), (OverLimit, vec![Passes, OverLimit]));
        assert_eq!(response.statuses[0].limit_remaining, 9);
    }
}

/// Such as the tokens of an answer, which are known only when it is there.
#[tokio::test(flavor = "multi_thread")]
async fn several_hits_that_are_refused_take_what_is_left() {
    let (_home, _server, mut asking) = started(POLICY, &[]).await;
    asking.web([hits(user("ann"), 4)]).await;
    let response = asking.web([hits(user("ann"), 7), hits(user("bob"), 11), hits(user("eve"), 2)]).await;
    assert_eq!(codes(&response), (OverLimit, vec![OverLimit, OverLimit, Passes]));
    assert_eq!(asking.left(user("ann")).await, 0);
    assert_eq!(asking.left(user("bob")).await, 0);
    assert_eq!(asking.left(user("eve")).await, 10, "a limit that does not refuse is not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_brought_along_is_used_instead_of_those_of_the_policy() {
    let (_home, _server, mut asking) = started(POLICY, &[]).await;
    let own = |count| limited(user("ann"), count, RateLimitUnit::Year);
    for left in [1, 0] {
        let response = asking.web([own(2)]).await;
        let status = &response.statuses[0];
        let limit = status.current_limit.clone().unwrap();
        assert_eq!((status.code(), status.limit_remaining), (Passes, left));
        assert_eq!((limit.requests_per_unit, limit.unit(), limit.name.as_str()), (2, Unit::Year, ""));
        assert!((1..=365 * 86_400).contains(&status.duration_until_reset.as_ref().unwrap().seconds));
    }
    assert_eq!(codes(&asking.web([own(2)]).await), (OverLimit, vec![OverLimit]));
    assert_eq!(asking.web([own(3)]).await.overall_code(), Passes, "the same counter under another limit");
    assert_eq!(codes(&asking.web([own(0)]).await), (OverLimit, vec![OverLimit]));
    let unknown = limited(descriptor(&[("nobody", "knows")]), 1, RateLimitUnit::Month);
    assert_eq!(asking.web([unknown.clone()]).await.overall_code(), Passes);
    assert_eq!(asking.web([unknown]).await.overall_code(), OverLimit);
    assert_eq!(asking.left(user("ann")).await, 10);
    let elsewhere = RateLimitRequest { domain: "nobody's".to_owned(), ..web([own(0)]) };
    let passed = asking.ask(elsewhere).await.unwrap();
    assert_eq!(codes(&passed), (Passes, vec![Passes]), "a domain that nobody has configured");
    assert_eq!(passed.statuses[0].current_limit, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_rules_count_and_let_pass() {
    let policy = POLICY.replace("limits: 1 per day", "limits: 1 per day, mode: shadow");
    let (_home, _server, mut asking) = started(&policy, &[]).await;
    let tight = || descriptor(&[("tight", "")]);
    for left in [9, 8, 7] {
        let response = asking.web([user("ann"), tight()]).await;
        assert_eq!(codes(&response), (Passes, vec![Passes, Passes]));
        assert_eq!((response.statuses[0].limit_remaining, response.statuses[1].limit_remaining), (left, 0));
    }
    let own = limited(tight(), 1, RateLimitUnit::Year);
    asking.web([own.clone()]).await;
    assert_eq!(
        asking.web([own]).await.overall_code(),
        OverLimit,
        "whose limit it is not is not in shadow"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_shadow_as_a_whole_only_the_statuses_refuse() {
    let (_home, _server, mut asking) = started(POLICY, &["envoy.shadow_mode=true"]).await;
    let tight = || descriptor(&[("tight", "")]);
    asking.web([tight()]).await;
    assert_eq!(codes(&asking.web([tight()]).await), (Passes, vec![OverLimit]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_quota_that_is_left_is_enough() {
    let policy = "
rules:
  - { name: small, match: { domain: web, entries: [small] }, limits: 1 per day, mode: quota }
  - { name: large, match: { domain: web, entries: [large] }, limits: 2 per day, mode: quota }
  - { name: hard, match: { domain: web, entries: [hard] }, limits: 3 per day }
";
    let (_home, _server, mut asking) = started(policy, &[]).await;
    let all = || ["small", "large", "hard"].map(|key| descriptor(&[(key, "")]));
    assert_eq!(codes(&asking.web(all()).await), (Passes, vec![Passes; 3]));
    assert_eq!(codes(&asking.web(all()).await), (Passes, vec![OverLimit, Passes, Passes]));
    assert_eq!(codes(&asking.web(all()).await), (OverLimit, vec![OverLimit, OverLimit, Passes]));
    let [small, _, hard] = all();
    assert_eq!(asking.left(hard).await, 1, "refused as a whole, nothing is taken");
    assert_eq!(codes(&asking.web([small]).await), (OverLimit, vec![OverLimit]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_replaces_another_for_the_whole_request() {
    let policy = "
rules:
  - { name: all, match: { domain: web, entries: [all] }, limits: 1 per day, envoy: { name: everybody } }
  - { name: vip, match: { domain: web, entries: { key: user, value: vip } }, limits: unlimited, replaces: everybody }
";
    let (_home, _server, mut asking) = started(policy, &[]).await;
    let all = || descriptor(&[("all", "")]);
    for _ in 0..3 {
        let response = asking.web([all(), user("vip")]).await;
        assert_eq!(codes(&response), (Passes, vec![Passes, Passes]));
        assert_eq!(
            (&response.statuses[0].current_limit, response.statuses[1].limit_remaining),
            (&None, u32::MAX)
        );
    }
    assert_eq!(asking.left(all()).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_queue_is_answered_when_it_is_his_turn() {
    let policy = "
rules:
  - name: queue
    match: { domain: web, entries: [queue] }
    limits: { rate: 1 per 300ms, algorithm: leaky_bucket, max_delay: 1s }
";
    let (_home, _server, mut asking) = started(policy, &[]).await;
    let queue = || descriptor(&[("queue", "")]);
    asking.web([queue()]).await;
    let began = Instant::now();
    assert_eq!(codes(&asking.web([queue()]).await), (Passes, vec![Passes]));
    assert!(
        began.elapsed() > Duration::from_millis(100),
        "the delay is waited out: {:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_hits_are_counted_beside_rules_that_ride_along_and_of_nobody_else() {
    let policy = POLICY.to_owned()
        + "
  - { name: trial, match: { domain: web, entries: [user] }, limits: 50 per day, mode: shadow }
  - { name: narrow, match: { domain: web, entries: [user] }, limits: 1 per day, mode: shadow }
  - { name: slots, match: { domain: web, entries: [slot] }, limits: [1 concurrent ttl 60s, 1000 per second] }
";
    let (_home, _server, mut asking) = started(&policy, &[]).await;
    assert_eq!(asking.web([hits(user("ann"), 7)]).await.overall_code(), Passes);
    assert_eq!(asking.web([hits(user("ann"), 7)]).await.overall_code(), OverLimit);
    assert_eq!(asking.web([user("ann")]).await.overall_code(), OverLimit, "the rest was counted");
    let tight = || hits(descriptor(&[("tight", "1")]), 5);
    assert_eq!(asking.web([hits(user("bob"), 5), tight()]).await.overall_code(), OverLimit);
    assert_eq!(asking.web([hits(user("bob"), 10)]).await.overall_code(), Passes, "another one refused");
    let slot = |count| hits(descriptor(&[("slot", "1")]), count);
    assert_eq!(asking.web([slot(5000)]).await.overall_code(), OverLimit);
    eventually("no slot is held for what was refused", async || {
        (asking.web([slot(1)]).await.overall_code() == Passes).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_limits_on_one_counter_the_stricter_holds() {
    let (_home, _server, mut asking) = started(POLICY, &[]).await;
    let own = |count| limited(user("ann"), count, RateLimitUnit::Year);
    assert_eq!(codes(&asking.web([own(100), own(1)]).await), (OverLimit, vec![OverLimit, OverLimit]));
    assert_eq!(codes(&asking.web([own(2), own(100)]).await), (Passes, vec![Passes, Passes]));
}
