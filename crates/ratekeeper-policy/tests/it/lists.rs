//! Allow and deny lists.

use ratekeeper_core::Timestamp;
use ratekeeper_policy::{Attributes, List};

use crate::policy;

const SOURCE: &str = "
lists:
  allow:
    - { ip: [192.0.2.0/24, \"2001:db8::/32\"], reason: office }
    - { user: [root, admin], header: { x-key: \"*\" } }
  deny:
    - { ip: 192.0.2.7 }
    - { user: mallory, until: 1970-01-02T00:00:00Z, reason: fraud }
    - { user: mal*, descriptor: { tenant: trial }, reason: trial }
    - { ip: 0.0.0.0/0, user: eve }
    - { user: mallory, reason: later }
rules: []
";

#[test]
fn the_first_entry_that_holds_counts_and_the_allow_list_wins() {
    let policy = policy(SOURCE);
    let listed = |ip: Option<&str>, user, now| {
        let of = Attributes { ip: ip.map(|ip| ip.parse().unwrap()), user, ..Attributes::default() };
        policy.listed(&of, Timestamp::from_micros(now)).map(|listed| (listed.list, listed.reason))
    };
    assert_eq!(listed(None, None, 0), None);
    assert_eq!(listed(Some("192.0.2.7"), None, 0), Some((List::Allow, Some("office"))));
    assert_eq!(listed(Some("::ffff:192.0.2.9"), None, 0), Some((List::Allow, Some("office"))));
    assert_eq!(listed(Some("64:ff9b::192.0.2.9"), None, 0), Some((List::Allow, Some("office"))));
    assert_eq!(listed(Some("2001:db8:ffff::1"), None, 0), Some((List::Allow, Some("office"))));
    assert_eq!(listed(Some("192.0.3.7"), None, 0), None);
    assert_eq!(listed(None, Some("root"), 0), None);
    assert_eq!(listed(None, Some("mallory"), 0), Some((List::Deny, Some("fraud"))));
    assert_eq!(listed(None, Some("mallory"), 86_399_999_999), Some((List::Deny, Some("fraud"))));
    assert_eq!(listed(None, Some("mallory"), 86_400_000_000), Some((List::Deny, Some("later"))));
    assert_eq!(listed(None, Some("eve"), 0), None);
    assert_eq!(listed(Some("8.8.8.8"), Some("eve"), 0), Some((List::Deny, None)));
    assert_eq!(listed(Some("2001:dead::"), Some("eve"), 0), None);
}

#[test]
fn an_address_alone_is_an_entry() {
    for allow in [
        "[192.0.2.0/24, \"2001:db8::1\"]",
        "\n    - 192.0.2.0/24\n    - { user: a }",
        "192.0.2.0/24",
    ] {
        let policy = policy(&format!("lists:\n  allow: {allow}\nrules: []"));
        let of = |ip: &str| Attributes { ip: Some(ip.parse().unwrap()), ..Attributes::default() };
        assert_eq!(policy.listed(&of("192.0.2.9"), Timestamp::EPOCH).unwrap().list, List::Allow);
        assert_eq!(policy.listed(&of("192.0.3.9"), Timestamp::EPOCH), None);
    }
}

#[test]
fn all_that_an_entry_gives_must_hold() {
    let policy = policy(SOURCE);
    let root = Attributes { user: Some("root"), headers: &[("X-Key", "")], ..Attributes::default() };
    assert_eq!(policy.listed(&root, Timestamp::EPOCH).unwrap().list, List::Allow);
    let trial = Attributes {
        user: Some("malcolm"),
        descriptors: &[("tenant", "trial")],
        ..Attributes::default()
    };
    assert_eq!(policy.listed(&trial, Timestamp::EPOCH).unwrap().reason, Some("trial"));
}
