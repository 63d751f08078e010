//! PostgreSQL, and the pooler in front of it.

use std::process::Command;

use testservers::{Pooler, Postgres};

use crate::is_gone_after_drop;

#[test]
fn it_starts_answers_and_comes_back_with_its_data() {
    let server = Postgres::with(&["max_connections=20"]);
    assert_eq!(server.psql("SHOW max_connections"), "20");
    server.psql("CREATE TABLE a AS SELECT 1 AS b, 'x' AS c");
    std::thread::scope(|scope| {
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
        scope.spawn(|| {
            let mut psql = Command::new("/usr/lib/postgresql/15/bin/psql");
            let said = psql.args(["-d", &server.url(), "-c", "SELECT pg_sleep(60)"]).output().unwrap();
            assert!(!said.status.success());
        });
        testservers::eventually("a query runs", || (server.psql(asleep) == "1").then_some(()));
        server.kill();
    });
    server.restart();
    assert_eq!(server.psql("SELECT * FROM a"), "1|x");
    server.pause();
    is_gone_after_drop(server);
}

#[test]
fn the_pooler_lends_connections_for_a_transaction() {
    let server = Postgres::shared();
    let pooler = Pooler::in_front_of(server);
    let mut psql = Command::new("/usr/lib/postgresql/15/bin/psql");
    let said = psql.args(["-XAtd", &pooler.url(), "-c", "SELECT current_user"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "postgres\n");
    is_gone_after_drop(pooler);
    assert_eq!(server.psql("SELECT 1"), "1");
}
