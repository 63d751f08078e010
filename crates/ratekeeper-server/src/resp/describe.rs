//! What the server says of itself.

use ratekeeper_resp::{Reply, Request};

use super::command::Command;
use super::refused::Refused;
use crate::app::App;

/// `COMMAND [COUNT|DOCS …|INFO …]`: nothing is described, which clients understand.
pub(super) fn commands(request: &Request<'_>, reply: &mut Reply<'_>) -> Result<(), Refused> {
    let Some(subcommand) = request.get(1) else {
        reply.array(0);
        return Ok(());
    };
    let is = |name: &str| subcommand.eq_ignore_ascii_case(name.as_bytes());
    if is("count") {
        reply.integer(i64::try_from(Command::KNOWN.len()).unwrap_or(0));
    } else if is("docs") {
        reply.map(0);
    } else if is("info") {
        reply.array(request.len() - 2);
        request.from(2).for_each(|_| _ = reply.null());
    } else {
        return Err(Refused::subcommand("COMMAND", subcommand));
    }
    Ok(())
}

/// `INFO`, whatever section is asked for.
pub(super) fn info(app: &App) -> String {
    // The version of Redis is that of the protocol: clients look at it to know what they may send.
    format!(
        "# Server\r\nserver_name:ratekeeper\r\nratekeeper_version:{}\r\nredis_version:7.2.0\r\nredis_mode:standalone\r\n\
         uptime_in_seconds:{}\r\nratekeeper_policy:{}\r\n\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n\
         # Persistence\r\nloading:0\r\n",
        env!("CARGO_PKG_VERSION"),
        app.uptime().as_secs(),
        app.engine.policy_version(),
    )
}
