//! Programs, and how they are started so that they end with us.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};

/// What is started: a program, as a user of the system if we may choose one.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    /// What ends it, in the words of `kill` without the dash.
    pub(crate) ending: &'static str,
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

    /// Runs it to its end in a folder.
    pub(crate) fn run(mut self, folder: &Path) {
        let said = self.command.current_dir(folder).output().unwrap();
        assert!(said.status.success(), "{:?}: {}", self.command, String::from_utf8_lossy(&said.stderr));
    }

    /// Has it run in a folder and write to a log there.
    pub(crate) fn logging_to(mut self, folder: &Path) -> Self {
        let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
        self.command.current_dir(folder).stdin(Stdio::null());
        self.command.stdout(log.try_clone().unwrap()).stderr(log);
        self
    }

    /// Starts it, on a thread that never ends: the system ends a process with the *thread* that started it.
    pub(crate) fn spawn(self) -> (Self, Child) {
        type Order = (Program, mpsc::Sender<(Program, Child)>);
        static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
        let spawner = SPAWNER.get_or_init(|| {
            let (orders, received) = mpsc::channel::<Order>();
            std::thread::spawn(move || {
                for (mut program, reply) in received {
                    if let Ok(child) = program.command.spawn() {
                        _ = reply.send((program, child));
                    }
                }
            });
            orders
        });
        let (reply, answer) = mpsc::channel();
        spawner.send((self, reply)).unwrap();
        answer.recv().expect("`setpriv` of Debian's util-linux can be started")
    }
}

pub(crate) fn is_root() -> bool {
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
