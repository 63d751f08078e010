//! What a connection has said of itself, and the way to its commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ratekeeper_resp::{Reply, Request, Version};

use super::access::Access;
use super::command::Command;
use super::refused::{Refused, excerpt};
use super::throttle::Throttle;
use super::{client, describe, greet, rule};
use crate::app::App;
use crate::listen::Closed;

/// The state of a connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) app: Arc<App>,
    pub(super) version: Version,
    pub(super) access: Access,
    /// As its client calls it.
    pub(super) name: Vec<u8>,
    /// Its number, which no other connection has.
    pub(super) id: i64,
    throttle: Throttle,
}

static CONNECTIONS: AtomicI64 = AtomicI64::new(0);

impl Session {
    pub(super) fn new(app: &Arc<App>) -> Self {
        Self {
            app: Arc::clone(app),
            version: Version::Resp2,
            access: Access::new(app),
            name: Vec::new(),
            id: CONNECTIONS.fetch_add(1, Ordering::Relaxed) + 1,
            throttle: Throttle::default(),
        }
    }

    /// Answers one request.
    ///
    /// # Errors
    /// If the connection ends after it.
    pub(super) async fn answer(&mut self, request: &Request<'_>, out: &mut Vec<u8>) -> Result<(), Closed> {
        let Some(name) = request.get(0) else {
            return Ok(());
        };
        let command = Command::named(name);
        if command == Command::Other && is_http(name) {
            return Err(Closed::Failed);
        }
        let answered = self.run(command, request, out).await;
        self.app.metrics.redis.answered(command, answered.is_ok());
        if let Err(Refused(text)) = answered {
            Reply::new(out, self.version).error(&text);
        }
        match command {
            Command::Quit => Err(Closed::Done),
            _ => Ok(()),
        }
    }

    async fn run(
        &mut self,
        command: Command,
        request: &Request<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        if !self.access.is_granted(&self.app) && !command.is_free() {
            return Err("NOAUTH Authentication required.".into());
        }
        let mut reply = Reply::new(out, self.version);
        match command {
            Command::Throttle => return self.throttle.run(&self.app, request, &mut reply).await,
            Command::Check => return rule::check(&self.app, request, &mut reply).await,
            Command::Hello => return greet::hello(self, request, out),
            Command::Auth => greet::auth(self, request).map(|()| reply.simple("OK"))?,
            Command::Client => return client::client(self, request, out),
            Command::Command => return describe::commands(request, &mut reply),
            Command::Info => reply.bulk(describe::info(&self.app)),
            Command::Ping => match (request.len(), request.get(1)) {
                (1, _) => reply.simple("PONG"),
                (2, Some(message)) => reply.bulk(message),
                _ => return Err(Refused::number_of_arguments(command.name())),
            },
            Command::Echo => match (request.len(), request.get(1)) {
                (2, Some(message)) => reply.bulk(message),
                _ => return Err(Refused::number_of_arguments(command.name())),
            },
            Command::Select => match (request.len(), request.get(1)) {
                (2, Some(b"0")) => reply.simple("OK"),
                (2, _) => return Err("ERR DB index is out of range: there is only 0".into()),
                _ => return Err(Refused::number_of_arguments(command.name())),
            },
            Command::Reset => {
                self.version = Version::Resp2;
                self.access = Access::new(&self.app);
                self.name.clear();
                reply.simple("RESET")
            }
            Command::Quit => reply.simple("OK"),
            Command::Other => return Err(unknown(request)),
        };
        Ok(())
    }
}

/// Whether this is a browser that was sent here: what it goes on to send would be taken for commands.
fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

/// As Redis says it, so that clients know it for what it is.
fn unknown(request: &Request<'_>) -> Refused {
    let mut text = format!(
        "ERR unknown command '{}', with args beginning with: ",
        excerpt(request.get(0).unwrap_or_default())
    );
    for argument in request.from(1).take(3) {
        text.push_str(&format!("'{}' ", excerpt(&argument[..argument.len().min(32)])));
    }
    text.push_str("(ratekeeper keeps no data; it knows CL.THROTTLE and RK.CHECK)");
    text.into()
}
