//! Servers that take turns on one core, with their load on another.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server on the first core; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// This program as a floor of this kind.
pub(crate) fn start_floor(kind: &str) -> Server {
    let address = free_address();
    let program = std::env::current_exe().unwrap();
    start(address, pinned(0, &program).args(["--floor", kind, &address.to_string()]))
}

/// The server, with the policy in `folder`, listening where this setting says.
pub(crate) fn start_ratekeeper(folder: &Path, setting: &str) -> Server {
    let address = free_address();
    let mut command = pinned(0, Path::new(env!("CARGO_BIN_EXE_ratekeeper")));
    command.args(["serve", "--policy", "policy.yaml", "--set", "threads=1"]);
    if setting != "listen" {
        command.args(["--listen", &free_address().to_string()]);
    }
    command.args(["--set", &format!("{setting}={address}")]);
    start(address, command.current_dir(folder))
}

/// A program on one core.
pub(crate) fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

// Polls, within a bound.
#[allow(clippy::disallowed_methods)]
fn start(address: SocketAddr, command: &mut Command) -> Server {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let server = Server { child, address };
    let patience = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < patience, "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    server
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The middle one.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
