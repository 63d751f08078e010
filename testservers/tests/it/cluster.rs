//! Redis Cluster, of both flavours.

use testservers::{Cluster, Flavour, RedisOptions};

#[track_caller]
fn check(flavour: Flavour, password: Option<&str>) {
    let password = password.map(str::to_owned);
    let cluster = Cluster::with(&RedisOptions { flavour, password, ..RedisOptions::default() });
    let (slot, pids) = (cluster.slot("a"), cluster.nodes().iter().map(|node| node.pid()));
    let pids: Vec<_> = pids.collect();
    let master = cluster.master_of_slot(slot);
    assert_eq!(master.replicated_command(&["SET", "a", "1"]), "OK");
    master.kill();
    cluster.wait_until_ok();
    let successor = cluster.master_of_slot(slot);
    assert_ne!(successor.port(), master.port());
    assert_eq!(successor.command(&["GET", "a"]), "1");
    master.restart();
    cluster.wait_until_whole();
    drop(cluster);
    assert!(!pids.into_iter().any(crate::runs));
}

#[test]
fn a_replica_takes_over() {
    check(Flavour::Redis, None);
}

#[test]
fn a_replica_takes_over_with_valkey_and_a_password() {
    check(Flavour::Valkey, Some("secret"));
}
