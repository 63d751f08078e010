//! memcached.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::ops::Deref;
use std::sync::OnceLock;
use std::time::Duration;

use crate::folder::folder;
use crate::port::loopback;
use crate::process::Process;
use crate::program::Program;

/// A node of memcached that runs until it is dropped; what a [`Process`] can, it can.
#[derive(Debug)]
pub struct Memcached {
    process: Process,
}

impl Memcached {
    /// Starts a node with 64 MB.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&["-m", "64"])
    }

    /// Starts a node with more arguments, such as `["-m", "1", "-I", "1k"]`.
    ///
    /// # Panics
    /// With its log, if it does not start.
    #[must_use]
    pub fn with(arguments: &[&str]) -> Self {
        let program = |port: u16| {
            let program = Program::ended_by("KILL", Some("memcache"), "memcached");
            program.args(["-l", "127.0.0.1", "-U", "0", "-p", &port.to_string()]).args(arguments)
        };
        let process = Process::start("memcached", folder(), program, is_ready);
        Self { process }
    }

    /// The node that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Memcached> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Sends a line, such as `version` or `flush_all`, and returns the first line of the answer.
    ///
    /// # Panics
    /// If there is no answer within 10 seconds.
    pub fn command(&self, line: &str) -> String {
        ask(self.port(), line).unwrap_or_else(|error| panic!("{line}: {error}\n{}", self.log()))
    }
}

impl Deref for Memcached {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

fn is_ready(port: u16) -> bool {
    // Started with `-Y` it asks for a login first.
    let answers = |answer: String| answer.starts_with("VERSION") || answer == "CLIENT_ERROR unauthenticated";
    ask(port, "version").is_ok_and(answers)
}

fn ask(port: u16, line: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(loopback(port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(format!("{line}\r\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}
