//! The real command, as users run it: one binary, a module for each command or promise.

// The helpers are test code too, which clippy sees in test functions only.
#![allow(clippy::unwrap_used, clippy::panic)]

mod check;
mod decisions;
mod documents;
mod explain;
mod generate;
mod hostile;
mod import;
mod logs;
mod pipes;
mod summary;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// 3 March 2026, 12:00 UTC: the beginning of a minute and an hour.
const NOON: u64 = 1_772_539_200;

/// The command, with nothing of the caller's environment that changes what it prints.
fn ratekeeper() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratekeeper"));
    command.env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR").env("COLUMNS", "100");
    command
}

/// What a command left behind.
#[derive(Debug)]
struct Finished {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Finished {
    /// Its output, after success without any complaint.
    #[track_caller]
    fn success(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// What it complained about, after failure with `code`.
    #[track_caller]
    fn failure(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self.err
    }
}

/// An empty directory to run commands in.
struct Sandbox(TempDir);

impl Sandbox {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A directory with this policy in `policy.yaml`.
    fn with_policy(policy: &str) -> Self {
        Self::new().file("policy.yaml", policy)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ratekeeper();
        command.current_dir(self.0.path()).args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        self.command(arguments).output().unwrap().into()
    }

    fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Finished {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A command that fails early reads no further.
            scope.spawn(move || stdin.write_all(input).ok());
            child.wait_with_output().unwrap().into()
        })
    }

    /// Replays `access.log` and returns the decisions.
    #[track_caller]
    fn decisions(&self) -> String {
        let arguments = [
            "replay",
            "--policy",
            "policy.yaml",
            "--decisions",
            "decisions",
            "access.log",
        ];
        self.run(&arguments).success();
        self.read("decisions")
    }
}

/// The top of the workspace.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap()
}

/// A line of a combined log, `seconds` after noon.
fn request(seconds: i64, ip: &str, user: &str, path: &str) -> String {
    let seconds = 12 * 3600 + seconds;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{ip} - {user} [03/Mar/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" 200 9 \"-\" \"-\"\n"
    )
}
