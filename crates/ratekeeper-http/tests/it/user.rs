//! Who the user is, told by hostile requests too.

#[cfg(feature = "jwt")]
mod jwt;

use http::{HeaderMap, HeaderValue, Request};
use proptest::prelude::*;
use ratekeeper_core::Timestamp;
use ratekeeper_http::{ApiKey, Asked, FromHeader, Identify};

/// The beginning of a minute.
const START: Timestamp = Timestamp::from_micros(1_764_028_800_000_000);

/// Who asks, for `/?query` with these header lines.
fn asks_at(
    now: Timestamp,
    user: &impl Identify,
    query: &str,
    lines: &[(&'static str, &[u8])],
) -> Option<String> {
    let (mut head, ()) = Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
    head.headers = HeaderMap::new();
    for (name, value) in lines {
        head.headers.append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    user.identify(&Asked::new(&head, now)).map(Into::into)
}

fn asks(user: &impl Identify, query: &str, lines: &[(&'static str, &[u8])]) -> Option<String> {
    asks_at(START, user, query, lines)
}

#[test]
fn a_header_names_the_user_if_it_is_there_once() {
    let user = FromHeader::new("X-Remote-User");
    assert_eq!(asks(&user, "", &[("x-remote-user", b"alice")]).as_deref(), Some("alice"));
    assert_eq!(asks(&user, "", &[("x-remote_user", b"alice")]), None);
    let values: [&[&[u8]]; 5] = [
        &[],
        &[b""],
        &[b"\xff\xfe"],
        &[b"alice", b"bob"],
        &[b"alice", b"alice"],
    ];
    for none in values {
        let lines: Vec<_> = none.iter().map(|value| ("x-remote-user", *value)).collect();
        assert_eq!(asks(&user, "", &lines), None, "{none:?}");
    }
}

#[test]
fn a_key_is_known_by_its_hash_alone() {
    let found = asks(&ApiKey::header("X-Api-Key"), "", &[("x-api-key", b"s3cret")]).unwrap();
    assert!(found.starts_with("key:") && found.len() == 36 && !found.contains("s3cret"), "{found}");
    let other = asks(&ApiKey::header("x-api-key"), "", &[("x-api-key", b"s3cret2")]).unwrap();
    assert_ne!(found, other);
    assert_eq!(asks(&ApiKey::bearer(), "", &[("authorization", b"bearer s3cret")]), Some(found.clone()));
    assert_eq!(asks(&ApiKey::query("key"), "a=b&key=s3cret", &[]), Some(found));
}

#[test]
fn a_key_that_is_spelled_otherwise_is_the_same() {
    let user = ApiKey::query("api_key");
    let plain = asks(&user, "api_key=a+b%2Bc", &[]);
    assert!(plain.is_some());
    assert_eq!(asks(&user, "api%5Fkey=%61%20b%2bc", &[]), plain);
    assert_eq!(asks(&user, "&&api_key=a%20b%2Bc&", &[]), plain);
}

#[test]
fn a_key_is_taken_if_it_is_there_once_and_of_reasonable_length() {
    let user = ApiKey::query("key");
    for none in [
        "",
        "key",
        "key=",
        "key=a&key=b",
        "key=a&k%65y=a",
        "KEY=a",
        "key=%ff",
        "key=a%80",
        "key=%EF%BF%BD",
    ] {
        assert_eq!(asks(&user, none, &[]), None, "{none:?}");
    }
    let long = vec![b'a'; 1025];
    assert_eq!(asks(&ApiKey::header("x-api-key"), "", &[("x-api-key", &long)]), None);
    assert!(asks(&ApiKey::header("x-api-key"), "", &[("x-api-key", &long[1..])]).is_some());
}

#[test]
fn an_account_is_named_by_who_knows_the_keys() {
    let user = ApiKey::bearer().account(|key| (key == "s3cret").then(|| "acme".to_owned()));
    assert_eq!(asks(&user, "", &[("authorization", b"Bearer s3cret")]).as_deref(), Some("acme"));
    for none in [
        "Bearer other",
        "Bearer",
        "Bearer ",
        "Basic s3cret",
        "s3cret",
        "Bearer s3cret s3cret",
    ] {
        assert_eq!(asks(&user, "", &[("authorization", none.as_bytes())]), None, "{none:?}");
    }
}

#[test]
fn the_first_one_that_knows_is_believed() {
    let user = FromHeader::new("x-a").or(FromHeader::new("x-b")).or(FromHeader::new("x-c"));
    assert_eq!(asks(&user, "", &[("x-c", b"carol"), ("x-b", b"bob")]).as_deref(), Some("bob"));
    assert_eq!(asks(&user, "", &[("x-d", b"dave")]), None);
}

#[test]
fn secrets_are_not_shown() {
    let (head, ()) = Request::get("/?key=s3cret")
        .header("authorization", "Bearer s3cret")
        .body(())
        .unwrap()
        .into_parts();
    assert!(!format!("{:?}", Asked::new(&head, START)).contains("s3cret"));
}

proptest! {
    #[test]
    fn whatever_is_sent_is_read_without_a_panic(query in "[ -~&&[^#<>\"`{}| ]]*", value in "[ -~\u{80}-\u{ff}]*") {
        let lines: &[(&'static str, &[u8])] = &[("authorization", value.as_bytes())];
        for user in [ApiKey::header("authorization"), ApiKey::bearer(), ApiKey::query("key")] {
            let found = asks(&user, &query, lines);
            prop_assert!(found.is_none_or(|user| user.len() == 36));
        }
    }
}
