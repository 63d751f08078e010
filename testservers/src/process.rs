//! A server as a process of its own, which never outlives the one that started it.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, mpsc};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::port;

/// How long anything may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is started: a program, as a user of the system if we may choose one.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    /// What ends it, in the words of `kill` without the dash.
    ending: &'static str,
}

impl Program {
    /// A program that is killed when it is not needed any more.
    pub(crate) fn new(path: impl AsRef<OsStr>) -> Self {
        Self::ended_by("KILL", None, path)
    }

    /// A program that runs as `user` when we are root, because it refuses to run as root or would change the user itself,
    /// which makes the system forget that it is to end with us.
    pub(crate) fn ended_by(ending: &'static str, user: Option<&str>, path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new("setpriv");
        if let Some(user) = user.filter(|_| is_root()) {
            command.args(["--reuid", user, "--regid", user, "--init-groups"]);
        }
        command.args(["--pdeathsig", ending]).arg(path);
        Self { command, ending }
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// To run it to its end.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    state: Mutex<State>,
    ending: &'static str,
    folder: TempDir,
}

#[derive(Debug)]
struct State {
    /// To start it again; absent while it is being started.
    command: Option<Command>,
    child: Child,
}

impl Process {
    /// Starts a program, without waiting for anything. Its folder is where it runs and logs, and goes with it.
    pub(crate) fn start(name: &str, folder: TempDir, program: Program) -> Self {
        let Program { mut command, ending } = program;
        let log = File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
        command.current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let state = Mutex::new(spawn(command));
        Self { name: name.to_owned(), state, ending, folder }
    }

    /// Starts a program on a free port, and waits until it listens there and says that it is `ready`.
    ///
    /// Begins again with another port if somebody else was quicker to take it.
    pub(crate) fn on_free_port(
        name: &str,
        mut folder: TempDir,
        program: impl Fn(u16) -> Program,
        mut ready: impl FnMut(u16) -> bool,
    ) -> (Self, u16) {
        loop {
            let port = port::free_port();
            let command = program(port);
            let process = Self::start(name, folder, command);
            let answers = || (ready(port) && port::listens(process.pid(), port)).then_some(());
            match process.wait_for(answers) {
                Ok(()) => return (process, port),
                Err(_) if !process.is_running() && !port::is_free(port) => folder = process.into_folder(),
                Err(why) => panic!("{why}"),
            }
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.state().child.id()
    }

    /// Whether it has not ended; paused processes run.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state().child.try_wait().unwrap().is_none()
    }

    /// Sends it a signal, named as for `kill`: `-STOP`, `-CONT`, `-TERM`.
    ///
    /// # Panics
    /// If it does not run.
    pub fn signal(&self, signal: &str) {
        let mut state = self.state();
        assert!(state.child.try_wait().unwrap().is_none(), "{} does not run\n{}", self.name, self.log());
        let pid = state.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
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
        let mut state = self.state();
        _ = state.child.kill();
        _ = state.child.wait();
    }

    /// Starts it as it was started before, in the same folder; kills it first if it runs. Does not wait until it is ready.
    pub(crate) fn restart(&self) {
        self.kill();
        let mut state = self.state();
        *state = spawn(state.command.take().unwrap());
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
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Ends it, and hands its folder on.
    fn into_folder(mut self) -> TempDir {
        self.kill();
        std::mem::replace(&mut self.folder, folder())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ending != "KILL" && self.is_running() {
            self.signal(&format!("-{}", self.ending));
            self.signal("-CONT");
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

/// Starts a process on a thread that never ends: the system kills a process when the *thread* ends that started it.
fn spawn(command: Command) -> State {
    type Order = (Command, mpsc::Sender<State>);
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, received) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in received {
                if let Ok(child) = command.spawn() {
                    _ = reply.send(State { command: Some(command), child });
                }
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    spawner.send((command, reply)).unwrap();
    answer.recv().expect("`setpriv` of Debian's util-linux can be started")
}

/// A new folder, which users other than root can reach as well. It goes when it is dropped, or when this process ends.
pub(crate) fn folder() -> TempDir {
    static ALL: OnceLock<PathBuf> = OnceLock::new();
    let new = |parent: &Path| {
        let folder = tempfile::Builder::new().prefix("testservers-").tempdir_in(parent).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        folder
    };
    new(ALL.get_or_init(|| {
        let all = new(&std::env::temp_dir()).keep();
        remove_at_end(&all);
        all
    }))
}

/// Leaves a shell behind that removes a folder when this process has ended, however it does: what is static is not dropped.
#[allow(clippy::zombie_processes, reason = "it ends after us")]
fn remove_at_end(folder: &Path) {
    // The input ends with us. What runs in the folder is told to end at the same time, and may need a moment to do so.
    const SCRIPT: &str =
        "trap '' HUP INT QUIT TERM; cat; for _ in 1 2 3 4 5; do rm -rf \"$0\" && break; sleep 1; done";
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let shell = command.spawn().unwrap();
    // Never closed by us.
    std::mem::forget(shell.stdin);
}

/// Makes a user the owner of a folder, if we are root and may.
pub(crate) fn give(folder: &Path, user: &str) {
    if is_root() {
        assert!(Command::new("chown").arg("-R").arg(user).arg(folder).status().unwrap().success());
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A path below the folder where `cargo xtask test` installs what Debian does not have.
pub(crate) fn installed(path: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let mut candidates = program.ancestors().map(|target| target.join("needs").join(path));
    candidates.find(|candidate| candidate.exists()).unwrap_or_else(|| {
        panic!("needs/{path} is missing above {}: `cargo xtask test` installs it", program.display())
    })
}
