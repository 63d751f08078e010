//! Allow list before deny list before rules.

use ratekeeper_engine::{Decision, Denial, Request};
use ratekeeper_policy::{Attributes, List};

use crate::Setup;

const POLICY: &str = "
lists:
  allow: [ { ip: 192.0.2.0/24, reason: office } ]
  deny: [ { ip: 192.0.2.9 }, { user: mallory, until: 2025-11-25T00:01:00Z, reason: fraud } ]
rules: [ { name: a, limits: [1 per hour] } ]
";

#[test]
fn lists_come_before_rules_and_the_allow_list_first() {
    let setup = Setup::new(POLICY);
    let office = Attributes { ip: Some("192.0.2.9".parse().unwrap()), ..Attributes::default() };
    for _ in 0..3 {
        let outcome = setup.check(&Request::new(office));
        assert_eq!(outcome.decision, Decision::Allow);
        assert_eq!(
            outcome.listed().map(|listed| (listed.list, listed.reason)),
            Some((List::Allow, Some("office")))
        );
        assert!(outcome.limits.is_empty());
    }
    assert!(setup.user("alice").allowed(), "listed requests took nothing");
}

#[test]
fn a_listing_ends_when_it_says() {
    let setup = Setup::new(POLICY);
    let denied = setup.user("mallory");
    assert_eq!(denied.decision, Decision::Deny(Denial::Listed));
    assert_eq!(denied.listed().and_then(|listed| listed.reason), Some("fraud"));
    assert_eq!(denied.retry_after(), None);
    setup.advance(60);
    assert!(setup.user("mallory").allowed());
}
