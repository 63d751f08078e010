//! What operators ask stores without a server: `doctor`, and `key --policy`.

use std::process::Command;

use serde_json::Value;
use testservers::Redis;

use super::Behind;
use crate::server::{CREDENTIALS, Home, ratekeeper};

fn policy(url: &str) -> String {
    format!(
        "stores: {{ shared: \"{url}\" }}
rules: [{{ name: a, key: [user], store: shared, limits: [ 5 per 365 days burst 5 ] }}]\n"
    )
}

/// The exit code, and what was printed.
fn run(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(ratekeeper())
        .args(arguments)
        .envs(CREDENTIALS)
        .args(["--policy".as_ref(), home.path("policy.yaml").as_os_str()])
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_doctor_finds_every_store_well() {
    type Start = fn() -> Behind;
    let stores: [(&str, Start); 5] = [
        ("Redis", Behind::redis),
        ("Redis", Behind::cluster),
        ("PostgreSQL", Behind::postgres),
        ("emcached", Behind::memcached),
        ("DynamoDB", Behind::dynamodb),
    ];
    for (name, start) in stores {
        let behind = start();
        let home = Home::new(&policy(&behind.url));
        let (code, text) = run(&home, &["doctor"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(
            text.contains(name) && text.contains("round trip") && text.contains("atomic units"),
            "{text}"
        );
        let (_, text) = run(&home, &["doctor", "--format", "json"]);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert!(json["stores"][0]["round_trip_us"]["median"].as_u64().unwrap() > 0, "{json}");
    }
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let redis = Redis::start();
    redis.command(&["CONFIG", "SET", "maxmemory", "100mb"]);
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let home = Home::new(&policy(&redis.url()));
    let (_, text) = run(&home, &["doctor"]);
    assert!(text.contains("maxmemory-policy") && text.contains("noeviction"), "{text}");
    redis.kill();
    let (code, text) = run(&home, &["doctor"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("problem: the store is unavailable"), "{text}");
}

#[test]
fn counters_are_seen_and_reset_at_the_store_itself() {
    let behind = Behind::redis();
    let home = Home::new(&policy(&behind.url));
    let (code, text) = run(&home, &["key", "charge", "--cost", "3", "a", "user=alice"]);
    assert_eq!((code, text.contains(": 2 left")), (Some(0), true), "{text}");
    let (_, text) = run(&home, &["key", "get", "a", "user=alice"]);
    assert!(text.contains(": 2 left"), "{text}");
    let (_, text) = run(&home, &["key", "reset", "a", "user=alice"]);
    assert!(text.contains(": 5 left"), "{text}");
    let (code, text) = run(&home, &["key", "get", "b", "user=alice"]);
    assert_eq!((code, text.contains("no such rule; it has a")), (Some(4), true), "{text}");
}
