//! Child processes: said before they run, without standard input, failures as errors.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;

/// A program about to run.
#[derive(Debug)]
pub(crate) struct Cmd {
    inner: Command,
    shown: String,
}

impl Cmd {
    /// A program, run in `dir`.
    pub(crate) fn new(program: impl AsRef<OsStr>, dir: &Path) -> Self {
        let shown = Path::new(program.as_ref())
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut inner = Command::new(program);
        inner.current_dir(dir).stdin(Stdio::null());
        Self { inner, shown }
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&arg.as_ref().to_string_lossy());
        self.inner.arg(arg);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets one variable of the program's environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Says the command, runs it with our output as its output.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        println!("$ {}", self.shown);
        let status = self.inner.status().map_err(|source| self.start(source))?;
        if status.success() {
            Ok(())
        } else {
            Err(self.failed(status, String::new()))
        }
    }

    /// Says the command, runs it, passes on what it writes line by line, and returns that too.
    pub(crate) fn shown(mut self) -> Result<String, Error> {
        println!("$ {}", self.shown);
        let child = self.inner.stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|source| self.start(source))?;
        let mut text = String::new();
        for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
            let line = line.map_err(|source| self.start(source))?;
            println!("{line}");
            text.push_str(&line);
            text.push('\n');
        }
        let status = child.wait().map_err(|source| self.start(source))?;
        if status.success() {
            Ok(text)
        } else {
            Err(self.failed(status, String::new()))
        }
    }

    /// Runs it silently and returns what it wrote.
    pub(crate) fn output(mut self) -> Result<Vec<u8>, Error> {
        let output = self.inner.output().map_err(|source| self.start(source))?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(self.failed(output.status, String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }

    /// Whether it can be run and exits with 0; what it says is thrown away.
    pub(crate) fn succeeds(mut self) -> bool {
        self.inner
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn start(&self, source: std::io::Error) -> Error {
        Error::Start { command: self.shown.clone(), source }
    }

    fn failed(&self, status: std::process::ExitStatus, stderr: String) -> Error {
        Error::Failed { command: self.shown.clone(), status, stderr }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let error = Cmd::new("sh", Path::new("/")).args(["-c", "echo why >&2; exit 3"]).output();
        let text = error.map_err(|error| error.to_string());
        assert_eq!(text, Err("`sh -c echo why >&2; exit 3` failed: exit status: 3\nwhy".to_owned()));
    }

    #[test]
    fn a_missing_program_is_an_error_not_a_panic() {
        assert!(!Cmd::new("no-such-program-anywhere", Path::new("/")).succeeds());
        assert!(matches!(
            Cmd::new("no-such-program-anywhere", Path::new("/")).output(),
            Err(Error::Start { .. })
        ));
    }

    #[test]
    fn what_is_shown_is_returned() {
        let shown = |script| Cmd::new("sh", Path::new("/")).args(["-c", script]).shown();
        assert_eq!(shown("echo one; echo two").ok().as_deref(), Some("one\ntwo\n"));
        assert!(matches!(shown("echo one; exit 3"), Err(Error::Failed { .. })));
    }

    #[test]
    fn standard_input_is_empty() {
        let read = Cmd::new("cat", Path::new("/")).output();
        assert_eq!(read.ok(), Some(Vec::new()));
    }
}
