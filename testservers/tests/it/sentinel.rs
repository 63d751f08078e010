//! Redis Sentinel, of both flavours.

use testservers::{Flavour, Sentinel};

#[track_caller]
fn check(flavour: Flavour) {
    let all = Sentinel::with(flavour);
    let first = all.master_address();
    all.master().command(&["SET", "a", "1"]);
    all.failover();
    let second = all.master_address();
    assert_ne!(first, second);
    all.wait_until_whole();
    let killed = all.master();
    killed.kill();
    all.wait_until_master_is_not(second);
    assert_eq!(all.master_address(), first);
    assert_eq!(all.master().command(&["GET", "a"]), "1");
    killed.restart();
    all.wait_until_whole();
}

#[test]
fn the_replica_takes_over() {
    check(Flavour::Redis);
}

#[test]
fn the_replica_takes_over_with_valkey() {
    check(Flavour::Valkey);
}
