//! `ratekeeper replay`: who would have been refused, when, by which rule?

use super::load_policy;
use crate::cli::{OutputFormat, ReplayArguments};
use crate::failure::Failure;
use crate::replay::{Decisions, Progress, Replay, Side, print_json, print_text};

/// Replays the logs, and prints the summary also when a log broke off.
pub(crate) fn run(arguments: &ReplayArguments) -> Result<(), Failure> {
    let side = |path: &std::path::PathBuf| -> Result<Side, Failure> {
        Ok(Side::new(path.display().to_string(), load_policy(path, &arguments.env)?)?)
    };
    let first = side(&arguments.policy)?;
    let second = arguments.compare.as_ref().map(side).transpose()?;
    let decisions = arguments.decisions.as_deref().map(Decisions::create).transpose()?;
    let mut replay = Replay::new(first, second, decisions, Progress::new(arguments.quiet));
    let result = replay.run(&arguments.logs);
    if matches!(result, Err(Failure::Log { .. })) && replay.tally.lines == 0 {
        return result;
    }
    match arguments.format {
        OutputFormat::Text => print_text(&replay, arguments.top)?,
        OutputFormat::Json => print_json(&replay, arguments.top)?,
    }
    result
}
