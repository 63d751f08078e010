//! A server as a process of its own, which never outlives the one that started it.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::port;
use crate::program::Program;

/// How long anything may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a server is started that finds something in use.
const ATTEMPTS: u32 = 20;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    state: Mutex<State>,
    ready: Ready,
    folder: TempDir,
}

#[derive(Debug, Default)]
struct State {
    port: u16,
    /// To start it again; absent before and while it is being started.
    program: Option<Program>,
    child: Option<Child>,
}

/// Whether the server at a port answers as it should.
struct Ready(Box<dyn Fn(u16) -> bool + Send + Sync>);

impl fmt::Debug for Ready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ready")
    }
}

impl Process {
    /// Starts the program for a free port, and waits until it listens there and is `ready`. The folder is where it runs and
    /// logs, and goes with it.
    pub(crate) fn start(
        name: &'static str,
        folder: TempDir,
        program: impl Fn(u16) -> Program,
        ready: impl Fn(u16) -> bool + Send + Sync + 'static,
    ) -> Self {
        let process = Self { name, state: Mutex::default(), ready: Ready(Box::new(ready)), folder };
        process.bring_up(|state| {
            state.port = port::free_port();
            state.spawn(program(state.port).logging_to(process.folder()));
        });
        process
    }

    /// Starts it again on the same port in the same folder, and waits until it is ready; kills it first if it runs.
    ///
    /// # Panics
    /// With its log, if it does not start.
    pub fn restart(&self) {
        self.kill();
        self.bring_up(|state| {
            let program = state.program.take().unwrap();
            state.spawn(program);
        });
    }

    /// Waits until it is ready; does it all again if something is still in use: a port that somebody else was quicker to
    /// take, or memory that the children of a server have that was killed.
    fn bring_up(&self, start: impl Fn(&mut State)) {
        for attempt in 1.. {
            start(&mut self.state());
            let port = self.port();
            let answers = || ((self.ready.0)(port) && port::listens(self.pid(), port)).then_some(());
            let Err(why) = self.wait_for(answers) else {
                return;
            };
            let is_in_use = !self.is_running() && self.log().contains("in use");
            assert!(is_in_use && attempt < ATTEMPTS, "{why}");
        }
    }

    /// Where it listens, on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.state().port
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        port::loopback(self.port())
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.state().child().id()
    }

    /// Whether it has not ended; paused processes run.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state().is_running()
    }

    /// Sends it a signal, named as for `kill`: `-STOP`, `-CONT`, `-TERM`.
    ///
    /// # Panics
    /// If it does not run.
    pub fn signal(&self, signal: &str) {
        assert!(self.send(signal), "{} does not run\n{}", self.name, self.log());
    }

    /// Sends it a signal if it runs, and tells whether it did.
    fn send(&self, signal: &str) -> bool {
        let mut state = self.state();
        if !state.is_running() {
            return false;
        }
        // Its id is nobody else's until its end has been waited for.
        let pid = state.child().id().to_string();
        Command::new("kill").args([signal, &pid]).status().unwrap().success()
    }

    /// Stops it where it is: connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Kills it, as a crash would, and waits for its end.
    pub fn kill(&self) {
        if let Some(child) = &mut self.state().child {
            _ = child.kill();
            _ = child.wait();
        }
    }

    /// What it has written to its standard output and error.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read(self.folder().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Where it runs, and keeps its data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until `found` finds something.
    ///
    /// # Panics
    /// With the log, if the process ends or half a minute goes by.
    pub fn wait_until<T>(&self, found: impl FnMut() -> Option<T>) -> T {
        self.wait_for(found).unwrap_or_else(|why| panic!("{why}"))
    }

    fn wait_for<T>(&self, mut found: impl FnMut() -> Option<T>) -> Result<T, String> {
        let ends = || (!self.is_running()).then(|| Err("has ended"));
        let outcome = poll(|| found().map(Ok).or_else(ends)).unwrap_or(Err("is not ready in time"));
        outcome.map_err(|why| format!("{} {why}:\n{}", self.name, self.log()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic of another test changes nothing about the process.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it has been started")
    }

    fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    fn spawn(&mut self, program: Program) {
        let (program, child) = program.spawn();
        (self.program, self.child) = (Some(program), Some(child));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ending = self.state().program.as_ref().map_or("KILL", |program| program.ending);
        if ending != "KILL" && self.is_running() {
            self.send(&format!("-{ending}"));
            // It may have been paused, or have ended by now.
            self.send("-CONT");
            _ = poll(|| (!self.is_running()).then_some(()));
        }
        self.kill();
    }
}

/// Waits until `found` finds something.
///
/// # Panics
/// If half a minute goes by.
pub fn eventually<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    poll(found).unwrap_or_else(|| panic!("not in time: {what}"))
}

#[allow(
    clippy::disallowed_methods,
    reason = "other processes take real time, and do not say when they are done"
)]
fn poll<T>(mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(found) = found() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}
