//! All ways to connect: encrypted, through a socket, with users and passwords, by sentinels.

use ratekeeper_core::Key;
use ratekeeper_store::testkit::{self, Outcome, Subject};
use ratekeeper_store::{StoreError, StoreExt as _};
use testservers::{Redis, RedisOptions, Sentinel};

use crate::support::{limit, sentinel_url, store, subject, take, wait};

/// A few cases of the suite: what the way to the server could spoil.
fn examine(subject: impl Fn() -> Subject) {
    let cases = [
        "token_bucket_answers_like_step",
        "every_byte_is_kept",
        "many_checks_and_many_units",
        "many_threads_get_exactly_what_there_is",
        "an_answer_given_up_spoils_no_other",
    ];
    for case in cases {
        assert_eq!(testkit::check(case, subject()), Outcome::Passed, "{case}");
    }
}

#[test]
fn a_socket_of_the_file_system() {
    let url = format!("unix://{}?db=1", Redis::shared().socket().display());
    examine(|| subject(&url));
}

#[test]
fn encrypted_with_a_user_who_may_do_no_more_than_is_needed() {
    let acl = "user default off\n\
               user rk on >w%nder@ ~rk:* +eval +evalsha +mget +psetex +setrange +del +time +select\n";
    let options = RedisOptions { tls: true, acl: Some(acl.to_owned()), ..RedisOptions::default() };
    let redis = Redis::with(options);
    let (ca, address) = (redis.certificates().authority.display(), redis.tls_address());
    let url = |password: &str| format!("rediss://rk:{password}@{address}/2?prefix=rk:&ca={ca}");
    examine(|| subject(&url("w%25nder%40")));
    assert_eq!(redis.command(&["ACL", "LOG"]), "", "nothing was refused");

    let refused = wait(take(&store(&url("secret")), b"a", &limit(1))).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Misconfigured { reason } if !reason.contains("secret")),
        "{refused}"
    );
    let foreign = format!("rediss://rk:w%25nder%40@{address}/2?ca={ca}");
    let refused = wait(take(&store(&foreign), b"a", &limit(1))).unwrap_err();
    assert!(refused.to_string().contains("+evalsha"), "keys without the prefix: {refused}");
}

#[test]
fn certificates_that_are_not_trusted_are_refused() {
    let redis = Redis::with(RedisOptions { tls: true, ..RedisOptions::default() });
    let other = Redis::with(RedisOptions { tls: true, ..RedisOptions::default() });
    let ca = other.certificates().authority.display();
    let refused = wait(take(&store(&format!("rediss://{}?ca={ca}", redis.tls_address())), b"a", &limit(1)));
    assert!(refused.unwrap_err().to_string().contains("certificate"));
}

#[test]
fn a_password_alone() {
    let redis = Redis::with(RedisOptions { password: Some("wonder".to_owned()), ..RedisOptions::default() });
    assert_eq!(wait(take(&store(&redis.url()), b"a", &limit(1))), Ok(true));
    let unknown = wait(take(&store(&format!("redis://{}", redis.address())), b"a", &limit(1)));
    assert!(matches!(unknown, Err(StoreError::Misconfigured { .. })), "{unknown:?}");
}

#[test]
fn a_master_that_sentinels_know() {
    let sentinel = Sentinel::start();
    examine(|| subject(&sentinel_url(&sentinel)));
    let unknown = sentinel_url(&sentinel).replace(sentinel.name(), "nobody");
    let unknown = wait(take(&store(&unknown), b"a", &limit(1))).unwrap_err();
    assert!(unknown.to_string().contains("knows no master \"nobody\""), "{unknown}");
}

#[test]
fn keys_begin_with_the_prefix_and_live_as_long_as_they_count() {
    let redis = Redis::start();
    let store = store(&format!("{}?prefix=rk%3A", redis.url()));
    // A second and up to a sixteenth of it, and a minute more.
    let limit = ratekeeper_core::Limit::token_bucket(10, ratekeeper_core::Micros::SECOND).unwrap();
    wait(store.take(Key::new(b"alice").unwrap(), &limit, 10)).unwrap();
    assert_eq!(redis.command(&["KEYS", "*"]), "rk:alice");
    let lives: u64 = redis.command(&["PTTL", "rk:alice"]).parse().unwrap();
    assert!((60_000..=61_080).contains(&lives), "{lives}");
}

#[test]
fn what_is_no_counter_is_not_taken_for_one() {
    let redis = Redis::start();
    redis.command(&["SET", "alice", "somebody else's"]);
    redis.command(&["SET", "bob", "somebody else's, and longer than a state is"]);
    let store = store(&redis.url());
    for key in [b"alice".as_slice(), b"bob"] {
        let refused = wait(take(&store, key, &limit(1))).unwrap_err();
        assert!(matches!(refused, StoreError::Misconfigured { .. }), "{refused}");
    }
}
