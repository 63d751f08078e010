//! PostgreSQL.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::folder::{folder, give};
use crate::port::loopback;
use crate::process::Process;
use crate::program::Program;

/// Debian's, by its full path: another may be in `PATH`.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// It refuses to run as root.
const USER: Option<&str> = Some("postgres");

/// A server of PostgreSQL that runs until it is dropped; what a [`Process`] can, it can.
///
/// It lets everybody in as `postgres`, and forgets at a crash of the machine, not of its own, what it has not written.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
}

impl Postgres {
    /// Starts a server.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with settings, such as `["max_connections=20"]`.
    ///
    /// # Panics
    /// With its log, if it does not start.
    #[must_use]
    pub fn with(settings: &[&str]) -> Self {
        let folder = folder();
        give(folder.path(), "postgres");
        initialise(folder.path());
        let program = |port: u16| {
            let program = Program::ended_by("QUIT", USER, format!("{PROGRAMS}/postgres"));
            let own = [
                "fsync=off",
                "full_page_writes=off",
                "unix_socket_directories=.",
                "listen_addresses=127.0.0.1",
            ];
            let settings = own.iter().chain(settings).flat_map(|setting| ["-c", setting]);
            program.args(["-D", "data", "-p", &port.to_string()]).args(settings)
        };
        let process = Process::start("postgres", folder, program, is_ready);
        Self { process }
    }

    /// The server that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Its URL, with user and database.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port())
    }

    /// The folder of its socket in the file system, as clients want it in place of a host.
    #[must_use]
    pub fn socket_folder(&self) -> PathBuf {
        self.folder().to_owned()
    }

    /// Executes statements and returns the rows, one a line, columns with `|` between them.
    ///
    /// # Panics
    /// If one fails.
    pub fn psql(&self, sql: &str) -> String {
        psql(self.port(), sql).unwrap_or_else(|why| panic!("{sql}: {why}\n{}", self.log()))
    }
}

impl Deref for Postgres {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// A `PgBouncer` in front of a server, which lends connections for a transaction; what a [`Process`] can, it can.
#[derive(Debug)]
pub struct Pooler {
    process: Process,
}

impl Pooler {
    /// Starts one in front of a server.
    ///
    /// # Panics
    /// With its log, if it does not start.
    #[must_use]
    pub fn in_front_of(server: &Postgres) -> Self {
        let folder = folder();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n\
             [pgbouncer]\npool_mode = transaction\nauth_type = any\nlisten_addr = 127.0.0.1\nunix_socket_dir =\n\
             max_client_conn = 1000\ndefault_pool_size = 20\nignore_startup_parameters = extra_float_digits\n",
            server.port()
        );
        let path = folder.path().join("pgbouncer.ini");
        let program = |port: u16| {
            std::fs::write(&path, format!("{settings}listen_port = {port}\n")).unwrap();
            Program::ended_by("KILL", USER, "/usr/sbin/pgbouncer").args([&path])
        };
        let process = Process::start("pgbouncer", folder, program, is_ready);
        Self { process }
    }

    /// Its URL, with user and database.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port())
    }
}

impl Deref for Pooler {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// Makes an empty database in the folder.
fn initialise(folder: &Path) {
    let program = Program::ended_by("KILL", USER, format!("{PROGRAMS}/initdb"));
    program
        .args([
            "--no-sync",
            "--no-instructions",
            "--auth=trust",
            "--username=postgres",
        ])
        .args(["--encoding=UTF8", "--no-locale", "--pgdata=data"])
        .run(folder);
}

fn url(port: u16) -> String {
    format!("postgres://postgres@{}/postgres", loopback(port))
}

fn is_ready(port: u16) -> bool {
    psql(port, "SELECT 1").is_ok()
}

fn psql(port: u16, sql: &str) -> Result<String, String> {
    let mut psql = Command::new(format!("{PROGRAMS}/psql"));
    psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, "-d", &url(port)]);
    let said = psql.env("PGCONNECT_TIMEOUT", "10").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if said.status.success() {
        Ok(text(&said.stdout))
    } else {
        Err(text(&said.stderr))
    }
}
