//! `DynamoDB` Local.

use testservers::DynamoDb;

use crate::is_gone_after_drop;

#[test]
fn it_starts_and_comes_back() {
    let server = DynamoDb::start();
    assert_eq!(server.url(), format!("http://{}", server.address()));
    server.kill();
    assert!(!server.is_running());
    server.restart();
    assert!(server.is_running());
    is_gone_after_drop(server);
}
