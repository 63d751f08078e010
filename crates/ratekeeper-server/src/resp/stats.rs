//! What is counted of commands.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::command::Command;

/// Counters of commands, resolved once.
#[derive(Debug)]
pub(crate) struct RedisStats {
    /// By the place of a command: those answered, those answered by an error.
    commands: Vec<[IntCounter; 2]>,
}

impl RedisStats {
    /// # Errors
    /// If the registry has a metric of this name.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = IntCounterVec::new(
            Opts::new(
                "ratekeeper_redis_commands_total",
                "Commands of the Redis protocol, by whether they were answered or refused by an error.",
            ),
            &["command", "outcome"],
        )?;
        registry.register(Box::new(counters.clone()))?;
        let commands = Command::KNOWN.into_iter().chain([Command::Other]);
        let commands = commands.map(|command| {
            ["ok", "error"].map(|outcome| counters.with_label_values(&[command.name(), outcome]))
        });
        Ok(Self { commands: commands.collect() })
    }

    pub(super) fn answered(&self, command: Command, ok: bool) {
        if let Some(counters) = self.commands.get(command as usize) {
            counters[usize::from(!ok)].inc();
        }
    }
}
