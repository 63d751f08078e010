//! What the command line says of a run.

use std::path::PathBuf;

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Other keys, other order, other costs.
    #[arg(long, default_value_t = 0, global = true)]
    pub seed: u64,
    /// How often every subject has its turn.
    #[arg(long, default_value_t = 7, global = true)]
    pub rounds: usize,
    /// How many milliseconds a turn lasts, where it has no end of its own.
    #[arg(long, default_value_t = 100, global = true)]
    pub turn_ms: u64,
    /// How many keys are many.
    #[arg(long, default_value_t = 1_000_000, global = true)]
    pub keys: usize,
    /// Where results go.
    #[arg(long, default_value = "target/bench", global = true)]
    pub out: PathBuf,
}
