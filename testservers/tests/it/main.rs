//! Each server starts, answers, is killed and started again, and is gone with its owner.

mod cluster;
mod dynamodb;
mod memcached;
mod postgres;
mod redis;
mod sentinel;

use std::path::Path;

use testservers::Process;

/// Drops a server and sees that nothing is left of it.
fn is_gone_after_drop<S: std::ops::Deref<Target = Process>>(server: S) {
    let (pid, folder) = (server.pid(), server.folder().to_owned());
    assert!(runs(pid) && folder.exists());
    drop(server);
    assert!(!runs(pid) && !folder.exists());
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
