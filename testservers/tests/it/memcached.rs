//! memcached.

use testservers::Memcached;

use crate::is_gone_after_drop;

#[test]
fn nodes_start_answer_and_come_back_empty() {
    let nodes = [Memcached::start(), Memcached::start()];
    assert_ne!(nodes[0].address(), nodes[1].address());
    for node in nodes {
        assert_eq!(node.command("set a 0 0 1\r\nx"), "STORED");
        assert_eq!(node.command("get a"), "VALUE a 0 1");
        node.kill();
        assert!(!node.is_running());
        node.restart();
        assert_eq!(node.command("get a"), "END");
        node.pause();
        node.resume();
        assert_eq!(node.command("get a"), "END");
        is_gone_after_drop(node);
    }
}
