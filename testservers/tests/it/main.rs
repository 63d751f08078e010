//! Each server starts, answers, is killed and started again, and is gone with its owner.

mod cluster;
mod dynamodb;
mod memcached;
mod postgres;
mod redis;
mod sentinel;

use std::path::Path;
use std::process::Command;

use testservers::{Process, Redis, eventually};

/// Drops a server and sees that nothing is left of it.
fn is_gone_after_drop<S: std::ops::Deref<Target = Process>>(server: S) {
    let (pid, folder) = (server.pid(), server.folder().to_owned());
    assert!(runs(pid) && folder.exists());
    drop(server);
    assert!(!runs(pid) && !folder.exists());
}

fn runs(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // What has ended may wait for somebody to take note.
    state.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

/// What is static is not dropped, and what is killed drops nothing.
#[test]
fn nothing_outlives_the_process_that_started_it() {
    let own = std::env::current_exe().unwrap();
    let said = Command::new(own)
        .args(["--exact", "the_shared_one_outlives_its_thread", "--nocapture"])
        .output();
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    let line = said
        .lines()
        .find_map(|line| line.split_once("shared: "))
        .unwrap_or_else(|| panic!("{said}"))
        .1;
    let (pid, folder) = line.split_once(' ').unwrap();
    let folder = Path::new(folder);
    eventually("it is gone", || (!runs(pid.parse().unwrap()) && !folder.exists()).then_some(()));
}

#[test]
fn the_shared_one_outlives_its_thread() {
    let ask = || Redis::shared().command(&["PING"]);
    assert_eq!(std::thread::spawn(ask).join().unwrap(), "PONG");
    assert_eq!(ask(), "PONG");
    println!("shared: {} {}", Redis::shared().pid(), Redis::shared().folder().display());
}
