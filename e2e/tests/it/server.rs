//! The server as a process of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
pub(crate) use testservers::free_address;

use crate::client::{Client, eventually};
use crate::workspace;

/// The operator token of test servers, and its hash as the configuration has it.
pub(crate) const OPERATOR: &str = "rk_operator-of-the-tests";
const OPERATOR_HASH: &str = "sha256:9d264d111d004d78890a465316a63023873b717b729716d33193e7697293b536";

/// Of no account: the table of the tests is on this machine.
pub(crate) const CREDENTIALS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")];

/// Where a server runs: its policy, its state, its logs.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new(policy: &str) -> Self {
        let home = Self { folder: TempDir::new().unwrap() };
        home.write("policy.yaml", policy);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The hash of a token, as the settings have it.
    pub(crate) fn hash_of(&self, token: &str) -> String {
        self.write("token", token);
        let said = Command::new("sha256sum").arg(self.path("token")).output().unwrap();
        let digest = String::from_utf8(said.stdout).unwrap();
        format!("sha256:{}", digest.split_whitespace().next().unwrap())
    }

    /// Starts a server on a free port, and waits until it is ready.
    pub(crate) async fn start(&self, arguments: &[&str]) -> Server {
        self.start_at(free_address(), arguments).await
    }

    pub(crate) async fn start_at(&self, address: SocketAddr, arguments: &[&str]) -> Server {
        self.start_unwatched(address, arguments).ready().await
    }

    /// Starts a server with the configuration of envoyproxy/ratelimit in the folder `config`.
    pub(crate) async fn start_imported(&self, arguments: &[&str]) -> Server {
        self.serve(free_address(), ["--envoy-config", "config"], arguments).ready().await
    }

    /// Starts a server, and leaves it to the caller to see when it is ready.
    pub(crate) fn start_unwatched(&self, address: SocketAddr, arguments: &[&str]) -> Server {
        self.serve(address, ["--policy", "policy.yaml"], arguments)
    }

    fn serve(&self, address: SocketAddr, what: [&str; 2], arguments: &[&str]) -> Server {
        let mut command = Command::new(ratekeeper());
        command
            .arg("serve")
            .args(what)
            .args(["--listen", &address.to_string()])
            .args(arguments)
            .env("RATEKEEPER_OPERATOR_TOKENS", OPERATOR_HASH);
        self.spawn(command, address)
    }

    /// Starts a server as somebody does who has read nothing.
    pub(crate) fn start_without_arguments(&self) -> Server {
        self.spawn(Command::new(ratekeeper()), SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    /// Starts a server that listens on a socket of somebody else's, handed over as systemd does.
    pub(crate) fn start_with_socket(&self, socket: &TcpListener, address: SocketAddr) -> Server {
        let mut command = Command::new("sh");
        // The shell has the process id that the server will have.
        command
            .args([
                "-c",
                "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve --policy policy.yaml 3<&0",
            ])
            .arg(ratekeeper())
            .stdin(OwnedFd::from(socket.try_clone().unwrap()));
        self.spawn(command, address)
    }

    fn spawn(&self, mut command: Command, address: SocketAddr) -> Server {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        command
            .current_dir(self.folder.path())
            .envs(CREDENTIALS)
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        Server { child: command.spawn().unwrap(), address, log: self.path("log") }
    }
}

/// A server that runs; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Waits until it is ready.
    async fn ready(mut self) -> Self {
        eventually("the server is ready", async || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            Client::connect(self.address)
                .await
                .ok()?
                .get("/readyz")
                .await
                .ok()
                .filter(|answer| answer.status == 200)
        })
        .await;
        self
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await.unwrap()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        eventually("the server ends", async || self.child.try_wait().unwrap()).await
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program under test: as the test command has built it, or built for this run alone.
#[allow(
    clippy::disallowed_methods,
    reason = "the way from the test command to its tests"
)]
pub(crate) fn ratekeeper() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(program) = std::env::var_os("RATEKEEPER_TEST_PROGRAM") {
            return program.into();
        }
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--quiet",
            "--workspace",
            "--all-features",
            "--bin",
            "ratekeeper",
        ]);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.current_dir(workspace()).status().unwrap().success(), "the server can be built");
        profile.join("ratekeeper")
    })
}

/// How long anything may take, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
