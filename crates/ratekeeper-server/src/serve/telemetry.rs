//! Logs, to standard error.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::settings::{Log, LogFormat};

/// Starts to log as the settings say.
///
/// # Errors
/// If the level is none.
pub(super) fn start(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| Failure::start("log.level", format!("{error}; write one such as info or debug")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = match log.format {
        LogFormat::Json => builder.json().flatten_event(true).with_target(false).try_init(),
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).with_target(false).try_init(),
    };
    started.map_err(|error| Failure::start("logs", error))
}
