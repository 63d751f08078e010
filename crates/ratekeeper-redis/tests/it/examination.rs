//! What the store says of its servers.

use ratekeeper_store::{Examination, Severity, Store as _};
use testservers::{Redis, RedisOptions};

use crate::support::{cluster, cluster_url, store, valkey, wait};

fn examine(url: &str) -> Examination {
    wait(store(url).examine()).unwrap()
}

fn has(examination: &Examination, severity: Severity, what: &str) -> bool {
    let mut findings = examination.findings.iter();
    findings.any(|found| found.severity == severity && found.what.contains(what) && !found.remedy.is_empty())
}

#[test]
fn servers_say_what_they_are_and_what_is_wrong() {
    let redis = Redis::start();
    let examination = examine(&redis.url());
    assert_eq!(examination.servers, [format!("Redis {}", redis.info("redis_version"))]);
    assert!(examination.time.is_some());
    assert_eq!(examination.findings.len(), 1, "{examination:?}");
    assert!(has(&examination, Severity::Warning, "a restart forgets"));
    assert_eq!(redis.command(&["KEYS", "*"]), "", "nothing is left behind");

    redis.command(&["CONFIG", "SET", "appendonly", "yes"]);
    assert_eq!(examine(&redis.url()).findings, []);
    redis.command(&[
        "CONFIG",
        "SET",
        "maxmemory",
        "100mb",
        "maxmemory-policy",
        "volatile-ttl",
    ]);
    assert!(has(&examine(&redis.url()), Severity::Problem, "volatile-ttl"));
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
    assert!(has(&examine(&redis.url()), Severity::Problem, "it is a replica"));
}

#[test]
fn what_is_not_allowed_is_told_with_the_rule_that_would_be_right() {
    let acl = "user default off\nuser rk on nopass ~other:* +@all -evalsha\n".to_owned();
    let redis = Redis::with(RedisOptions { acl: Some(acl), ..RedisOptions::default() });
    let url = format!("redis://rk:x@{}?prefix=rk:", redis.address());
    let examination = examine(&url);
    let problems = || examination.findings.iter().filter(|found| found.severity == Severity::Problem);
    let remedy = problems().map(|found| found.remedy.clone()).next().unwrap();
    let rules: Vec<&str> = remedy.strip_prefix("ACL SETUSER <user> ").unwrap().split_whitespace().collect();
    redis.command(
        &[
            ["ACL", "SETUSER", "rk", "reset", "on", "nopass"].as_slice(),
            &rules,
        ]
        .concat(),
    );
    let examination = examine(&url);
    assert!(
        examination.findings.iter().all(|found| found.severity == Severity::Warning),
        "{examination:?}"
    );
}

#[test]
fn valkey_and_clusters_are_known() {
    let examination = examine(&valkey().url());
    assert!(examination.servers[0].starts_with("Valkey "), "{examination:?}");
    let examination = examine(&cluster_url(cluster()));
    assert_eq!(examination.servers.len(), 3);
    assert!(has(&examination, Severity::Warning, "min-replicas-to-write"), "{examination:?}");
    assert!(
        examination.findings.iter().all(|found| found.severity == Severity::Warning),
        "{examination:?}"
    );
}
