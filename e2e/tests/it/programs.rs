//! Programs of others: proxies in front, and judges of what we serve.

mod caddy;
mod collector;
mod envoy;
mod judges;
mod nginx;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::workspace;

/// A program that runs until it is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(
            command
                .stdin(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first, so that it ends its own children.
        _ = Command::new("kill").arg(self.0.id().to_string()).status();
        _ = self.0.wait();
    }
}

/// Where the test command installs what is not of this system.
pub(crate) fn needs() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().join("needs")
}

/// A program of the Python environment that the test command installs.
pub(crate) fn python_program(name: &str) -> PathBuf {
    let program = needs().join("python/bin").join(name);
    assert!(program.exists(), "{} is missing: `cargo xtask test` installs it", program.display());
    program
}

/// The code of a guide: its first fenced block of this language.
pub(crate) fn code(guide: &str, language: &str) -> String {
    let path = workspace().join("docs/guide").join(guide);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let start = format!("```{language}\n");
    let block = text.split(&start).nth(1).unwrap_or_else(|| panic!("{guide} has no {language}"));
    block.split("```").next().unwrap().to_owned()
}
