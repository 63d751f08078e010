//! Redis Sentinel, of both flavours.

use testservers::{Flavour, Sentinel};

#[test]
fn the_replica_takes_over_from_a_master_that_is_killed() {
    let all = Sentinel::start();
    let (first, killed) = (all.master_address(), all.master());
    killed.replicated_command(&["SET", "a", "1"]);
    killed.kill();
    all.wait_until_master_is_not(first);
    assert_ne!(all.master().port(), killed.port());
    assert_eq!(all.master().command(&["GET", "a"]), "1");
    killed.restart();
    all.wait_until_whole();
    assert_eq!(killed.command(&["GET", "a"]), "1", "it follows the new master");
}

#[test]
fn the_replica_takes_over_from_a_master_that_runs() {
    let all = Sentinel::with(Flavour::Valkey);
    let first = all.master_address();
    all.failover();
    assert_ne!(all.master_address(), first);
    assert_eq!(all.master().command(&["SET", "a", "1"]), "OK");
}
