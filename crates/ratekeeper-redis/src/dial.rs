//! Connecting to one server.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ratekeeper_store::StoreError;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, Value};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::failure::{Failure, cannot_connect};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    /// Host and port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Who is asking.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "***");
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("password", &password)
            .finish()
    }
}

/// How to connect, to whichever server.
#[derive(Clone)]
pub(crate) struct Dial {
    pub(crate) credentials: Credentials,
    pub(crate) database: i64,
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial")
            .field("credentials", &self.credentials)
            .field("database", &self.database)
            .field("tls", &self.tls.is_some())
            .finish()
    }
}

/// A server that says nothing for so long while it is asked is given up.
const SILENCE: Duration = Duration::from_secs(2);
/// Commands that wait to be written; more wait before that.
const WAITING: usize = 1024;

/// A connection to one server, for any number of callers at the same time.
pub(crate) struct Connection {
    multiplexed: MultiplexedConnection,
    opened: Instant,
    /// Milliseconds after `opened`, plus one, at which a question was put that nothing has been heard since; else zero.
    silent_since: AtomicU64,
    ended: Arc<AtomicBool>,
    task: AbortHandle,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Connection {
    /// Connects and logs in.
    pub(crate) async fn open(dial: &Dial, address: &Address) -> Result<Arc<Self>, StoreError> {
        let unreachable = |error: std::io::Error| cannot_connect(address, &error.to_string());
        let stream: Box<dyn Stream> = match (address, &dial.tls) {
            (Address::Unix(path), _) => Box::new(UnixStream::connect(path).await.map_err(unreachable)?),
            (Address::Tcp(host, port), tls) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
                stream.set_nodelay(true).map_err(unreachable)?;
                match tls {
                    None => Box::new(stream),
                    Some(config) => {
                        let name = ServerName::try_from(host.clone()).map_err(|error| {
                            StoreError::Misconfigured {
                                reason: format!("{host} is no name of a server: {error}"),
                            }
                        })?;
                        let connector = TlsConnector::from(Arc::clone(config));
                        Box::new(connector.connect(name, stream).await.map_err(unreachable)?)
                    }
                }
            }
        };
        let mut info = RedisConnectionInfo::default().set_db(dial.database).set_skip_set_lib_name();
        if let Some(user) = &dial.credentials.user {
            info = info.set_username(user);
        }
        if let Some(password) = &dial.credentials.password {
            info = info.set_password(password);
        }
        // Who asks says how long to wait; a connection that says nothing at all is noticed here.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None)
            .set_pipeline_buffer_size(WAITING);
        let connected = MultiplexedConnection::new_with_config(&info, stream, config).await;
        let (multiplexed, driver) = connected.map_err(|error| Failure::of(&error).opening(address))?;
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let task = tokio::spawn(async move {
            driver.await;
            end.store(true, Ordering::Release);
        });
        let (opened, task) = (Instant::now(), task.abort_handle());
        Ok(Arc::new(Self { multiplexed, opened, silent_since: AtomicU64::new(0), ended, task }))
    }

    /// Whether it is closed, or has not answered for long.
    pub(crate) fn is_bad(&self) -> bool {
        if self.ended.load(Ordering::Acquire) {
            return true;
        }
        let since = self.silent_since.load(Ordering::Relaxed);
        let silent = since > 0 && self.opened.elapsed() > Duration::from_millis(since) + SILENCE;
        if silent {
            self.give_up();
        }
        silent
    }

    /// Closes it, under the hands of whoever still waits.
    pub(crate) fn give_up(&self) {
        self.ended.store(true, Ordering::Release);
        self.task.abort();
    }

    /// Sends one command, and waits for its answer.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, Failure> {
        self.begins();
        let answer = self.multiplexed.clone().send_packed_command(command).await;
        self.ends(answer.and_then(Value::extract_error))
    }

    /// Sends commands in one piece, and waits for the answer to the last.
    pub(crate) async fn ask_in_order(&self, commands: &Pipeline) -> Result<Value, Failure> {
        self.begins();
        let last = commands.len().saturating_sub(1);
        let answer = self.multiplexed.clone().send_packed_commands(commands, 0, last + 1).await;
        self.ends(answer.and_then(|mut all| all.pop().unwrap_or(Value::Nil).extract_error()))
    }

    fn begins(&self) {
        if self.silent_since.load(Ordering::Relaxed) == 0 {
            let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.silent_since.store(now.saturating_add(1), Ordering::Relaxed);
        }
    }

    fn ends(&self, answer: redis::RedisResult<Value>) -> Result<Value, Failure> {
        self.silent_since.store(0, Ordering::Relaxed);
        answer.map_err(|error| {
            let failure = Failure::of(&error);
            if matches!(failure, Failure::Lost(_) | Failure::ReadOnly) {
                self.give_up();
            }
            failure
        })
    }
}
